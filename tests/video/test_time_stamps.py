"""Names that are times, and names that only look like it."""

import numpy as np
import pytest
from PIL import Image

from mescope.errors import VideoError
from mescope.video.image_folders import numbered_files
from mescope.video.reading import open_video
from mescope.video.time_stamps import time_stamps


@pytest.mark.parametrize("rate", [143, 150, 120, 60, 33.4])
def test_milliseconds_are_told_from_frame_numbers(rate):
    ms = [int(5000 + 1000 * i / rate) for i in range(600)]
    assert time_stamps([f"f_{n}" for n in ms]) == pytest.approx([n / 1000 for n in ms])


@pytest.mark.parametrize(
    "numbers",
    [
        range(1, 200),  # all frames
        range(1, 1400, 7),  # every seventh
        [1, 2, 3, 5, 6, 9, 10, 11, 30, 31],  # dropped ones
        [2, 4, 6, 10, 12, 14, 18, 20, 22, 24],  # every second, some dropped
        [7, 14],  # too few to tell
    ],
)
def test_frame_numbers_stay_frame_numbers(numbers):
    assert time_stamps([f"img{n:05d}" for n in numbers]) is None


def test_a_clip_named_like_a_clock_that_counts_frames_is_numbered():
    assert time_stamps([f"EP12_30_45_{n:03d}" for n in range(1, 30)]) is None


def test_microseconds_of_a_jittery_clock():
    steps = np.random.default_rng(0).integers(6500, 6900, 50).cumsum() + 1_000_000
    assert time_stamps([str(n) for n in steps]) == pytest.approx((steps / 1e6).tolist())


def save(path, value):
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)


def test_a_folder_of_times_opens_by_its_times(tmp_path):
    for i, t in enumerate((9.98, 9.99, 10.01, 10.02)):
        save(tmp_path / f"{t:.2f}.png", 50 * i)
    video = open_video(tmp_path, rate=100)
    assert video.times == pytest.approx([0, 0.01, 0.03, 0.04])
    assert int(video.read([2], grey=True)[2].mean()) == 100
    assert numbered_files(tmp_path).numbers == (0, 1, 2, 3)


def test_one_time_twice_is_refused(tmp_path):
    for name in ("a_1.50.png", "b_1.50.png", "b_1.60.png"):
        save(tmp_path / name, 1)
    with pytest.raises(VideoError, match=r"both have the time 1\.5 s"):
        numbered_files(tmp_path)


COUNTERS = {  # names that end as times do, and count frames
    "S01.{:04d}": [n for n in range(1, 11) if n != 4],
    "20230802_{:04d}": [n for n in range(1, 80) if n != 57],
    "sub010203_{:05d}": [n for n in range(1, 30) if n != 9],
    "clip_101112_{:04d}": range(1, 60, 2),
}


@pytest.mark.parametrize("form", COUNTERS)
@pytest.mark.parametrize("rate", [None, 30, 200])
def test_numbers_behind_a_prefix_that_ends_in_digits_are_no_times(form, rate):
    assert time_stamps([form.format(n) for n in COUNTERS[form]], rate) is None


def test_a_number_that_is_absent_behind_a_dot_is_a_missing_frame(tmp_path):
    for n in COUNTERS["S01.{:04d}"]:
        save(tmp_path / f"S01.{n:04d}.png", n)
    video = open_video(tmp_path, rate=200)
    assert video.times == pytest.approx(np.arange(10) / 200)
    assert [index for index, _ in video.frames()] == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_times_that_the_rate_denies_are_numbers(tmp_path):
    names = [f"f_{1 + i / 150:.3f}" for i in range(20)]
    assert time_stamps(names, 150) == time_stamps(names, 100) == time_stamps(names)
    assert time_stamps(names, 150) is not None
    assert time_stamps(names, 30) is None
    for name in ["1.200", "1.207", "1.213", "2.200"]:
        save(tmp_path / f"{name}.png", 1)
    with pytest.raises(VideoError, match=r"if the names are times, they are of 15.* not 30"):
        open_video(tmp_path, rate=30)


def test_times_that_are_taken_are_told_with_their_gaps(tmp_path):
    for ms in [int(1000 * i / 150) for i in range(40) if i not in (20, 21)]:
        save(tmp_path / f"{12 + ms / 1000:.3f}.png", 1)
    video = open_video(tmp_path, rate=140)
    assert video.rate == video.report.measured_rate == pytest.approx(150, rel=0.01)
    assert video.report.longest_gap == pytest.approx(0.02, abs=1e-3)
    assert video.report.dropped == 2 or video.report.variable_rate
    assert "taken for times (1" in video.warnings[0]
    assert "asked for were 140" in video.warnings[0]


def test_other_times_are_another_recording(tmp_path):
    """The same pictures: only the stamps differ."""
    for name, middle in (("a", "12.207"), ("b", "12.208")):
        (tmp_path / name).mkdir()
        for stamp in ("12.200", middle, "12.213"):
            save(tmp_path / name / f"{stamp}.png", 1)
    one, other = (open_video(tmp_path / name, rate=150) for name in ("a", "b"))
    assert len(one.times) == len(other.times) == 3
    other.rate = one.rate
    assert one.fingerprint() != other.fingerprint()
