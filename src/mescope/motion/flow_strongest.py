"""The mean of the strongest vectors of a patch, compiled."""

from __future__ import annotations

import numpy as np

from mescope.compiling import compiled
from mescope.motion.flow_expand import F32, F64

# Buckets by strength, eight to an octave: the bits of a double without sign, less the last 49.
_SHIFT, _BUCKETS = 49, 512
_LOWEST = (1023 - 40) * 8  # 2**-40 px²: weaker ones share the first bucket


@compiled
def strongest_mean(
    flow: F32, top: int, bottom: int, left: int, right: int, skip: int, strength: F64
) -> tuple[float, float]:
    """Return the mean of a patch of ``flow`` (2, h, w) without its ``skip`` weakest vectors.

    ``strength`` is scratch space for at least as many values as the patch has.  Of equally
    strong vectors the later ones stay, as after a stable sort.
    """
    width = right - left
    n = (bottom - top) * width
    for y in range(top, bottom):
        row = (y - top) * width
        for x in range(left, right):
            u, v = np.float64(flow[0, y, x]), np.float64(flow[1, y, x])
            strength[row + x - left] = u * u + v * v
    least = -1.0 if skip == 0 else _ranked(strength[:n], skip)
    above = 0
    for i in range(n):
        above += strength[i] > least
    ties = n - skip - above
    sum_x, sum_y = 0.0, 0.0
    for y in range(bottom - 1, top - 1, -1):
        for x in range(right - 1, left - 1, -1):
            s = strength[(y - top) * width + x - left]
            if s < least:
                continue
            if s == least:
                if ties == 0:
                    continue
                ties -= 1
            sum_x += np.float64(flow[0, y, x])
            sum_y += np.float64(flow[1, y, x])
    return sum_x / (n - skip), sum_y / (n - skip)


@compiled
def _ranked(values: F64, rank: int) -> float:
    """Return the value that ``rank`` others precede; values are not negative.

    Counting them in buckets leaves few to be sorted: four times as fast as a partition.
    """
    bits = values.view(np.int64)
    counts = np.zeros(_BUCKETS, np.int64)
    for i in range(len(bits)):
        counts[_bucket(bits[i])] += 1
    before, bucket = 0, 0
    while before + counts[bucket] <= rank:
        before += counts[bucket]
        bucket += 1
    inside, m = np.empty(counts[bucket]), 0
    for i in range(len(bits)):
        if _bucket(bits[i]) == bucket:
            inside[m] = values[i]
            m += 1
    value: float = np.partition(inside, rank - before)[rank - before]
    return value


@compiled
def _bucket(bits: int) -> int:
    return min(max((bits >> _SHIFT) - _LOWEST, 0), _BUCKETS - 1)
