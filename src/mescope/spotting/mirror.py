"""Motion of a face in the mirror: a face has no better side, so neither has what is learned.

Training sees every movement mirrored as well, and so does who judges one: the mean of both
answers is nobody's habit of looking at one side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.spotting.face_shape import TRACES
from mescope.spotting.segments import CONTEXT
from mescope.spotting.spotters import Score

_TWINS = {
    "BROW_L": "BROW_R", "BROW_L_20": "BROW_R_23", "BROW_L_19": "BROW_R_24",
    "BROW_L_18": "BROW_R_25", "MOUTH_48": "MOUTH_54", "NOSE_31": "NOSE_35", "LID_L": "LID_R",
}  # fmt: skip


class Mirror(NamedTuple):
    """Which column of a table becomes which in the mirror, and whether it changes its sign."""

    column: NDArray[np.int64]
    sign: NDArray[np.float32]

    def __call__(self, table: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the mirrored table (n, columns)."""
        return np.asarray(table[:, self.column] * self.sign)

    def of_segments(self, cut: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return mirrored segments (m, columns, samples)."""
        return np.asarray(cut[:, self.column] * self.sign[:, None], np.float32)


def flow_mirror(regions: Sequence[str]) -> Mirror:
    """Return the mirror of region motion (n, 2R): sides change, x changes its sign."""
    twins = _TWINS | {b: a for a, b in _TWINS.items()}
    other = [regions.index(twins.get(name, name)) for name in regions]
    column = np.array([2 * i + axis for i in other for axis in (0, 1)])
    return Mirror(column, np.tile(np.array([-1.0, 1.0], np.float32), len(regions)))


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
        np.array([TRACES.index(name) for name in swapped]),
        np.where(across, np.float32(-1), np.float32(1)),
    )


def segment_mirror(regions: Sequence[str]) -> Mirror:
    """Return the mirror of the channels of :func:`mescope.spotting.segments.segments`."""
    parts = (
        flow_mirror(regions),
        shape_mirror(),
        Mirror(np.arange(len(CONTEXT)), np.ones(len(CONTEXT), np.float32)),
    )
    starts = np.cumsum([0] + [len(part.column) for part in parts[:-1]])
    column = [start + part.column for start, part in zip(starts, parts, strict=True)]
    return Mirror(np.concatenate(column), np.concatenate([part.sign for part in parts]))


def both_sides(score: Score, regions: Sequence[str]) -> Score:
    """Return a network's mean answer to segments as they are and in the mirror."""
    mirror = segment_mirror(regions)

    def asked(
        cut: NDArray[np.float32],
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
        plain, mirrored = score(cut), score(mirror.of_segments(cut))
        return (plain[0] + mirrored[0]) / 2, (plain[1] + mirrored[1]) / 2

    return asked
