"""Recordings that were once read wrongly; barcodes of their own kind spell their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mescope.video.reading import open_video

ODD = Path(__file__).parents[2] / ".." / "shared" / "data" / "odd_files"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not ODD.exists(), reason="../shared/data/odd_files is absent"),
]
LEFT, WIDE = 26, 26  # px: where the first of ten blocks begins, and how wide each is


def _number(picture):
    row = picture[picture.shape[0] // 2 - 3 :][:6]
    return sum(
        int(row[:, LEFT + WIDE * bit + 8 :][:, :10].mean() > 125) << bit for bit in range(10)
    )


@pytest.mark.parametrize(
    ("name", "frames", "rate", "offset", "told"),
    [
        ("paff.mts", 40, 25, 0, "interlaced"),
        ("cat.ts", 150, 30, 0, "begin again at frame 90:"),
        ("p1.mpg", 90, 30, 0, None),
        ("il.mpg", 90, 30, 0, "interlaced"),
        ("late.mkv", 90, 30, 0.523, None),
    ],
)
def test_barcodes(name, frames, rate, offset, told):
    """Every frame, its time, and the way to it by number and by time."""
    video = open_video(ODD / name)
    assert [(i, _number(p)) for i, p in video.frames()] == [(i, i) for i in range(frames)]
    assert video.report.complete
    assert not video.report.truncated
    assert np.abs(video.times - np.arange(frames) / rate).max() < 1e-3
    assert video.rate == pytest.approx(rate)
    assert video.start_offset == pytest.approx(offset, abs=1e-3)
    assert len(video.warnings) == (told is not None)
    assert told is None or told in video.warnings[0]
    for i in range(frames - 1, -1, -5):
        assert _number(video.read([i], grey=True)[i]) == i
    part = open_video(ODD / name, start=video.times[21], end=video.times[24])
    assert [(i, _number(p)) for i, p in part.frames()] == [(i, i) for i in range(21, 25)]


@pytest.mark.parametrize(
    ("name", "frames", "told"),
    [("face.vob", 240, 0), ("face_cat.mts", 360, 1), ("face_late.mkv", 96, 0)],
)
def test_faces(name, frames, told):
    """By number what the sequential run gives; a late start is nothing to refuse."""
    video = open_video(ODD / name)
    asked = set(range(frames - 1, -1, -23))
    seen = {i: p for i, p in video.frames() if i in asked}
    assert len(video) == frames
    assert video.report.complete
    assert len(video.warnings) == told
    for i in sorted(asked, reverse=True):
        assert np.array_equal(video.read([i], grey=True)[i], seen[i])


def test_pictures_of_12_bits():
    """Nearly black when taken for 16."""
    video = open_video(ODD / "pics12", rate=30)
    assert all(70 < p.mean() < 130 for _, p in video.frames())
    assert any("read as 12-bit data" in w for w in video.warnings)
