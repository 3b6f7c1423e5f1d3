"""How the shape of a face changes over time, from its landmarks; head motion taken out.

The flow of small regions is exact for faint motion and fails for large one (lips that part,
corners that move by a tenth of the face).  Landmarks are the other way round: coarse, but a
full smile moves them by ten times their jitter.  Both are shown to the network of the cascade.

Every frame is laid on the recording's own median face by the similarity that fits eyes, nose
bridge and nostrils best, and measured in px of the 320-px face crop, in which the inner eye
corners are 71 px apart (:func:`mescope.face.crop.crop_box`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.spotting.traces import valid_runs

Floats = NDArray[np.float64]

RIGID = (27, 28, 29, 30, 31, 35, 36, 39, 42, 45)
"""Landmarks that expressions hardly move: nose bridge, nostrils, eye corners."""

INNER_EYES_PX = 71.0
"""Distance of the inner eye corners (39, 42) in the face crop, px."""

TRACES = (
    "brow_l_in", "brow_l_out", "brow_r_in", "brow_r_out",
    "corner_l_x", "corner_l_y", "corner_r_x", "corner_r_y",
    "upper_lip", "lower_lip", "mouth_gap", "lid_l", "lid_r",
    "nose_x", "nose_y", "head_x", "head_y", "head_roll", "head_scale",
)  # fmt: skip
"""Names of the columns of :func:`shape_traces`; ``_l`` and ``_r`` as in the image."""

_BRIDGED_S = 0.5  # longest stretch without landmarks that is filled in by a straight line


def shape_traces(points: NDArray[np.floating[Any]], rate: float) -> Floats:
    """Return the shape of the face in every frame.

    Args:
        points: (n, 68, 2) landmarks x, y in px of the frame; nan where not measured.
        rate: frames per second.

    Returns:
        (n, len(TRACES)) px of the face crop, relative to the recording's median; y down.
        Brows and lips are heights, ``mouth_gap`` the opening between the lips, lids the eye
        openings, ``nose`` the tip against the eyes (it moves when the head turns out of the
        picture), ``head`` shift, turn and size (px at 100 px from its middle).  nan where no
        landmarks are near.
    """
    out = np.full((len(points), len(TRACES)), np.nan)
    seen = np.flatnonzero(~np.isnan(points).any(axis=(1, 2)))
    if len(seen) < 3:
        return out
    measured = _measure(np.asarray(points[seen], np.float64))
    measured -= np.median(measured, axis=0)
    if len(seen) >= 5:  # a single frame on which the landmarks slipped is not motion
        from scipy.ndimage import median_filter

        measured = median_filter(measured, size=(3, 1), mode="nearest")
    frames = np.arange(len(points))
    for column in range(out.shape[1]):
        out[:, column] = np.interp(frames, seen, measured[:, column])
    out[_far_from(seen, len(points), rate)] = np.nan
    return out


def _measure(points: Floats) -> Floats:
    """Return the traces of frames that have landmarks, (m, 68, 2) → (m, columns)."""
    normed, shift, turn, size = _aligned(points)
    x, y = normed[..., 0], normed[..., 1]
    lids = [
        (y[:, low].sum(axis=1) - y[:, high].sum(axis=1)) / 2
        for high, low in (([37, 38], [41, 40]), ([43, 44], [47, 46]))
    ]
    columns = [
        y[:, [20, 21]].mean(axis=1), y[:, [17, 18]].mean(axis=1),
        y[:, [22, 23]].mean(axis=1), y[:, [25, 26]].mean(axis=1),
        x[:, 48], y[:, 48], x[:, 54], y[:, 54],
        y[:, [50, 51, 52]].mean(axis=1), y[:, [56, 57, 58]].mean(axis=1),
        y[:, [65, 66, 67]].mean(axis=1) - y[:, [61, 62, 63]].mean(axis=1),
        *lids,
        x[:, 30] - x[:, [36, 39, 42, 45]].mean(axis=1),
        y[:, 30] - y[:, [36, 39, 42, 45]].mean(axis=1),
        shift[:, 0], shift[:, 1], 100 * turn, 100 * size,
    ]  # fmt: skip
    return np.stack(columns, axis=1)


def _aligned(points: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Lay faces (m, 68, 2) on their median face.

    Returns:
        points in crop px, (m, 68, 2); shift (m, 2) in crop px; turn (m,) rad; log size (m,).
    """
    rigid = points[:, RIGID]
    middle = rigid.mean(axis=1)
    flat = (rigid - middle[:, None]).view(np.complex128)[..., 0]  # x + iy: turn is a factor
    inner = np.hypot(*(points[:, 42] - points[:, 39]).T)
    template = np.median(flat.real, axis=0) + 1j * np.median(flat.imag, axis=0)
    unit = max(float(np.median(inner)), 1e-9) / INNER_EYES_PX  # frame px per crop px
    spread = max(float((np.abs(template) ** 2).sum()), 1e-9)  # 0: all landmarks in one place
    factor = (flat * template.conj()).sum(axis=1) / spread
    factor = np.where(np.abs(factor) > 1e-9, factor, 1.0)
    laid = np.ascontiguousarray(points - middle[:, None]).view(np.complex128)[..., 0]
    laid = laid / factor[:, None] / unit
    normed = np.stack([laid.real, laid.imag], axis=-1)
    return normed, middle / unit, np.angle(factor), np.log(np.abs(factor))


def _far_from(seen: NDArray[np.int64], frames: int, rate: float) -> NDArray[np.bool_]:
    """Return the frames of stretches without landmarks that are too long to be filled in."""
    gone = np.ones(frames)
    gone[seen] = np.nan
    far = np.zeros(frames, bool)
    for first, last in valid_runs(gone):
        if last - first + 1 > _BRIDGED_S * rate:
            far[first : last + 1] = True
    return far
