"""Speech, from the rhythm of the mouth.

A talking mouth opens and closes to and fro, three to seven times a second; an expression opens
it once and closes it once.  So *swings* are counted: stretches in which the lips move one way
by more than :data:`SWING_PX`.  Three of them in little more than a second, each answering
the one before, are speech (laughing and chewing look the same and are named so too).

All frames are decimated frames; px are those of the 320-px face crop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mescope.events import Interval
from mescope.face.points import Floats
from mescope.spotting.traces import valid_runs

SWING_PX = 3.0  # a swing of the lips; landmarks at rest jitter by 0.2 to 0.7 px
TYPICAL_PX = 7.0  # and the median of three; below, a smile that is held trembles
ALIKE = 0.2  # the smallest of three over the largest: a smile that trembles as it ends has less
SWINGS, WITHIN_S = 3, 1.25  # an expression has two
PAUSE_S = 1.2  # a shorter pause belongs to the speech
SHORTEST_S = 0.4
AT_REST = 0.1  # share of the first and last swing that still is the rest beside it


@dataclass(frozen=True)
class Talk:
    """A stretch of speech, and how far the lips moved in it (median swing, px)."""

    interval: Interval
    swing_px: float


def mouth_opening(points: Floats, scale: Floats) -> NDArray[np.float64]:
    """Return (n,) px of the crop: how far the lips are apart, inner and outer edge averaged.

    Args:
        points: (n, 68, 2) landmarks, bridged.
        scale: (n,) px of the crop per raw px.
    """
    inner = points[:, [65, 66, 67]].mean(axis=1) - points[:, [61, 62, 63]].mean(axis=1)
    outer = points[:, [56, 57, 58]].mean(axis=1) - points[:, [50, 51, 52]].mean(axis=1)
    both = np.hypot(*inner.T) + np.hypot(*outer.T)
    return np.asarray(both / 2 * scale)


def speech(opening: Floats, rate: float) -> list[Talk]:
    """Return the stretches of speech in order of time.

    Args:
        opening: (n,) px, nan where not measured.
        rate: frames per second.
    """
    found: list[Talk] = []
    for first, last in valid_runs(opening):
        turns = turning_points(opening[first : last + 1], SWING_PX)
        for part in _clusters(turns + first, opening, rate):
            depth = float(np.median(np.abs(np.diff(opening[part]))))
            interval = _trimmed(opening, part)
            if len(interval) >= SHORTEST_S * rate:
                found.append(Talk(interval, depth))
    return found


def turning_points(trace: Floats, least: float) -> NDArray[np.int64]:
    """Return the frames where a trace turns by at least ``least``, with both ends of the moves.

    >>> turning_points(np.array([0.0, 5.0, 4.5, 9.0, 1.0, 1.0]), 4.0).tolist()
    [0, 3, 4]
    """
    turns: list[int] = []
    low = high = 0
    rising: bool | None = None
    for t in range(1, len(trace)):
        # At the first turn of a plateau the swing ends; the rest before the next is in neither.
        high = t if trace[t] > trace[high] else high
        low = t if trace[t] < trace[low] else low
        if rising is not False and trace[high] - trace[t] >= least:
            turns.append(high)
            rising, low = False, t
        elif rising is not True and trace[t] - trace[low] >= least:
            turns.append(low)
            rising, high = True, t
    if turns:
        turns.append(high if rising else low)
    return np.array(turns, np.int64)


def _trimmed(opening: Floats, turns: NDArray[np.int64]) -> Interval:
    """Return from the start of the first swing to the end of the last, without rest around."""
    a, b, y, z = (int(turns[i]) for i in (0, 1, -2, -1))
    leaves = np.abs(opening[a : b + 1] - opening[a]) <= AT_REST * abs(opening[b] - opening[a])
    comes = np.abs(opening[y : z + 1] - opening[z]) <= AT_REST * abs(opening[y] - opening[z])
    return Interval(a + int(np.flatnonzero(leaves)[-1]), y + int(np.flatnonzero(comes)[0]))


def _clusters(
    turns: NDArray[np.int64], opening: Floats, rate: float
) -> list[NDArray[np.int64]]:
    """Return the runs of turning points that follow each other as in speech."""
    fast = np.zeros(len(turns), bool)
    sizes = np.abs(np.diff(opening[turns]))
    for i in range(len(turns) - SWINGS):
        quick = turns[i + SWINGS] - turns[i] <= WITHIN_S * rate
        part = sizes[i : i + SWINGS]
        alike = part.min() >= ALIKE * part.max()
        if quick and alike and np.median(part) >= TYPICAL_PX:
            fast[i : i + SWINGS + 1] = True
    chosen = turns[fast]
    if not len(chosen):
        return []
    cuts = np.flatnonzero(np.diff(chosen) > PAUSE_S * rate) + 1
    return [part for part in np.split(chosen, cuts) if len(part) > SWINGS]
