"""Does the motion come back?  What stays is the onset of a longer expression.

The models are causal: at the onset of a macro-expression they cannot know that it will last.
So after spotting, the motion of the regions that moved most is followed beyond the proposed
offset.  If it has not gone back to half within a moment, the interval is drawn out to where it
does, and what is longer than a micro-expression is a macro-expression.  This looks ahead and is
therefore for recordings, not for a live stream.

Ours; neither the papers nor their code has such a step.  Frames are decimated frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection, Interval
from mescope.spotting.proposals import kind_of
from mescope.spotting.traces import Floats


@dataclass(frozen=True, slots=True)
class PersistenceRule:
    """The constants; lengths in seconds, motion in px of the face crop."""

    back: float = 0.5  # share of the apex motion that counts as gone back
    grace_s: float = 0.17  # how long after the proposed offset it may take
    longest_s: float = 4.0
    regions: int = 4  # how many regions are followed
    visible: float = 0.7  # weaker motion says nothing, the proposal stands


def draw_out(
    found: Sequence[Detection],
    motion: Floats,
    rate: float,
    rule: PersistenceRule = PersistenceRule(),
) -> list[Detection]:
    """Return the detections, those whose motion stays drawn out to its return.

    Args:
        found: detections in order of their onset, not overlapping.
        motion: displacement of every region since the first frame, (n, 2R) px, nan where there
            is no face; :func:`mescope.spotting.flow_peaks.displacement` makes it.
        rate: frames per second.
        rule: the constants.

    A detection inside one that was drawn out before it belongs to the same expression and is
    left out.
    """
    kept: list[Detection] = []
    for detection in found:
        if kept and detection.interval.first <= kept[-1].interval.last:
            continue
        last = _return_of(detection.interval, motion, rate, rule)
        if last > detection.interval.last:
            interval = Interval(detection.interval.first, last)
            detection = replace(detection, interval=interval, kind=kind_of(interval, rate))
        kept.append(detection)
    return kept


def _return_of(interval: Interval, motion: Floats, rate: float, rule: PersistenceRule) -> int:
    """Return the frame in which the motion has gone back, or the proposed offset."""
    first, last = interval.first, interval.last
    grace = round(rule.grace_s * rate)
    end = min(len(motion), first + int(rule.longest_s * rate) + 1)
    base = np.median(motion[max(0, first - 2) : first + 1], axis=0)
    away = (motion[first:end] - base).reshape(end - first, -1, 2)  # (m, R, 2)
    rise = away[: last - first + 1 + grace]
    if np.isnan(rise).any():
        return last
    apex = int(np.argmax(_strongest(rise, rule.regions)))
    followed = np.argsort(-np.hypot(*away[apex].T))[: rule.regions]
    target = away[apex, followed]
    size = float((target**2).sum())
    if size < rule.visible**2 * rule.regions:
        return last
    share: NDArray[np.float64] = (away[apex:, followed] * target).sum(axis=(1, 2)) / size
    back = np.flatnonzero(~(share > rule.back))  # nan ends it as well
    gone = first + apex + int(back[0]) if len(back) else end - 1
    return gone if gone > last + grace else last


def _strongest(away: Floats, regions: int) -> NDArray[np.float64]:
    """Return the summed length of the ``regions`` longest vectors of every frame, (m,)."""
    length = np.hypot(away[..., 0], away[..., 1])
    return np.asarray(np.sort(length, axis=1)[:, -regions:].sum(axis=1), dtype=np.float64)
