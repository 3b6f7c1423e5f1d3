"""From motion in thresholds to detections."""

import numpy as np
import pytest

from mescope.events import Detection, Interval
from mescope.spotting.over_threshold import (
    as_score,
    detection_in,
    stretches,
    strongest,
    with_fainter,
)


def found(first, last, score=0.7):
    return Detection(interval=Interval(first, last), kind="micro", score=score, apex=first)


def test_the_threshold_is_a_score_of_one_half():
    score = as_score(np.array([-np.inf, -2.0, 1.0, 1e9, np.nan]))
    assert score[:3].tolist() == [0.0, 0.0, 0.5]
    assert score[3] == pytest.approx(1.0)
    assert np.isnan(score[4])


def test_stretches_end_where_nothing_is_above():
    assert stretches(np.zeros(4, bool)) == []
    assert stretches(np.ones(4, bool)) == [Interval(0, 3)]


def test_a_detection_has_the_score_of_its_highest_frame():
    one = detection_in(Interval(1, 17), np.r_[9.0, np.linspace(0, 3, 16), 1.0], 30.0)
    assert (one.apex, one.score, one.kind) == (16, 0.75, "macro")


def test_of_two_alike_the_stronger_stays():
    assert strongest([found(0, 9, 0.6), found(1, 9, 0.8), found(30, 39)]) == [
        found(1, 9, 0.8), found(30, 39),
    ]  # fmt: skip
    assert len(strongest([found(0, 9), found(5, 14)])) == 2  # IoU of a third


def test_faint_ones_that_meet_others_are_left_out():
    assert with_fainter([found(10, 20)], [found(20, 30), found(0, 9)]) == (
        found(0, 9), found(10, 20),
    )  # fmt: skip
