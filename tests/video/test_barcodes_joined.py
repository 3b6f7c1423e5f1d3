"""Files with a joint, a cut, a late start or a clock that runs over."""

from __future__ import annotations

import av
import numpy as np
import pytest
from barcodes import assert_exact, encode, ffmpeg, joined, needs_ffmpeg, number_of, tone

from mescope.errors import VideoError
from mescope.video.reading import open_video

pytestmark = needs_ffmpeg

H264 = ("-c:v", "libx264", "-preset", "fast", "-g", "12", "-bf", "3")
MPEG2 = ("-c:v", "mpeg2video", "-g", "12", "-bf", "2", "-q:v", "3")
VP8 = ("-c:v", "libvpx", "-g", "12", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M")
MJPEG = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p")
WRAP = 2**33 / 90000  # seconds at which the clock of MPEG streams runs over
JOINT = "the time stamps begin again at frame"


def _codec(suffix):
    mpeg = {
        "mpg": MPEG2,
        "vob": MPEG2,
        "webm": VP8,
        "wmv": ("-c:v", "wmv2"),
        "ogv": ("-g", "12"),
    }
    return mpeg.get(suffix, H264)


def _even(count, rate=25):
    return np.arange(count) / rate


@pytest.mark.parametrize("suffix", ["ts", "m2ts", "mpg", "vob", "mkv", "webm", "ogv"])
def test_two_parts(tmp_path, suffix):
    """The second follows the first, and it is said where."""
    one = encode(tmp_path / f"1.{suffix}", *_codec(suffix), numbers=range(30))
    two = encode(tmp_path / f"2.{suffix}", *_codec(suffix), numbers=range(500, 520))
    path = joined(tmp_path / f"v.{suffix}", one, two)
    video = assert_exact(path, [*range(30), *range(500, 520)], _even(50))
    assert video.report.joints == (30,)
    assert any(f"{JOINT} 30:" in w for w in video.warnings)
    assert video.rate == pytest.approx(25)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("avi", MJPEG), ("gif", ("-pix_fmt", "rgb8")), ("h264", H264), ("m2v", MPEG2)],
)
def test_two_parts_without_stamps_of_their_own(tmp_path, suffix, options):
    """Their frames are counted, so nothing begins again."""
    one = encode(tmp_path / f"1.{suffix}", *options, numbers=range(20))
    two = encode(tmp_path / f"2.{suffix}", *options, numbers=range(500, 520))
    path = joined(tmp_path / f"v.{suffix}", one, two)
    assert_exact(path, [*range(20), *range(500, 520)], _even(40))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "flv", "wmv", "apng"])
def test_a_second_part_that_is_not_read_is_told(tmp_path, suffix):
    """The first is whole; FFmpeg knows nothing of the second."""
    options = ("-pix_fmt", "rgb24") if suffix == "apng" else _codec(suffix)
    one = encode(tmp_path / f"1.{suffix}", *options, numbers=range(20))
    assert not open_video(one).report.appended
    path = joined(tmp_path / f"v.{suffix}", one, one)
    video = assert_exact(path, range(20), _even(20))
    assert video.report.appended
    assert any("goes on with another recording" in w for w in video.warnings)


