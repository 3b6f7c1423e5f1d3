"""Average precision, by hand and by scikit-learn where every detection hits its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from mescope.evaluation.average_precision import average_precision
from mescope.evaluation.interval_table import Row
from mescope.events import Interval


def row(first, last, score=None, *, video="a", kind="micro"):
    return Row(subject="1", video=video, interval=Interval(first, last), kind=kind, score=score)


def test_a_second_detection_of_the_same_expression_is_false():
    truth = [row(0, 9)]
    assert average_precision([row(0, 9, 0.9), row(1, 9, 0.8)], truth) == 1.0
    assert average_precision([row(20, 29, 0.9), row(1, 9, 0.8)], truth) == 0.5


def test_other_videos_and_kinds_do_not_hit():
    truth = [row(0, 9), row(0, 9, video="b", kind="macro")]
    assert average_precision([row(0, 9, 0.9, video="b")], truth) == 0.0
    assert average_precision([row(0, 9, 0.9, video="b", kind="macro")], truth, "macro") == 1.0


def test_nothing_found_or_nothing_to_find_is_zero():
    assert average_precision([], [row(0, 9)]) == 0.0
    assert average_precision([row(0, 9, 1.0)], []) == 0.0


def test_what_is_missed_bounds_recall():
    assert average_precision([row(0, 9, 0.9)], [row(0, 9), row(20, 29)]) == 0.5


@given(st.lists(st.booleans(), min_size=1, max_size=12).filter(any))
def test_precision_is_interpolated_over_all_points(hits):
    """Never below scikit-learn's step-wise area, which does not interpolate."""
    truth = [row(100 * i, 100 * i + 9) for i, hit in enumerate(hits) if hit]
    found = [row(100 * i, 100 * i + 9, 1.0 - i / 20) for i in range(len(hits))]
    plain = average_precision_score(hits, [1.0 - i / 20 for i in range(len(hits))])
    ours = average_precision(found, truth)
    assert ours >= plain - 1e-9
    ranks = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    if (np.diff(ranks[np.array(hits)]) <= 0).all():  # precision only falls: both agree
        assert ours == pytest.approx(plain)
