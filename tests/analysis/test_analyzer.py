"""The whole way on planted motion: recording in, detections with evidence out."""

import json
from dataclasses import replace

import numpy as np
import pytest

import mescope
from mescope.analysis.analyzer import Analyzer
from mescope.errors import MescopeError, VideoError, WeightsError
from mescope.models.weights import list_weights, read_card
from mescope.synthesis.dynamics import PlantedExpression, random_script
from mescope.synthesis.portraits import test_portraits as portraits
from mescope.synthesis.render import SyntheticVideo


def film(rate=30.0, seconds=8.0, units=("12",), emotion="positive", level="calm", face=0):
    """A face at rest but for one micro-expression at 4 s (none without units)."""
    script = random_script(
        np.random.default_rng(5), seconds, level=level, micro_per_minute=0, macro_per_minute=0
    )
    if units:
        planted = PlantedExpression(
            onset_s=4.0, apex_s=4.18, offset_s=4.4, kind="micro", emotion=emotion,
            action_units=units, peak=1.0,
        )  # fmt: skip
        script = replace(script, expressions=(planted,))
    return SyntheticVideo(portraits()[face], script, rate, name="planted")


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return mescope.load()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "units", "emotion"),
    [(30.0, ("12",), "positive"), (30.0, ("1", "2"), "surprise"), (200.0, ("4",), "negative")],
)
def test_a_planted_expression_is_found_named_and_explained(analyzer, rate, units, emotion):
    video = film(rate, units=units, emotion=emotion)
    analysis = analyzer.analyze(video, cache=None)
    [found] = [d for d in analysis.detections if d.kind == "micro"]
    [wanted] = video.expressions
    assert found.interval.iou(wanted.interval) >= 0.5
    assert found.emotion == emotion
    assert found.onset_s == pytest.approx(4.0, abs=0.12)
    [finding] = [f for f in analysis.findings if f.detection == found]
    assert set(units) & set(finding.evidence.action_units)
    assert finding.apex_picture.shape[2] == 3
    assert analysis.decode["complete"]
    assert analysis.provenance["simulated"]


@pytest.mark.slow
def test_a_face_that_only_sways_yields_nothing(analyzer):
    analysis = analyzer.analyze(film(units=(), level="middle"), cache=None)
    assert analysis.detections == ()
    assert not np.isnan(analysis.traces.spotting).any()


@pytest.mark.slow
def test_no_face_is_a_gap_and_a_warning_not_an_error(analyzer, tmp_path):
    noise = np.random.default_rng(0).integers(90, 110, (60, 120, 160), dtype=np.uint8)
    analysis = analyzer.analyze(noise, rate=30, cache=None)
    assert analysis.detections == ()
    assert [(g.interval.first, g.interval.last) for g in analysis.gaps] == [(0, 59)]
    assert any("no face" in line for line in analysis.warnings)
    page = json.loads(analysis.save(tmp_path / "x.json").read_text())
    assert page["detections"] == []


@pytest.mark.slow
def test_the_second_opinion_finds_it_too(analyzer):
    video = film()
    found = analyzer.analyze(video, cache=None, method="flow-peaks").detections
    assert any(d.interval.iou(video.expressions[0].interval) >= 0.4 for d in found)


@pytest.mark.slow
def test_the_second_run_comes_from_the_cache_and_says_the_same(analyzer, tmp_path):
    first = analyzer.analyze(film(), cache=tmp_path)
    again = analyzer.analyze(film(), cache=tmp_path)
    assert again.detections == first.detections
    assert again.decode == first.decode
    np.testing.assert_array_equal(again.traces.spotting, first.traces.spotting)


def test_every_shipped_file_loads_and_is_labelled_simulated():
    cards = {name: read_card(path) for name, path in list_weights().items()}
    assert {"me-tst-plus-small", "merba-s28"} <= set(cards)
    assert all(card.simulated for card in cards.values())
    for name, card in cards.items():
        if card.regions:
            rule = mescope.load(name).rule()
            assert card.mode == "clean"
            assert 0 < rule.floor < 1


def test_unknown_names_and_devices_are_refused():
    with pytest.raises(WeightsError, match="me-tst-plus-small"):
        mescope.load("me-tst-plus-smal")
    with pytest.raises(MescopeError, match=r"no GPU|unknown device"):
        mescope.load(device="cuda:7")
    with pytest.raises(MescopeError, match="unknown device"):
        mescope.load(device="toaster")


def test_a_recording_that_is_too_short_is_refused(analyzer):
    with pytest.raises(VideoError, match="too short"):
        analyzer.analyze(np.zeros((1, 40, 40), np.uint8), rate=30, cache=None)
