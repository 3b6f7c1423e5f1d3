"""Intervals that grow with the trace, and their suppression, as BoostingVRME publishes them.

An interval is looked for within k_p frames of its peak and may grow to five times that, where
the fixed intervals of ME-TST+ are all ``2 * k_p + 1`` frames long.  Peaks come from the
smoothed trace, everything here from the raw one, which the published code puts in its place
once the peaks are fixed.  All frames are decimated frames, counted from 0.
Source: BoostingVRME (arXiv 2508.18834), "extensible interval selection", and its code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_IOU = 0.2
"""A later interval that overlaps a kept one this much or more is suppressed."""

REACH = 5
"""How many k_p an interval may reach away from its peak."""


class Extent(NamedTuple):
    """First and last frame, both included, and the frame of the highest raw score.

    ``height`` is that of the smoothed peak from which the interval comes.
    """

    first: int
    last: int
    apex: int
    height: float


def extend(trace: NDArray[np.floating[Any]], peak: int, half: int, height: float) -> Extent:
    """Return the interval of one peak.

    Within ``half`` frames of the peak it starts before the first rise and ends after the last
    fall (each above the mean over 1.5), and then grows while no two neighbouring frames are
    below the mean.

    Args:
        trace: raw scores, (n,).
        peak: frame of the peak of the smoothed trace.
        half: k_p.
        height: of the smoothed peak; handed through.
    """
    mean = float(np.mean(trace))
    first = _grown_left(trace, _rise(trace, peak, half, mean), peak, half, mean)
    last = _grown_right(trace, _fall(trace, peak, half, mean), peak, half, mean)
    return Extent(first, last, first + int(np.argmax(trace[first : last + 1])), height)


def _rise(trace: NDArray[np.floating[Any]], peak: int, half: int, mean: float) -> int:
    least = max(0, peak - half)
    for i in range(least + 1, peak):
        if trace[i] > trace[i - 1] and trace[i] > mean / 1.5:
            return i - 1
    return least


def _fall(trace: NDArray[np.floating[Any]], peak: int, half: int, mean: float) -> int:
    most = min(len(trace) - 1, peak + half)
    for i in range(most - 1, peak, -1):
        if trace[i] > trace[i + 1] and trace[i] > mean / 1.5:
            return i + 1
    return most


def _grown_left(
    trace: NDArray[np.floating[Any]], first: int, peak: int, half: int, mean: float
) -> int:
    """Return the frame after two neighbours below the mean; ``first`` where there are none."""
    for i in range(first - 1, max(1, peak - REACH * half) - 1, -1):  # frame 0 has no neighbour
        if trace[i] < mean and trace[i - 1] < mean:
            return i + 1
    return first


def _grown_right(
    trace: NDArray[np.floating[Any]], last: int, peak: int, half: int, mean: float
) -> int:
    """Return the frame before two neighbours below the mean; ``last`` where there are none."""
    end = len(trace) - 1
    for j in range(last + 1, min(end - 1, peak + REACH * half) + 1):
        if trace[j] < mean and trace[j + 1] < mean:
            return j - 1
    return last


def suppress(extents: Sequence[Extent], half: int) -> list[Extent]:
    """Return the intervals that stay, in order of their start.

    One stays if it overlaps every one kept before it by less than :data:`LEAST_IOU`, and its
    apex is more than ``half`` (k_p) frames from theirs.  Not the highest but the earliest wins.

    >>> three = Extent(9, 20, 15, 0.8), Extent(21, 30, 18, 0.9), Extent(0, 10, 5, 0.7)
    >>> [(one.first, one.last) for one in suppress(three, half=4)]
    [(0, 10), (9, 20)]
    """
    kept: list[Extent] = []
    for extent in sorted(extents, key=lambda one: one.first):
        if all(
            _overlap(extent, other) < LEAST_IOU and abs(extent.apex - other.apex) > half
            for other in kept
        ):
            kept.append(extent)
    return kept


def _overlap(a: Extent, b: Extent) -> float:
    """Return the published overlap: ends less starts, 0 for neighbours and negative apart.

    Deliberately not :meth:`mescope.events.Interval.iou`, which counts frames: an overlap near
    the limit would be decided otherwise than published.
    """
    return (min(a.last, b.last) - max(a.first, b.first)) / (
        max(a.last, b.last) - min(a.first, b.first)
    )
