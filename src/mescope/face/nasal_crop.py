"""Faces cut out along the bridge of the nose: turned upright, frame by frame, and squared.

Every frame gets a transform of its own, so head motion is taken out and landmark noise is put
in, as published; ``smoothing`` tempers the second.  The crop keeps the landmarks, which
regional selective mixup needs.  Source: the RSMix paper (``docs/models/videomamba.md``),
readings ours where it is silent; :mod:`mescope.face.aligned` is the other way to align, one
transform for a clip, fitted to eyes and nose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from mescope.errors import FaceError
from mescope.video.source import Picture

Extent = Literal["square", "tight"]
Smoothing = Literal["median5", "clip", "none"]

SIZE = 224
"""Side of the crop, px: 14 cells of 16 px, VideoMamba's patches."""

TOP, TIP, CHIN = 27, 30, 8
"""Landmarks (0-based) of both ends of the nasal bridge, and of the chin."""

MARGIN = 10.0  # px of the frame, outwards on every side, as printed
MIN_BRIDGE_TO_CHIN = 8.0  # px: below, landmarks in whole pixels place nothing
MOST_MISSING = 0.5
"""Share of a clip's frames that may lack a face; theirs are interpolated."""

_WINDOW = 5  # frames of the running median


@dataclass(frozen=True, slots=True)
class NasalCrop:
    """How one frame becomes an upright crop.

    ``matrix`` (2, 3) float64 maps x, y in px of the frame to px of the square that is cut out,
    ``side`` px wide, which is then resized to ``size`` px.
    """

    matrix: npt.NDArray[np.float64]
    side: int
    size: int

    def cut(self, picture: Picture) -> Picture:
        """Return the crop (size, size) of a grey picture, (size, size, 3) of an RGB one.

        Turned bilinearly; beyond the frame its edge is repeated.  Shrinking averages the area
        of every pixel, enlarging is cubic.
        """
        square = cv2.warpAffine(
            picture, self.matrix, (self.side, self.side),
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        if self.side == self.size:
            return np.asarray(square, np.uint8)
        how = cv2.INTER_AREA if self.side > self.size else cv2.INTER_CUBIC
        crop = cv2.resize(square, (self.size, self.size), interpolation=how)
        return np.asarray(crop, np.uint8)

    def points(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return points (n, 2) x, y of the frame in px of the crop; some may lie outside."""
        square = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.asarray((square + 0.5) * (self.size / self.side) - 0.5)  # pixel centres


def nasal_crop(
    landmarks: npt.NDArray[np.floating], *, size: int = SIZE, extent: Extent = "square"
) -> NasalCrop:
    """Return the crop in which the bridge of the nose is vertical.

    Args:
        landmarks: (68, 2) x, y in px of the frame, dlib order.
        size: side of the crop, px.
        extent: with d = bridge to chin, ``"square"`` reaches d + 10 px from the top of the
            bridge to all sides (the one length that the paper names); ``"tight"`` reaches
            0.75 d + 10 px to the sides, 0.5 d + 10 px up, and 10 px below the chin.

    Raises:
        FaceError: the face is too small, upside down, or not there (nan).
    """
    marks = np.asarray(landmarks, np.float64)
    along = marks[TIP] - marks[TOP]
    length = float(np.hypot(*along))
    # The unit vector down the bridge is (sin, cos) of the angle from the downward vertical.
    sin, cos = along / length if length > 0 else (0.0, 1.0)
    turn = np.array([[cos, -sin], [sin, cos]])
    down = float((turn @ (marks[CHIN] - marks[TOP]))[1])
    if not down >= MIN_BRIDGE_TO_CHIN:
        raise FaceError(
            f"expected at least {MIN_BRIDGE_TO_CHIN:.0f} px from the bridge of the nose down "
            f"to the chin, found {down:.0f}; use pictures of a higher resolution"
        )
    if extent == "square":
        half = above = down + MARGIN
    else:
        half, above = 0.75 * down + MARGIN, 0.5 * down + MARGIN
    corner = np.array([half, above])  # the top of the bridge, in px of the square
    matrix = np.column_stack([turn, corner - turn @ marks[TOP]])
    return NasalCrop(matrix, round(2 * half), size)


def filled(
    landmarks: npt.NDArray[np.floating], *, most_missing: float = MOST_MISSING
) -> tuple[npt.NDArray[np.float64], tuple[int, ...]]:
    """Return landmarks (n, 68, 2) without gaps, and the positions (from 0) that were filled.

    Frames without a face (nan) get the linear interpolation between the nearest ones that have
    one, and those at the ends the nearest.

    Raises:
        FaceError: no frame has a face, or more than ``most_missing`` of them have none.
    """
    marks = np.asarray(landmarks, np.float64)
    seen = ~np.isnan(marks).any(axis=(1, 2))
    count, lacking = len(marks), int((~seen).sum())
    if not seen.any() or lacking > most_missing * count:
        raise FaceError(
            f"{lacking} of {count} frames show no face, at most "
            f"{int(most_missing * count)} may; leave this stretch out"
        )
    if not lacking:
        return marks, ()
    places, known = np.arange(count), np.flatnonzero(seen)
    flat = marks.reshape(count, -1)
    columns = [np.interp(places, known, flat[known, i]) for i in range(flat.shape[1])]
    whole = np.stack(columns, axis=1).reshape(marks.shape)
    return whole, tuple(np.flatnonzero(~seen).tolist())


def smoothed(
    landmarks: npt.NDArray[np.floating], how: Smoothing = "median5"
) -> npt.NDArray[np.float64]:
    """Return (n, 68, 2) landmarks whose three that place the crop are calm.

    Of the ends of the bridge and of the chin, ``"median5"`` takes the running median over 5
    frames (mirrored at the ends of the clip), ``"clip"`` the median of all frames, so that the
    crop stands still and the head moves in it, and ``"none"``, as published, what was found.

    Not published, measured with dlib on four faces that do not move at all: from one frame to
    the next the corners of the mouth move by 0.5 to 3.0 px of a 224-px crop with ``"none"``,
    by 0.1 to 0.7 px with ``"median5"``.  A micro-expression moves them by about 2 px.
    """
    marks = np.array(landmarks, np.float64)
    anchors = [CHIN, TOP, TIP]
    if how == "clip":
        marks[:, anchors] = np.median(marks[:, anchors], axis=0)
    elif how == "median5":
        edge = _WINDOW // 2
        longer = np.pad(marks[:, anchors], ((edge, edge), (0, 0), (0, 0)), mode="reflect")
        marks[:, anchors] = np.median(sliding_window_view(longer, _WINDOW, axis=0), axis=-1)
    return marks


@dataclass(frozen=True, slots=True)
class ClipCrops:
    """How every frame of a clip becomes a crop.

    ``landmarks`` (n, 68, 2) float64 in px of the crops, not smoothed; ``filled`` the positions
    whose landmarks were interpolated.
    """

    crops: tuple[NasalCrop, ...]
    landmarks: npt.NDArray[np.float64]
    filled: tuple[int, ...]

    def cut(self, pictures: Sequence[Picture]) -> npt.NDArray[np.uint8]:
        """Return the crops (n, size, size) of all frames, or (n, size, size, 3) in colour."""
        pairs = zip(self.crops, pictures, strict=True)
        return np.stack([crop.cut(picture) for crop, picture in pairs])


def crop_clip(
    landmarks: npt.NDArray[np.floating],
    *,
    size: int = SIZE,
    extent: Extent = "square",
    smoothing: Smoothing = "median5",
    most_missing: float = MOST_MISSING,
) -> ClipCrops:
    """Return the crops of consecutive frames.

    Args:
        landmarks: (n, 68, 2) x, y in px of the frames; nan where there is no face.
        size: side of the crops, px.
        extent: see :func:`nasal_crop`.
        smoothing: see :func:`smoothed`.
        most_missing: see :func:`filled`.

    Raises:
        FaceError: too many frames have no face, or a face is too small.
    """
    whole, gaps = filled(landmarks, most_missing=most_missing)
    calm = smoothed(whole, smoothing)
    crops = tuple(nasal_crop(marks, size=size, extent=extent) for marks in calm)
    inside = [crop.points(marks) for crop, marks in zip(crops, whole, strict=True)]
    return ClipCrops(crops, np.stack(inside), gaps)
