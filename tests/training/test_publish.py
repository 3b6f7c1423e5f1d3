import numpy as np
import pytest
from made_recipes import flat_recipe

from mescope.events import Expression, Interval
from mescope.models import create_model
from mescope.models.weights import load
from mescope.training.publish import ScoredRecording, choose_rule, publish

RECIPE = flat_recipe(name="x", model="me-tst-plus-small", data="synthetic", seconds=8.0)


def heard(height: float, noise: float, seed: int) -> ScoredRecording:
    """A trace with one true bump, and a false one of the height ``noise``."""
    trace = np.full(200, 0.02)
    trace[41:50] = height
    trace[120:129] = noise
    truth = (Expression(interval=Interval(40, 50), kind="micro", emotion="positive"),)
    return ScoredRecording(trace, np.zeros((200, 5)), 30.0, truth, 6.7)


def test_the_floor_lies_between_noise_and_expressions():
    rule, counts = choose_rule([heard(0.9, 0.55, i) for i in range(3)])
    assert 0.55 <= rule.floor < 0.9
    assert (counts.tp, counts.fp, counts.fn) == (3, 0, 0)
    assert rule.share == 0.0  # an absolute floor: a still face yields nothing


@pytest.mark.slow
def test_published_weights_say_what_they_are(tmp_path):
    model = create_model("me-tst-plus-small").eval()
    publish(model, RECIPE, tmp_path / "x.safetensors", recordings=6)
    _, card = load(tmp_path / "x.safetensors")
    assert card.simulated
    assert "no real face" in card.trained_on
    assert "simulated_spotting_f1" in card.scores
    assert len(card.regions) == 18


def test_a_quiet_rule_goes_before_a_better_f1():
    """Most noise is as high as the expressions: finding them all means many false alarms."""
    recordings = [heard(0.72, 0.72, i) for i in range(4)] + [
        heard(0.93, 0.1, i) for i in range(4)
    ]
    _, counts = choose_rule(recordings)
    assert (counts.tp, counts.fp, counts.fn) == (4, 0, 4)
