"""Shifts of gaze, from where the dark of the iris lies between the corners of the eyes.

Only sideways shifts are found: up and down, the lids go along.  Nothing is claimed where the
eyes are narrow or shut, or too small to show an iris.  All frames are decimated frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mescope.events import Interval
from mescope.face.points import Floats

SHIFT = 0.12
"""Share of an eye's width that an iris moves in a shift; at rest it jitters by 0.01 to 0.02.
The iris is two fifths of the width, so this is about 15 degrees."""
EITHER = 0.06  # and each eye at least this, both the same way: reflexes on glasses are in one
WITHIN_S, HELD_S = 0.1, 0.2  # it jumps in one and stays for the other
LEAST_WIDTH = 12.0  # px of the frame from corner to corner
LEAST_OPEN = 0.65  # of the usual opening
DARK_SHARE = 25.0  # per cent of an eye that is iris and pupil
INNER = (slice(1, 11), slice(2, 22))  # of a patch: without brows, and from corner to corner


@dataclass(frozen=True)
class GazeShift:
    """A shift of gaze and its size, share of the eye's width, positive to the image right."""

    interval: Interval
    shift: float


def iris(eyes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return (n, 2): the iris between the corners, -0.5 left to 0.5 right; nan if unseen."""
    part = eyes[:, :, INNER[0], INNER[1]].astype(np.float64)
    limit = np.percentile(part, DARK_SHARE, axis=(2, 3), keepdims=True)
    dark = np.clip(limit - part, 0.0, None).sum(axis=2)  # (n, 2, columns)
    width = dark.shape[2]
    place = (np.arange(width) - (width - 1) / 2) / width
    weight = dark.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(weight > 0, (dark * place).sum(axis=2) / weight, np.nan))


def gaze_shifts(place: Floats, openness: Floats, width: Floats, rate: float) -> list[GazeShift]:
    """Return shifts of gaze in order of time.

    Args:
        place: (n, 2) of :func:`iris`.
        openness: (n,) 1 = usual.
        width: (n, 2) px of the frame from corner to corner.
        rate: frames per second.
    """
    gap, held = max(1, round(WITHIN_S * rate / 2)), max(2, round(HELD_S * rate))
    reach = gap + held
    usable = (openness >= LEAST_OPEN) & (width.mean(axis=1) >= LEAST_WIDTH)
    seen = np.where(usable[:, None], place, np.nan)
    step = np.zeros(len(place))
    for t in range(reach, len(place) - reach + 1):
        # A blink on either side hides where the eyes looked before: then nothing is said.
        around = seen[t - reach : t + reach]
        if not np.isnan(around).any():
            change = np.median(around[-held:], axis=0) - np.median(around[:held], axis=0)
            both = float(change.mean())
            if np.all(change * np.sign(both) >= EITHER):
                step[t] = both
    return _peaks(step, seen.mean(axis=1), reach)


def _peaks(step: Floats, place: Floats, reach: int) -> list[GazeShift]:
    """Return the largest steps, each from where the iris leaves to where it arrives."""
    found: list[GazeShift] = []
    size = np.abs(step)
    while size.max(initial=0.0) >= SHIFT:
        t = int(np.argmax(size))
        part = place[t - reach : t + reach]
        start, end = np.median(part[: reach // 2]), np.median(part[-(reach // 2) :])
        way = (part - start) / (end - start) if end != start else np.zeros(len(part))
        half = int(np.argmax(way >= 0.5))  # the first frame that is more there than here
        left, right = np.flatnonzero(way[:half] <= 0.1), np.flatnonzero(way[half:] >= 0.9)
        a = t - reach + (int(left[-1]) if len(left) else max(0, half - 1))
        b = t - reach + half + (int(right[0]) if len(right) else 0)
        found.append(GazeShift(Interval(a, b), float(step[t])))
        size[max(0, t - reach) : t + reach] = 0.0
    return sorted(found, key=lambda one: one.interval)
