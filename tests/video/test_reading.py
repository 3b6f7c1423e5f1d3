"""The interface of recordings: arrays, ranges, single frames, steps, fingerprints."""

from __future__ import annotations

import hashlib
import json
import pickle
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest

from mescope.errors import VideoError
from mescope.video.reading import open_video

SHARED = Path(__file__).parents[2] / ".." / "shared"


@pytest.fixture
def clip(tmp_path, write_video):
    return write_video(tmp_path / "clip.mp4", 90, options={"g": "20", "bf": "3"})


def test_every_frame_once_in_order_with_its_own_picture(clip, number_in):
    video = open_video(clip)
    seen = [(index, number_in(picture)) for index, picture in video.frames()]
    assert seen == [(i, i) for i in range(90)]
    assert len(video) == 90
    assert (video.width, video.height, video.rate) == (160, 96, 30.0)
    assert np.allclose(video.times, np.arange(90) / 30, atol=1e-9)
    assert video.report.complete
    assert video.report.decoded == 90
    assert video.warnings == []


def test_the_report_is_complete_only_after_a_whole_run(clip):
    video = open_video(clip)
    assert not video.report.complete
    list(video.frames(stop=40))
    assert not video.report.complete
    list(video.frames(step=10))
    assert video.report.complete
    assert json.loads(json.dumps(video.report.to_dict()))["decoded"] == 90


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "mov", "h264"])
def test_containers_agree(tmp_path, write_video, number_in, suffix):
    path = write_video(tmp_path / f"clip.{suffix}", 60, options={"g": "15", "bf": "2"})
    video = open_video(path)
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in range(60)]
    assert video.rate == pytest.approx(30)
    assert np.abs(video.times - np.arange(60) / 30).max() <= 6e-4  # Matroska counts in ms
    found = video.read([0, 14, 15, 16, 44, 59], grey=True)
    assert {i: number_in(p) for i, p in found.items()} == {i: i for i in found}
    assert len(found) == 6


def test_b_frames_without_stamps_in_avi(tmp_path, write_video, number_in):
    path = write_video(
        tmp_path / "b.avi", 60, codec="mpeg4", options={"bf": "2", "g": "12", "b": "3M"}
    )
    assert [(i, number_in(p)) for i, p in open_video(path).frames()] == [
        (i, i) for i in range(60)
    ]


def test_step_start_and_stop(clip, number_in):
    video = open_video(clip)
    seen = [(i, number_in(p)) for i, p in video.frames(start=23, stop=61, step=7)]
    assert seen == [(i, i) for i in range(23, 61, 7)]
    with pytest.raises(VideoError, match="step"):
        next(video.frames(step=0))
    assert list(video.frames(start=90)) == []


def test_a_time_range_keeps_frame_numbers(clip, number_in):
    video = open_video(clip, start=0.9, end=1.5)
    assert (video.first_frame, video.last_frame) == (27, 45)
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in range(27, 46)]
    assert video.report.frames == 19
    assert video.report.complete
    assert video.times[27] == pytest.approx(0.9)


def test_an_empty_range_says_what_there_is(clip):
    with pytest.raises(VideoError, match=r"covers 0 to 2\.967 s"):
        open_video(clip, start=5)


def test_seeking_gives_the_same_pictures_as_reading_on(clip):
    video = open_video(clip)
    whole = dict(video.frames(grey=False))
    for index, picture in video.read([89, 3, 3, 41, 39, 40]).items():
        assert np.array_equal(picture, whole[index])
    one_by_one = list(video.each({3, 88, 40, 41}))
    assert [index for index, _ in one_by_one] == [3, 40, 41, 88]
    assert all(np.array_equal(picture, whole[index]) for index, picture in one_by_one)
    for start in range(0, 90, 11):
        index, picture = next(video.frames(start=start, grey=False))
        assert index == start
        assert np.array_equal(picture, whole[start])
    with pytest.raises(VideoError, match="0 to 89"):
        video.read([90])


