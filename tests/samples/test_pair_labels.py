"""Labels of pairs of frames, against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mescope.events import Expression, Interval
from mescope.samples.pair_labels import half_length, pair_classes, pair_labels


def expression(first, last, **more):
    return Expression(interval=Interval(first, last), kind="micro", **more)


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=4)


@given(spans, st.integers(0, 60), st.integers(1, 12))
def test_a_pair_is_positive_if_it_shares_a_frame(spans, frames, k):
    truth = [expression(first, first + more) for first, more in spans]
    labels = pair_labels(truth, frames, k)
    assert len(labels) == max(0, frames - k)
    for i, label in enumerate(labels):
        pair = Interval(i, i + k - 1)
        assert label == any(pair.iou(one.interval) > 0 for one in truth)


def test_half_of_the_mean_or_of_the_median_length():
    lengths = [0.2, 0.3, 1.3]
    assert half_length(lengths) == pytest.approx(0.3)
    assert half_length(lengths, "median") == pytest.approx(0.15)
    with pytest.raises(ValueError, match="found none"):
        half_length([])


def test_emotions_reach_from_onset_to_apex():
    truth = [expression(4, 10, apex=6, emotion="positive"), expression(20, 24, emotion="odd")]
    classes = pair_classes(truth, 40, 5, ("negative", "positive"))
    assert np.flatnonzero(classes >= 0).tolist() == [4, 5, 6]
    assert set(classes[4:7]) == {1}
    halves = pair_classes([expression(10, 14, emotion="negative")], 40, 5, ("negative",))
    assert np.flatnonzero(halves == 0).tolist() == [10, 11, 12]
