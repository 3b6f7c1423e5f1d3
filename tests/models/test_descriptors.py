"""LBP-TOP and Bi-WOOF against slow loops, and on motion whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mescope.models.bi_woof import bi_woof
from mescope.models.lbp_top import BINS, lbp_top

AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def uniform_bins():
    """Pattern -> bin, by counting changes around a ring of text."""
    table, number = {}, 0
    for pattern in range(256):
        bits = f"{pattern:08b}"
        changes = sum(a != b for a, b in zip(bits, bits[1:] + bits[0], strict=True))
        table[pattern] = number if changes <= 2 else BINS - 1
        number += changes <= 2
    return table


def slow_lbp_top(clip, blocks):
    t, h, w = clip.shape
    table, found = uniform_bins(), []
    edges = [np.linspace(0, n - 2, blocks + 1).round().astype(int) for n in (h, w)]
    for axes in ((1, 2), (0, 2), (0, 1)):
        for i in range(blocks):
            for j in range(blocks):
                histogram = np.zeros(BINS)
                for z in range(1, t - 1):
                    for y in range(1 + edges[0][i], 1 + edges[0][i + 1]):
                        for x in range(1 + edges[1][j], 1 + edges[1][j + 1]):
                            pattern = 0
                            for bit, (a, b) in enumerate(AROUND):
                                at = [z, y, x]
                                at[axes[0]] += a
                                at[axes[1]] += b
                                pattern |= int(clip[tuple(at)] >= clip[z, y, x]) << bit
                            histogram[table[pattern]] += 1
                found.append(histogram / histogram.sum())
    return np.concatenate(found)


@pytest.mark.parametrize("blocks", [1, 2])
def test_lbp_top_equals_loops(blocks):
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 5, (2, 4, 7, 9)).astype(np.float32)  # ties are common
    found = lbp_top(clips, blocks)
    assert found.shape == (2, 3 * BINS * blocks * blocks)
    for clip, row in zip(clips, found, strict=True):
        np.testing.assert_allclose(row, slow_lbp_top(clip, blocks), atol=1e-6)


def test_a_still_clip_has_one_pattern_in_every_plane():
    found = lbp_top(np.full((1, 5, 8, 8), 3.0, np.float32), 2).reshape(12, BINS)
    assert (found == 1.0).sum() == 12  # all neighbours as bright: one bin, everywhere the same
    assert len(np.unique(found.argmax(1))) == 1


def test_a_brighter_clip_is_the_same_clip():
    clips = np.random.default_rng(1).random((1, 5, 12, 12)).astype(np.float32)
    np.testing.assert_array_equal(lbp_top(clips, 3), lbp_top(7 * clips + 100, 3))


def test_moving_differs_from_still_in_time_only():
    picture = np.random.default_rng(2).random((12, 12)).astype(np.float32)
    still = np.stack([picture] * 6)[None]
    moving = np.stack([np.roll(picture, k, axis=1) for k in range(6)])[None]
    a, b = (lbp_top(c, 1).reshape(3, BINS) for c in (still, moving))
    assert np.abs(a[1] - b[1]).sum() > 0.5  # XT
    assert np.abs(a[0] - b[0]).sum() < 0.6


def slow_bi_woof(flow, blocks, bins):
    _, h, w = flow.shape
    rows, columns = (np.linspace(0, n, blocks + 1).round().astype(int) for n in (h, w))
    found, whole = [], flow[2].mean()
    for i in range(blocks):
        for j in range(blocks):
            histogram, strain, count = np.zeros(bins), 0.0, 0
            for y in range(rows[i], rows[i + 1]):
                for x in range(columns[j], columns[j + 1]):
                    u, v, s = flow[:, y, x]
                    angle = np.arctan2(v, u) % (2 * np.pi)
                    histogram[min(int(angle / (2 * np.pi) * bins), bins - 1)] += np.hypot(u, v)
                    strain, count = strain + s, count + 1
            found.append(histogram / count * (strain / count / whole))
    return np.concatenate(found)


@pytest.mark.parametrize("blocks", [1, 3])
def test_bi_woof_equals_loops(blocks):
    rng = np.random.default_rng(3)
    flow = rng.standard_normal((2, 3, 10, 11)).astype(np.float32)
    flow[:, 2] = np.abs(flow[:, 2])
    found = bi_woof(flow, blocks)
    for one, row in zip(flow, found, strict=True):
        np.testing.assert_allclose(row, slow_bi_woof(one.astype(float), blocks, 8), atol=1e-6)


@pytest.mark.parametrize(
    ("u", "v", "wanted"), [(2, 0.1, 0), (0.1, 3, 1), (-2, -0.1, 4), (1, -4, 6)]
)
def test_one_direction_is_one_bin(u, v, wanted):
    flow = np.empty((1, 3, 10, 10), np.float32)
    flow[:, 0], flow[:, 1], flow[:, 2] = u, v, 0.5
    found = bi_woof(flow, 2).reshape(4, 8)
    assert (found > 0).sum(1).tolist() == [1] * 4
    assert (found.argmax(1) == wanted).all()
    np.testing.assert_allclose(found.max(1), np.hypot(u, v), rtol=1e-6)


def test_blocks_without_strain_do_not_count():
    flow = np.ones((1, 3, 10, 10), np.float32)
    flow[:, 2, :, :5] = 0
    found = bi_woof(flow, 2).reshape(2, 2, 8).sum(2)
    assert (found[:, 0] == 0).all()
    assert (found[:, 1] > 0).all()
    assert not bi_woof(np.zeros((1, 3, 10, 10), np.float32)).any()  # no motion, no NaN


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="grey clips"):
        lbp_top(np.zeros((2, 2, 9, 9), np.float32))
    with pytest.raises(ValueError, match=r"5 x 5 blocks, found \(1, 4, 6, 9\)"):
        lbp_top(np.zeros((1, 4, 6, 9), np.float32))
    with pytest.raises(ValueError, match="expected flow"):
        bi_woof(np.zeros((2, 2, 9, 9), np.float32))
    with pytest.raises(ValueError, match="5 px or more"):
        bi_woof(np.zeros((2, 3, 4, 9), np.float32))
