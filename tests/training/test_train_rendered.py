"""From measured recordings to weights that find what was planted, in a few steps."""

import json

import numpy as np
import pytest
import torch
from made_recipes import changed, flat_recipe
from planted_motion import NAMES, measured, recording, region_flow, smiles_and_brows

import mescope
from mescope.errors import RecipeError
from mescope.events import Interval
from mescope.models.inference import score_windows
from mescope.models.me_tst import MeTstOutput
from mescope.models.weights import load, read_card
from mescope.samples import rendered_windows as module
from mescope.samples.rendered_windows import RenderedEpochs, held_out, measured_for
from mescope.spotting.cascade import CascadeRule, judge
from mescope.spotting.proposals import ProposalRule
from mescope.spotting.segments import CORE, SAMPLES, channels
from mescope.training import rendered_calibration
from mescope.training.rendered_calibration import QUIET, calibrate, found_by
from mescope.training.train_rendered import train_rendered

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"dim": 16, "blocks": 1, "layers": 1, "states": 4}
RECIPE = flat_recipe(
    name="tiny",
    model="me-tst-plus-small",
    data="rendered",
    options={**SMALL, "channels": channels(18)},
    hours=0.1,
    seconds=30.0,
    held_out=0.25,
    epochs=2,
    steps=20,
    batch_size=32,
    learning_rate=1e-2,
)
WINDOWS = changed(RECIPE, look="windows", options={**SMALL, "channels": 36})


@pytest.fixture(scope="module")
def recordings():
    return [smiles_and_brows(number) for number in range(8)]


@pytest.fixture(scope="module")
def run(recordings, tmp_path_factory, one_thread):
    """A run on candidates: its folder, its card, its history."""
    folder = tmp_path_factory.mktemp("run")
    return folder, *train_rendered(RECIPE, recordings, folder)


def test_weights_say_what_they_are(run):
    folder, card, history = run
    assert read_card(folder / "tiny.safetensors") == card
    assert (card.look, card.head, card.window) == ("candidates", "face", SAMPLES)
    assert card.regions == NAMES
    assert card.simulated
    assert "no real face" in card.trained_on
    assert json.loads(card.recipe) == RECIPE.to_dict()
    assert len(history) == RECIPE.optim.epochs
    assert 0.2 <= card.proposals["floor"] <= 0.9
    figures = {"spotting_f1", "micro_f1", "precision", "recall", "false_alarms_per_minute"}
    assert {f"rendered_{name}" for name in figures} <= set(card.scores)
    assert card.scores["rendered_spotting_f1"] > 0.8
    assert card.scores["rendered_false_alarms_per_minute"] <= QUIET


def test_the_analyzer_tells_smiles_from_brows_with_them(run):
    """On a recording that neither training nor calibration saw."""
    folder, card, _ = run
    analyzer = mescope.load(folder / "tiny.safetensors")
    assert analyzer.rule() == CascadeRule(**card.proposals)
    smile, brows, long = (200, 212), (400, 412), (600, 640)
    events = [(smile, ["corner_l", "corner_r", "lips"], (0.0, -3.0)),
              (brows, ["brow_l", "brow_r"], (0.0, -3.0)),
              (long, ["corner_l", "corner_r", "lips"], (0.0, -3.0))]  # fmt: skip
    flow = region_flow(recording(900, 0.03, events, seed=99))
    found = analyzer.detect(flow)[0]
    assert [d.kind for d in found] == ["micro", "macro"]
    for one, span in zip(found, (smile, long), strict=True):
        assert one.interval.iou(Interval(*span)) > 0.5
        assert one.emotion == "positive"


def test_a_run_that_is_done_is_not_trained_again(run, recordings):
    folder, card, history = run

    def refused(*_):
        raise AssertionError("trained again")

    again, same = train_rendered(RECIPE, recordings, folder, report=refused)
    assert again == card
    assert same == history


def test_held_out_recordings_are_not_trained_on(run, recordings, tmp_path):
    """Rubbish in their place changes the calibration and no weight."""
    folder, card, _ = run
    spoilt = [*recordings[:6], *(smiles_and_brows(50 + n) for n in range(2))]
    other, _ = train_rendered(RECIPE, spoilt, tmp_path)
    a, b = (load(f / "tiny.safetensors")[0].state_dict() for f in (folder, tmp_path))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert other.proposals != card.proposals


