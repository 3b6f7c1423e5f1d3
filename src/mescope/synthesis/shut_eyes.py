"""Eyes of photographs whose landmarks miss the opening: behind glasses, or with hooded lids.

A lid that is stretched down between such landmarks leaves the iris in sight, and takes the rim
of glasses along.  There the opening is looked for around the iris, and a lid is painted: the
skin around the opening grown over it, with lashes at its lower edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.fields import Box, Floats, Picture, clip_box
from mescope.synthesis.motion import inter_ocular

EYES = (36, 42)
"""First landmark of the image-left and the image-right eye (dlib order, from 0)."""

_IRIS = 0.092  # radius in inter-ocular distances: 11.7 mm across where pupils are 63 mm apart
_REACH = (0.15, 0.1)  # how far landmarks may miss the iris, x and y, in inter-ocular distances
_NEAR = 0.04  # lids found this near the landmarks' lids leave the landmarks as they are
_ABOVE = 0.62  # share of an opening that lies above the line from corner to corner
_RIM = 0.022  # skin covers so much more than the opening: lashes and the white's last pixels
_LASHES = 0.45  # brightness of the line where shut lids meet, of the skin's


@dataclass(frozen=True, eq=False)
class ShutEye:
    """One eye of a photograph with a painted lid.

    ``ring`` (6, 2) is where its opening lies at rest, like six landmarks; ``skin`` (h, w, 3)
    RGB covers ``box`` of the picture with the opacity ``share`` (h, w), 0 to 1.
    """

    ring: Floats
    box: Box
    share: Floats
    skin: Picture

    def over(self, picture: Picture, amount: float = 1.0) -> Picture:
        """Return the picture, grey or RGB, with the lid over the eye; ``amount`` 0 to 1."""
        left, top, right, bottom = self.box
        skin, share = self.skin, self.share * np.float32(amount)
        if picture.ndim == 2:
            skin = np.asarray(cv2.cvtColor(skin, cv2.COLOR_RGB2GRAY), np.uint8)
        else:
            share = share[..., None]
        out = picture.copy()
        part = out[top:bottom, left:right].astype(np.float32)
        out[top:bottom, left:right] = np.round(part + share * (skin - part)).astype(np.uint8)
        return out


ShutEyes = tuple[ShutEye | None, ShutEye | None]
"""Image left, image right; None where the landmarks fit and the lid itself can close."""


def shut_eyes(image: Picture, landmarks: Floats) -> ShutEyes:
    """Return the painted lids that a photograph (h, w, 3 RGB) with 68 landmarks needs."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    unit = inter_ocular(landmarks)
    rings = (opening(grey, landmarks, first) for first in EYES)
    left, right = (None if ring is None else _painted(image, ring, unit) for ring in rings)
    return left, right


def opening(grey: Picture, landmarks: Floats, first: int) -> Floats | None:
    """Return six points around the opening of an eye, (6, 2) px, in the order of landmarks.

    None where the landmarks ``first`` to ``first + 5`` do not miss it by more than a little, or
    where the iris is not seen (eyes narrow, or in the dark).
    """
    unit = inter_ocular(landmarks)
    ring = np.array(landmarks[first : first + 6], np.float32)
    seen = _iris(grey, ring.mean(axis=0), unit)
    if seen is None:
        return None
    x, top, bottom = seen
    upper, lower = (float(lid_through(ring[ids], np.array([x]))[0]) for ids in _LID_IDS)
    if max(abs(upper - top), abs(lower - bottom)) <= _NEAR * unit:
        return None
    # The corners keep their places in x and their slope; lids reach the edges at the iris.
    bump = float(lid_through(np.column_stack([ring[:4, 0], (0, 1, 1, 0)]), np.array([x]))[0])
    tall, slope = bottom - top, (ring[3, 1] - ring[0, 1]) / (ring[3, 0] - ring[0, 0])
    corners = top + _ABOVE * tall + slope * (ring[:, 0] - x)
    rise = np.array([0, -_ABOVE, -_ABOVE, 0, 1 - _ABOVE, 1 - _ABOVE]) * tall / max(bump, 0.7)
    return np.column_stack([ring[:, 0], corners + rise]).astype(np.float32)


_LID_IDS = ([0, 1, 2, 3], [0, 5, 4, 3])
"""Points of a ring along the upper and along the lower lid."""


def lid_through(points: Floats, x: Floats) -> Floats:
    """Return y of the parabola-like cubic through four points of a lid, at ``x``."""
    return np.asarray(np.polyval(np.polyfit(points[:, 0], points[:, 1], 3), x))


