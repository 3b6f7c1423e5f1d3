"""Damaged and cut-off recordings lose what is damaged and nothing else."""

from __future__ import annotations

import os

import av
import numpy as np
import pytest

from mescope.errors import VideoError
from mescope.video.reading import open_video

FRAMES = 500


@pytest.fixture
def whole(tmp_path, write_video):
    return write_video(
        tmp_path / "faststart.mp4",
        FRAMES,
        noise=60,
        options={"g": "25", "bf": "2", "preset": "ultrafast", "crf": "18"},
    )


def _packets(path):
    with av.open(str(path)) as container:
        return [(p.pos, p.size) for p in container.demux(video=0) if p.size]


def _scramble(path, position, count=4096):
    data = bytearray(path.read_bytes())
    data[position : position + count] = np.random.default_rng(0).bytes(count)
    path.write_bytes(data)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("at", [24, 240, 251, 333])
def test_scrambled_bytes_cost_only_their_frames(tmp_path, write_video, number_in, codec, at):
    """4 kB scrambled; at least 99 % of the frames, no shift, losses listed.

    What differs from the undamaged recording and is not missing is reported as doubtful.
    """
    quality = {"crf": "18", "preset": "fast"} if codec == "libx264" else {"b": "9M"}
    path = write_video(
        tmp_path / "faststart.mp4",
        FRAMES,
        codec=codec,
        noise=60,
        options={"g": "25", "bf": "2"} | quality,
    )
    intact = [p for _, p in open_video(path).frames()]
    _scramble(path, _packets(path)[at][0])
    video = open_video(path)
    seen = dict(video.frames())
    report = video.report
    assert len(video) == FRAMES
    assert FRAMES > len(seen) >= 0.99 * FRAMES
    assert report.complete
    assert report.decoded == len(seen)
    assert set(report.missing) == set(range(FRAMES)) - set(seen)
    assert report.bad_packets >= 1
    changed = {i for i, p in seen.items() if not np.array_equal(p, intact[i])}
    assert changed <= set(report.doubtful)
    assert len(report.doubtful) <= 55
    assert all(number_in(p) == i for i, p in seen.items() if i not in report.doubtful)
    with pytest.raises(VideoError, match="is damaged"):
        list(open_video(path, policy="fail").frames())


def test_missing_packets_are_counted_and_the_numbers_stay(tmp_path, write_video, number_in):
    """With a codec that detects damage, the frames that lie in it are missing."""
    path = write_video(
        tmp_path / "v.mkv",
        100,
        codec="ffv1",
        pixels="gray",
        options={"slicecrc": "1", "level": "3", "g": "1"},
        noise=50,
    )
    packets = _packets(path)
    data = bytearray(path.read_bytes())
    for k in (30, 31):
        data[packets[k][0] + 20 : packets[k][0] + 620] = os.urandom(600)
    path.write_bytes(data)
    video = open_video(path)
    seen = {i: number_in(p) for i, p in video.frames()}
    assert len(video) == 100
    assert all(number == i for i, number in seen.items() if i not in (30, 31))
    assert set(range(100)) - set(seen) <= {30, 31}
    assert video.report.complete


def test_mjpeg_loses_the_destroyed_frames(tmp_path, write_video, number_in):
    """Bad packets are counted, missing frames listed and warned of."""
    path = write_video(tmp_path / "v.avi", 100, codec="mjpeg", pixels="yuvj420p")
    packets = _packets(path)
    data = bytearray(path.read_bytes())
    for k in (40, 41, 70):
        position, size = packets[k]
        data[position : position + size] = bytes(size)
    path.write_bytes(data)
    video = open_video(path)
    seen = {i: number_in(p) for i, p in video.frames()}
    assert seen == {i: i for i in range(100) if i not in (40, 41, 70)}
    assert video.report.missing == (40, 41, 70)
    assert video.report.bad_packets == 3
    assert video.report.complete
    assert video.read([40, 42], grey=True).keys() == {42}
    assert "3 of 100 frames cannot be decoded" in video.warnings


def test_policy_fail_stops_at_the_first_bad_packet(tmp_path, write_video):
    """With the packet's time stamp."""
    path = write_video(tmp_path / "v.avi", 100, codec="mjpeg", pixels="yuvj420p")
    position, size = _packets(path)[60]
    data = bytearray(path.read_bytes())
    data[position : position + size] = bytes(size)
    path.write_bytes(data)
    seen = []
    video = open_video(path, policy="fail")
    with pytest.raises(VideoError, match=r"2\.000000 s is damaged"):
        seen.extend(i for i, _ in video.frames())
    assert seen == list(range(60))
    assert not video.report.complete


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_a_cut_file_gives_the_frames_up_to_the_cut(tmp_path, write_video, number_in, suffix):
    path = write_video(
        tmp_path / f"faststart.{suffix}",
        200,
        noise=40,
        options={"g": "25", "preset": "ultrafast", "bf": "0"},
    )
    position, size = _packets(path)[180]
    with path.open("r+b") as file:
        file.truncate(position + size // 2)
    video = open_video(path)
    seen = {i: number_in(p) for i, p in video.frames()}
    assert set(range(179)) <= set(seen)
    assert all(number == i for i, number in seen.items() if i < 179)
    assert video.report.truncated
    assert video.report.complete
    assert any("cut off" in w for w in video.warnings)


def test_an_unfinished_mp4_is_told_apart(tmp_path, write_video):
    """Cut in half, index at the end."""
    path = write_video(tmp_path / "v.mp4", 60, noise=40)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(VideoError, match=r"moov atom not found.*repair"):
        open_video(path)


def test_a_whole_file_is_not_called_damaged(whole):
    video = open_video(whole)
    list(video.frames())
    assert not video.report.truncated
    assert (video.report.missing, video.report.doubtful) == ((), ())
    assert video.warnings == []


@pytest.mark.parametrize("act", ["delete", "change"])
def test_a_file_that_changes_meanwhile(whole, act):
    video = open_video(whole)
    run = video.frames()
    next(run)
    if act == "delete":
        whole.unlink()
    else:
        whole.write_bytes(whole.read_bytes() + b"x")
    with pytest.raises(VideoError, match=r"while it was being read"):
        list(run)
    with pytest.raises(VideoError, match=r"while it was being read"):
        video.fingerprint()


def test_only_noise_inside_an_intact_index(tmp_path, write_video):
    """At its worst: no frame can be decoded."""
    path = write_video(tmp_path / "v.avi", 10, codec="mjpeg", pixels="yuvj420p")
    data = bytearray(path.read_bytes())
    for position, size in _packets(path):
        data[position : position + size] = bytes(size)
    path.write_bytes(data)
    with pytest.raises(VideoError, match=r"none of its 10 frames"):
        open_video(path)


@pytest.mark.parametrize("every", [7, 40])
def test_frames_built_on_damaged_ones_are_those_of_each_of_them(tmp_path, write_video, every):
    """Of many lost frames between two key pictures, one walk tells what follows them."""
    options = {"g": str(every), "bf": "2"}
    video = open_video(write_video(tmp_path / "v.mp4", 60, options=options))
    lost = [3, 4, 9, 22, 23, 24, 57]
    table = video._table
    each = set().union(*(table.dependents([frame]) for frame in lost))
    assert table.dependents(lost) == sorted(each - set(lost))
