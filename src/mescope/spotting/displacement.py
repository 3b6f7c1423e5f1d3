"""From windows, each measured from its own first frame, to one displacement of the recording.

All frames here are decimated frames, px those of the 320-px face crop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mescope.spotting.traces import Floats

DISAGREE_PX = 1.5
"""Two windows disagree about a region from here on (median over a hop, crop px)."""


def displacement(
    windows: Floats, hop: int, valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Chain windows (W, 2R, k) into displacement from the first frame, (n, 2R), px.

    Every frame but those at the ends lies in two windows.  The older one is believed, whose
    reference was further back, unless the two disagree about a region over the whole hop: then
    one of the reference frames was taken in the middle of a movement (a smile, lips apart) from
    which flow fails, and the window in which the region moves less from frame to frame is
    believed.  The step into a hop is known to its older window only, so where that one is not
    believed, and where a window was not seen, the chain goes on as if nothing had moved.
    """
    count, channels, k = windows.shape
    ok = np.ones((count, k), bool) if valid is None else np.asarray(valid)
    wide = np.asarray(windows, np.float64).transpose(0, 2, 1)  # (W, k, 2R)
    out = np.full(((count + 1) * hop, channels), np.nan)
    end = np.zeros(channels)  # displacement at the last frame that is known
    for j in range(count + 1):
        at = slice(j * hop, (j + 1) * hop)
        part, seen = _hop(wide, ok, hop, j)
        out[at][seen] = (part + end)[seen]
        if seen.any():
            end = (part + end)[np.flatnonzero(seen)[-1]]
    return out


def _hop(
    wide: NDArray[np.float64], ok: NDArray[np.bool_], hop: int, j: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the motion in frames ``j * hop`` on, since the frame before, and what was seen."""
    count = len(wide)
    old = new = None
    step: NDArray[np.float64] | float = 0.0  # from the frame before into this hop
    if j > 0:
        before = wide[j - 1, hop - 1] if ok[j - 1, hop - 1] else wide[j - 1, hop]
        old = wide[j - 1, hop:] - before
        step = old[0] if ok[j - 1, hop] else step
    if j < count:
        new = wide[j, :hop] - wide[j, 0]
    if old is None or new is None:
        part = new if old is None else old
        seen = ok[j, :hop] if old is None else ok[j - 1, hop:]
        return np.asarray(part), seen
    seen_old, seen_new = ok[j - 1, hop:], ok[j, :hop]
    both = seen_old & seen_new
    chosen = np.where(seen_old[:, None], old, new + step)
    if both.sum() > 1:
        newer = _worse(old[both], new[both] + step)
        chosen[:, newer] = np.where(seen_new[:, None], new, old)[:, newer]
    return chosen, seen_old | seen_new


def _worse(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (2R,): where the old window (m, 2R) is not believed against the new one."""
    a, b = (part.reshape(len(part), -1, 2) for part in (old, new))
    apart = np.median(np.hypot(*np.moveaxis(a - b, -1, 0)), axis=0)
    steps = [np.hypot(*np.moveaxis(np.diff(p, axis=0), -1, 0)).sum(axis=0) for p in (a, b)]
    return np.repeat((apart > DISAGREE_PX) & (steps[1] < 0.7 * steps[0]), 2)