def lids_of(ring: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return y of the upper and of the lower lid of a ring (6, 2) at ``x``."""
    upper, lower = (lid_through(ring[ids], x) for ids in _LID_IDS)
    return upper, lower


def _iris(grey: Picture, near: Floats, unit: float) -> tuple[float, float, float] | None:
    """Return x of the middle of the iris and y of its upper and lower edge, or None.

    The iris is the disc of its size that is darkest against what surrounds it.
    """
    radius = _IRIS * unit
    reach = int(np.ceil(1.5 * radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    far = np.hypot(x, y)
    disc = np.clip(radius - far + 0.5, 0, 1)
    ring = np.clip(1.5 * radius - far + 0.5, 0, 1) - disc
    contrast = cv2.filter2D(
        grey.astype(np.float32), -1, (ring / ring.sum() - disc / disc.sum()).astype(np.float32)
    )
    spread = np.array(_REACH) * unit
    area = clip_box(np.array([*(near - spread), *(near + spread)]), grey.shape[::-1])
    left, top, right, bottom = area
    if right - left < 2 or bottom - top < 2:
        return None
    window = contrast[top:bottom, left:right]
    row, column = np.unravel_index(int(window.argmax()), window.shape)
    if window.max() < 0.3 * float(grey[top:bottom, left:right].mean()):
        return None
    upper, lower = _edges(grey, left + int(column), top + int(row), radius)
    return float(left + int(column)), upper, lower


def _edges(grey: Picture, x: int, y: int, radius: float) -> tuple[float, float]:
    """Return y where the dark of an iris at ``x``, ``y`` ends, upwards and downwards."""
    beside, core, wide = (max(1, round(share * radius)) for share in (0.5, 0.5, 2))
    columns = grey[:, max(0, x - beside) : x + beside + 1]
    dark = np.quantile(columns, 0.25, axis=1)  # the lower quarter: no highlights
    around = grey[max(0, y - wide) : y + wide + 1, max(0, x - wide) : x + wide + 1]
    level = (
        np.median(around) + np.quantile(columns[max(0, y - core) : y + core + 1], 0.25)
    ) / 2
    top = bottom = y
    while top > max(0, y - 1.3 * radius) and dark[top - 1] < level:
        top -= 1
    while bottom < min(len(dark) - 1, y + 1.3 * radius) and dark[bottom + 1] < level:
        bottom += 1
    return top - 0.5, bottom + 0.5


def _painted(image: Picture, ring: Floats, unit: float) -> ShutEye:
    """Return the eye with the skin around its opening grown over it."""
    pad = 0.15 * unit
    size = (image.shape[1], image.shape[0])
    box = clip_box(np.array([*(ring.min(axis=0) - pad), *(ring.max(axis=0) + pad)]), size)
    x = np.linspace(ring[0, 0], ring[3, 0], 24)
    upper, lower = lids_of(ring, x)
    upper = np.minimum(upper, lower)
    outline = np.vstack([np.column_stack([x, upper]), np.column_stack([x, lower])[::-1]])
    shape = (box[3] - box[1], box[2] - box[0])
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [_fixed(outline, box)], 255, cv2.LINE_8, 4)
    rim = 2 * max(1, round(_RIM * unit)) + 1
    mask = np.asarray(cv2.dilate(mask, np.ones((rim, rim), np.uint8)), np.uint8)
    part = np.ascontiguousarray(image[box[1] : box[3], box[0] : box[2]])
    skin = cv2.inpaint(part, mask, 0.05 * unit, cv2.INPAINT_TELEA)
    share = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.008 * unit)).astype(np.float32) / 255
    line = np.zeros(shape, np.uint8)
    shut = np.column_stack([x, lower])
    thick = max(1, round(0.02 * unit))
    cv2.polylines(line, [_fixed(shut, box)], False, 255, thick, cv2.LINE_AA, 4)
    lashes = cv2.GaussianBlur(line, (0, 0), max(0.4, 0.006 * unit)).astype(np.float32) / 255
    dark = skin * (1 - (1 - _LASHES) * lashes[..., None])
    return ShutEye(ring, box, share, np.round(dark).astype(np.uint8))


def _fixed(points: Floats, box: Box) -> NDArray[np.int32]:
    """Return points of the picture as OpenCV draws them into ``box``: sixteenths of a pixel."""
    return np.asarray(np.round((points - np.array(box[:2])) * 16), np.int32)
