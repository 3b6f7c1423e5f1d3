"""Cut the face out of a frame in the size for which the regions are defined.

Source: the code of ME-TST (zizheng-guo/ME-TST), read only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mescope.face.box import CROP_SIZE, Box, Mode
from mescope.face.detector import Face, FaceFinder, Grey

MIN_HALF_EYES = 3  # px: below, the inner eye corners are too near each other to place a crop
INNER_EYES = (39, 42)  # landmarks of the inner eye corners, image left and right


@dataclass(frozen=True)
class CroppedFace:
    """A face as the regions need it.

    ``box``: the crop in px of the frame; ``landmarks``: (68, 2) float32 x, y in px of the
    320 × 320 crop; ``raw``: (68, 2) float32 x, y in px of the frame.
    """

    box: Box
    landmarks: npt.NDArray[np.float32]
    raw: npt.NDArray[np.float32]


def crop_box(
    landmarks: npt.NDArray[np.float32], shape: tuple[int, ...], mode: Mode = "clean"
) -> Box | None:
    """Return the square of nine half eye distances around the eyes, or None.

    Args:
        landmarks: (68, 2) x, y in px of the frame.
        shape: height and width of the frame.
        mode: ``clean`` cuts the box at all borders of the frame, ``as_published`` at the left
            and the top one only.

    Returns:
        The box, or None where the landmarks do not describe a face that looks at the camera.
    """
    (x39, y39), (x42, y42) = (landmarks[i].tolist() for i in INNER_EYES)
    half = int((x42 - x39) / 2)
    if half < MIN_HALF_EYES:
        return None
    cx, cy = int((x42 + x39) / 2), int((y42 + y39) / 2)
    box = Box(
        max(cx - int(4.5 * half), 0),
        max(cy - int(3.5 * half), 0),
        cx + int(4.5 * half),
        cy + int(5.5 * half),
    )
    if mode == "clean":
        height, width = shape[:2]
        box = Box(box.left, box.top, min(box.right, width), min(box.bottom, height))
    return box if min(box.width, box.height) >= 2 * MIN_HALF_EYES else None


def cut(grey: Grey, box: Box) -> Grey:
    """Return the crop, resized to 320 × 320 (bilinear)."""
    part = grey[box.top : box.bottom, box.left : box.right]
    return np.asarray(cv2.resize(part, (CROP_SIZE, CROP_SIZE)), dtype=np.uint8)


def crop_face(
    grey: Grey,
    landmarks: npt.NDArray[np.float32],
    finder: FaceFinder | None,
    mode: Mode = "clean",
) -> CroppedFace | None:
    """Cut out the face with these landmarks and find its landmarks in the crop.

    Where the finder sees no face in the crop, the frame's landmarks are mapped (and truncated
    to whole pixels, as published); without a finder they are mapped as they are.  None where
    :func:`crop_box` finds no box.
    """
    box = crop_box(landmarks, grey.shape, mode)
    if box is None:
        return None
    found = None if finder is None else _found(cut(grey, box), finder, mode)
    if found is not None:
        inside = found.landmarks
    else:
        right, bottom = min(box.right, grey.shape[1]), min(box.bottom, grey.shape[0])
        scale = (CROP_SIZE / (right - box.left), CROP_SIZE / (bottom - box.top))
        inside = (landmarks - np.array([box.left, box.top])) * np.array(scale)
        inside = inside if finder is None else np.trunc(inside)
    return CroppedFace(box, np.asarray(inside, np.float32), landmarks)


def _found(crop: Grey, finder: FaceFinder, mode: Mode) -> Face | None:
    """Return the finder's favourite (``as_published``) or the largest face of a crop."""
    quick = getattr(finder, "find_largest", None)
    if mode == "clean" and quick is not None:
        found: Face | None = quick(crop)
        return found
    faces = finder.find(crop)
    if mode == "as_published":
        return faces[0] if faces else None
    return max(faces, key=lambda face: face.box.area, default=None)


def shifted(box: Box, x: float, y: float, shape: tuple[int, ...], mode: Mode = "clean") -> Box:
    """Return ``box`` moved along with the head.

    Args:
        box: the crop in px of the frame.
        x: motion of the nose to the right in px of the 320 × 320 crop.
        y: the same downwards.
        shape: height and width of the frame.
        mode: ``clean`` converts the motion to px of the frame and keeps the size of the box and
            the box inside the frame; ``as_published`` takes the motion as it is and clamps the
            left and the top edge alone.
    """
    height, width = shape[:2]
    if mode == "as_published":
        dx, dy = round(x), round(y)
        moved = Box(
            max(0, box.left + dx), max(0, box.top + dy), box.right + dx, box.bottom + dy
        )
        # An empty crop would end the published code; here the box stays.
        inside = moved.area and moved.left < width and moved.top < height
        return moved if inside else box
    dx = round(x * box.width / CROP_SIZE)
    dy = round(y * box.height / CROP_SIZE)
    dx = max(-box.left, min(dx, width - box.right))
    dy = max(-box.top, min(dy, height - box.bottom))
    return Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)
