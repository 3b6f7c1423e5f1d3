"""Stretches in which a face is seen, but nothing can be said about its small movements.

That nothing is found there does not mean that nothing happened.  Stretches without a face,
which the region flow's ``valid`` marks, do not appear here.  All frames are decimated frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mescope.events import Interval
from mescope.face.points import Floats, smooth
from mescope.spotting.head import runs

Reason = Literal[
    "large motion", "turned away", "dark", "overexposed", "blurred", "too small",
    "too few frames a second",
]  # fmt: skip

FEW_RATE = 18.0
"""Frames per second that put three into the briefest micro-expression, a sixth of a second."""
MOTION_DEG_S, MOTION_WIDTHS_S = 30.0, 0.5
"""Turning and shifting of the head over a second.  Faces at rest and posing reach 19 degrees
and 0.1 face widths a second; lively talkers 25 to 42 and 0.4."""
MOTION_OVER_S = 0.4
YAW_DEG, PITCH_DEG = (
    35.0,
    40.0,
)  # farther, one cheek or the chin is hidden; heads differ in pitch
DARK = 30.0  # grey levels of 255: sensor noise is as large as what moves
OVEREXPOSED = 240.0  # most of the skin is white then, and white skin shows no motion
BLURRED = 0.16
"""Sharpness of :class:`mescope.face.landmark_track.CloseUps`.  Faces in focus have 0.35 to
0.55; this is a blur of 7 px (sigma) of the 320-px crop: lids and lips have no edge."""
SMALL_PX = 50.0  # width of the face box in the frame; a micro-expression is 0.3 px there
SHORTEST_S, BRIDGE_S = 0.5, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """A stretch that could not be judged, in decimated frames, and why."""

    interval: Interval
    reason: Reason


def unjudged(
    pose: Floats, centre: Floats, width: Floats, light: Floats, rate: float,
    cuts: Sequence[int] = (),
) -> list[Unjudged]:  # fmt: skip
    """Return the stretches in order of time; those of different reasons may overlap.

    Args:
        pose: (n, 3) degrees, smooth; nan where there is no face.
        centre: (n, 2) px of the frame, of the rigid part of the face.
        width: (n,) px of the frame, width of the face box.
        light: (n, 2) grey level and sharpness; nan where not measured.
        rate: frames per second.
        cuts: first frames of other scenes, in order: nothing moved from one to the next.
    """
    count = len(pose)
    if count and rate < FEW_RATE:
        return [Unjudged(interval=Interval(0, count - 1), reason="too few frames a second")]
    yaw, pitch = np.abs(pose[:, 0]), np.abs(pose[:, 1])
    level, sharpness = (_level(light[:, i], rate) for i in (0, 1))
    masks: dict[Reason, NDArray[np.bool_]] = {
        "large motion": np.concatenate(
            [
                _large_motion(pose[a:b], centre[a:b], width[a:b], rate)
                for a, b in pairwise([0, *cuts, count])
            ]
        ),
        "turned away": (yaw > YAW_DEG) | (pitch > PITCH_DEG),
        "dark": level < DARK,
        "overexposed": level > OVEREXPOSED,
        "blurred": sharpness < BLURRED,
        "too small": width < SMALL_PX,
    }
    found = [
        Unjudged(interval=Interval(first, last), reason=reason)
        for reason, mask in masks.items()
        for first, last in runs(mask, round(BRIDGE_S * rate))
        if last - first + 1 >= SHORTEST_S * rate
    ]
    return sorted(found, key=lambda one: one.interval)


def _large_motion(
    pose: Floats, centre: Floats, width: Floats, rate: float
) -> NDArray[np.bool_]:
    """Return (n,): the head keeps turning or shifting fast."""
    if len(pose) < 2:
        return np.zeros(len(pose), bool)
    turning = np.sqrt((np.gradient(pose, axis=0) ** 2).sum(axis=1)) * rate
    place = smooth(centre, 0.05 * rate)
    shifting = np.hypot(*np.gradient(place, axis=0).T) * rate / width
    over = MOTION_OVER_S * rate
    fast = (smooth(turning, over) > MOTION_DEG_S) | (smooth(shifting, over) > MOTION_WIDTHS_S)
    return np.asarray(fast)


def _level(trace: Floats, rate: float) -> NDArray[np.float64]:
    """Return (n,) a measure that only some frames have, as a smooth trace around them.

    It reaches over a second at most: farther from a measured frame it stays nan.
    """
    known = np.flatnonzero(~np.isnan(trace))
    if not len(known):
        return np.full(len(trace), np.nan)
    at = np.arange(len(trace))
    after = np.clip(np.searchsorted(known, at), 0, len(known) - 1)
    before = np.clip(after - 1, 0, None)
    away = np.minimum(np.abs(known[before] - at), np.abs(known[after] - at))
    filled = np.interp(at, known, trace[known])
    return smooth(np.where(away <= rate, filled, np.nan), 0.1 * rate)
