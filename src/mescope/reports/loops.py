"""A short clip as an animated picture that plays slowly and for ever: WebP in a data URI."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGEST = 100_000
"""Bytes that a loop may take."""

SLOWER = 4
"""Times slower than in life: a movement of 0.2 s takes most of a second."""

_MOST_FRAMES = 60
_TRIES = ((192, 75), (192, 50), (144, 50), (112, 40), (80, 25), (48, 10))  # width px, quality


def loop_uri(frames: Sequence[NDArray[np.uint8]], rate: float) -> str | None:
    """Return a clip as a data URI of an animated WebP, at most :data:`LARGEST` bytes.

    Args:
        frames: (h, w, 3) uint8 RGB, all of one size.
        rate: frames a second of real time.

    Returns:
        None where there is no clip, or nothing to see moving in it.
    """
    if len(frames) < 2 or rate <= 0:
        return None
    step = -(-len(frames) // _MOST_FRAMES)
    kept = frames[::step]
    ms = max(20, round(1000 * SLOWER * step / rate))
    for width, quality in _TRIES:
        data = _webp(kept, width, quality, ms)
        if len(data) <= LARGEST:
            return "data:image/webp;base64," + base64.b64encode(data).decode("ascii")
    return None


def _webp(pictures: Sequence[NDArray[np.uint8]], width: int, quality: int, ms: int) -> bytes:
    high, wide = pictures[0].shape[:2]
    size = (width, max(1, round(width * high / wide)))
    # Areas are averaged: as sharp as the loop can show, and a sixth fewer bytes than Lanczos.
    how = cv2.INTER_AREA if width < wide else cv2.INTER_CUBIC
    small = [Image.fromarray(cv2.resize(one, size, interpolation=how)) for one in pictures]
    out = io.BytesIO()
    small[0].save(  # without key frames: nobody seeks in a loop
        out, "WEBP", save_all=True, append_images=small[1:], duration=ms, loop=0,
        quality=quality, method=2, kmin=0, kmax=0,
    )  # fmt: skip
    return out.getvalue()
