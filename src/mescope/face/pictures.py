"""Landmarks of pictures that are at hand as arrays."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from mescope.errors import FaceError
from mescope.face.detector import FaceFinder, FaceTracker, default_finder

Pictures = npt.NDArray[np.uint8]


def landmarks(
    pictures: Pictures, *, face: str | int = "largest", finder: FaceFinder | None = None
) -> npt.NDArray[np.float32]:
    """Return the 68 landmarks of a face in one picture, or of one face in several.

    Args:
        pictures: uint8; one, (h, w) grey or (h, w, 3) RGB, or frames of one recording,
            (n, h, w) or (n, h, w, 3), through which one face is followed.
        face: ``"largest"``, ``"central"`` or an index from left to right.
        finder: face detector; dlib by default.

    Returns:
        (68, 2) or (n, 68, 2) x, y in px, dlib's order; nan where there is no face.

    Raises:
        FaceError: these are no such pictures, ``face`` is no choice, or the landmark model is
            not installed.

    Example:
        >>> landmarks(np.zeros((80, 80), np.uint8)).shape  # nobody there: all nan
        (68, 2)
    """
    pictures = np.asarray(pictures)
    colour = pictures.ndim in (3, 4) and pictures.shape[-1] == 3
    planes = pictures.ndim - colour  # 2: one picture
    if pictures.dtype != np.uint8 or planes not in (2, 3) or 0 in pictures.shape:
        raise FaceError(
            "expected uint8 pictures (h, w), (h, w, 3), (n, h, w) or (n, h, w, 3), found "
            f"{pictures.dtype} {pictures.shape}"
        )
    stack = pictures[None] if planes == 2 else pictures
    tracker = FaceTracker(finder or default_finder(), face)
    found = np.full((len(stack), 68, 2), np.nan, np.float32)
    for place, picture in zip(found, stack, strict=True):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if colour else picture
        seen = tracker.see(0, np.asarray(np.ascontiguousarray(grey), np.uint8))
        if seen is not None:
            place[:] = seen.landmarks
    return found[0] if planes == 2 else found
