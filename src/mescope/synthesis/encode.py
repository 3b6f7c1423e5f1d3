"""Encode any recording as a video file with exact time stamps, wherever it can hold them."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mescope.errors import OutputError
from mescope.video.source import Video

FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi"}
"""File name endings that can be written, with FFmpeg's name of the container."""

_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "18", "bf": "0"},
    "mpeg4": {"qscale": "3", "flags": "+qscale"},
}
_FINE = 60_000  # ticks a second for irregular times; MPEG-4 allows no more than 65535


def default_codec() -> str:
    """Return ``libx264`` where FFmpeg has it, else ``mpeg4``."""
    return "libx264" if "libx264" in av.codecs_available else "mpeg4"


def write_video(
    video: Video, path: str | Path, codec: str | None = None, *, comment: str = ""
) -> None:
    """Write ``video`` in colour to ``path``; its ending names the container.

    Frames carry their own times: exact multiples of 1/rate where the rate is constant,
    otherwise rounded to 1/60000 s (1 ms in Matroska, a limit of that container).  AVI has no
    time stamps: there irregular times are off by up to a frame; choose another container.  One
    encoder thread, so equal pixels give equal files.  The file appears whole or not at all.  A
    ``comment`` is written into the container, for :func:`comment_of`.

    Raises:
        OutputError: the ending or codec is unknown, the sides are odd (4:2:0 needs even ones),
            or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise OutputError(f"expected a name ending in {', '.join(FORMATS)}, found {path.name}")
    if video.width % 2 or video.height % 2:
        raise OutputError(
            f"expected even sides, found {video.width}x{video.height}; crop the pictures"
        )
    codec = codec or default_codec()
    if codec not in av.codecs_available:
        raise OutputError(f"this FFmpeg has no encoder {codec}; try {default_codec()}")
    part = path.with_name(f".{path.name}.part")
    try:
        _encode(video, part, FORMATS[path.suffix.lower()], codec, comment)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, av.FFmpegError) as error:
        raise OutputError(f"cannot write {path}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def comment_of(path: Path) -> str:
    """Return the comment in the container of a video; "" where there is none."""
    try:
        with av.open(str(path)) as container:
            found = {key.lower(): text for key, text in container.metadata.items()}
            return str(found.get("comment", ""))
    except (OSError, av.FFmpegError):
        return ""


def _encode(
    video: Video, part: Path, container_format: str, codec: str, comment: str = ""
) -> None:
    ticks, base = _ticks(video)
    with av.open(str(part), "w", format=container_format) as container:
        if comment:
            container.metadata["comment"] = comment
        stream = container.add_stream(
            codec,
            rate=Fraction(video.rate).limit_denominator(1001),
            options=_OPTIONS.get(codec),
        )
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        stream.codec_context.time_base = base
        stream.thread_count = 1
        for index, picture in video.frames(grey=False):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = ticks[index], base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _ticks(video: Video) -> tuple[list[int], Fraction]:
    """Return the time stamp of every frame in ticks, and the length of a tick in seconds."""
    base = 1 / Fraction(video.rate).limit_denominator(1001)
    even = np.round(video.times / float(base)).astype(int)
    if np.abs(even * float(base) - video.times).max() < 1e-6 and (np.diff(even) == 1).all():
        return even.tolist(), base
    return np.round(video.times * _FINE).astype(int).tolist(), Fraction(1, _FINE)
