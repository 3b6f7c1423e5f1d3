"""Stitching and smoothing against worked tables and plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from mescope.spotting.traces import (
    box_smooth,
    centred_smooth,
    stitch,
    valid_runs,
)


def windows(*indices):
    """Windows of the worked example: window j holds 10j+1 .. 10j+4."""
    return np.array([[10.0 * j + i for i in range(1, 5)] for j in indices])


VIDEO_1, VIDEO_2 = windows(0, 1), windows(2, 3, 4)


def test_clean_stitching():
    assert stitch(VIDEO_1, 2).tolist() == [1, 2, 3, 4, 13, 14]
    assert stitch(VIDEO_2, 2).tolist() == [21, 22, 23, 24, 33, 34, 43, 44]


def test_stitching_of_logits_equals_stitching_of_each():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(7, 10, 5))
    valid = rng.random((7, 10)) > 0.3
    trace = stitch(logits, 5, valid=valid)
    assert trace.shape == (40, 5)
    for c in range(5):
        assert np.array_equal(
            trace[:, c], stitch(logits[..., c], 5, valid=valid), equal_nan=True
        )


def test_output_length():
    assert len(stitch(np.zeros((39, 50)), 25)) == 1000
    assert len(stitch(np.zeros((65, 30)), 15)) == 990


def test_frames_without_a_face():
    valid = np.ones((3, 4), bool)
    valid[0, 3] = False  # frame 3: the next window sees it in its first half
    valid[1, 2:] = False  # frames 4 and 5: window 2 sees only 5
    valid[2, 0] = False
    assert stitch(VIDEO_2, 2, valid=valid).tolist()[:4] == [21, 22, 23, 32]
    found = stitch(VIDEO_2, 2, valid=valid)[4:]
    assert np.isnan(found[0])
    assert found[1:].tolist() == [42, 43, 44]


def test_all_invalid():
    assert np.isnan(stitch(VIDEO_1, 2, valid=np.zeros((2, 4), bool))).all()


@pytest.mark.parametrize("seed", range(5))
def test_stitching_equals_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    data, valid = rng.normal(size=(6, 8)), rng.random((6, 8)) > 0.4
    wanted = []
    for t in range(28):
        j = max(t // 4 - 1, 0)  # the frame's own window
        value = data[j, t - 4 * j] if valid[j, t - 4 * j] else np.nan
        if np.isnan(value) and t // 4 < 6 and valid[t // 4, t % 4]:
            value = data[t // 4, t % 4]
        wanted.append(value)
    assert np.array_equal(stitch(data, 4, valid=valid), wanted, equal_nan=True)


@pytest.mark.parametrize("shape", [(3, 5), (0, 4), (4,)])
def test_shapes_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="windows must be"):
        stitch(np.zeros(shape), 2)


def test_valid_of_another_shape():
    with pytest.raises(ValueError, match="valid must have shape"):
        stitch(VIDEO_1, 2, valid=np.ones((2, 3), bool))


@pytest.mark.parametrize(("n", "half"), [(40, 5), (7, 5), (1, 3), (10, 5), (9, 1)])
def test_box_equals_its_definition(n, half):  # also where the box is longer than the trace
    y = np.random.default_rng(n).random(n)
    wanted = [
        sum(y[m] for m in range(t - half, t + half) if 0 <= m < n) / (2 * half)
        for t in range(n)
    ]
    assert box_smooth(y, half) == pytest.approx(wanted)


def test_centred_average_equals_its_definition():
    y = np.random.default_rng(0).random(12)
    wanted = [y[max(t - 2, 0) : t + 3].mean() for t in range(12)]
    assert centred_smooth(y, 5) == pytest.approx(wanted)
    assert centred_smooth(y, 1) == pytest.approx(y)


def test_runs():
    nan = np.nan
    assert valid_runs(np.array([nan, nan])) == []
    assert valid_runs(np.array([1.0, 1.0])) == [(0, 1)]
    assert valid_runs(np.array([1.0, nan, 1.0, 1.0, nan, nan, 1.0])) == [(0, 0), (2, 3), (6, 6)]
