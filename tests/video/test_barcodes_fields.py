"""Frames whose fields are coded apart: pictures are counted, not packets."""

from __future__ import annotations

import numpy as np
import pytest
from barcodes import assert_exact, joined, number_of
from field_pictures import RATE, h264, mpeg2, write_fields, write_raw

from mescope.video.reading import open_video

FRAMES = 36
TIMES = np.arange(FRAMES) / RATE

STREAMS = {
    "fields": lambda: h264(FRAMES),
    "reordered": lambda: h264(FRAMES, ahead=True),
    "predicted": lambda: h264(FRAMES, second="skipped"),
    "mixed": lambda: h264(FRAMES, fields=lambda k: k % 3 != 1, ahead=True),
    "late-fields": lambda: h264(FRAMES, fields=lambda k: k > 17),
    "mpeg2": lambda: mpeg2(FRAMES),
    "mpeg2-mixed": lambda: mpeg2(FRAMES, fields=lambda k: k % 3 != 1),
}


def _write(tmp_path, stream, suffix, **how):
    scratch = tmp_path / ("s.m2v" if stream.startswith("mpeg2") else "s.h264")
    container = {"mts": "mpegts"}.get(suffix)
    return write_fields(
        tmp_path / f"v.{suffix}", STREAMS[stream](), scratch, format=container, **how
    )


def _assert_fields(path):
    video = assert_exact(path, range(FRAMES), TIMES, every=4, tolerance=1.1e-3)
    assert video.rate == pytest.approx(RATE)
    others = [w for w in video.warnings if "interlaced" not in w and "repaired" not in w]
    assert others == []
    return video


@pytest.mark.parametrize("suffix", ["mts", "mkv", "mp4", "mov", "flv", "avi"])
@pytest.mark.parametrize("stream", ["fields", "reordered", "predicted", "mixed", "late-fields"])
def test_a_packet_for_each_field(tmp_path, suffix, stream):
    """As camcorders write it; also where only some frames are coded in fields."""
    _assert_fields(_write(tmp_path, stream, suffix))


@pytest.mark.parametrize("suffix", ["mkv", "mov", "mxf", "mpg"])
@pytest.mark.parametrize("stream", ["reordered", "mixed"])
def test_both_fields_in_one_packet(tmp_path, suffix, stream):
    _assert_fields(_write(tmp_path, stream, suffix, pairs=True))


@pytest.mark.parametrize("suffix", ["ts", "mkv", "mp4"])
@pytest.mark.parametrize("stream", ["mpeg2", "mpeg2-mixed"])
def test_fields_of_mpeg2(tmp_path, suffix, stream):
    _assert_fields(_write(tmp_path, stream, suffix))


@pytest.mark.parametrize("suffix", ["mxf", "vob"])
def test_both_fields_of_mpeg2_in_one_packet(tmp_path, suffix):
    _assert_fields(_write(tmp_path, "mpeg2-mixed", suffix, pairs=True))


@pytest.mark.parametrize(("stream", "suffix"), [("fields", "h264"), ("mixed", "h264")])
def test_raw_fields(tmp_path, stream, suffix):
    """Without stamps; whole frames then say how long a frame lasts."""
    path = write_raw(tmp_path / f"v.{suffix}", STREAMS[stream]())
    video = open_video(path)
    assert [number_of(p) for _, p in video.frames()] == list(range(FRAMES))
    assert video.report.missing == ()
    assert number_of(video.read([29], grey=True)[29]) == 29


def test_raw_fields_of_mpeg2(tmp_path):
    _assert_fields(write_raw(tmp_path / "v.m2v", STREAMS["mpeg2-mixed"]()))


def test_joined_camcorder_files(tmp_path):
    """Fields and two parts, the second one of whole frames."""
    one = _write(tmp_path, "reordered", "mts").rename(tmp_path / "one.mts")
    two = write_fields(
        tmp_path / "two.mts",
        h264(12, fields=lambda k: False),
        tmp_path / "s.h264",
        format="mpegts",
    )
    path = joined(tmp_path / "both.mts", one, two)
    numbers = [*range(FRAMES), *range(12)]
    video = assert_exact(path, numbers, np.arange(FRAMES + 12) / RATE, every=4)
    assert video.report.joints == (FRAMES,)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_field_costs_its_frame_alone(tmp_path, lost):
    """The numbers of the others do not shift, whichever of the two fields is gone."""
    coded = STREAMS["fields"]()
    at = next(k for k, p in enumerate(coded) if p.number == 14 and p.field == lost)
    del coded[at]
    path = write_fields(tmp_path / "v.mkv", coded, tmp_path / "s.h264")
    video = open_video(path)
    seen = {i: number_of(p) for i, p in video.frames()}
    assert len(video) == FRAMES
    assert all(number == i for i, number in seen.items() if i != 14)
    assert set(range(FRAMES)) - set(seen) <= {14}