def test_a_third_part_that_is_not_read_is_told(tmp_path):
    """Of Matroska files FFmpeg reads two, and says nothing of more."""
    one = encode(tmp_path / "1.mkv", *H264, numbers=range(20))
    video = open_video(joined(tmp_path / "v.mkv", one, one, one))
    assert [number_of(p) for _, p in video.frames()] == [*range(20)] * (len(video) // 20)
    assert video.report.appended == (len(video) < 60)
    assert not open_video(one).report.appended


def test_fragments_of_two_recordings_are_refused(tmp_path):
    """FFmpeg would mix them."""
    pieces = (*H264, "-movflags", "frag_keyframe+empty_moov")
    one = encode(tmp_path / "1.mp4", *pieces)
    path = joined(tmp_path / "v.mp4", one, one)
    with pytest.raises(VideoError, match="found 2 that were put behind one another"):
        open_video(path)


def test_three_parts_with_clocks_of_their_own(tmp_path):
    """The second clock is far behind the first, the third far ahead of the second."""
    late = ("-output_ts_offset", "1000")
    one = encode(tmp_path / "1.ts", *H264, *late, numbers=range(20))
    two = encode(tmp_path / "2.ts", *H264, numbers=range(100, 120))
    three = encode(tmp_path / "3.ts", *H264, *late, numbers=range(200, 220))
    path = joined(tmp_path / "v.ts", one, two, three)
    numbers = [*range(20), *range(100, 120), *range(200, 220)]
    video = assert_exact(path, numbers, _even(60))
    assert video.report.joints == (20, 40)
    assert video.start_offset == 0


def test_parts_of_other_rates_and_of_few_frames(tmp_path):
    """25 and 50 frames a second, then three frames alone."""
    one = encode(tmp_path / "1.ts", *H264, numbers=range(20))
    two = encode(tmp_path / "2.ts", *H264, numbers=range(100, 130), rate=50)
    few = encode(tmp_path / "3.ts", *H264, numbers=range(200, 203))
    path = joined(tmp_path / "v.ts", one, two, few)
    times = np.concatenate([_even(20), 20 / 25 + _even(30, 50), 20 / 25 + 30 / 50 + _even(3)])
    numbers = [*range(20), *range(100, 130), *range(200, 203)]
    video = assert_exact(path, numbers, times)
    assert video.report.joints == (20, 50)


def test_the_same_part_twice(tmp_path):
    """Every packet and every stamp is there twice."""
    one = encode(tmp_path / "1.ts", *H264, numbers=range(30))
    video = assert_exact(joined(tmp_path / "v.ts", one, one), [*range(30)] * 2, _even(60))
    assert video.report.joints == (30,)


def test_parts_of_other_sizes_are_refused(tmp_path):
    one = encode(tmp_path / "1.mpg", *MPEG2, numbers=range(20))
    two = encode(tmp_path / "2.mpg", *MPEG2, numbers=range(20), size=(320, 128))
    video = open_video(joined(tmp_path / "v.mpg", one, two))
    with pytest.raises(VideoError, match="expected pictures of 160x64, frame 20 has 320x128"):
        list(video.frames())


def test_a_first_part_that_was_cut(tmp_path):
    """What is left of it, then the second one, whole."""
    one = encode(tmp_path / "1.ts", *H264, numbers=range(30))
    packets = one.stat().st_size // 188
    one.write_bytes(one.read_bytes()[: packets * 7 // 10 * 188])
    two = encode(tmp_path / "2.ts", *H264, numbers=range(500, 520))
    video = open_video(joined(tmp_path / "v.ts", one, two))
    seen = [(i, number_of(p)) for i, p in video.frames()]
    joint = video.report.joints[0]
    assert 10 < joint < 30
    # A frame that was cut away leaves its gap in the times.
    left = [n for i, n in seen if i < joint]
    assert left == np.rint(video.times[[i for i, _ in seen if i < joint]] * 25).tolist()
    assert [n for i, n in seen if i >= joint] == list(range(500, 520))
    assert np.allclose(np.diff(video.times[joint:]), 1 / 25)


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_a_second_part_without_its_first_key_picture(tmp_path, suffix):
    """What builds on pictures that are not there is missing, not built on the first part."""
    options = (*H264, "-x264-params", "open-gop=1:scenecut=0")
    one = encode(tmp_path / "1.ts", *options, numbers=range(30))
    packets = encode(tmp_path / "2.ts", *options, numbers=range(500, 540)).read_bytes()
    headless = tmp_path / "3.ts"
    headless.write_bytes(packets[188 * 12 :])
    path = joined(tmp_path / "both.ts", one, headless)
    if suffix != "ts":
        parts = [tmp_path / f"{k}.{suffix}" for k in (1, 2)]
        ffmpeg("-i", one, "-c", "copy", parts[0])
        ffmpeg("-i", headless, "-c", "copy", "-copyinkf", parts[1])
        path = joined(tmp_path / f"v.{suffix}", *parts)
    video = open_video(path)
    seen = {i: number_of(p) for i, p in video.frames()}
    assert [seen.get(i) for i in range(30)] == list(range(30))
    later = [n - i for i, n in seen.items() if i >= 30]
    assert len(later) > 20
    assert len(set(later)) == 1
    assert video.report.complete
    for i in list(seen)[::-5]:
        assert number_of(video.read([i], grey=True)[i]) == seen[i]


def test_a_short_gap_is_a_gap(tmp_path):
    """A piece of 4 seconds is gone: the clock says so, and the times show it."""
    one = encode(tmp_path / "1.ts", *H264, numbers=range(20))
    two = encode(tmp_path / "2.ts", *H264, "-output_ts_offset", "5", numbers=range(100, 120))
    path = joined(tmp_path / "v.ts", one, two)
    with av.open(str(path)) as file:
        stamps = sorted(p.pts for p in file.demux(video=0) if p.size)
    times = (np.array(stamps) - stamps[0]) / 90000
    assert 4 < times[20] - times[19] < 5
    video = assert_exact(path, [*range(20), *range(100, 120)], times)
    assert video.report.joints == ()
    assert any("left out by the camera" in w or "gap of" in w for w in video.warnings)


@pytest.mark.parametrize("suffix", ["ts", "mpg"])
def test_a_clock_that_runs_over(tmp_path, suffix):
    """33 bits of 90 kHz end within the recording."""
    begin = ("-output_ts_offset", f"{WRAP - 2.0}")
    path = encode(tmp_path / f"v.{suffix}", *_codec(suffix), *begin)
    video = assert_exact(path, range(40), _even(40), start_offset=0)
    assert video.report.joints == ()


@pytest.mark.parametrize(
    ("suffix", "slack"),
    [("mkv", 4e-3), ("webm", 8e-3), ("mp4", 1e-3), ("mov", 1e-3), ("ts", 0.05), ("mpg", 0.05)],
)
def test_a_picture_that_begins_after_the_sound(tmp_path, suffix, slack):
    """0.8 s later: a whole file, and players show frame 0 at 0.8 s."""
    plain = encode(tmp_path / f"plain.{suffix}", *_codec(suffix))
    path = tmp_path / f"v.{suffix}"
    both = ("-map", "0:v", "-map", "1:a", "-c:v", "copy")
    ffmpeg("-itsoffset", "0.8", "-i", plain, *tone(4), *both, path)
    video = assert_exact(path, range(40), _even(40))
    assert video.start_offset == pytest.approx(0.8, abs=slack)
    assert not any("cut off" in w for w in video.warnings)


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "flv"])
def test_a_late_start_without_sound(tmp_path, suffix):
    """A clock that has a zero counts from it, and the file is not called cut off."""
    plain = encode(tmp_path / f"plain.{suffix}", *_codec(suffix))
    path = tmp_path / f"v.{suffix}"
    ffmpeg("-itsoffset", "60", "-i", plain, "-c", "copy", path)
    video = assert_exact(path, range(40), _even(40))
    assert video.start_offset == pytest.approx(60, abs=0.1)
    assert video.warnings == []


@pytest.mark.parametrize("suffix", ["ts", "wmv"])
def test_a_picture_that_begins_long_after_the_sound(tmp_path, suffix):
    """Later than FFmpeg looks for a rate: no rate is declared, and none contradicted."""
    plain = encode(tmp_path / f"plain.{suffix}", *_codec(suffix))
    path = tmp_path / f"v.{suffix}"
    both = ("-map", "0:v", "-map", "1:a", "-c:v", "copy")
    ffmpeg("-itsoffset", "8", "-i", plain, *tone(11), *both, path)
    video = assert_exact(path, range(40), _even(40))
    assert video.start_offset == pytest.approx(8, abs=0.05)
    assert video.warnings == []


@pytest.mark.parametrize("suffix", ["wmv", "flv", "mkv"])
def test_sound_that_goes_on_is_no_cut(tmp_path, suffix):
    """Some formats tell the length of the file alone."""
    plain = encode(tmp_path / f"plain.{suffix}", *_codec(suffix))
    path = tmp_path / f"v.{suffix}"
    ffmpeg("-i", plain, *tone(6), "-map", "0:v", "-map", "1:a", "-c:v", "copy", path)
    assert_exact(path, range(40), _even(40))
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 8 // 10])
    assert open_video(cut).report.truncated


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_an_edit_list_that_begins_within(tmp_path, suffix):
    """Frames before it are decoded and not shown; those after its end are whole, too."""
    plain = encode(tmp_path / f"plain.{suffix}", *H264)
    path = tmp_path / f"v.{suffix}"
    ffmpeg("-ss", "0.6", "-t", "0.8", "-i", plain, "-c", "copy", path)
    video = open_video(path)
    seen = [(i, number_of(p)) for i, p in video.frames()]
    first = seen[0][1]
    # The cutting tool may leave out a frame that is shown before the end, and shows the gap.
    assert [n - first for _, n in seen] == np.rint(video.times * 25).tolist()
    assert video.report.missing == ()
    assert not video.report.truncated
    for i, n in seen[::-2]:
        assert number_of(video.read([i], grey=True)[i]) == n


@pytest.mark.parametrize("suffix", ["ts", "mpg", "h264"])
def test_a_file_without_its_beginning(tmp_path, suffix):
    """From the next key picture on; what lies before it is missing or absent, never wrong."""
    path = encode(tmp_path / f"v.{suffix}", *_codec(suffix), numbers=range(200, 320))
    piece = {"ts": 188, "mpg": 2048, "h264": 1}[suffix]
    data = path.read_bytes()
    path.write_bytes(data[max(1, len(data) // (8 * piece)) * piece :])
    video = open_video(path)
    seen = {i: number_of(p) for i, p in video.frames()}
    shifts = {n - i for i, n in seen.items()}
    assert len(shifts) == 1
    assert len(seen) > 80
    assert set(seen) | set(video.report.missing) == set(range(len(video)))
    for i in list(seen)[::-4]:
        assert number_of(video.read([i], grey=True)[i]) == seen[i]
