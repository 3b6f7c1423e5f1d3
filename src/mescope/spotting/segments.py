"""What the network of the cascade is shown of a candidate: the movement and its surroundings.

A segment runs from one length of the candidate before it to one length after it, resampled to
:data:`SAMPLES` samples, whatever the length: brief and long movements look alike, and duration
alone decides afterwards whether an expression was micro or macro.  The candidate is the middle
third.  Motion is relative to a straight line from onset to offset, so that drift is flat, and
compressed (asinh), so that strong and faint movements both stay in range.

Frames are decimated frames; px are those of the 320-px face crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.events import Interval
from mescope.spotting.face_shape import TRACES
from mescope.spotting.flow_peaks import GROUPS, over_trend

Floats = NDArray[np.floating[Any]]

SAMPLES = 48
"""Length of a segment; the candidate is samples 16 to 31."""

CORE = slice(SAMPLES // 3, 2 * SAMPLES // 3)
SHORTEST = 4
"""Frames that a candidate counts at least when its surroundings are chosen."""

CONTEXT = ("duration", "noise", "mouth", "brows", "head", "lids")
"""Constant channels: log2 seconds, then log px of noise and of motion around the candidate."""

FLOW_PX, SHAPE_PX = 0.5, 2.0  # where compression begins: flow is finer than landmarks
_AROUND_S = 2.0  # seconds on both sides that count as surroundings
_TREND_S = 1.2  # slower motion is not unrest
_HEAD = tuple(i for i, name in enumerate(TRACES) if name.startswith(("nose", "head")))
_LIDS = tuple(i for i, name in enumerate(TRACES) if name.startswith("lid"))


def channels(regions: int) -> int:
    """Return the number of channels of segments with so many regions."""
    return 2 * regions + len(TRACES) + len(CONTEXT)


def segments(
    motion: Floats,
    shape: Floats,
    intervals: Sequence[Interval],
    rate: float,
    regions: Sequence[str],
) -> NDArray[np.float32]:
    """Cut the segments of candidates.

    Args:
        motion: (n, 2R) chained displacement, px (:func:`displacement.displacement`); nan gaps.
        shape: (n, len(TRACES)) px (:func:`face_shape.shape_traces`); nan gaps.
        intervals: of the m candidates.
        rate: frames per second.
        regions: the R names.

    Returns:
        (m, channels(R), SAMPLES) float32, never nan: flow of regions (region-major, x then y),
        shape traces, context.
    """
    if not intervals:
        return np.zeros((0, channels(len(regions)), SAMPLES), np.float32)
    return Cutter(motion, shape, rate, regions)(intervals)


class Cutter:
    """Cuts segments of one recording: what all of them share is measured once.

    Args: as for :func:`segments`.
    """

    def __init__(
        self, motion: Floats, shape: Floats, rate: float, regions: Sequence[str]
    ) -> None:
        self._unrest = _Unrest(motion, shape, rate, regions)
        self._flow, self._form = _filled(motion), _filled(shape)

    def __call__(self, intervals: Sequence[Interval]) -> NDArray[np.float32]:
        """Return the segments of candidates, see :func:`segments`."""
        a = self._flow.shape[1]
        b = a + self._form.shape[1]
        out = np.zeros((len(intervals), channels(a // 2), SAMPLES), np.float32)
        for row, interval in zip(out, intervals, strict=True):
            at = sample_positions(interval)
            row[:a] = np.arcsinh(_over_line(self._flow, interval, at) / FLOW_PX).T
            row[a:b] = np.arcsinh(_over_line(self._form, interval, at) / SHAPE_PX).T
            row[b:] = self._unrest.around(interval)[:, None]
        return out


def sample_positions(interval: Interval) -> NDArray[np.float64]:
    """Return the frame (with fractions) of every sample, (SAMPLES,).

    >>> sample_positions(Interval(10, 25))[[0, 16, 31]].round(1).tolist()
    [-5.5, 10.5, 25.5]
    """
    length = max(len(interval), SHORTEST)
    begin = (interval.first + interval.last + 1 - length) / 2 - length
    return np.asarray(begin + (np.arange(SAMPLES) + 0.5) * (3 * length / SAMPLES), np.float64)


def back_to_frames(scores: Floats, interval: Interval, frames: int) -> NDArray[np.float64]:
    """Return the samples' scores (SAMPLES,) on the frames of the recording; nan elsewhere."""
    at = sample_positions(interval)
    first, last = max(0, int(np.ceil(at[0]))), min(frames - 1, int(np.floor(at[-1])))
    out = np.full(frames, np.nan)
    out[first : last + 1] = np.interp(np.arange(first, last + 1), at, scores)
    return out


