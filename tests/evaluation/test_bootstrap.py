"""Intervals over people (protocol 13.14)."""

import numpy as np
import pytest

from mescope.evaluation.bootstrap import interval


def share(counts):
    return counts[0] / max(1, counts.sum())


def test_equal_people_give_an_interval_of_no_width():
    low, high = interval([(3, 1)] * 20, share)
    assert low == high == 0.75


def test_equal_seeds_give_equal_intervals():
    table = np.random.default_rng(0).integers(0, 9, (12, 2))
    assert interval(table, share, seed=4) == interval(table, share, seed=4)
    assert interval(table, share, seed=4) != interval(table, share, seed=5)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        hits = rng.binomial(20, 0.6, 30)
        low, high = interval(np.stack([hits, 20 - hits], 1), share, resamples=300, seed=trial)
        covered += low <= 0.6 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_nobody_is_refused():
    with pytest.raises(ValueError, match="at least one person"):
        interval([], share)
