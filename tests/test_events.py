import random

import pytest

from mescope.events import Detection, Interval


def slow_iou(a, b):
    """The definition, written the slow way: sets of frame numbers."""
    x, y = set(range(a.first, a.last + 1)), set(range(b.first, b.last + 1))
    return len(x & y) / len(x | y)


def test_iou_agrees_with_sets_of_frames():
    rng = random.Random(0)
    for _ in range(500):
        a, b = (
            Interval(f, f + rng.randrange(12)) for f in (rng.randrange(20), rng.randrange(20))
        )
        assert a.iou(b) == pytest.approx(slow_iou(a, b))
        assert a.iou(b) == b.iou(a)
        assert (a.iou(b) == 1) == (a == b)


@pytest.mark.parametrize(("first", "last"), [(-1, 4), (5, 4)])
def test_impossible_intervals_cannot_be_made(first, last):
    with pytest.raises(ValueError, match="0 <= first <= last"):
        Interval(first, last)


def test_an_apex_lies_inside():
    with pytest.raises(ValueError, match="apex 12"):
        Detection(interval=Interval(3, 9), kind="micro", score=0.5, apex=12)
