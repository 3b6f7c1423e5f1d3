"""Aligned faces: a clip cut out with one transform that puts eyes and nose in fixed places.

The transform (shift, turn, one scale) comes from the landmarks of a single frame and serves
every frame of the clip, so it removes how the head is held but not how it moves during the
clip: head motion stays in the pictures, and landmark noise cannot shake them.  The papers of
MERba and AMMSM leave the template open; eyes and nose base are the mean of drawn and
photographed frontal faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mescope.errors import FaceError
from mescope.face.choice import FaceChoice
from mescope.face.detector import FaceFinder, FaceTracker, Grey, default_finder

TEMPLATE = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.72]])
"""Where the centres of the eyes (image left, image right) and the base of the nose come to
lie, in distances between the eyes from the point between them; x to the right, y down."""

SIDE = 2.5
"""Side of the square without margin, in distances between the eyes: brows, jaw and chin."""

ABOVE = 0.65
"""How far the square without margin reaches above the eyes, in the same unit."""

MARGIN = 0.05
"""Usual margin on every side, as a share of that square."""

MIN_EYES = 8.0  # px: between the eyes; below, landmarks in whole pixels place nothing
_PAD = 0.3  # of the picture: border for the second search in pictures that are all face


@dataclass(frozen=True)
class Alignment:
    """How a frame becomes an aligned face.

    ``matrix`` (2, 3) float64 maps x, y in px of the frame to px of the crop; ``size`` is the
    side of the crop in px.
    """

    matrix: npt.NDArray[np.float64]
    size: int

    @property
    def scale(self) -> float:
        """Return px of the crop per px of the frame."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    def points(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return points (n, 2) of the frame in px of the crop."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2])

    def cut(self, grey: Grey) -> Grey:
        """Return the aligned crop (size, size); beyond the frame its edge is repeated.

        Pictures that get smaller are averaged first, so that no pixel is passed over.
        """
        matrix, scale = self.matrix, self.scale
        if scale < 0.75:
            height, width = grey.shape
            shape = max(1, round(width * scale)), max(1, round(height * scale))
            small = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)
            rx, ry = shape[0] / width, shape[1] / height
            linear = matrix[:, :2] / np.array([rx, ry])
            # pixel centres: x of the frame is (x' + 0.5) / rx - 0.5
            centre = np.array([0.5 / rx - 0.5, 0.5 / ry - 0.5])
            matrix = np.column_stack([linear, matrix[:, 2] + matrix[:, :2] @ centre])
            grey = np.asarray(small, np.uint8)
        crop = cv2.warpAffine(
            grey,
            matrix,
            (self.size, self.size),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(crop, np.uint8)


def alignment(
    landmarks: npt.NDArray[np.floating], size: int, *, margin: float = MARGIN
) -> Alignment:
    """Return the transform that brings a face to its place in a square of ``size`` px.

    Least squares over the centres of the two eyes and the base of the nose.

    Args:
        landmarks: (68, 2) x, y in px of the frame, dlib order.
        size: side of the crop, px.
        margin: added on every side, as a share of the square around the face.

    Raises:
        FaceError: the eyes are too near each other.
    """
    marks = np.asarray(landmarks, np.float64)
    anchors = np.stack([marks[36:42].mean(0), marks[42:48].mean(0), marks[31:36].mean(0)])
    apart = float(np.linalg.norm(anchors[1] - anchors[0]))
    if not apart >= MIN_EYES:
        raise FaceError(
            f"the face is too small: {apart:.0f} px between the eyes, at least "
            f"{MIN_EYES:.0f} are needed; use pictures of a higher resolution"
        )
    unit = size / (SIDE * (1 + 2 * margin))
    middle = np.array([size / 2, (ABOVE + margin * SIDE) * unit]) - 0.5
    goal = TEMPLATE * unit + middle
    # A similarity of the plane is q = a p + b in complex numbers.
    p, q = anchors @ np.array([1, 1j]), goal @ np.array([1, 1j])
    a = np.vdot(p - p.mean(), q - q.mean()) / np.vdot(p - p.mean(), p - p.mean())
    b = q.mean() - a * p.mean()
    matrix = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    return Alignment(matrix, size)


def align(
    frames: Sequence[Grey],
    size: int,
    *,
    margin: float = MARGIN,
    face: FaceChoice = "largest",
    finder: FaceFinder | None = None,
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Cut the aligned face out of every frame, all as the first frame says.

    Args:
        frames: (h, w) uint8 grey pictures of one size, the onset first.
        size: side of the crops, px.
        margin: see :func:`alignment`.
        face: ``"largest"``, ``"central"``, an index from left to right, or a point.
        finder: face detector; dlib by default.

    Returns:
        The crops (n, size, size), and warnings (such as several faces).

    Raises:
        FaceError: there is no face in the first frame, or it is too small.
    """
    tracker = FaceTracker(finder or default_finder(), face)
    landmarks = _landmarks(tracker, frames[0])
    placed = alignment(landmarks, size, margin=margin)
    return np.stack([placed.cut(frame) for frame in frames]), tuple(tracker.warnings)


def _landmarks(tracker: FaceTracker, grey: Grey) -> npt.NDArray[np.float32]:
    """Return the landmarks of the face; a picture that is all face gets a border first.

    Data sets ship faces cut so close that the detector misses the surroundings it learned.
    """
    found = tracker.see(0, grey)
    if found is not None:
        return found.landmarks
    pad = round(_PAD * max(grey.shape))
    padded = cv2.copyMakeBorder(grey, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    found = tracker.see(0, np.asarray(padded, np.uint8))
    if found is None:
        raise FaceError(
            "no face was found in the onset frame; a frontal face at least 40 px wide is needed"
        )
    return found.landmarks - np.float32(pad)
