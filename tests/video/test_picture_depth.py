"""Data of 10, 12 and 14 bits in pictures of 16."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from barcodes import barcode, number_of
from PIL import Image

from mescope.errors import VideoError
from mescope.video.picture_depth import bits_of_data
from mescope.video.reading import open_video


def _deep(number, bits):
    """A barcode whose values use so many bits, its blocks between a fifth and four fifths."""
    return (barcode(number).astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)


def _assert_grey(video, numbers):
    for (index, picture), number in zip(video.frames(), numbers, strict=True):
        assert number_of(picture) == number, index
        assert np.abs(picture.astype(int) - barcode(number)).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_grey(tmp_path, bits, suffix):
    for number in range(4):
        picture = _deep(number, bits)
        picture[-1, -1] = (1 << bits) - 1 if number == 2 else 0
        cv2.imwrite(str(tmp_path / f"f_{number}.{suffix}"), picture)
    video = open_video(tmp_path, rate=100)
    for index, picture in video.frames():
        assert number_of(picture) == index
        assert np.abs(picture[:-1].astype(int) - barcode(index)[:-1]).max() <= 1
    assert any(f"read as {bits}-bit data" in w for w in video.warnings)
    assert video.report.pixel_format == f"{bits} bits of 16"
    assert video.read([1])[1].shape == (64, 160, 3)


@pytest.mark.parametrize("suffix", ["png", "tif", "ppm"])
def test_colour(tmp_path, suffix):
    """Whose upper 8 bits alone are nearly black; red stays red."""
    for number in range(3):
        grey = _deep(number, 12)
        cv2.imwrite(
            str(tmp_path / f"{number}.{suffix}"), np.dstack([grey // 4, grey // 2, grey])
        )
    video = open_video(tmp_path, rate=100)
    for index, picture in video.frames(grey=False):
        assert number_of(picture[..., 0]) == index
        assert np.abs(picture[..., 0].astype(int) - barcode(index)).max() <= 1
        assert (picture[..., 0] >= picture[..., 1]).all()
        assert (picture[..., 1] >= picture[..., 2]).all()
    assert any("read as 12-bit data" in w for w in video.warnings)


def test_one_scale_for_all(tmp_path):
    """One bright picture decides: a scale of each one's own would be flicker."""
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.png"), _deep(0, 14 if number == 3 else 12))
    means = [p.mean() for _, p in open_video(tmp_path, rate=30).frames()]
    assert max(means[:3]) < 20
    assert means[3] > 40
    assert bits_of_data(sorted(tmp_path.iterdir())) == 14


def test_true_16_bits_are_not_told(tmp_path):
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), _deep(number, 16))
    video = open_video(tmp_path, rate=30)
    assert video.warnings == []
    _assert_grey(video, range(2))


def test_folders_that_mix_depths(tmp_path):
    """8-bit pictures stay what they are."""
    for number in range(6):
        deep = number % 2
        picture = _deep(number, 12) if deep else np.array(barcode(number))
        cv2.imwrite(str(tmp_path / f"{number}.{'png' if number < 4 else 'tif'}"), picture)
    video = open_video(tmp_path, rate=30)
    _assert_grey(video, range(6))
    assert any("read as 12-bit data" in w for w in video.warnings)


def test_they_are_turned_once(tmp_path):
    """By EXIF, as 8-bit pictures are."""
    stored = np.rot90(_deep(5, 12), 1).copy()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "0.png", exif=exif)
    video = open_video(tmp_path, rate=30)
    assert (video.width, video.height) == (160, 64)
    assert [number_of(p) for _, p in video.frames()] == [5]


def test_floating_point_is_refused(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "0.tif")
    with pytest.raises(VideoError, match="found floating point"):
        open_video(tmp_path, rate=30)


def _write_video(path, pictures):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt = "gray16le"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="gray16le")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_videos_of_16_bits(tmp_path):
    """As FFmpeg makes them of such pictures; a value that contradicts the looks is an error."""
    pictures = [_deep(number, 12) for number in range(40)]
    video = open_video(_write_video(tmp_path / "v.mkv", pictures))
    _assert_grey(video, range(40))
    assert any("read as 12-bit data" in w for w in video.warnings)
    assert number_of(video.read([9])[9]) == 9
    full = _write_video(tmp_path / "full.mkv", [_deep(number, 16) for number in range(3)])
    assert open_video(full).warnings == []
    pictures[4] = _deep(4, 16)
    flash = open_video(_write_video(tmp_path / "flash.mkv", pictures))
    with pytest.raises(VideoError, match=r"expected 12-bit data.*frame 4 has the value"):
        list(flash.frames())
