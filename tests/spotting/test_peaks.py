"""Peaks as SciPy finds them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from mescope.spotting.peaks import find_peaks

# Few different values, so that there are plateaus and equal peaks.
STEPS = st.lists(st.integers(0, 5), min_size=3, max_size=60)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(0, 4), st.integers(1, 12), st.sampled_from([0.0, 1.0, 2.5]))
def test_the_same_as_scipy(steps, height, distance, prominence):
    trace = np.array(steps, float)
    expected, about = signal.find_peaks(
        trace, height=height, distance=distance, prominence=prominence
    )
    peaks, heights = find_peaks(trace, height=height, distance=distance, prominence=prominence)
    assert peaks.tolist() == expected.tolist()
    assert heights.tolist() == about["peak_heights"].tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_as_scipy_on_long_traces(dtype):
    """Prominences that are found only far away, and thousands of peaks."""
    rng = np.random.default_rng(3)
    trace = (np.cumsum(rng.normal(size=20_000)) + rng.normal(size=20_000)).astype(dtype)
    for settings_ in ({"prominence": 3.0}, {"distance": 40}, {"prominence": 20.0}):
        expected, _ = signal.find_peaks(trace, height=-50, **settings_)
        assert len(expected) > 5
        assert find_peaks(trace, height=-50, **settings_)[0].tolist() == expected.tolist()


def test_edges_infinities_and_gaps():
    trace = np.array([-np.inf, 3.0, -np.inf, 2.0, np.nan, 2.0, 5.0, 5.0, 1.0, 9.0])
    expected, _ = signal.find_peaks(trace, height=1.0)
    assert expected.tolist() == [1, 6]
    assert find_peaks(trace, height=1.0)[0].tolist() == [1, 6]
    assert find_peaks(np.empty(0), height=0.0)[0].tolist() == []
    assert find_peaks(np.ones(1), height=0.0)[0].tolist() == []
