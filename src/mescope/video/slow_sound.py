"""Sound played slower, its pitch kept.

Overlapping windows of the sound are laid further apart; each may shift by a few milliseconds to
where it goes on best from the one before (WSOLA: W. Verhelst and M. Roelands, ICASSP 1993).
Unlike a browser's own stretching, the shift is bounded and never adds up: what is heard lies
within :data:`NEAREST` seconds of the recording from where it belongs, at any speed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mescope.video.sound import RATE

HOP = RATE * 12 // 1000
"""Samples from one window of the slow sound to the next; a window is two of them."""

SHIFT = RATE * 6 // 1000
"""Samples by which a window may shift: both ways together, the longest period of a voice."""

NEAREST = (HOP + SHIFT) / RATE
"""Seconds of the recording between a sound and where it may be heard at most."""


def slowed(
    samples: NDArray[np.int16], start: int, count: int, speed: float
) -> NDArray[np.int16]:
    """Return ``count`` samples of the sound from place ``start`` on, at a speed.

    Sample i of the answer belongs to place ``start + speed * i``.

    Args:
        samples: (m,); outside of it is silence.  A memory map is read in part.
        start: place of the first sample.
        count: length of the answer.
        speed: above 0, at most 1; 1 returns the samples as they are.
    """
    if speed == 1:
        return _cut(samples, start, start + count).astype(np.int16)
    before = start - HOP - SHIFT
    after = start + int(np.ceil(count * speed)) + 3 * HOP + 2 * SHIFT
    part = _cut(samples, before, after).astype(np.float64)
    window = np.hanning(2 * HOP + 1)[:-1]
    steps = -(-count // HOP) + 1
    out = np.zeros((steps + 1) * HOP)
    chosen = 0
    for k in range(steps):  # window k is centred on sample k HOP of the answer
        middle = round(k * HOP * speed)
        chosen = middle if k == 0 else middle + _best(part, middle, chosen + HOP)
        at = chosen + SHIFT  # of its first sample in the part: centre - HOP - before
        out[k * HOP : (k + 2) * HOP] += window * part[at : at + 2 * HOP]
    heard = out[HOP : HOP + count]
    return np.clip(np.rint(heard), -32768, 32767).astype(np.int16)


def _best(part: NDArray[np.float64], middle: int, going_on: int) -> int:
    """Return the shift at which the sound is most like what would follow by itself."""
    natural = part[going_on + SHIFT : going_on + SHIFT + 2 * HOP]
    around = part[middle : middle + 2 * HOP + 2 * SHIFT]
    if len(natural) < 2 * HOP or not natural.any():
        return 0
    like = np.correlate(around, natural, "valid")
    power = np.concatenate([[0.0], np.cumsum(around**2)])
    energy = power[2 * HOP :] - power[: -2 * HOP]
    score = like / np.sqrt(energy + 1.0)
    if score.max() <= 0:
        return 0
    best = np.flatnonzero(score >= score.max() * (1 - 1e-9))
    return int(best[np.argmin(np.abs(best - SHIFT))]) - SHIFT


def _cut(samples: NDArray[np.int16], begin: int, end: int) -> NDArray[np.int16]:
    """Return samples from ``begin`` to before ``end``, with silence outside."""
    inside = np.asarray(samples[max(0, begin) : max(0, min(end, len(samples)))])
    left = min(max(0, -begin), end - begin)
    right = end - begin - left - len(inside)
    return np.pad(inside, (left, max(0, right)))