def test_runs_may_overlap(clip, number_in):
    video = open_video(clip)
    for (i, a), (j, b) in zip(video.frames(), video.frames(start=5), strict=False):
        assert (number_in(a), number_in(b)) == (i, j)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"g": "12", "bf": "3", "x264-params": "open-gop=1"}),
        ("libx265", {"x265-params": "keyint=12:open-gop=1:bframes=3:log-level=none"}),
        ("mpeg4", {"g": "12", "bf": "2"}),
    ],
)
def test_seeks_arrive(tmp_path, write_video, number_in, codec, options, suffix):
    """Reading late frames must not fall back on decoding from the start."""
    path = write_video(
        tmp_path / f"v.{suffix}", 90, codec=codec, options=options, rate=25, noise=20
    )
    video = open_video(path)
    whole = dict(video.frames())
    assert len(whole) == 90
    for index in (24, 35, 36, 37, 59, 71, 88):
        entry = video._table.entry_for(index)
        assert index - 26 <= video._table.frame_of[entry] <= index
        with video._decoder.open() as (container, stream):
            packets = video._decoder.arrive(container, stream, entry)
            assert packets is not None
            assert video._table.is_at(entry, next(packets))
        picture = video.read([index], grey=True)[index]
        assert number_in(picture) == index
        assert np.array_equal(picture, whole[index])


def test_recordings_travel_between_processes(clip, number_in):
    video = pickle.loads(pickle.dumps(open_video(clip, start=1)))
    assert [(i, number_in(p)) for i, p in video.frames(stop=33)] == [
        (i, i) for i in range(30, 33)
    ]


def test_a_given_rate_stretches_the_times_of_a_file(clip):
    video = open_video(clip, rate=200)
    assert video.rate == 200
    assert np.allclose(video.times, np.arange(90) / 200)
    with pytest.raises(VideoError, match="rate"):
        open_video(clip, rate=0)


def test_arrays(picture_of, number_in):
    stack = np.stack([picture_of(i) for i in range(50)])
    video = open_video(stack, rate=200, start=0.05, end=0.2)
    assert [(i, number_in(p)) for i, p in video.frames(step=5)] == [
        (i, i) for i in range(10, 41, 5)
    ]
    assert video.report.complete
    colour = np.repeat(stack[..., None], 3, axis=3)
    grey = dict(open_video(colour, rate=200).frames())
    assert np.abs(grey[7].astype(int) - stack[7]).max() <= 1
    assert video.read([3])[3].shape == (96, 160, 3)


@pytest.mark.parametrize(
    "array", [np.zeros((3, 4)), np.zeros((0, 4, 4), np.uint8), np.zeros((2, 4, 4, 2), np.uint8)]
)
def test_arrays_of_another_kind_are_refused(array):
    with pytest.raises(VideoError, match="expected"):
        open_video(array, rate=30)


def test_arrays_need_a_rate():
    with pytest.raises(VideoError, match="rate"):
        open_video(np.zeros((3, 4, 4), np.uint8))


def test_fingerprint_tells_content_and_range_apart(clip, tmp_path, picture_of):
    copy = Path(shutil.copy(clip, tmp_path / "copy.mp4"))
    one = open_video(clip).fingerprint()
    assert one == open_video(copy).fingerprint()
    assert one != open_video(clip, end=1).fingerprint()
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    assert one != open_video(copy).fingerprint()
    stack = np.stack([picture_of(i) for i in range(5)])
    first = open_video(stack, rate=30).fingerprint()
    stack[4, 95, 159] += 1
    assert first != open_video(stack, rate=30).fingerprint()
    assert len(first) == hashlib.sha256().digest_size * 2


@pytest.mark.slow
def test_memory_is_flat_in_length(tmp_path, write_video):
    path = write_video(
        tmp_path / "long.mp4", 3000, rate=200, options={"preset": "ultrafast", "g": "100"}
    )
    video = open_video(path)
    for index, _ in video.frames():
        if index == 300:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 8 * 1024  # kB; 2700 frames of 160x96 would be 40 MB


@pytest.mark.data
def test_a_real_recording():
    path = SHARED / "data" / "single_face.mp4"
    if not path.exists():
        pytest.skip("../shared/data/single_face.mp4 is absent")
    video = open_video(path)
    pictures = dict(video.frames())
    assert list(pictures) == list(range(72))
    assert {p.shape for p in pictures.values()} == {(360, 640)}
    assert video.rate == 30
    assert video.times[-1] == pytest.approx(71 / 30)
    assert video.report.complete
    assert video.warnings == []


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video", "libvpx-vp9"])
def test_single_frames_are_those_of_a_full_run(tmp_path, write_video, codec):
    """What is left out between the frames asked for is nothing that these are built on."""
    path = write_video(tmp_path / "v.mkv", 120, codec=codec, noise=20)
    video = open_video(path)
    everything = dict(video.frames())
    for wanted in ([7, 8, 50, 51, 101], list(range(0, 120, 3)), [119]):
        found = dict(video.each(wanted, grey=True))
        assert list(found) == wanted
        assert all(np.array_equal(found[i], everything[i]) for i in wanted)
