"""Take what the head did out of the motion of the regions, so that the face's own is left.

Subtracting the nose's shift (as published) leaves every other motion of a head in every region:
turning in the picture, coming nearer, and the parallax of turning out of it.  Here the motion
of all regions together is explained by a rigid head, robustly, and what is left over is the
face:

    u = tx + s x - r y + a z,    v = ty + r x + s y + b z

with x, y the middle of a region and z how far it stands out of the face towards the camera.
tx, ty shift, s scales, r turns in the picture; a and b are small turns about the vertical and
the level axis under weak perspective (the terms of their first order).  Weights follow
Cauchy's function, whose scale is the median residual of the frame, so that an
expression, which moves few regions far, does not become motion of the head.  Neighbouring
regions share one say (:data:`SAY`): the brows have eight of eighteen regions, and where each
counted as much as the nose, brows lowered together left a tenth of their motion.

The nose bridge, whose motion the extraction has removed already, takes part with motion 0.
Depths are proportions of an adult head (nose tip about 20 mm and lips about 18 mm before the
plane of the eyes at 32 mm between the inner eye corners), only roughly known; an error in them
leaves parallax, never makes any, because a head that does not turn has a = b = 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from mescope.compiling import compiled
from mescope.face.box import CROP_SIZE
from mescope.motion.regions import GLOBAL, REGIONS_18, place

Head = Literal["face", "nose"]
"""Whose motion is the head's: all regions together, or the shift of the nose bridge alone."""

LEAST_REGIONS = 10
"""With fewer, six unknowns would explain whatever the regions did; they are left alone."""

Floats = npt.NDArray[np.float64]
Flow = npt.NDArray[np.float32]

DEPTH: Mapping[str, float] = MappingProxyType(
    {
        "GLOBAL": 42.0, "NOSE_31": 28.0, "NOSE_35": 28.0, "LID_L": 4.0, "LID_R": 4.0,
        "BROW_L": 16.0, "BROW_L_20": 22.0, "BROW_L_19": 18.0, "BROW_L_18": 8.0,
        "BROW_R": 16.0, "BROW_R_23": 22.0, "BROW_R_24": 18.0, "BROW_R_25": 8.0,
        "MOUTH": 36.0, "MOUTH_48": 20.0, "MOUTH_54": 20.0, "MOUTH_51": 42.0,
        "MOUTH_57": 38.0, "MOUTH_62": 40.0,
    }
)  # fmt: skip
"""How far a region stands out towards the camera, px of the face crop."""

SCALE_PX = 0.5
"""A residual below this never loses weight: flow is not more exact."""

SAY: Mapping[str, float] = MappingProxyType(
    {"GLOBAL": 2.0, "NOSE": 2.0, "LID": 1.0, "MOUTH": 1.0, "BROW_L": 0.35, "BROW_R": 0.35}
)
"""What the regions of one part together count before anything is known: the more, the less
expressions move it.  The two brows mostly move together, as a nod would move them."""

TURN_RIDGE = 0.005
"""Keeps turns at 0 where regions cannot tell them from shifts (few regions, or one line)."""

_STEPS = 8  # of reweighting; weights settle within six
_UNIT = 100.0  # px: positions are divided by it, so that all unknowns have one size


def steady(
    windows: npt.NDArray[np.floating],
    boxes: npt.NDArray[np.floating],
    landmarks: npt.NDArray[np.floating],
    regions: Sequence[str],
) -> npt.NDArray[np.float32]:
    """Return windows of region flow without the motion of the head.

    Args:
        windows: (W, 2R, k), region-major, x then y, px of the face crop, nose removed.
        boxes: (W, 4) left, top, right, bottom of the crops in the frame; nan without a face.
        landmarks: (W, 68, 2) x, y in the frame; nan without a face.
        regions: the R names; one that has no known depth is refused.

    Returns:
        (W, 2R, k) float32.  Windows without a face, or with fewer than :data:`LEAST_REGIONS`
        regions, are returned as they are.

    Raises:
        ValueError: a region whose place or depth is not known.
    """
    out = np.array(windows, dtype=np.float32)
    if len(regions) < LEAST_REGIONS:
        return out
    unknown = [name for name in regions if name not in DEPTH]
    if unknown:
        raise ValueError(f"no depth is known for the regions {', '.join(unknown)}")
    names = (*regions, GLOBAL.name)
    depth = np.array([DEPTH[name] for name in names]) / _UNIT
    say = _say(names)
    for j in np.flatnonzero(~np.isnan(boxes).any(axis=1)):
        places = _places(boxes[j], landmarks[j], regions)
        _steady_window(out[j], _rows((places - places.mean(axis=0)) / _UNIT, depth), say)
    return out


def _places(
    box: npt.NDArray[np.floating], landmarks: npt.NDArray[np.floating], regions: Sequence[str]
) -> Floats:
    """Return the middle of every region and of the nose bridge, (R + 1, 2) crop px."""
    inside = (landmarks - box[:2]) * CROP_SIZE / (box[2:] - box[:2])
    known = {region.name: region for region in REGIONS_18}
    placed = place(inside, [*(known[name] for name in regions), GLOBAL])
    return np.array(
        [
            [(p.inner.left + p.inner.right) / 2, (p.inner.top + p.inner.bottom) / 2]
            for p in placed
        ]
    )


def _say(names: Sequence[str]) -> Floats:
    """Return the weight of every region before anything is known: neighbours share one."""
    parts = [name[:6] if name.startswith("BROW") else name.split("_")[0] for name in names]
    return np.array([SAY[part] / parts.count(part) for part in parts])


@compiled
def _steady_window(flow: Flow, rows: Floats, say: Floats) -> None:
    """Take the rigid motion out of ``flow`` (2R, k) in place.

    ``rows`` (2R + 2, 6) are the equations, u of all regions first, nose bridge last of each;
    ``say`` (R + 1,) the weights before anything is known.
    """
    count = len(say)
    moved = np.zeros(2 * count)
    for t in range(flow.shape[1]):
        for i in range(count - 1):
            moved[i], moved[count + i] = flow[2 * i, t], flow[2 * i + 1, t]
        if np.any(moved):
            rest = _not_rigid(moved, rows, say)
            for i in range(count - 1):
                flow[2 * i, t], flow[2 * i + 1, t] = rest[i], rest[count + i]


@compiled
def _not_rigid(moved: Floats, rows: Floats, say: Floats) -> Floats:
    """Return what a rigid head does not explain of ``moved`` (2R + 2,)."""
    count = len(say)
    rest, weight = moved.copy(), say.copy()
    for _ in range(_STEPS):
        weighted = rows.copy()
        for i in range(2 * count):
            weighted[i] *= weight[i % count]
        normal = weighted.T @ rows
        for a in range(6):
            normal[a, a] += TURN_RIDGE if a > 3 else 1e-6
        rest = moved - rows @ np.linalg.solve(normal, weighted.T @ moved)
        length = np.hypot(rest[:count], rest[count:])
        scale = max(SCALE_PX, np.median(length))
        weight = say / (1.0 + (length / scale) ** 2)
    return rest


def _rows(places: Floats, depth: Floats) -> Floats:
    """Return the equations of :func:`_steady_window` for regions at ``places`` (R + 1, 2)."""
    x, y = places.T
    one, none = np.ones_like(x), np.zeros_like(x)
    u = np.stack([one, none, x, -y, depth, none], axis=1)
    v = np.stack([none, one, y, x, none, depth], axis=1)
    return np.ascontiguousarray(np.concatenate([u, v]))
