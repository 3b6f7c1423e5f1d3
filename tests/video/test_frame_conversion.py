"""Grey values, colours, rotation, pixel shapes, interlacing."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from mescope.video.frame_conversion import Orientation, grey_of
from mescope.video.reading import open_video

RAMP = np.tile(np.arange(256, dtype=np.uint8), (64, 1))


def _frame(pixels, full_range, width=256, height=64):
    """A frame of the format whose luma is a ramp over all codes, colour planes neutral."""
    frame = av.VideoFrame(width, height, pixels)
    frame.color_range = 2 if full_range else 1
    parts = zip(frame.planes, frame.format.components, strict=False)
    for number, (plane, component) in enumerate(parts):
        deep = component.bits > 8
        kind = "<u2" if deep else np.uint8
        line = plane.line_size // np.dtype(kind).itemsize
        rows = np.zeros((plane.height, line), kind)
        if number == 0:
            top = 2**component.bits - 1
            rows[:, :width] = np.linspace(0, top, width).round()
        else:
            rows[:] = 2 ** (component.bits - 1)
        plane.update(rows.tobytes())
    return frame


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("width", [256, 255, 250, 97])
@pytest.mark.parametrize(
    "pixels",
    ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv420p12le",
     "yuva420p", "nv12"],
)  # fmt: skip
def test_luma_in_full_range(pixels, full_range, width):
    """Within one level of the definition and of libswscale."""
    frame = _frame(pixels, full_range, width)
    codes = np.linspace(0, 2 ** frame.format.components[0].bits - 1, width).round()
    unit = 2 ** (frame.format.components[0].bits - 8)
    exact = codes * 255 / (256 * unit - 1) if full_range else (codes / unit - 16) * 255 / 219
    found = grey_of(frame).astype(int)
    assert found.shape == (64, width)
    assert np.abs(found - np.clip(exact, 0, 255)).max() <= 0.51
    reference = frame.to_ndarray(format="gray").astype(int)
    assert np.abs(found - reference).max() <= 1


@pytest.mark.parametrize("pixels", ["gray", "gray10le", "gray12le", "gray16le"])
def test_grey_formats(pixels):
    """Grey8 and grey16."""
    found = grey_of(_frame(pixels, True))
    assert np.abs(found.astype(int) - RAMP).max() <= 1


@pytest.mark.parametrize("pixels", ["rgb24", "rgba", "bgr0", "gbrp", "yuyv422", "rgb48le"])
def test_colour_formats_fall_back(pixels, picture_of):
    """RGB, RGBA with alpha, palette."""
    grey = picture_of(5)
    frame = av.VideoFrame.from_ndarray(grey, format="gray").reformat(format=pixels)
    assert np.abs(grey_of(frame).astype(int) - grey).max() <= 2


@pytest.mark.parametrize(
    ("codec", "pixels"),
    [("ffv1", "gray"), ("ffv1", "gray16le"), ("ffv1", "yuv420p10le"), ("ffv1", "bgra"),
     ("ffv1", "yuv444p"), ("libx264", "yuv420p10le"), ("mjpeg", "yuvj420p"),
     ("libx265", "yuv420p10le"), ("libvpx-vp9", "yuv420p")],
)  # fmt: skip
def test_files_of_every_depth(tmp_path, write_video, number_in, codec, pixels):
    """Grey equals libswscale's within one level, also read from a file."""
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = write_video(tmp_path / "v.mkv", 6, codec=codec, pixels=pixels, options=options)
    with av.open(str(path)) as container:
        reference = [f.to_ndarray(format="gray") for f in container.decode(video=0)]
    video = open_video(path)
    for index, picture in video.frames():
        assert number_in(picture) == index
        assert np.abs(picture.astype(int) - reference[index]).max() <= 1
    assert video.report.complete
    assert video.read([2])[2].shape == (96, 160, 3)


