"""Segments as they might have been: stronger or fainter, noisier, with other motion on top.

Rendered recordings are few, and a network soon knows every expression in them.  What a segment
shows is a displacement, and displacements add up: the movement of a segment without an
expression, from another face, is laid over some; all are scaled, and get noise of their own.
The truth does not change, for no strength is too strong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mescope.motion.regions import REGIONS_18
from mescope.samples.synthetic import Windows
from mescope.spotting.face_shape import TRACES
from mescope.spotting.segments import FLOW_PX, SHAPE_PX

STRENGTH = 0.4
"""Standard deviation of the logarithm of the strength."""

OVERLAID, MOST_OVERLAID = 0.3, 0.7
"""Share of the segments with another's motion on top, and its greatest share of that motion."""

LOST, MOST_LOST = 0.2, 3
"""Share of the segments in which regions are at rest because flow fails, and how many."""

NOISE_PX = (0.12, 0.25)
"""Standard deviations of noise of the flow and of the shape, at most."""


def disturbed(windows: Windows, rng: np.random.Generator) -> Windows:
    """Return the segments, each disturbed in its own way; labels stay.

    Args:
        windows: of :meth:`mescope.samples.candidate_segments.Candidates.cut`.
        rng: source of all draws.
    """
    count = len(windows.flow)
    moving = 2 * len(REGIONS_18) + len(TRACES)
    px = np.r_[np.full(2 * len(REGIONS_18), FLOW_PX), np.full(len(TRACES), SHAPE_PX)]
    px = px[:, None].astype(np.float32)
    motion = np.sinh(windows.flow[:, :moving]) * px
    strength = np.exp(rng.normal(0, STRENGTH, count))
    motion *= strength[:, None, None].astype(np.float32)
    quiet = np.flatnonzero(~(windows.spotting > 0).any(axis=1))
    if len(quiet):
        share = rng.uniform(0, MOST_OVERLAID, count) * (rng.random(count) < OVERLAID)
        on = np.flatnonzero(share)
        over = np.sinh(windows.flow[rng.choice(quiet, len(on)), :moving]) * px
        motion[on] += share[on, None, None].astype(np.float32) * over
    motion += _noise(motion.shape, rng)
    _lose(motion, rng)
    flow = windows.flow.copy()
    flow[:, :moving] = np.arcsinh(motion / px)
    return windows._replace(flow=flow)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return noise of a level of its own for every segment, px."""
    level = np.r_[
        np.full(2 * len(REGIONS_18), NOISE_PX[0]), np.full(len(TRACES), NOISE_PX[1])
    ].astype(np.float32)
    drawn = rng.standard_normal(shape, dtype=np.float32)
    share = rng.random((shape[0], 1, 1), dtype=np.float32)
    return np.asarray(drawn * level[:, None] * share, np.float32)


def _lose(motion: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Lay some regions of some segments to rest, in place."""
    for row in np.flatnonzero(rng.random(len(motion)) < LOST):
        for region in rng.choice(len(REGIONS_18), int(rng.integers(1, MOST_LOST + 1))):
            motion[row, 2 * region : 2 * region + 2] = 0.0
