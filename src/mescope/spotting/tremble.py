"""How much a recording moves where nothing happens: what a movement has to stand out of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mescope.events import Interval
from mescope.spotting.flow_peaks import over_trend
from mescope.spotting.traces import Floats

_TREND_S = 1.2  # slower motion is no tremble
_LEAST = 10  # frames that must be left to judge by


def tremble(motion: Floats, rate: float, movements: Iterable[Interval]) -> float | None:
    """Return the motion, px, that regions show outside all movements; None without a face.

    The 90th percentile over frames, median over regions: a movement below it cannot be
    distinguished from how this recording trembles.  Of all frames if hardly any is outside.

    Args:
        motion: (n, 2R) chained displacement, px; nan without a face.
        rate: frames per second.
        movements: in frames of ``motion``.
    """
    trembling = over_trend(motion, rate, _TREND_S)
    seen = ~np.isnan(trembling[:, 0])
    quiet = seen.copy()
    for interval in movements:
        quiet[interval.first : interval.last + 1] = False
    if quiet.sum() < _LEAST:
        quiet = seen
    if not quiet.any():
        return None
    vectors = trembling[quiet].reshape(int(quiet.sum()), -1, 2)
    length = np.hypot(vectors[..., 0], vectors[..., 1])
    return float(np.median(np.percentile(length, 90, axis=0)))
