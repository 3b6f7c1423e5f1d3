"""LBP-TOP: histograms of local binary patterns on three planes of a clip, block by block.

Paper   Zhao and Pietikäinen, "Dynamic Texture Recognition Using Local Binary Patterns with an
        Application to Facial Expressions", TPAMI 2007; the baseline of MEGC2019
Code    none was read
Input   grey clips (n, t, h, w), any unit; t, h and w at least 3
Output  (n, 3 * 59 * blocks * blocks): histograms that sum to 1 for each plane of each block

The eight neighbours are those of the grid at radius 1; the paper samples a circle between
pixels.  A pattern is uniform if it changes at most twice around; all others share one bin.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

BINS = 59  # 58 uniform patterns of eight neighbours, and all others
PLANES = ((2, 3), (1, 3), (1, 2))
"""Axes of XY, XT and YT in clips (n, t, h, w)."""

_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def lbp_top(clips: NDArray[np.floating], blocks: int = 5) -> NDArray[np.float32]:
    """Return the histograms of every clip.

    Args:
        clips: grey frames, (n, t, h, w).
        blocks: rows and columns of blocks that the face is cut into.

    Raises:
        ValueError: clips of another shape, or too small for the blocks.
    """
    if clips.ndim != 4 or min(clips.shape[1:]) < 3 or min(clips.shape[2:]) - 2 < blocks:
        raise ValueError(
            f"expected grey clips (n, t, h, w) of 3 frames or more and of {blocks + 2} px or "
            f"more for {blocks} x {blocks} blocks, found {clips.shape}"
        )
    rows = _edges(clips.shape[2] - 2, blocks)
    columns = _edges(clips.shape[3] - 2, blocks)
    found = []
    for plane in PLANES:
        bins = _uniform()[_patterns(clips, plane)]  # (n, t - 2, h - 2, w - 2)
        for top, bottom in itertools.pairwise(rows):
            for left, right in itertools.pairwise(columns):
                found.append(_histograms(bins[:, :, top:bottom, left:right]))
    return np.concatenate(found, axis=1)


def _patterns(clips: NDArray[np.floating], plane: tuple[int, int]) -> NDArray[np.int64]:
    """Return the pattern of every inner voxel: one bit for a neighbour that is not darker."""
    inner = (slice(None), slice(1, -1), slice(1, -1), slice(1, -1))
    centre = clips[inner]
    found = np.zeros(centre.shape, np.int64)
    for bit, steps in enumerate(_AROUND):
        window = list(inner)
        for axis, step in zip(plane, steps, strict=True):
            window[axis] = slice(1 + step, clips.shape[axis] - 1 + step)
        found |= (clips[tuple(window)] >= centre).astype(np.int64) << bit
    return found


def _histograms(bins: NDArray[np.int64]) -> NDArray[np.float32]:
    n, flat = len(bins), bins.reshape(len(bins), -1)
    counted = np.bincount((flat + BINS * np.arange(n)[:, None]).ravel(), minlength=BINS * n)
    return (counted.reshape(n, BINS) / flat.shape[1]).astype(np.float32)


@functools.cache
def _uniform() -> NDArray[np.int64]:
    """Return the bin of every pattern of eight bits."""
    table = np.full(256, BINS - 1, np.int64)
    uniform = [p for p in range(256) if (p ^ (p >> 1 | (p & 1) << 7)).bit_count() <= 2]
    table[uniform] = np.arange(len(uniform))
    return table


def _edges(length: int, blocks: int) -> NDArray[np.int64]:
    return np.linspace(0, length, blocks + 1).round().astype(np.int64)
