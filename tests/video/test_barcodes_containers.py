"""Containers, codecs and structures: the frame asked for is the frame of the sequential run.

Every file shows pictures that spell their number; it is asked for all frames in order, for
single ones by number, seeking backwards, and for ranges by time.
"""

from __future__ import annotations

import numpy as np
import pytest
from barcodes import assert_exact, barcode, encode, ffmpeg, needs_ffmpeg, number_of

from mescope.app.reader import RecordingFrames
from mescope.video.reading import open_video

pytestmark = needs_ffmpeg

FRAMES = 40
TIMES = np.arange(FRAMES) / 25
H264 = ("-c:v", "libx264", "-preset", "fast", "-g", "12", "-bf", "3")
OPEN = (*H264, "-x264-params", "open-gop=1:scenecut=0")
HEVC = (
    *("-c:v", "libx265", "-preset", "ultrafast", "-x265-params"),
    "keyint=12:bframes=3:open-gop=1:log-level=none:pools=none",
)
MPEG1 = ("-c:v", "mpeg1video", "-g", "12", "-bf", "2", "-q:v", "3")
MPEG2 = ("-c:v", "mpeg2video", "-g", "12", "-bf", "2", "-q:v", "3")
MPEG4 = ("-c:v", "mpeg4", "-g", "12", "-bf", "2")
VPX = ("-g", "12", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M")
HIDDEN = ("-auto-alt-ref", "1", "-lag-in-frames", "16", "-deadline", "good", "-cpu-used", "5")
FIELDS = ("-flags", "+ildct+ilme")
SD = ("-s", "720x576")

CASES = {
    "mp4": H264,
    "mp4-open": OPEN,
    "mp4-fragments": (*H264, "-movflags", "frag_keyframe+empty_moov"),
    "mp4-faststart": (*H264, "-movflags", "faststart"),
    "mp4-mbaff": (*H264, "-x264-params", "tff=1"),
    "mp4-hevc": HEVC,
    "mp4-mpeg2": MPEG2,
    "mp4-mpeg4": MPEG4,
    "mp4-av1": ("-c:v", "libsvtav1", "-preset", "12", "-g", "12"),
    "mov": H264,
    "mov-prores": ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"),
    "mov-animation": ("-c:v", "qtrle", "-pix_fmt", "rgb24"),
    "mkv": H264,
    "mkv-open": OPEN,
    "mkv-mpeg2": MPEG2,
    "mkv-field-pictures": (*HEVC[:-1], f"{HEVC[-1]}:field=1"),
    "mkv-10bit": (*H264, "-pix_fmt", "yuv420p10le"),
    "webm": ("-c:v", "libvpx", *VPX),
    "webm-hidden": ("-c:v", "libvpx", "-g", "30", "-b:v", "200k", *HIDDEN),
    "webm-vp9": ("-c:v", "libvpx-vp9", "-g", "30", "-b:v", "1M", *HIDDEN),
    "avi": H264,
    "avi-mjpeg": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "avi-mpeg4": MPEG4,
    "avi-ffv1": ("-c:v", "ffv1"),
    "mpg": MPEG2,
    "mpg-mpeg1": MPEG1,
    "mpg-interlaced": (*MPEG2, *FIELDS),
    "vob": MPEG2,
    "vob-h264": H264,
    "ts": H264,
    "ts-open": OPEN,
    "ts-hevc": HEVC,
    "ts-mbaff": (*H264, "-x264-params", "tff=1"),
    "ts-mpeg2": MPEG2,
    "m2ts": H264,
    "flv": H264,
    "flv-flv1": ("-c:v", "flv", "-g", "12"),
    "wmv": ("-c:v", "wmv2", "-g", "12"),
    "asf-h264": H264,
    "asf-msmpeg4": ("-c:v", "msmpeg4", "-g", "12"),
    "gif": ("-pix_fmt", "rgb8"),
    "mxf": MPEG2,
    "mxf-h264": H264,
    "dv": (*SD, "-c:v", "dvvideo"),
    "ogv": ("-c:v", "libtheora", "-g", "12"),
    "3gp": ("-c:v", "h263", "-s", "176x144", "-g", "12"),
    "h264": H264,
    "m2v": MPEG2,
}
TOLD = {"interlaced", "mbaff", "dv"}  # combed edges


@pytest.mark.parametrize("case", CASES)
def test_every_way_to_a_frame(tmp_path, case):
    """Neither warned of nor wrong; "repaired" is said where the file has no stamps to show."""
    path = encode(tmp_path / f"v.{case.split('-')[0]}", *CASES[case])
    video = assert_exact(path, range(FRAMES), TIMES)
    assert video.rate == pytest.approx(25)
    unexpected = [w for w in video.warnings if "repaired" not in w]
    assert len(unexpected) == any(word in case for word in TOLD)


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_no_key_picture_but_the_first(tmp_path, suffix):
    """Gradual refresh is called a key picture and is none: from the start, and told."""
    refresh = (
        "-c:v",
        "libx264",
        "-x264-params",
        "intra-refresh=1:keyint=12:bframes=0:scenecut=0",
    )
    path = encode(tmp_path / f"v.{suffix}", *refresh)
    video = assert_exact(path, range(FRAMES), TIMES)
    assert any("decoded from its start, which is exact and slow" in w for w in video.warnings)


def test_every_packet_is_called_a_key_packet(tmp_path):
    """An MP4 without a table of key pictures, as some recorders write it."""
    path = encode(tmp_path / "v.mp4", "-c:v", "mpeg4", "-g", "12", "-bf", "0")
    data = path.read_bytes().replace(b"stss", b"free")
    path.write_bytes(data)
    video = assert_exact(path, range(FRAMES), TIMES)
    assert any("decoded from its start" in w for w in video.warnings)


@pytest.mark.parametrize("codec", [MPEG1, MPEG2])
def test_many_pictures_to_a_packet_of_a_program_stream(tmp_path, codec):
    """FFmpeg's guesses of the stamps between are wrong by a frame here and there."""
    path = encode(tmp_path / "v.mpg", *codec, numbers=range(300))
    video = assert_exact(path, range(300), np.arange(300) / 25, every=20)
    assert video.rate == pytest.approx(25)
    assert not any("varies" in w for w in video.warnings)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotated(tmp_path, turn):
    """The barcode is read upright."""
    turned = {90: "transpose=2", 180: "hflip,vflip", 270: "transpose=1"}[turn]
    plain = encode(tmp_path / "plain.mp4", *H264, "-vf", turned)
    path = tmp_path / "v.mp4"
    try:
        ffmpeg("-display_rotation", 360 - turn, "-i", plain, "-c", "copy", path)
    except AssertionError:  # FFmpeg before version 6 has another way
        ffmpeg("-i", plain, "-c", "copy", "-metadata:s:v", f"rotate={360 - turn}", path)
    video = assert_exact(path, range(FRAMES), TIMES)
    assert (video.width, video.height) == (160, 64)
    assert video.report.rotation == turn


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv"])
def test_variable_rate(tmp_path, suffix):
    """25 frames a second, then 8."""
    slower = "setpts=round(if(lt(N\\,20)\\,N\\,20+(N-20)*3)/25/TB)"
    path = encode(tmp_path / f"v.{suffix}", *H264, "-vf", slower, "-fps_mode", "vfr")
    n = np.arange(FRAMES)
    times = np.where(n < 20, n, 20 + (n - 20) * 3) / 25
    video = assert_exact(path, range(FRAMES), times)
    assert any("the frame rate varies" in w for w in video.warnings)


@pytest.mark.parametrize(
    ("suffix", "options", "tolerance"),
    [
        ("avi", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"), 1e-6),
        ("avi", MPEG4, 1e-6),
        ("avi", H264, 1e-6),
        ("avi", ("-c:v", "mpeg4", "-bf", "0"), 1e-6),
        ("mkv", H264, 1e-3),
        ("mp4", H264, 1e-3),
        ("wmv", ("-c:v", "wmv2"), 1.1e-3),
    ],
)
def test_dropped_frames(tmp_path, suffix, options, tolerance):
    """Every tenth frame is left out, in AVI as a chunk of no length: 30 a second with gaps."""
    drop = ("-vf", "select='not(eq(mod(n,10),3))'", "-fps_mode", "vfr")
    path = encode(tmp_path / f"v.{suffix}", *options, *drop, rate=30)
    kept = [n for n in range(FRAMES) if n % 10 != 3]
    video = assert_exact(path, kept, np.array(kept) / 30, tolerance=tolerance)
    assert video.rate == pytest.approx(30, rel=1e-3)
    assert video.report.dropped == 4
    assert any("4 frames were left out by the camera" in w for w in video.warnings)
    assert not any("declares" in w or "cut off" in w for w in video.warnings)


@pytest.mark.parametrize("case", ["vob", "ts-open", "avi"])
def test_the_frames_that_the_app_shows(tmp_path, case):
    """Forwards, backwards and far away, out of the decoder that goes on."""
    path = encode(tmp_path / f"v.{case.split('-')[0]}", *CASES[case])
    frames = RecordingFrames(open_video(path))
    for index in (30, 31, 29, 28, 3, 4, 39, 0, 17, 16):
        assert number_of(frames.get(index)) == index


def test_barcodes_spell_their_number():
    """The ruler itself."""
    assert [number_of(barcode(n)) for n in range(1024)] == list(range(1024))
    assert number_of(np.repeat(barcode(777, 320, 128)[..., None], 3, axis=2)) == 777