def _over_line(trace: NDArray[np.float64], interval: Interval, at: Floats) -> Floats:
    """Return (SAMPLES, c): the trace over the line from its onset to its offset."""
    first, last = interval.first, min(interval.last, len(trace) - 1)
    share = np.clip((at - first) / max(1, last - first), 0, 1)[:, None]
    line = trace[first] + share * (trace[last] - trace[first])
    place = np.clip(at, 0, len(trace) - 1)
    below = np.minimum(place.astype(np.int64), max(0, len(trace) - 2))
    above = np.minimum(below + 1, len(trace) - 1)
    part = (place - below)[:, None]
    return np.asarray((1 - part) * trace[below] + part * trace[above] - line)


def _filled(trace: Floats) -> NDArray[np.float64]:
    """Return the trace with gaps bridged by straight lines; all 0 where nothing is known."""
    out = np.zeros(trace.shape)
    frames = np.arange(len(trace))
    for column in range(trace.shape[1]):
        known = np.flatnonzero(~np.isnan(trace[:, column]))
        if len(known):
            out[:, column] = np.interp(frames, known, trace[known, column])
    return out


class _Unrest:
    """How much the parts of the face move around a candidate, beside the candidate itself."""

    def __init__(
        self, motion: Floats, shape: Floats, rate: float, regions: Sequence[str]
    ) -> None:
        fast = np.nan_to_num(over_trend(motion, rate, _TREND_S))
        form = np.nan_to_num(over_trend(shape, rate, _TREND_S))
        vectors = fast.reshape(len(fast), len(regions), 2)
        length = np.hypot(vectors[..., 0], vectors[..., 1])
        steps = np.abs(np.diff(fast, axis=0))
        self.noise = float(np.median(steps)) if len(steps) else 0.0
        self.rate = rate
        self.parts = np.stack(
            [
                _mean(length, regions, ("corner_l", "corner_r", "lips")),
                _mean(length, regions, ("brow_l", "brow_r")),
                np.linalg.norm(form[:, _HEAD], axis=1),
                np.linalg.norm(form[:, _LIDS], axis=1),
            ]
        )

    def around(self, interval: Interval) -> NDArray[np.float64]:
        """Return the values of :data:`CONTEXT`."""
        reach = int(_AROUND_S * self.rate)
        before = self.parts[:, max(0, interval.first - reach) : interval.first]
        after = self.parts[:, interval.last + 1 : interval.last + 1 + reach]
        both = np.concatenate([before, after], axis=1)
        level = np.sqrt((both**2).mean(axis=1)) if both.shape[1] else np.zeros(len(both))
        seconds = len(interval) / self.rate
        return np.concatenate(
            [[np.log2(seconds)], np.log([self.noise + 0.02]), np.log(level + 0.1)]
        )


def _mean(length: Floats, regions: Sequence[str], groups: Sequence[str]) -> Floats:
    """Return the mean motion of groups of regions, (n,); 0 where none of them is there."""
    wanted = {name for group in groups for name in GROUPS[group]}
    columns = [i for i, name in enumerate(regions) if name in wanted]
    return length[:, columns].mean(axis=1) if columns else np.zeros(len(length))
