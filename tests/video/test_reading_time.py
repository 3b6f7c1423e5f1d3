"""Time stamps: variable, wrong, repeated, shifted; rates that are too slow or very high."""

from __future__ import annotations

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from mescope.motion.windows import plan
from mescope.video.decode_report import rate_of
from mescope.video.reading import open_video

MICRO = Fraction(1, 90000)


def test_variable_rate_is_exact(tmp_path, write_video, number_in):
    """60, then 20 frames a second; stamps equal to 1 us."""
    stamps = np.cumsum([0] + [1500] * 60 + [4500] * 40)
    path = write_video(tmp_path / "v.mp4", 101, stamps=stamps.tolist(), unit=MICRO)
    video = open_video(path)
    assert np.abs(video.times - stamps / 90000).max() < 1e-6
    assert video.report.variable_rate
    assert video.rate == pytest.approx(60)
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in range(101)]
    late = open_video(path, start=float(video.times[80]))
    assert late.first_frame == 80
    assert number_in(late.read([93], grey=True)[93]) == 93
    assert any("varies" in w for w in video.warnings)


def test_jitter_of_every_frame_is_kept(tmp_path, write_video):
    """No stamp is moved to a grid."""
    rng = np.random.default_rng(1)
    stamps = np.cumsum(rng.integers(2400, 3600, 80))
    path = write_video(tmp_path / "v.mkv", 80, stamps=stamps.tolist(), unit=MICRO)
    exact = (stamps - stamps[0]) / 90000
    assert np.abs(open_video(path).times - exact).max() < 1.01e-3  # Matroska rounds to 1 ms


def test_a_wrong_declared_rate_is_noticed(tmp_path, write_video):
    """Header 30, stamps 200 frames a second."""
    stamps = [i * 450 for i in range(120)]
    path = write_video(tmp_path / "v.mkv", 120, stamps=stamps, unit=MICRO, rate=30)
    video = open_video(path)
    assert video.rate == pytest.approx(200, rel=1e-3)
    assert video.times[-1] == pytest.approx(119 / 200, abs=1e-3)
    assert video.report.declared_rate == pytest.approx(30)
    assert any("declares 30" in w for w in video.warnings)


def test_repeated_stamps_are_spread(tmp_path, write_video, number_in):
    """Packets 10, 11 and 12 share a stamp; order and number are kept."""
    source = write_video(tmp_path / "a.mkv", 30, codec="mjpeg", pixels="yuvj420p")
    path = tmp_path / "b.mkv"
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for k, packet in enumerate(p for p in old.demux(old.streams.video[0]) if p.size):
            shared = 10 if k in (10, 11, 12) else k
            packet.pts = packet.dts = round(shared * 1000 / 30)
            packet.stream = stream
            new.mux(packet)
    video = open_video(path)
    assert video.report.irregular_stamps == 2
    assert (np.diff(video.times) > 0).all()
    assert video.times[10] < video.times[11] < video.times[12] < video.times[13]
    assert np.abs(video.times - np.arange(30) / 30).max() < 1.1e-3
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in range(30)]
    assert any("repaired" in w for w in video.warnings)


@pytest.mark.parametrize(("suffix", "offset"), [("mkv", 5), ("webm", 5), ("mov", 5), ("ts", 0)])
def test_a_first_stamp_that_is_not_zero(tmp_path, write_video, suffix, offset):
    """Times count from the first displayed frame; what players show before it is the offset.

    The clock of a transport stream has no zero: players count from its first stamp.
    """
    codec = "libvpx-vp9" if suffix == "webm" else "libx264"
    stamps = [90000 * 5 + i * 3000 for i in range(30)]
    path = write_video(
        tmp_path / f"v.{suffix}",
        30,
        codec=codec,
        stamps=stamps,
        unit=MICRO,
        options={"bf": "0"},
    )
    video = open_video(path)
    assert video.times[0] == 0
    assert np.abs(video.times - np.arange(30) / 30).max() < 1.1e-3
    assert video.start_offset == pytest.approx(offset, abs=1.1e-3)
    assert video.report.start_offset == video.start_offset
    assert open_video(path, rate=60).start_offset == pytest.approx(offset / 2, abs=1e-3)
    assert open_video(np.zeros((3, 8, 8), np.uint8), rate=30).start_offset == 0


def test_frames_before_an_edit_list_are_not_shown(tmp_path, write_video, number_in):
    """The edit list begins at the frame numbered 10."""
    path = write_video(tmp_path / "v.mp4", 40, options={"bf": "0", "g": "40"})
    data = bytearray(path.read_bytes())
    at = data.index(b"elst")
    media_time = at + 4 + 4 + 4 + 4  # version/flags, count, duration
    begin = int.from_bytes(data[media_time : media_time + 4], "big")
    data[media_time : media_time + 4] = (begin + 10 * 512).to_bytes(4, "big")
    path.write_bytes(data)
    video = open_video(path)
    seen = [(i, number_in(p)) for i, p in video.frames()]
    assert seen[0] == (0, 10)
    assert all(number == index + 10 for index, number in seen)
    assert video.report.complete
    assert number_in(video.read([12], grey=True)[12]) == 22


