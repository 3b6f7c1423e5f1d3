"""Blinks (AU 45), from lids and from what the eyes look like.

Two things fall together when a lid comes down, and each is misled by something else.  The
distance of the lids (landmarks) shrinks in smiles and squints too, and is vague behind glasses.
The pattern of iris and white, which changes from left to right, gives way to skin and lashes,
which run along the lid; a glance changes it too, but never that far.  Their product over the
person's own usual product is the *closure*: about 1 for open eyes, 0.1 to 0.3 at the bottom of
a blink, 0.35 to 0.8 in smiles, squints and glances.

All frames are decimated frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mescope.events import Interval
from mescope.face.points import Floats, lid_opening, usual

SHUT = 0.29
"""Closure below which eyes are shut.  On 16 recordings of real faces 29 of 30 blinks go below
0.28; smiles, frowns, squints and glances stay above 0.33.  From 0.20 to 0.31 nothing
changes."""
NEARLY, BRIEF_S = 0.43, 0.32
"""And one that counts if it lasts no longer, from half way down to half way up: glasses hide
part of a blink, and only a blink is that brief.  From 0.39 to 0.52, and from 0.28 to 0.45 s,
nothing changes."""
FALLEN = 0.65  # of the level just before and just after: eyes that were narrow stay open
BEFORE_S, AFTER_S = 0.4, 0.9  # where these levels are looked for; opening takes longer
RECOVERED = 0.85  # of these levels: here the movement of the lids begins and ends
STILL = 1.0  # change of the closure a second, a tenth of that in a blink
USUAL_S, USUAL_PERCENTILE = 4.0, 70.0
"""The usual opening: a percentile of the seconds to both sides, high enough that eyes shut for
half of the time do not count as usual.  From 1.5 to 6 s and 50 to 80 % nothing changes."""
DARKEST = 4.0  # grey levels added to a patch's mean: black patches have no pattern


@dataclass(frozen=True)
class Lids:
    """The eyes over time, n frames; all over the usual value, nan where not measured.

    ``openness`` (n,) distance of the lids, mean of both eyes; ``closure`` (n,) opening times
    pattern.
    """

    openness: NDArray[np.float64]
    closure: NDArray[np.float64]


@dataclass(frozen=True)
class Blink:
    """The whole movement of the lids, and the share of the usual opening that was lost."""

    interval: Interval
    lost: float


def lids(points: Floats, eyes: NDArray[np.uint8], rate: float) -> Lids:
    """Measure both eyes.

    Args:
        points: (n, 68, 2) landmarks, bridged; nan where there is no face.
        eyes: (n, 2, h, w) grey patches of both eyes, all 0 where there is none.
        rate: frames per second.
    """
    opening = _relative(lid_opening(points), rate)
    pattern, along = _pattern(eyes)
    change = np.minimum(_relative(pattern, rate), _relative(along, rate))
    # Without a patch the lids decide alone; an eye that looks livelier is not wider open.
    change = np.where(np.isnan(change), 1.0, np.clip(change, 0.0, 1.0))
    product = np.clip(opening, 0.0, 1.1) * change
    return Lids(openness=opening.mean(axis=1), closure=product.mean(axis=1))


def blinks(eyes: Lids, rate: float) -> list[Blink]:
    """Return the blinks in order of time; two that touch are parted."""
    found: list[Blink] = []
    lowest: list[int] = []
    for bottom in _valleys(eyes.closure, max(1, round(0.12 * rate))):
        blink = _blink(eyes, bottom, rate)
        if blink is None:
            continue
        if found and found[-1].interval.last >= blink.interval.first:
            part = eyes.closure[lowest[-1] : bottom + 1]
            widest = lowest[-1] + int(np.nanargmax(part))
            earlier = found.pop()
            first, last = earlier.interval.first, blink.interval.last
            if part.max() >= max(NEARLY, max(part[0], part[-1]) / FALLEN):  # reopened between
                found.append(replace(earlier, interval=Interval(first, widest)))
                blink = replace(blink, interval=Interval(widest + 1, last))
            else:
                blink = Blink(Interval(first, last), max(earlier.lost, blink.lost))
                lowest.pop()
        found.append(blink)
        lowest.append(bottom)
    return found


def _blink(eyes: Lids, bottom: int, rate: float) -> Blink | None:
    """Return the blink whose lowest point is ``bottom``, or None."""
    trace = eyes.closure
    depth = float(trace[bottom])
    first, last = _reach(trace, bottom, rate)
    before = _highest(trace[first : bottom + 1])
    after = _highest(trace[bottom : last + 1])
    least = max(NEARLY, depth / FALLEN)  # eyes that are shut anyway do not blink
    if depth > NEARLY or min(before, after) < least:
        return None
    half = (depth + min(before, after)) / 2
    low = _span(trace, bottom, first, last, half, half)
    brief = len(low) <= max(1.0, BRIEF_S * rate)
    if depth > SHUT and not brief:
        return None
    span = _movement(
        trace, low, Interval(first, last), RECOVERED * before, RECOVERED * after, rate
    )
    lost = 1.0 - float(np.nanmin(eyes.openness[span.first : span.last + 1]))
    return Blink(span, min(max(lost, 0.0), 1.0))


def _reach(trace: Floats, bottom: int, rate: float) -> tuple[int, int]:
    """Return first and last frame around ``bottom`` that may belong to its blink."""
    first = bottom - max(1, round(BEFORE_S * rate))
    last = bottom + max(1, round(AFTER_S * rate))
    unknown = np.flatnonzero(np.isnan(trace))
    left, right = unknown[unknown < bottom], unknown[unknown > bottom]
    first = max(first, int(left[-1]) + 1 if len(left) else 0)
    last = min(last, (int(right[0]) if len(right) else len(trace)) - 1)
    return first, last


def _span(
    trace: Floats, bottom: int, first: int, last: int, before: float, after: float
) -> Interval:
    """Return the frames around ``bottom`` until the trace comes up to the levels."""
    start = bottom
    while start > first and trace[start - 1] < before:
        start -= 1
    end = bottom
    while end < last and trace[end + 1] < after:
        end += 1
    return Interval(start, end)


def _movement(
    trace: Floats, low: Interval, reach: Interval, before: float, after: float, rate: float
) -> Interval:
    """Return ``low`` with the frames around it in which the lids still move.

    They move until they are back at the levels, or slower than :data:`STILL`: a blink in a
    smile that just began does not begin with the smile.
    """
    still = STILL / rate
    start, end = low.first, low.last
    while start > reach.first and trace[start] < before:
        if trace[start - 1] - trace[start] < still:
            break
        start -= 1
    while end < reach.last and trace[end] < after:
        if trace[end + 1] - trace[end] < still:
            break
        end += 1
    return Interval(start, end)


def _valleys(trace: Floats, reach: int) -> list[int]:
    """Return the lowest frames within ``reach`` to both sides."""
    out: list[int] = []
    for t in np.flatnonzero(trace < NEARLY):
        near = trace[max(0, t - reach) : t + reach + 1]
        if trace[t] <= np.nanmin(near) and not (out and t - out[-1] <= reach):
            out.append(int(t))
    return out


def _highest(part: Floats) -> float:
    """Return a high value of a short stretch that one noisy frame does not decide."""
    return float(np.sort(part)[-2]) if len(part) > 3 else float(part.max())


def _relative(trace: Floats, rate: float) -> NDArray[np.float64]:
    base = usual(trace, rate, reach_s=USUAL_S, percentile=USUAL_PERCENTILE)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(base > 0, trace / base, np.nan))


def _pattern(eyes: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (n, 2) change from left to right, and the same over that from top to bottom."""
    grey = eyes.astype(np.float64)
    mean = grey.mean(axis=(2, 3)) + DARKEST
    across = np.abs(np.diff(grey, axis=3)).mean(axis=(2, 3)) / mean
    down = np.abs(np.diff(grey, axis=2)).mean(axis=(2, 3)) / mean
    across = np.where(eyes.any(axis=(2, 3)), across, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return across, across / (down + 1e-3)
