"""SOFTNet and MEAN from maps of recordings to weights that find what was planted."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from made_recipes import changed

from mescope.analysis.analyzer import Analyzer, load
from mescope.errors import RecipeError
from mescope.events import Expression, Interval
from mescope.models.weights import list_weights, read_card
from mescope.motion.roi_flow import extract
from mescope.samples import frame_recordings as module
from mescope.samples.frame_recordings import FrameRecording, RenderedFrames, frame_recordings
from mescope.samples.pair_labels import pair_labels
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.portraits import test_portraits as portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.training.recipe import read_recipe
from mescope.training.tasks import task_of
from mescope.training.train_rendered import train_rendered

pytestmark = pytest.mark.usefixtures("one_thread")

K = 6


def planted(number, n=600):
    """Maps of noise; where a pair shares a frame with an expression, the mouth moves."""
    rng = np.random.default_rng(number)
    truth = tuple(
        Expression(
            interval=Interval(first, first + 11), kind="micro", apex=first + 5,
            emotion=("negative", "positive")[int(rng.integers(2))],
        )
        for first in range(60, n - 60, 120)
    )  # fmt: skip
    maps = rng.uniform(0, 0.3, (n - K, 3, 42, 42))
    maps[pair_labels(truth, n, K) > 0, :, 25:36, 8:34] += 0.6
    for one in truth:
        if one.emotion == "positive":
            maps[one.interval.first - K : one.interval.last, 0, 3:12, 6:18] += 0.6
    valid = np.ones(n - K, bool)
    return FrameRecording(number, 30.0, K, n, maps.astype(np.float16), valid, truth)


def recipe(name, **more):
    found = read_recipe(f"{name}-rendered")
    return changed(found, hours=0.05, epochs=3, steps=12, learning_rate=3e-3, **more)


@pytest.mark.parametrize("name", ["softnet", "mean"])
def test_what_was_planted_is_learned_and_the_card_says_what_it_is(name, tmp_path):
    wanted = recipe(name)
    recordings = [planted(number) for number in range(4)]
    card, history = train_rendered(wanted, recordings, tmp_path)
    assert len(history) == 3
    assert card.scores["rendered_micro_f1"] >= 0.8
    assert (card.look, card.window, card.regions, card.simulated) == ("frames", K, (), True)
    analyzer = load(tmp_path / f"{wanted.name}.safetensors", method=name)
    assert analyzer.spotter().rule.kind == "micro"
    assert analyzer.spotter("model").style == name  # such weights have a spotter of their own
    again, _ = train_rendered(wanted, recordings, tmp_path)  # goes on, so nothing is left to do
    assert again == card


def test_other_weights_are_told_what_they_lack():
    with pytest.raises(Exception, match=r"needs weights of the model 'softnet'.*--model"):
        load(method="softnet").spotter()
    assert "me-tst-plus-cascade" in list_weights()


def test_maps_must_be_those_of_the_model():
    right = recipe("softnet")
    assert right.data.kind == "rendered-frames"
    assert isinstance(right.data, RenderedFrames)
    wrong = replace(right, data=replace(right.data, style="mean"))
    with pytest.raises(RecipeError, match="style = 'softnet', found 'mean'"):
        task_of(wrong).check(wrong)
    with pytest.raises(RecipeError, match="expressions must be one of micro, macro"):
        RenderedFrames(expressions="large")


def test_recordings_without_expressions_are_refused():
    wanted = recipe("softnet")
    empty = [
        FrameRecording(0, 30.0, K, 60, np.zeros((54, 3, 42, 42), "f2"), np.ones(54, bool), ())
    ]
    with pytest.raises(RecipeError, match="found none; raise 'hours'"):
        task_of(wanted).source(wanted, empty * 3)


def test_recordings_are_kept_and_read_back(tmp_path, monkeypatch):
    calls = []

    def made(video, wanted, number, truth):
        calls.append(number)
        return planted(number, 200)

    monkeypatch.setattr(module, "measured_frames", made)
    wanted = RenderedFrames(hours=0.02, seconds=30.0)
    first = frame_recordings(wanted, 3, tmp_path)
    path = next(iter(sorted((tmp_path / "frames").iterdir())))
    path.write_bytes(path.read_bytes()[:50])  # cut short: rendered again
    second = frame_recordings(wanted, 3, tmp_path)
    assert sorted(calls) in ([0, 0, 1], [0, 1, 1])
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.maps, b.maps)
        assert a.expressions == b.expressions


@pytest.mark.slow
def test_a_rendered_recording_goes_the_whole_way(tmp_path):
    """Measured, learned, and analysed: with no face, too."""
    rng = np.random.default_rng(4)
    script = random_script(rng, 8.0, level="calm", micro_per_minute=25, macro_per_minute=0)
    video = SyntheticVideo(portraits()[0], script, 30.0)
    wanted = RenderedFrames()
    one = module.measured_frames(video, wanted, 0, lambda times: video.expressions)
    assert one.maps.shape[0] == one.frames - one.k
    assert one.valid.all()
    train_rendered(recipe("softnet"), [one] * 4, tmp_path)
    analyzer = load(tmp_path / "softnet-rendered.safetensors", method="softnet")
    analysis = analyzer.analyze(video, cache=None, jobs=1, pictures=False)
    assert len(analysis.traces.spotting) == one.frames
    assert not np.isnan(analysis.traces.spotting).any()
    json.dumps(analysis.provenance["parameters"]["spotting"])
    nobody = np.full((60, 120, 160), 90, np.uint8)
    empty = analyzer.analyze(nobody, rate=30, cache=None, pictures=False)
    assert empty.detections == ()
    assert any("no face" in line for line in empty.warnings)
    assert isinstance(analyzer, Analyzer)
    assert (
        asdict(analyzer.spotter().rule)
        == read_card(tmp_path / "softnet-rendered.safetensors").proposals
    )
    assert extract(video, jobs=1).timing.rate == 30.0