def test_windows_look_at_the_plain_flow(recordings, tmp_path):
    card, _ = train_rendered(WINDOWS, recordings, tmp_path)
    assert (card.look, card.head, card.window) == ("windows", "face", 50)
    analyzer = mescope.load(tmp_path / "tiny.safetensors")
    assert analyzer.rule() == ProposalRule(**card.proposals)
    flow = region_flow(recording(300, 0.03, seed=7))
    _, score, emotion = analyzer.detect(flow)
    assert score.shape == (300,)
    np.testing.assert_allclose(emotion.sum(axis=1), 1.0, rtol=1e-5)


def test_an_epoch_is_its_number(recordings):
    for recipe in (RECIPE, WINDOWS):
        given = recipe.data, recipe.seed, recordings[:3]
        source = RenderedEpochs(*given)
        one, again, other = source(1), RenderedEpochs(*given)(1), source(2)
        for length, part in one.by_length.items():
            np.testing.assert_array_equal(part.flow, again.by_length[length].flow)
            positive = (part.spotting > 0).any(axis=1).sum()
            assert 0 < len(part.flow) <= positive * (1 + recipe.data.negative_ratio)
            whole = other.by_length[length]
            assert (whole.spotting > 0).any(axis=1).sum() == positive  # all, in every epoch


class ByMouth(torch.nn.Module):
    """Scores a candidate by how far the mouth moves against the brows."""

    def forward(self, cut):
        mouth = cut[:, 2 * NAMES.index("MOUTH") + 1].abs()
        brows = cut[:, 2 * NAMES.index("BROW_L") + 1].abs()
        inside = torch.zeros(cut.shape[-1])
        inside[CORE] = 1.0
        more = (mouth - brows)[:, CORE].mean(dim=1, keepdim=True)
        score = torch.sigmoid(6 * more) * inside
        return MeTstOutput(score, torch.zeros(*score.shape, 5))


def test_calibration_chooses_a_floor_that_is_quiet(recordings, monkeypatch):
    monkeypatch.setattr(
        rendered_calibration, "QUIET", 3.5
    )  # this network is not quieter at any floor
    rule, figures = calibrate(ByMouth(), recordings)
    minutes = sum(len(one.times) / one.rate for one in recordings) / 60
    assert figures["rendered_false_alarms_per_minute"] <= 3.5
    assert figures["rendered_recall"] > 0.4
    alarms = 0
    for one in recordings:
        judged, _ = judge(
            one.motion, one.shape, one.rate, NAMES, lambda cut: score_windows(ByMouth(), cut)
        )
        for found in found_by(one, judged, rule):
            assert found.score >= rule.floor
            alarms += not any(
                found.kind == e.kind and found.interval.iou(e.interval) >= 0.5
                for e in one.expressions
            )
    assert alarms / minutes == pytest.approx(
        figures["rendered_false_alarms_per_minute"], abs=1e-3
    )


def test_nothing_to_calibrate_on_says_so():
    still = [measured(0, np.zeros((900, 36)), [])]
    with pytest.raises(RecipeError, match="render more hours"):
        calibrate(ByMouth(), still)


@pytest.fixture
def asked(monkeypatch):
    """What is asked of ``measured_recordings``, whose recordings are named by their order."""
    asked = []

    def recordings_of(folder, count, seed, seconds, *, manner, jobs, progress):
        asked.append((folder, count, seed, seconds, manner, jobs))
        for done in range(count + 1):
            progress(done, count)
        return iter(f"{manner} {number}" for number in range(count))

    monkeypatch.setattr(module, "measured_recordings", recordings_of)
    return asked


@pytest.mark.parametrize(("staged", "natural"), [(0.5, 6), (0.25, 9), (0.0, 12)])
def test_natural_and_staged_recordings_are_kept_and_mixed(asked, tmp_path, staged, natural):
    recipe = changed(RECIPE, staged=staged, seed=3)
    told = []
    found = measured_for(
        recipe.data, recipe.seed, tmp_path, jobs=3, progress=lambda *done: told.append(done)
    )
    kept = (tmp_path / "measured", 3, 30.0, 3)
    assert [(f, s, sec, jobs) for f, _, s, sec, _, jobs in asked] == [kept, kept]
    assert [(manner, count) for _, count, _, _, manner, _ in asked] == [
        ("natural", natural), ("staged", 12 - natural),
    ]  # fmt: skip
    assert len(set(found)) == len(found) == 12
    assert told[0] == (0, 12)
    assert told[-1] == (12, 12)
    held = held_out(recipe.data, found)
    assert len(held) == 3
    shares = [sum(one.startswith("staged") for one in some) for some in (found[:6], held)]
    assert shares[0] == pytest.approx(6 * staged, abs=1)
    assert shares[1] == pytest.approx(3 * staged, abs=1)
