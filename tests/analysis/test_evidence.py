from dataclasses import replace

import numpy as np
import pytest

from mescope.analysis.evidence import explain, vote_on_emotion
from mescope.events import Detection, Interval
from mescope.motion.regions import GLOBAL, REGIONS_18, place
from mescope.results import SPOKEN, RegionMotion
from mescope.synthesis.motion import UNITS, displacement_basis, units_of
from mescope.synthesis.shapes import mean_shape

NAMES = [region.name for region in REGIONS_18]


def planted(action_unit: str) -> np.ndarray:
    """Region motion of one action unit on the mean face: the centre of every inner box."""
    shape = mean_shape()
    boxes = [p.inner for p in place(shape, (*REGIONS_18, GLOBAL))]
    centres = np.array([[(b.left + b.right) / 2, (b.top + b.bottom) / 2] for b in boxes])
    basis = displacement_basis(shape, centres)
    moved = sum(basis[UNITS.index(u)] for u in units_of(action_unit))
    return moved[:-1] - moved[-1]


def test_every_region_has_a_spoken_name():
    assert set(SPOKEN) == set(NAMES)


@pytest.mark.parametrize(
    ("unit", "named", "side"),
    [
        ("L12", "L12", "left mouth corner"),
        ("R12", "R12", "right mouth corner"),
        ("12", "12", "mouth corner"),
        ("1", "1", "inner brow"),
        ("R2", "R2", "right outer brow"),
        ("4", "4", "brow"),
        ("15", "15", "mouth corner"),
    ],
)
def test_planted_units_are_named_with_their_side(unit, named, side):
    evidence = explain(planted(unit), NAMES)
    assert named in evidence.action_units
    assert side in evidence.sentence
    assert f"AU {'+'.join(evidence.action_units)}" in evidence.sentence


def test_what_is_no_expression_has_no_action_units():
    evidence = explain(planted("12"), NAMES, expression=False)
    assert evidence.action_units == ()
    assert "mouth corner" in evidence.sentence  # but moved it has
    assert "AU" not in evidence.sentence


def sure(emotion, share, rest):
    scores = {name: rest for name in ("negative", "positive", "surprise", "others")}
    return Detection(
        interval=Interval(0, 9), kind="micro", score=0.9, apex=5, emotion=emotion,
        emotion_scores=scores | {emotion: share},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("units", "network", "emotion"),
    [
        (("6", "12"), sure("negative", 0.7, 0.1), "positive"),  # 0.55 against 0.35
        (("12",), sure("surprise", 0.85, 0.05), "positive"),
        (("12", "25", "26"), sure("negative", 0.7, 0.1), "positive"),  # open by laughing
        (("1", "2", "26"), sure("negative", 0.7, 0.1), "surprise"),
        ((), sure("negative", 0.7, 0.1), "negative"),
    ],
)
def test_network_and_action_units_vote(units, network, emotion):
    found = vote_on_emotion(network, units)
    assert found.emotion == emotion
    assert sum(found.emotion_scores.values()) == pytest.approx(1.0)
    assert max(found.emotion_scores, key=found.emotion_scores.get) == emotion
    assert found.interval == network.interval


def test_without_a_network_the_units_decide():
    guess = replace(sure("others", 0.7, 0.1), emotion_scores=None)
    assert vote_on_emotion(guess, ("12",)).emotion == "positive"
    assert vote_on_emotion(guess, ()).emotion == "others"


def test_nothing_is_claimed_where_nothing_moved():
    evidence = explain(np.zeros((18, 2)), NAMES)
    assert evidence.action_units == ()
    assert "No single region moved clearly" in evidence.sentence


@pytest.mark.parametrize(
    ("dx", "dy", "direction"),
    [
        (1, 0, "right"),
        (0, 1, "down"),
        (-1, -1, "up-left"),
        (1, -1, "up-right"),
        (-1, 0, "left"),
    ],
)
def test_directions_are_those_of_the_picture(dx, dy, direction):
    assert RegionMotion(region="MOUTH", dx=dx, dy=dy).direction == direction