def test_repeated_pictures_are_counted(tmp_path, write_video, picture_of):
    """Every picture twice, as from a screen recorder."""
    pictures = [picture_of(i // 2) for i in range(60)]
    path = write_video(tmp_path / "v.mkv", pictures, codec="ffv1", pixels="gray")
    video = open_video(path)
    list(video.frames())
    assert video.report.duplicates == 30
    assert video.report.effective_rate == pytest.approx(15)
    assert any("15 different pictures" in w for w in video.warnings)
    array = open_video(np.stack(pictures), rate=30)
    list(array.frames(step=3))
    assert array.report.duplicates == 30


def test_a_picture_that_stands_still_is_told_with_its_frames(tmp_path, write_video, picture_of):
    """A call that hung for a second, and for a moment that hides nothing."""
    held = {**dict.fromkeys(range(20, 51), 20), **dict.fromkeys(range(60, 70), 60)}
    pictures = [picture_of(held.get(i, i)) for i in range(80)]
    path = write_video(tmp_path / "v.mkv", pictures, codec="ffv1", pixels="gray")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"img_{i + 1}.png")
    every = [open_video(path), open_video(np.stack(pictures), rate=30)]
    every.append(open_video(folder, rate=30))
    for video in every:
        list(video.frames())
        assert video.report.frozen == ((20, 50),)
        assert video.report.duplicates == 39
        again = open_video(np.stack(pictures), rate=30)
        again.recall(json.loads(json.dumps(video.report.to_dict())))
        assert again.report.frozen == ((20, 50),)
    every[2].look_through(step=2)
    assert every[2].report.frozen == ((20, 50),)


@pytest.mark.parametrize(("rate", "slow"), [(15, True), (24, False), (25, False), (30, False)])
def test_slow_recordings_are_flagged(tmp_path, write_video, rate, slow):
    """Too slow for micro-expressions (below 24 frames a second)."""
    video = open_video(write_video(tmp_path / "v.mp4", 20, rate=rate))
    assert any("too slow" in w for w in video.warnings) == slow


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_thousand_frames_a_second(tmp_path, write_video, suffix):
    """5000 frames at 64x32."""
    picture = np.zeros((32, 64), np.uint8)
    path = write_video(
        tmp_path / f"v.{suffix}", [picture] * 5000, rate=1000, options={"preset": "ultrafast"}
    )
    video = open_video(path)
    assert video.rate == pytest.approx(1000, rel=1e-3)
    assert len(video) == 5000
    assert video.times[-1] == pytest.approx(4.999, abs=1e-3)
    assert [i for i, _ in video.frames(start=4000, step=500)] == [4000, 4500]


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_one_and_two_frames(tmp_path, write_video, number_in, frames, suffix):
    video = open_video(write_video(tmp_path / f"v.{suffix}", frames))
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in range(frames)]
    assert len(video) == frames
    assert video.rate == (pytest.approx(30) if frames == 2 else 0)
    assert video.report.complete


def test_rate_of_rounded_stamps():
    """Stamps rounded to 1 ms give 30 frames/s, and rounding is not variation."""
    times = np.round(np.arange(300) / 30, 3)
    rate, varies = rate_of(times, tick=1e-3)
    assert rate == pytest.approx(30, rel=1e-4)
    assert not varies
    assert rate_of(np.zeros(1)) == (0.0, False)
    assert rate_of(np.array([0.0, 0.1, 0.4])) == (pytest.approx(5), True)


@pytest.mark.parametrize(
    ("rate", "told_by_reader", "told_by_windows"),
    [
        (24000 / 1001, False, False),
        (30.0, False, False),
        (15.0, True, False),
        (45.0, False, True),
    ],
)
def test_few_frames_a_second_are_told_once(rate, told_by_reader, told_by_windows):
    """45 a second become 22.5 when every second frame is taken."""
    video = open_video(np.zeros((200, 8, 8), np.uint8), rate=rate)
    planned = plan(video, None, "clean")
    assert any("too slow" in w for w in video.warnings) == told_by_reader
    assert any("which is few" in w for w in planned.warnings) == told_by_windows


def test_a_file_that_is_stretched_says_so_and_nothing_false(tmp_path, write_video):
    stamps = [i * 3000 for i in range(20)] + [i * 3000 + 30000 for i in range(20, 40)]
    path = write_video(tmp_path / "v.mkv", 40, stamps=stamps, unit=MICRO, rate=30)
    plain, slow = open_video(path), open_video(path, rate=240)
    assert slow.report.longest_gap == pytest.approx(plain.report.longest_gap / 8)
    assert slow.report.declared_rate is None
    assert any(w.startswith("times are stretched from 30 to 240") for w in slow.warnings)
    assert not any("header declares" in w for w in slow.warnings)
    assert not any("stretched" in w for w in open_video(path, rate=plain.rate).warnings)


def test_how_a_long_file_is_turned_is_part_of_its_fingerprint(
    tmp_path, write_video, monkeypatch
):
    monkeypatch.setattr("mescope.video.files._BLOCK", 8)  # first and last bytes alone are read
    monkeypatch.setattr("mescope.video.files._BLOCKS", 2)

    def turned(degrees):
        path = write_video(
            tmp_path / f"{degrees}.mp4", 3,
            prepare=lambda stream: stream.set_display_rotation(degrees),
        )  # fmt: skip
        return open_video(path)

    one, other = turned(90), turned(-90)
    assert one.path.stat().st_size == other.path.stat().st_size
    assert one.fingerprint() != other.fingerprint()
