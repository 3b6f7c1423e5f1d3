"""Pictures that explain: landmarks and regions on a frame, and pairs of frames.

Runs in the process that reads frames.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.errors import VideoError
from mescope.face.box import CROP_SIZE, Box
from mescope.face.crop import CroppedFace, crop_face, cut
from mescope.face.detector import FaceTracker, default_finder
from mescope.motion.flow import farneback
from mescope.motion.regions import REGIONS_18, place
from mescope.motion.roi_flow_plain import plain_window_flow

Picture = NDArray[np.uint8]
Grey = NDArray[np.uint8]

_LEAST_CONTRAST = 12.0  # grey levels that fill the scale of a difference: noise stays grey
_SMOOTH = 5.0  # px: neighbours move together, also when motion is magnified
_FARTHEST = 12.0  # px of the crop
_GAP = 4  # px between the pictures of a pair


def overlay(picture: Picture, before: Picture | None) -> dict[str, Any]:
    """Return what is drawn on a frame, all in px of the frame.

    Args:
        picture: (H, W, 3) RGB.
        before: the frame since which motion is measured, of the same size; None: no arrows.

    Returns:
        ``landmarks``: 68 points [x, y] or None without a face; ``regions``: name and box
        [left, top, right, bottom]; ``arrows``: [x, y, dx, dy] of the same regions, the motion
        of the nose removed.
    """
    grey = to_grey(picture)
    face = _face(grey)
    if face is None:
        return {"landmarks": None, "regions": [], "arrows": []}
    left, top = face.box.left, face.box.top
    sx, sy = face.box.width / CROP_SIZE, face.box.height / CROP_SIZE
    regions, centres = [], []
    for region in place(face.landmarks, REGIONS_18):
        b = region.inner
        box = [left + b.left * sx, top + b.top * sy, left + b.right * sx, top + b.bottom * sy]
        regions.append({"name": region.name, "box": [round(v, 1) for v in box]})
        centres.append(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
    motion = _motion(before, grey)
    return {
        "landmarks": np.round(face.raw.astype(float), 1).tolist(),
        "regions": regions,
        "arrows": [
            [round(x, 1), round(y, 1), round(float(dx), 2), round(float(dy), 2)]
            for (x, y), (dx, dy) in zip(centres, motion, strict=False)
        ],
    }


def pair(onset: Picture, apex: Picture, magnify: float) -> Picture:
    """Return onset, apex and their difference side by side, (320, 968, 3) RGB.

    The face crop of the onset is cut from both frames, the apex is shifted so that the head
    stays where it was, and what then still moves is magnified: 1 shows the apex as recorded.
    Large motion is magnified less, to at most 12 px more, as skin would tear.
    The difference is grey where nothing changed, brighter or darker where something did.
    Without a face the whole frame is shown.
    """
    grey = to_grey(onset)
    face = _face(grey)
    box = face.box if face is not None else Box(0, 0, grey.shape[1], grey.shape[0])
    first, second = (_cut(p, box) for p in (onset, apex))
    flow = farneback(cut(grey, box), cut(to_grey(apex), box))
    head = np.median(flow.reshape(-1, 2), axis=0)
    flow = cv2.GaussianBlur(np.asarray(flow - head, np.float32), (0, 0), _SMOOTH)
    y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE].astype(np.float32)
    far = float(np.percentile(np.hypot(flow[..., 0], flow[..., 1]), 99))
    more = np.float32(min(magnify - 1, _FARTHEST / max(far, 1e-6)))
    moved = cv2.remap(
        second,
        x + np.float32(head[0]) - more * flow[..., 0],
        y + np.float32(head[1]) - more * flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    gap = np.full((CROP_SIZE, _GAP, 3), 255, np.uint8)
    panels = (first, np.asarray(moved, np.uint8))
    return np.hstack([panels[0], gap, panels[1], gap, _difference(*panels)])


def png(picture: Picture) -> bytes:
    """Return an RGB picture as PNG."""
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise VideoError(f"a picture of {picture.shape[1]}x{picture.shape[0]} is too large")
    return bytes(data.tobytes())


def to_grey(picture: Picture) -> Grey:
    """Return an RGB picture as grey."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _face(grey: Grey) -> CroppedFace | None:
    """Return the largest face, which is the one that analyses follow."""
    finder = default_finder()
    face = FaceTracker(finder).see(0, grey)
    return None if face is None else crop_face(grey, face.landmarks, finder)


def _motion(before: Picture | None, grey: Grey) -> NDArray[np.float64]:
    """Return the motion of every region in px of the frame, (R, 2); (0, 2) without a face."""
    start = None if before is None else to_grey(before)
    face = None if start is None else _face(start)
    if start is None or face is None:
        return np.zeros((0, 2))
    values = plain_window_flow([start, grey], start, face, REGIONS_18).values[:, 1]
    scale = np.array([face.box.width, face.box.height]) / CROP_SIZE
    return np.asarray(values.reshape(-1, 2) * scale, np.float64)


def _cut(picture: Picture, box: Box) -> Picture:
    part = picture[box.top : box.bottom, box.left : box.right]
    return np.asarray(cv2.resize(part, (CROP_SIZE, CROP_SIZE)), np.uint8)


def _difference(first: Picture, second: Picture) -> Picture:
    change = to_grey(second).astype(np.float32) - to_grey(first)
    full = max(_LEAST_CONTRAST, float(np.percentile(np.abs(change), 99.5)))
    shade = np.clip(128 + 127 * change / full, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(shade, cv2.COLOR_GRAY2RGB), np.uint8)
