"""Which event explains which movement: the table of the rule, row by row."""

import pytest

from mescope.events import FaceEvent, Interval
from mescope.spotting.explained import (
    AT_ONCE,
    ELSEWHERE,
    LID_REACH_PX,
    ONE_BROW_PX,
    explained_by,
)

HERE = Interval(100, 109)
BROWS = {
    "brow_l": 1.0,
    "brow_r": 0.8,
    "corner_l": 0.2,
    "corner_r": 0.2,
    "lips": 0.3,
    "nose": 0.1,
}
SMILE = {
    "brow_l": 0.3,
    "brow_r": 0.3,
    "corner_l": 6.0,
    "corner_r": 5.0,
    "lips": 3.0,
    "nose": 1.0,
}
RAISED = {
    "brow_l": 5.0,
    "brow_r": 5.0,
    "corner_l": 0.2,
    "corner_r": 0.2,
    "lips": 0.2,
    "nose": 0.1,
}


def event(kind, frames, start=0):
    """An event over ``frames`` frames of the movement, ``start`` frames after its onset."""
    first = 100 + start
    return FaceEvent(
        kind=kind, interval=Interval(first, first + frames - 1), onset_s=0.0, offset_s=0.0,
        strength=1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("motion", "events", "wanted"),
    [
        (BROWS, [], None),
        (BROWS, [event("blink", 4)], "blink"),
        (BROWS, [event("blink", 3)], None),
        (BROWS, [event("blink", 2), event("blink", 2, start=6)], "blink"),
        (BROWS, [event("gaze", 5)], "gaze"),
        (BROWS, [event("gaze", 4)], None),
        (SMILE, [event("blink", 10)], None),  # the mouth moved as well
        (SMILE, [event("gaze", 10)], None),
        (RAISED, [event("blink", 10)], None),  # no lid moves a brow that far
        (SMILE, [event("speech", 5)], "speech"),
        (SMILE, [event("speech", 4)], None),
        (BROWS, [event("speech", 5)], "speech"),
        (RAISED, [event("head", 5)], "head"),
        (RAISED, [event("head", 4)], None),
        (BROWS, [event("blink", 10), event("speech", 10)], "speech"),
        (BROWS, [event("blink", 10), event("head", 10)], "head"),
        (BROWS, [event("gaze", 10), event("blink", 4)], "blink"),
        (SMILE, [event("head", 3), event("speech", 3, start=5)], None),  # kinds do not add up
        ({}, [event("blink", 10)], "blink"),  # nothing measured, nothing against it
    ],
)
def test_what_explains_a_movement(motion, events, wanted):
    assert explained_by(HERE, motion, events) == wanted


@pytest.mark.parametrize(("side", "other"), [("brow_l", "brow_r"), ("brow_r", "brow_l")])
def test_the_edge_of_what_lids_give(side, other):
    blink = [event("blink", 5)]  # half of the movement
    assert explained_by(HERE, {side: LID_REACH_PX}, blink) == "blink"
    assert explained_by(HERE, {side: LID_REACH_PX + 0.01}, blink) is None
    assert explained_by(HERE, {side: 2.0, "lips": 2.0 * ELSEWHERE}, blink) == "blink"
    assert explained_by(HERE, {side: 2.0, "lips": 2.0 * ELSEWHERE + 0.01}, blink) is None
    assert explained_by(HERE, {side: 0.1, "nose": 1.0}, blink) == "blink"  # below any mouth
    assert explained_by(HERE, {side: 0.1, "nose": 1.01}, blink) is None
    # With the blink's own onset and offset one brow may seem to move further, not both.
    for frames, reach in ((round(10 * AT_ONCE), ONE_BROW_PX), (5, LID_REACH_PX)):
        blink = [event("blink", frames)]
        for further, wanted in ((0.0, "blink"), (0.01, None)):
            assert explained_by(HERE, {side: reach + further}, blink) == wanted
        both = {side: reach, other: LID_REACH_PX + 0.01}
        assert explained_by(HERE, both, blink) is None


def test_events_elsewhere_explain_nothing():
    far = FaceEvent(
        kind="blink", interval=Interval(0, 99), onset_s=0.0, offset_s=0.0, strength=1.0
    )
    assert explained_by(HERE, BROWS, [far]) is None
