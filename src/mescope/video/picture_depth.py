"""Pictures with more than 8 bits, and how many of their 16 bits carry data.

Cameras of 10, 12 and 14 bits write their values as they are into pictures of 16 bits, whose
headers do not say so; taken for 16 bits, such pictures are nearly black.  So the largest value
of all deep pictures of a recording decides, one scale for all: a scale of each picture's own
would be a change of light from frame to frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mescope.errors import VideoError

DEPTHS = (8, 10, 12, 14, 16)
"""Bits that data may have."""
_MAY_BE_DEEP = frozenset({".png", ".tif", ".tiff", ".pgm", ".ppm"})
_FULL = (1 << DEPTHS[-1]) - 1
_EXIF_ORIENTATION = 0x0112

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    UnidentifiedImageError,
    Image.DecompressionBombError,
)
"""What Pillow raises for damaged pictures."""


def is_deep(image: Image.Image) -> bool:
    """Whether a picture is stored with more than 8 bits; only its header has been read."""
    if image.mode == "F":
        raise VideoError(
            f"{getattr(image, 'filename', 'picture')}: expected whole numbers of 8 or 16 bits, "
            "found floating point; convert the pictures to PNG of 16 bits"
        )
    if image.mode.startswith("I"):
        return True
    tiles = _tiles(image)
    parts = tiles[0].args if tiles else ()
    for part in parts if isinstance(parts, tuple) else (parts,):
        if isinstance(part, str) and ";16" in part:
            return True
        if image.format == "PPM" and isinstance(part, int) and part > 255:
            return True
    return False


def _tiles(image: Image.Image) -> list[Any]:
    """How the pixels are stored, which Pillow tells of files only."""
    return list(getattr(image, "tile", []))


def deep_values(image: Image.Image, path: Path) -> NDArray[np.float64]:
    """Values of a deep picture as stored, (H, W) or (H, W, 3) RGB; not turned.

    Raises:
        OSError: the picture is damaged.
        VideoError: it has values that 16 bits cannot hold.
    """
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float64)
        if values.min() < 0 or values.max() > _FULL:
            raise VideoError(
                f"{path}: expected values from 0 to {_FULL}, found {values.min():.0f} to "
                f"{values.max():.0f}; convert the pictures to PNG of 8 or 16 bits"
            )
        return values
    image.load()  # which notices damage
    # Pillow keeps the upper 8 bits of colours.
    found = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.ndim != 3:
        raise OSError("not to be read with 16 bits")
    return np.asarray(found[..., 2::-1], np.float64)


def bits_of_data(paths: Iterable[Path]) -> int | None:
    """Bits that the deep ones of these pictures use; None where none is deep.

    >>> bits_of_data([])
    """
    largest = None
    for path in paths:
        if path.suffix.lower() not in _MAY_BE_DEEP:
            continue
        try:
            found = path.stat()
            value = _largest(path, found.st_size, found.st_mtime_ns)
        except BROKEN:
            continue  # told where it is read
        if value is not None:
            largest = max(value, largest or 0.0)
            if largest >= 1 << DEPTHS[-2]:
                break
    return None if largest is None else bits_for(largest)


def bits_for(largest: float) -> int:
    """Bits that data with this largest value has.

    >>> bits_for(255), bits_for(256), bits_for(4080), bits_for(65535)
    (8, 10, 12, 16)
    """
    return next((bits for bits in DEPTHS if largest < 1 << bits), DEPTHS[-1])


def told(bits: int) -> str:
    """Say how pictures of 16 bits are read."""
    return (
        f"no value of the 16-bit pictures is above {(1 << bits) - 1}: they are read as "
        f"{bits}-bit data"
    )


@lru_cache(maxsize=1 << 16)
def _largest(path: Path, size: int, changed: int) -> float | None:
    """Largest value of a deep picture; None for others.  Read once until it changes."""
    with Image.open(path) as image:
        if not is_deep(image):
            return None
        if image.format == "PPM" and image.mode == "I" and "raw" not in str(_tiles(image)):
            return float(_FULL)  # its header names the largest value, and Pillow scales by it
        return float(deep_values(image, path).max())


def scaled(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Values of so many bits with 8 bits."""
    full = (1 << bits) - 1
    return np.clip(np.rint(values * (255 / full)), 0, 255).astype(np.uint8)


def shallow(image: Image.Image, path: Path, bits: int) -> Image.Image:
    """A deep picture with 8 bits; not turned, and it says how to turn it."""
    picture = Image.fromarray(scaled(deep_values(image, path), bits))
    orientation = image.getexif().get(_EXIF_ORIENTATION)
    if orientation:
        picture.getexif()[_EXIF_ORIENTATION] = orientation
    return picture
