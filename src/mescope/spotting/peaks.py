"""Peaks of a trace: what ``scipy.signal.find_peaks`` finds, without what it imports.

``scipy.signal`` brings filters, splines and ``scipy.stats`` along, half a second at every start
of a program that wants none of them.  The tests hold this to SciPy's answer on any trace.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_REACH = 64  # frames looked at first on either side of a peak, then twice as many, and so on


def find_peaks(
    trace: NDArray[np.floating], *, height: float, prominence: float = 0.0, distance: int = 1
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the frames of peaks, counted from 0 in the trace, and the heights there.

    A peak is a frame, or the middle of a plateau, whose neighbours on both sides are lower; the
    first and the last frame are none.

    Args:
        trace: (n,) values; -inf is allowed, nan makes its neighbours no peaks.
        height: least value of a peak.
        prominence: least drop from a peak, on the better side, before something is higher.
        distance: frames; of peaks nearer to each other the higher stay.

    Source: SciPy's ``find_peaks`` (its order of conditions: height, distance, prominence).
    """
    wide = np.asarray(trace, np.float64)  # so that `height` is not rounded to less, either
    peaks = _maxima(wide)
    peaks = peaks[wide[peaks] >= height]
    peaks = _apart(peaks, wide[peaks], distance)
    if prominence > 0:
        peaks = peaks[[_prominence(wide, int(peak)) >= prominence for peak in peaks]]
    return peaks, wide[peaks]


def _maxima(trace: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the middles of plateaus (most are one frame long) that fall off on both sides."""
    starts = np.flatnonzero(np.concatenate([[True], trace[1:] != trace[:-1]]))
    lasts = np.concatenate([starts[1:], [len(trace)]]) - 1
    inner = (starts > 0) & (lasts < len(trace) - 1)
    starts, lasts = starts[inner], lasts[inner]
    top = trace[starts]
    high = (trace[starts - 1] < top) & (trace[lasts + 1] < top)
    return np.asarray((starts[high] + lasts[high]) // 2, np.intp)


def _apart(
    peaks: NDArray[np.intp], heights: NDArray[np.floating], distance: int
) -> NDArray[np.intp]:
    """Keep the higher of peaks that are less than ``distance`` frames from each other."""
    keep = np.ones(len(peaks), bool)
    if distance > 1:
        for at in np.argsort(heights)[::-1]:
            if keep[at]:
                keep &= np.abs(peaks - peaks[at]) >= distance
                keep[at] = True
    return peaks[keep]


def _prominence(trace: NDArray[np.floating], peak: int) -> float:
    """Return how far one can fall on the way to something higher, on the better side."""
    lowest = [_lowest(part, trace[peak]) for part in (trace[:peak][::-1], trace[peak + 1 :])]
    return float(trace[peak] - max(lowest))


def _lowest(side: NDArray[np.floating], top: float) -> float:
    """Return the lowest value before one above ``top``; looks no further than it must."""
    reach = _REACH
    while True:
        above = ~(side[:reach] <= top)
        if above.any():
            return float(np.min(side[: int(above.argmax())], initial=top))
        if reach >= len(side):
            return float(np.min(side, initial=top))
        reach *= 2
