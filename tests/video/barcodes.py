"""Pictures that spell their number, files made of them by FFmpeg, and the one question asked of
every file: is the frame asked for, in whichever way, the frame of the sequential run?"""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mescope.video.reading import open_video

BITS = 10
WIDTH, HEIGHT = 160, 64

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="there is no ffmpeg to make files with"
)


@functools.lru_cache(maxsize=256)
def barcode(number, width=WIDTH, height=HEIGHT):
    """(height, width) grey: ten blocks from left to right, lowest bit first, light is 1."""
    lit = [200 if number >> bit & 1 else 50 for bit in range(BITS)]
    columns = np.repeat(lit, -(-width // BITS))[:width]
    picture = np.broadcast_to(columns, (height, width)).astype(np.uint8)
    # A little that moves, so that no two pictures are coded alike.
    picture[-8:, (number * 7) % (width - 8) :][:, :8] = 128
    picture.setflags(write=False)
    return picture


def number_of(picture):
    """The number that a grey (H, W) or RGB (H, W, 3) picture spells."""
    grey = picture if picture.ndim == 2 else picture.mean(axis=2)
    height, width = grey.shape
    upper = grey[: height // 2]
    middles = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    return sum(int(upper[:, m - 2 : m + 3].mean() > 125) << b for b, m in enumerate(middles))


def ffmpeg(*arguments, data=None):
    """Run FFmpeg quietly on one core."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    if data is not None:
        command.remove("-nostdin")
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def encode(path, *options, numbers=range(40), rate=25, size=(WIDTH, HEIGHT), before=()):
    """Write barcodes with FFmpeg's options for the output; return the path.

    ``before`` are options for the input, or further inputs.
    """
    raw = b"".join(barcode(n, *size).tobytes() for n in numbers)
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{size[0]}x{size[1]}", "-r", rate]
    chosen = () if "-pix_fmt" in options else ("-pix_fmt", "yuv420p")
    ffmpeg(*source, "-i", "-", *before, *chosen, "-threads", 1, *options, path, data=raw)
    return Path(path)


def tone(seconds):
    """Options of a further input: silence so long."""
    return ("-f", "lavfi", "-t", seconds, "-i", "anullsrc=r=44100:cl=mono")


def joined(path, *parts):
    """Put files behind one another, as ``cat`` does."""
    Path(path).write_bytes(b"".join(Path(part).read_bytes() for part in parts))
    return Path(path)


def assert_exact(path, numbers, times, *, every=3, tolerance=1.01e-3, start_offset=None):
    """Frames, numbers and times are these, in whichever way they are asked for."""
    numbers, times = list(numbers), np.asarray(times, float)
    video = open_video(path)
    seen = [(i, number_of(p)) for i, p in video.frames()]
    assert seen == list(enumerate(numbers)), (video.warnings, video.times)
    assert video.report.complete
    assert (video.report.missing, video.report.truncated) == ((), False)
    assert np.abs(video.times - times).max() <= tolerance
    if start_offset is not None:
        assert abs(video.start_offset - start_offset) <= tolerance
    _by_number(path, numbers, every)
    _by_time(path, numbers, video.times, every)
    return video


def _by_number(path, numbers, every):
    """One by one, forwards and then seeking backwards; then several at once."""
    video = open_video(path)
    chosen = list(range(0, len(numbers), every))
    for i in [*chosen[::4], *reversed(chosen)]:
        found = video.read([i], grey=True)
        assert {k: number_of(p) for k, p in found.items()} == {i: numbers[i]}
    some = {k: number_of(p) for k, p in video.each([1, len(numbers) // 2, len(numbers) - 1])}
    assert some == {k: numbers[k] for k in some}
    assert len(some) == len({1, len(numbers) // 2, len(numbers) - 1})


def _by_time(path, numbers, times, every):
    """A range that begins and ends at a frame, and a run that begins in it."""
    for first in range(1, len(numbers) - 3, 4 * every):
        part = open_video(path, start=times[first], end=times[first + 2])
        assert [(i, number_of(p)) for i, p in part.frames()] == [
            (i, numbers[i]) for i in range(first, first + 3)
        ]
        assert part.report.complete
