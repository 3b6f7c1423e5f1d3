"""Training segments of the cascade's network, from measured rendered recordings.

Every candidate of the training-free spotter becomes one segment, and a second one mirrored: a
face has no better side.  Micro- and macro-expressions are targets alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.events import Expression, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.spotting.cascade import PROPOSER
from mescope.spotting.face_shape import TRACES
from mescope.spotting.flow_peaks import candidates
from mescope.spotting.segments import SAMPLES, channels, sample_positions, segments
from mescope.training.rendered import Measured
from mescope.training.synthetic import Windows, joined
from mescope.video.regions import REGIONS_18

MEANT = 0.25
"""Least IoU of a candidate with the expression that it is taken to be."""

REGIONS = tuple(region.name for region in REGIONS_18)

_TWINS = {
    "BROW_L": "BROW_R", "BROW_L_20": "BROW_R_23", "BROW_L_19": "BROW_R_24",
    "BROW_L_18": "BROW_R_25", "MOUTH_48": "MOUTH_54", "NOSE_31": "NOSE_35", "LID_L": "LID_R",
}  # fmt: skip


class Mirror(NamedTuple):
    """Which column of a table becomes which in the mirror, and whether it changes its sign."""

    column: NDArray[np.int64]
    sign: NDArray[np.float64]

    def __call__(self, table: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the mirrored table (n, columns)."""
        return np.asarray(table[:, self.column] * self.sign)


def flow_mirror(regions: Sequence[str] = REGIONS) -> Mirror:
    """Return the mirror of region motion (n, 2R): sides change, x changes its sign."""
    twins = _TWINS | {b: a for a, b in _TWINS.items()}
    other = [regions.index(twins.get(name, name)) for name in regions]
    column = np.array([2 * i + axis for i in other for axis in (0, 1)])
    return Mirror(column, np.tile([-1.0, 1.0], len(regions)))


def shape_mirror() -> Mirror:
    """Return the mirror of shape traces: sides change; shifts across and turns their sign."""
    swapped = [
        name.replace("_l_", "_R_").replace("_r_", "_l_").replace("_R_", "_r_")
        if "_l_" in name or "_r_" in name
        else {"lid_l": "lid_r", "lid_r": "lid_l"}.get(name, name)
        for name in TRACES
    ]
    across = [name.endswith("_x") or name == "head_roll" for name in TRACES]
    return Mirror(
        np.array([TRACES.index(name) for name in swapped]), np.where(across, -1.0, 1.0)
    )


def candidate_windows(measured: Iterable[Measured]) -> Windows:
    """Return the segments of recordings with their labels, m of :data:`SAMPLES` samples."""
    parts = []
    turn, change = flow_mirror(), shape_mirror()
    for one in measured:
        if np.isnan(one.motion[:, 0]).all():
            continue
        parts.append(_segments(one, one.motion, one.shape))
        parts.append(_segments(one, turn(one.motion), change(one.shape)))
    empty = Windows(
        np.zeros((0, channels(len(REGIONS)), SAMPLES), np.float32),
        np.zeros((0, SAMPLES), np.float32),
        np.zeros((0, SAMPLES), np.int64),
    )
    return joined([empty, *parts])


def _segments(
    one: Measured, motion: NDArray[np.floating], shape: NDArray[np.floating]
) -> Windows:
    found = [c.interval for c in candidates(motion, one.rate, REGIONS, PROPOSER)[0]]
    cut = segments(motion, shape, found, one.rate, REGIONS)
    spotting, classes = labels(one.expressions, found)
    return Windows(cut, spotting, classes)


def labels(
    expressions: Sequence[Expression], proposed: Sequence[Interval]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Label the samples of candidates, (m, SAMPLES) each: score 0 or 1, and class.

    Positive is what lies strictly inside an expression that the candidate means, by an IoU of
    :data:`MEANT`.  A tremor within a long smile is no expression: it would look like any
    tremor, because the segment shows nothing of the smile.
    """
    spotting = np.zeros((len(proposed), SAMPLES), np.float32)
    classes = np.full((len(proposed), SAMPLES), len(SPOTTING_CLASSES) - 1, np.int64)
    for row, interval in enumerate(proposed):
        at = sample_positions(interval)
        for e in expressions:
            if e.interval.iou(interval) < MEANT:
                continue
            inside = (at > e.interval.first) & (at < e.interval.last)
            spotting[row, inside] = 1.0
            classes[row, inside] = SPOTTING_CLASSES.index(str(e.emotion))
    return spotting, classes
