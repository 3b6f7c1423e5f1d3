"""Small recordings whose pictures carry their own frame number."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

BLOCK = 16
BITS = 16
WIDTH, HEIGHT = 160, 96


def numbered_picture(number, width=WIDTH, height=HEIGHT, noise=0):
    """Grey picture: 16 bits of the number as black and white blocks, texture below."""
    rng = np.random.default_rng(number)
    picture = np.full((height, width), 128, np.int16)
    picture[40:] += (40 * np.sin(np.arange(width) / 9.0 + number / 7.0)).astype(np.int16)
    if noise:
        picture[40:] += rng.integers(-noise, noise, picture[40:].shape, np.int16)
    for bit in range(BITS):
        top, left = BLOCK * (bit // 8), BLOCK * (bit % 8)
        level = 220 if number >> bit & 1 else 30
        picture[top : top + BLOCK, left : left + BLOCK] = level
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture
def picture_of():
    return numbered_picture


@pytest.fixture
def number_in():
    """Read the number back from a grey picture."""

    def read(picture):
        number = 0
        for bit in range(BITS):
            top, left = BLOCK * (bit // 8), BLOCK * (bit % 8)
            inner = picture[top + 4 : top + BLOCK - 4, left + 4 : left + BLOCK - 4]
            number |= int(inner.mean() > 125) << bit
        return number

    return read


@pytest.fixture
def write_video():
    """Write numbered pictures, or the frames given, to a file and return its path."""

    def write(
        path,
        frames=30,
        *,
        codec="libx264",
        rate=30,
        stamps=None,
        unit=None,
        pixels="yuv420p",
        options=None,
        noise=0,
        prepare=None,
        format=None,
    ):
        if isinstance(frames, int):
            frames = [numbered_picture(i, noise=noise) for i in range(frames)]
        first = frames[0]
        height, width = (
            (first.height, first.width) if hasattr(first, "height") else first.shape[:2]
        )
        container_options = (
            {"movflags": "faststart"} if str(path).endswith("faststart.mp4") else {}
        )
        with av.open(str(path), "w", format=format, options=container_options) as container:
            stream = container.add_stream(codec, rate=rate, options=options or {})
            stream.width, stream.height, stream.pix_fmt = width, height, pixels
            if unit is not None:
                stream.codec_context.time_base = stream.time_base = unit
            if prepare:
                prepare(stream)
            for index, picture in enumerate(frames):
                frame = _frame(picture)
                frame.pts = index if stamps is None else stamps[index]
                frame.time_base = unit or Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


def _frame(picture):
    if isinstance(picture, av.VideoFrame):
        return picture
    return av.VideoFrame.from_ndarray(picture, format="gray" if picture.ndim == 2 else "rgb24")
