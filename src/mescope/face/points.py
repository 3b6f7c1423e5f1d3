"""Facts about a face from its 68 landmarks over time: openings, sizes, the head's pose.

All arrays are over n decimated frames; points are raw frame px, nan where not measured.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

EYES = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47))  # image left, image right
CROP_HALF_EYES = 4.5  # the 320-px face crop is this many inner-eye distances wide
CROP_PX = 320.0
LONGEST_HOLE_S = 0.12
"""Holes in the landmarks up to this are bridged: one frame at 15 per second, two at 30."""

RIGID = (36, 39, 42, 45, 27, 30, 31, 33, 35)
"""Landmarks that neither lids nor mouth nor brows move: eye corners and the nose."""

MEAN_FACE = np.array(
    [
        [-44.0, 0.0, -22.0],  # 36: outer eye corners, ex-ex 88 mm
        [-16.5, 1.0, -13.0],  # 39: inner eye corners, en-en 33 mm
        [16.5, 1.0, -13.0],
        [44.0, 0.0, -22.0],
        [0.0, -4.0, 0.0],  # 27: nasion
        [0.0, 36.0, 22.0],  # 30: tip of the nose (pronasale), protrusion sn-prn 20 mm
        [-13.0, 45.0, 6.0],  # 31: edge of the nostril, within the nose's width al-al 34 mm
        [0.0, 47.0, 9.0],  # 33: subnasale, n-sn 51 mm
        [13.0, 45.0, 6.0],  # 35
    ]
)
"""(9, 3) mm: x to the image right, y down, z towards the camera, origin between the eyes.

Widths and heights are means of adult women and men after Farkas (1994), *Anthropometry of the
Head and Face*, rounded; the depths, which he does not list for eye corners, are ours, so angles
are good to some degrees and their changes to better than that.
"""


def bridged(points: Floats, rate: float) -> NDArray[np.float64]:
    """Return points (n, 68, 2) with short holes filled in along straight lines."""
    out = np.array(points, np.float64)
    seen = np.flatnonzero(~np.isnan(out[:, 0, 0]))
    longest = max(1, int(LONGEST_HOLE_S * rate))
    for a, b in pairwise(seen.tolist()):
        if 1 < b - a <= longest + 1:
            part = (np.arange(a + 1, b) - a)[:, None, None] / (b - a)
            out[a + 1 : b] = out[a] + part * (out[b] - out[a])
    return out


def crop_scale(points: Floats, rate: float) -> NDArray[np.float64]:
    """Return (n,) px of the 320-px face crop per raw px, smooth over half a second."""
    inner = np.hypot(*(points[:, 42] - points[:, 39]).T)
    # The smooth width: a crop is laid once a window, and landmarks jitter.
    return np.asarray(CROP_PX / (CROP_HALF_EYES * smooth(inner, 0.25 * rate)))


def eye_width(points: Floats) -> NDArray[np.float64]:
    """Return (n, 2) distance of the corners of each eye, raw px."""
    return np.stack([np.hypot(*(points[:, e[3]] - points[:, e[0]]).T) for e in EYES], axis=1)


def lid_opening(points: Floats) -> NDArray[np.float64]:
    """Return (n, 2) distance of the lids over the width of each eye.

    The eye aspect ratio of Soukupová & Čech (2016), measured square to the line between the
    corners, so that a tilted head does not widen it.
    """
    out = []
    for a, b, c, d, e, f in EYES:
        along = points[:, d] - points[:, a]
        width = np.hypot(*along.T)
        lids = (points[:, f] - points[:, b] + points[:, e] - points[:, c]) / 2
        out.append((along[:, 0] * lids[:, 1] - along[:, 1] * lids[:, 0]) / width**2)
    return np.stack(out, axis=1)


def pose(points: Floats) -> NDArray[np.float64]:
    """Return (n, 3) yaw, pitch and roll of the head in degrees; 0 looks at the camera.

    Yaw is positive to the image right, pitch downwards, roll clockwise in the image.  Weak
    perspective: the affine map that brings :data:`MEAN_FACE` nearest to the landmarks, and the
    rotation nearest to that.
    """
    marks = np.asarray(points, np.float64)[:, list(RIGID)]
    marks = marks - marks.mean(axis=1, keepdims=True)
    model = MEAN_FACE - MEAN_FACE.mean(axis=0)
    out = np.full((len(marks), 3), np.nan)
    seen = ~np.isnan(marks).any(axis=(1, 2))
    if not seen.any():
        return out
    maps = np.einsum("km,nmi->nik", np.linalg.pinv(model), marks[seen])  # (m, 2, 3)
    left, _, right = np.linalg.svd(maps, full_matrices=False)
    rows = left @ right  # the two orthonormal rows nearest to the map
    third = np.cross(rows[:, 0], rows[:, 1])
    out[seen, 0] = np.degrees(np.arctan2(rows[:, 0, 2], third[:, 2]))
    out[seen, 1] = np.degrees(np.arcsin(np.clip(rows[:, 1, 2], -1, 1)))
    out[seen, 2] = np.degrees(np.arctan2(rows[:, 1, 0], rows[:, 0, 0]))
    return out


def smooth(trace: Floats, sigma: float) -> NDArray[np.float64]:
    """Return (n, ...) smoothed by a Gaussian of ``sigma`` frames; nan stays nan and local."""
    known = ~np.isnan(trace)
    if sigma <= 0 or not known.any():
        return np.array(trace, np.float64)
    from scipy.ndimage import gaussian_filter1d

    filled = np.where(known, trace, 0.0)
    weight = gaussian_filter1d(known.astype(np.float64), sigma, axis=0, mode="constant")
    total = gaussian_filter1d(filled, sigma, axis=0, mode="constant")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, total / weight, np.nan)


def usual(trace: Floats, rate: float, *, reach_s: float, percentile: float) -> Floats:
    """Return (n, c): the running percentile over ``reach_s`` seconds to both sides."""
    from scipy.ndimage import percentile_filter

    out = np.full(trace.shape, np.nan)
    length = 2 * max(1, int(reach_s * rate)) + 1
    for channel in range(trace.shape[1]):
        known = ~np.isnan(trace[:, channel])
        if known.any():
            # Frames without a face are left out, so time without one counts as no time.
            out[known, channel] = percentile_filter(
                trace[known, channel], percentile, size=length, mode="nearest"
            )
    return out
