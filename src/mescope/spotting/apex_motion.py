"""How far the regions of a face went from the onset of a movement to its apex.

Flow says so, and where it fails, landmarks do.  Frames are decimated frames, px those of the
320-px face crop.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection
from mescope.spotting.face_shape import TRACES
from mescope.spotting.flow_peaks import GROUPS

LARGE_PX = 4.0
"""Landmarks that move further are believed where flow says something else: they jitter by one
or two px, and flow fails where lips part and skin folds."""

_SHAPES = {
    "MOUTH_48": ("corner_l_x", "corner_l_y"),
    "MOUTH_54": ("corner_r_x", "corner_r_y"),
    "MOUTH_51": ("", "upper_lip"),
    "MOUTH_57": ("", "lower_lip"),
}
"""Landmark traces (x, y) of regions of the mouth; "" where the trace has none.  Brows are left
to flow: they never part, and their landmarks slip under fringes, hats and glasses."""


def apex_motion(
    found: Detection,
    chained: NDArray[np.float64],
    shape: NDArray[np.float64],
    regions: Sequence[str],
) -> NDArray[np.float64]:
    """Return the onset→apex motion of every region, (R, 2) px; nan where it is not known.

    Args:
        found: the movement, in decimated frames.
        chained: (n, 2R) displacement, px (:func:`displacement.displacement`).
        shape: (n, len(TRACES)) px (:func:`face_shape.shape_traces`).
        regions: the R names.
    """
    onset, apex = found.interval.first, found.apex
    motion = (chained[apex] - chained[onset]).reshape(-1, 2)
    moved = _level(shape, apex) - _level(shape, onset)
    mouth = 0.0
    for i, name in enumerate(regions):
        if name not in _SHAPES:
            continue
        seen = np.array(
            [0.0 if not trace else moved[TRACES.index(trace)] for trace in _SHAPES[name]]
        )
        large = float(np.linalg.norm(seen))
        if large > LARGE_PX and float(np.linalg.norm(motion[i] - seen)) > LARGE_PX / 2:
            motion[i] = seen
            mouth = max(mouth, large)
    for brow in ("BROW_L", "BROW_R"):
        _trust_most(motion, [i for i, name in enumerate(regions) if name.startswith(brow)])
    if mouth:  # where the lips part, flow beside them follows teeth and folds, not skin
        for i, name in enumerate(regions):
            if name in ("MOUTH", "MOUTH_62", "NOSE_31", "NOSE_35"):
                motion[i] = np.nan
    return np.asarray(motion, np.float64)


def _trust_most(motion: NDArray[np.float64], part: Sequence[int]) -> None:
    """Forget the regions ``part`` of one brow that flow takes far from the others.

    A brow is one piece of skin.  Where the frame of glasses or the edge of a hat lies across
    it, flow can slip along them and say eight px where four were planted.
    """
    if len(part) > 2:
        apart = motion[part] - np.median(motion[part], axis=0)
        motion[
            [i for i, far in zip(part, np.hypot(*apart.T), strict=True) if far > LARGE_PX]
        ] = np.nan


def _level(shape: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
    """Return the median of three frames around one: landmarks of a single frame may slip."""
    return np.asarray(np.median(shape[max(0, frame - 1) : frame + 2], axis=0), np.float64)


def by_group(motion: NDArray[np.float64], regions: Sequence[str]) -> dict[str, float]:
    """Return the length of the mean motion of every group, px."""
    index = {name: i for i, name in enumerate(regions)}
    lengths = {}
    for group, members in GROUPS.items():
        known = [motion[index[n]] for n in members if n in index]
        known = [vector for vector in known if not np.isnan(vector).any()]
        if known:
            lengths[group] = float(np.hypot(*np.mean(known, axis=0)))
    return lengths