def test_colours_are_rgb(tmp_path, write_video):
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 250
    path = write_video(tmp_path / "v.mp4", [red] * 5)
    middle = open_video(path).read([2])[2][32, 32]
    assert middle[0] > 200
    assert middle[1:].max() < 40


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_rotation_is_applied_once(tmp_path, write_video, number_in, picture_of, quarters):
    """As a phone stores an upright recording."""
    stored = [np.rot90(picture_of(i), quarters).copy() for i in range(10)]
    path = write_video(
        tmp_path / "v.mp4",
        stored,
        prepare=lambda stream: stream.set_display_rotation(-90 * quarters),
    )
    video = open_video(path)
    assert (video.width, video.height) == (160, 96)
    for index, picture in video.frames():
        assert picture.shape == (96, 160)
        assert number_in(picture) == index
    assert number_in(video.read([4])[4][..., 0]) == 4
    assert video.report.rotation == 90 * quarters
    assert not video.report.mirrored


@pytest.mark.parametrize("transposed", [False, True])
def test_mirrored_recordings(tmp_path, write_video, number_in, picture_of, transposed):
    """Mirrored by the display matrix."""
    upright = [picture_of(i) for i in range(10)]
    stored = [(p.T if transposed else p[:, ::-1]).copy() for p in upright]
    one, path = 1 << 16, tmp_path / "v.mp4"
    matrix = (
        [0, one, 0, one, 0, 0, 0, 0, 1 << 30]
        if transposed
        else [-one, 0, 0, 0, one, 0, 0, 0, 1 << 30]
    )
    write_video(path, stored)
    data = bytearray(path.read_bytes())
    # Track header, version 0: name, version/flags, 5 numbers, 8 + 2 + 2 + 2 + 2 bytes, matrix.
    at = data.index(b"tkhd") + 4 + 4 + 20 + 16
    data[at : at + 36] = np.array(matrix, ">i4").tobytes()
    path.write_bytes(data)
    video = open_video(path)
    assert (video.width, video.height) == (160, 96)
    assert [number_in(p) for _, p in video.frames()] == list(range(10))
    assert video.report.mirrored


def test_orientation_names_the_turn():
    """A left-right flip, then a turn clockwise, must give the same as the orientation."""
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3)
    for bits in range(8):
        turn = Orientation(bool(bits & 1), bool(bits & 2), bool(bits & 4))
        plain = picture[:, ::-1] if turn.mirrored else picture
        plain = np.rot90(plain, -turn.rotation // 90)
        assert np.array_equal(turn.apply(picture), plain), turn


def test_pixels_that_are_not_square(tmp_path, write_video):
    """Stretched, so that a face has its shape; nothing to warn of."""
    plain = open_video(write_video(tmp_path / "plain.mp4", 5))
    stored = plain.read([2], grey=True)[2]
    for aspect, size in ((Fraction(64, 45), (228, 96)), (Fraction(8, 9), (160, 108))):

        def prepare(stream, aspect=aspect):
            stream.codec_context.sample_aspect_ratio = aspect

        video = open_video(write_video(tmp_path / f"{size[0]}.mp4", 5, prepare=prepare))
        assert video.report.sample_aspect == pytest.approx(float(aspect))
        assert video.stored_size == (160, 96)
        assert (video.width, video.height) == size
        assert video.warnings == plain.warnings
        for grey in (True, False):
            shapes = {picture.shape[:2] for _, picture in video.frames(grey=grey)}
            assert shapes == {size[::-1]}
        found = video.read([2], grey=True)[2]
        expected = cv2.resize(stored, size, interpolation=cv2.INTER_LINEAR)
        assert np.abs(found.astype(int) - expected).mean() < 1
        assert video.fingerprint() != plain.fingerprint()


def test_an_aspect_that_cannot_be_is_named_and_not_used(tmp_path, write_video):
    def prepare(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(40, 1)

    video = open_video(write_video(tmp_path / "v.mp4", 5, prepare=prepare))
    assert (video.width, video.height) == (160, 96)
    assert any("which cannot be" in w for w in video.warnings)


def test_interlaced_recordings(tmp_path, write_video):
    path = write_video(
        tmp_path / "v.mkv", 10, options={"x264-params": "interlaced=1:tff=1:bframes=0"}
    )
    video = open_video(path)
    assert video.report.interlaced
    assert any("interlaced" in w for w in video.warnings)
    assert not open_video(write_video(tmp_path / "p.mkv", 5)).report.interlaced
