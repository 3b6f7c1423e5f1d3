"""From decoded frames to upright uint8 pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from mescope.video.source import Picture

# Planar or semi-planar formats whose plane 0 is luma, one sample after the other.
_LUMA_FIRST = re.compile(
    r"(yuva?4\d\dp|yuvj4\d\dp|nv12|nv21|nv16|nv24|nv42|gray)(?:(9|10|12|14|16)le)?"
)
_WIDEST = 4.0  # of a pixel over its height, or the other way round; anamorphic film has 2
_SQUARE = 0.01
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


@dataclass(frozen=True)
class Orientation:
    """How to turn a stored picture upright: transpose first, then flip."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether left and right (or top and bottom) change places."""
        return self.transpose ^ self.flip_x ^ self.flip_y

    @property
    def rotation(self) -> int:
        """Degrees clockwise; of the turn that follows a left-right flip, if mirrored."""
        # A left-right flip before the turn acts on columns of the stored picture, which are
        # rows of the result if the picture is transposed.
        flip_x = self.flip_x ^ (self.mirrored and not self.transpose)
        flip_y = self.flip_y ^ (self.mirrored and self.transpose)
        if self.transpose:
            return 90 if flip_x and not flip_y else 270
        return 180 if flip_x and flip_y else 0

    def apply(self, picture: Picture) -> Picture:
        """The upright picture; (H, W) or (H, W, 3)."""
        if self.transpose:
            picture = np.swapaxes(picture, 0, 1)
        if self.flip_x:
            picture = picture[:, ::-1]
        if self.flip_y:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


def orientation_of(frame: VideoFrame) -> Orientation | None:
    """The frame's display matrix; None if it is not a multiple of a quarter turn.

    The matrix (ISO 14496-12 §6.2.2) maps a stored point (x, y) to (a x + c y, b x + d y).
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation()
    a, b, _, c, d = (float(v) for v in np.frombuffer(bytes(data), "<i4")[:5])
    large = max(abs(v) for v in (a, b, c, d))
    if large == 0:
        return Orientation()
    if max(abs(a), abs(d)) < 0.01 * large:
        return Orientation(True, c < 0, b < 0)
    if max(abs(b), abs(c)) < 0.01 * large:
        return Orientation(False, a < 0, d < 0)
    return None


def grey_of(frame: VideoFrame) -> Picture:
    """Luma of a frame in full range, (H, W) uint8, as stored (not turned).

    Taken from the luma plane where the format has one, which is several times faster than a
    conversion by libswscale and within one level of it; other formats are converted.
    """
    form = _LUMA_FIRST.fullmatch(frame.format.name)
    if form is None:
        return np.asarray(frame.to_ndarray(format="gray"), np.uint8)
    depth = int(form[2] or 8)
    luma = _first_plane(frame)
    full = form[1] == "gray" or form[1].startswith("yuvj") or frame.color_range == _FULL_RANGE
    if depth == 8:
        return luma.copy() if full else np.asarray(cv2.LUT(luma, _levels(8, False)), np.uint8)
    levels = _levels(depth, full)
    codes = np.minimum(luma.view("<u2"), len(levels) - 1)
    return np.asarray(levels[codes], np.uint8)


def rgb_of(frame: VideoFrame) -> Picture:
    """A frame as (H, W, 3) uint8 RGB, as stored (not turned); alpha is dropped."""
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def squared_size(width: int, height: int, aspect: float) -> tuple[int, int] | None:
    """Return the size at which a picture has square pixels, or None for an odd aspect.

    The picture becomes wider or higher, never smaller, so nothing that was recorded is lost.
    An aspect within 1 % of 1 is taken for 1.

    Args:
        width: px, as stored.
        height: px, as stored.
        aspect: width of a pixel over its height.

    >>> squared_size(720, 576, 64 / 45), squared_size(720, 480, 8 / 9), squared_size(9, 9, 40.0)
    ((1024, 576), (720, 540), None)
    """
    if not 1 / _WIDEST <= aspect <= _WIDEST:
        return None
    if abs(aspect - 1) <= _SQUARE:
        return width, height
    if aspect > 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def with_square_pixels(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return a picture stretched to ``size`` (width, height), from :func:`squared_size`."""
    if size == (picture.shape[1], picture.shape[0]):
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def same_picture(one: VideoFrame, other: VideoFrame) -> bool:
    """Whether two frames of one recording show the same luma (or first plane), bit by bit."""
    first, second = _first_plane(one), _first_plane(other)
    # Most frames differ somewhere in a sparse sample, which takes next to no time.
    if not np.array_equal(first[::16, ::16], second[::16, ::16]):
        return False
    return np.array_equal(first, second)


def _first_plane(frame: VideoFrame) -> NDArray[np.uint8]:
    """The bytes of plane 0 without the padding at the end of each line; a view."""
    form = frame.format
    if form.is_planar or _LUMA_FIRST.fullmatch(form.name):
        used = frame.width * -(-form.components[0].bits // 8)
    else:
        used = frame.width * form.padded_bits_per_pixel // 8
    return _lines(frame)[:, : max(used, 1)]


def _lines(frame: VideoFrame) -> NDArray[np.uint8]:
    plane = frame.planes[0]
    data: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
    return data.reshape(-1, plane.line_size)[: frame.height]


@lru_cache(maxsize=16)
def _levels(depth: int, full: bool) -> Picture:
    """Table from luma code to grey level; limited range is 16 to 235, scaled by the depth."""
    codes = np.arange(2**depth, dtype=np.float64)
    unit = 2.0 ** (depth - 8)
    if full:
        grey = codes * 255.0 / (2**depth - 1)
    else:
        grey = (codes - 16 * unit) * 255.0 / (219 * unit)
    table: Picture = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return table
