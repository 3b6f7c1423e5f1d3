import numpy as np

from mescope.events import Detection, Interval
from mescope.spotting.persistence import draw_out

RATE = 30.0


def motion(course):
    """Six regions, of which four move along x as ``course`` says, px."""
    out = np.zeros((len(course), 12))
    out[:, [0, 2, 4, 6]] = np.asarray(course)[:, None]
    return out


def course(onset, apex, stay, offset, n=200, height=3.0):
    knots = [0, onset, apex, stay, offset, n]
    return np.interp(np.arange(n), knots, [0, 0, height, height, 0, 0])


def proposal(first, last):
    return Detection(
        interval=Interval(first, last), kind="micro", score=0.9, apex=(first + last) // 2
    )


def test_what_comes_back_stands():
    found = [proposal(50, 60)]
    assert draw_out(found, motion(course(50, 55, 55, 61)), RATE) == found


def test_the_onset_of_something_longer_becomes_a_macro_expression():
    [drawn] = draw_out([proposal(50, 58)], motion(course(50, 58, 90, 110)), RATE)
    assert drawn.kind == "macro"
    assert drawn.interval.first == 50
    assert abs(drawn.interval.last - 100) <= 2  # half way back


def test_a_second_detection_inside_it_is_the_same_expression():
    found = [proposal(50, 58), proposal(92, 100)]
    assert len(draw_out(found, motion(course(50, 58, 90, 110)), RATE)) == 1


def test_weak_motion_says_nothing():
    found = [proposal(50, 58)]
    assert draw_out(found, motion(course(50, 58, 90, 110, height=0.3)), RATE) == found


def test_a_gap_ends_the_look_ahead():
    seen = motion(course(50, 58, 90, 110))
    seen[62:] = np.nan
    [kept] = draw_out([proposal(50, 58)], seen, RATE)
    assert kept.interval.last <= 62
