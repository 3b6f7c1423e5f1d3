"""What the training-free rules share: from motion in units of a threshold to detections.

All frames here are decimated frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection, Interval
from mescope.spotting.proposals import kind_of
from mescope.spotting.traces import Floats, valid_runs

FAINT = 0.8
"""Movements down to this share of the threshold are kept for the sensitivity control."""


def as_score(ratio: Floats) -> NDArray[np.float64]:
    """Return motion over its threshold as a score, 0 to 1, 0.5 at the threshold; nan stays.

    >>> as_score(np.array([-1.0, 0.0, 1.0, 3.0])).tolist()
    [0.0, 0.0, 0.5, 0.75]
    """
    ratio = np.maximum(ratio, 0.0)
    return np.asarray(ratio / (1.0 + ratio), np.float64)


def stretches(above: NDArray[np.bool_]) -> list[Interval]:
    """Return every run of frames that are above.

    >>> stretches(np.array([True, False, True, True]))
    [Interval(first=0, last=0), Interval(first=2, last=3)]
    """
    return [Interval(*run) for run in valid_runs(np.where(above, 1.0, np.nan))]


def detection_in(interval: Interval, ratio: Floats, rate: float) -> Detection:
    """Return the detection of an interval: score and apex are those of the highest motion.

    Args:
        interval: decimated frames, all of them seen.
        ratio: (n,) motion over its threshold.
        rate: frames per second.
    """
    inside = np.nan_to_num(ratio[interval.first : interval.last + 1])
    at = int(np.argmax(inside))
    return Detection(
        interval=interval,
        kind=kind_of(interval, rate),
        score=float(as_score(inside[at : at + 1])[0]),
        apex=interval.first + at,
    )


def strongest(found: Sequence[Detection], alike: float = 0.5) -> list[Detection]:
    """Keep the stronger of detections whose IoU is above ``alike``; in order of time."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda d: (-d.score, d.interval)):
        if all(one.interval.iou(other.interval) <= alike for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda d: d.interval)


def with_fainter(
    found: Sequence[Detection], faint: Sequence[Detection]
) -> tuple[Detection, ...]:
    """Return ``found`` and those of ``faint`` that meet none of them, in order of time."""
    others = [f for f in faint if not any(f.interval.shared(d.interval) for d in found)]
    return tuple(sorted([*found, *others], key=lambda d: d.interval))
