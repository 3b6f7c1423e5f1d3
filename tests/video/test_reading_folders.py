"""Folders of numbered pictures."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image

from mescope.errors import VideoError
from mescope.video.reading import open_video


def _save(folder, name, picture, **options):
    Image.fromarray(picture).save(folder / name, **options)


def test_natural_order_gaps_and_junk(tmp_path, picture_of, number_in):
    """Mixed padding, junk files, absent numbers are missing frames."""
    names = {0: "img_08.png", 1: "img_9.png", 2: "img_10.png", 5: "img_0013.png"}
    for index, name in names.items():
        _save(tmp_path, name, picture_of(index))
    for junk in ("Thumbs.db", "._img_11.png", ".DS_Store", "notes.png", "img_12.txt"):
        (tmp_path / junk).write_bytes(b"junk")
    (tmp_path / "sub_14.png").mkdir()
    video = open_video(tmp_path, rate=200)
    assert len(video) == 6
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in names]
    assert video.report.missing == (3, 4)
    assert video.report.complete
    assert np.allclose(video.times, np.arange(6) / 200)
    assert any("2 picture numbers are absent" in w for w in video.warnings)
    assert video.read([2, 3], grey=True).keys() == {2}
    assert len(video.fingerprint()) == 64


def test_another_size_is_named(tmp_path, picture_of):
    _save(tmp_path, "1.png", picture_of(0))
    _save(tmp_path, "2.png", picture_of(1, 128, 96))
    with pytest.raises(VideoError, match=r"2\.png: expected 160x96.*found 128x96"):
        list(open_video(tmp_path, rate=30).frames())


def test_two_files_with_one_number(tmp_path, picture_of):
    _save(tmp_path, "a_01.png", picture_of(0))
    _save(tmp_path, "a_1.png", picture_of(0))
    with pytest.raises(VideoError, match="both have the number 1"):
        open_video(tmp_path, rate=30)


def test_a_folder_without_pictures(tmp_path):
    """A folder that is no recording."""
    with pytest.raises(VideoError, match="found neither"):
        open_video(tmp_path, rate=30)
    (tmp_path / "readme.txt").write_text("nothing")
    with pytest.raises(VideoError, match="found neither"):
        open_video(tmp_path, rate=30)


def test_a_folder_needs_a_rate(tmp_path, picture_of):
    _save(tmp_path, "1.png", picture_of(0))
    with pytest.raises(VideoError, match="rate"):
        open_video(tmp_path)


def test_kinds_of_pictures(tmp_path, picture_of, number_in):
    """Progressive, CMYK, 16-bit, palette, alpha, TIFF, BMP."""
    grey = [picture_of(i) for i in range(8)]
    colour = [np.repeat(g[..., None], 3, axis=2) for g in grey]
    _save(tmp_path, "0.jpg", grey[0], progressive=True, quality=95)
    Image.fromarray(colour[1]).convert("CMYK").save(tmp_path / "1.jpg", quality=95)
    Image.fromarray(grey[2].astype(np.uint16) * 257).save(tmp_path / "2.png")
    Image.fromarray(grey[3]).convert("P").save(tmp_path / "3.png")
    alpha = np.dstack([colour[4], np.full(grey[4].shape, 9, np.uint8)])
    _save(tmp_path, "4.png", alpha)
    _save(tmp_path, "5.tif", grey[5])
    _save(tmp_path, "6.bmp", colour[6])
    _save(tmp_path, "7.jpeg", colour[7], quality=95)
    video = open_video(tmp_path, rate=30)
    seen = dict(video.frames())
    assert list(seen) == list(range(8))
    for index, picture in seen.items():
        assert number_in(picture) == index
        lossy = index in (0, 1, 7)
        assert np.abs(picture.astype(int) - grey[index]).max() <= (60 if lossy else 1)
        assert np.abs(picture.astype(int) - grey[index]).mean() <= (2 if lossy else 0.5)
    assert video.read([2])[2].shape == (96, 160, 3)


def test_exif_rotation(tmp_path, picture_of, number_in):
    """Applied once."""
    for index in range(3):
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned 90 degrees clockwise
        stored = np.rot90(picture_of(index), 1).copy()
        _save(tmp_path, f"{index}.jpg", stored, exif=exif, quality=95)
    video = open_video(tmp_path, rate=30)
    assert (video.width, video.height) == (160, 96)
    assert [number_in(p) for _, p in video.frames()] == [0, 1, 2]


def test_damaged_pictures_are_missing(tmp_path, picture_of):
    """Cut JPEG, scrambled PNG, text named .png."""
    for index in range(6):
        _save(tmp_path, f"{index}.{'jpg' if index == 1 else 'png'}", picture_of(index))
    cut = tmp_path / "1.jpg"
    cut.write_bytes(cut.read_bytes()[:-600])
    scrambled = tmp_path / "2.png"
    data = bytearray(scrambled.read_bytes())
    data[60:90] = bytes(30)
    scrambled.write_bytes(data)
    (tmp_path / "4.png").write_text("no picture")
    video = open_video(tmp_path, rate=30)
    assert [i for i, _ in video.frames()] == [0, 3, 5]
    assert video.report.missing == (1, 2, 4)
    assert video.report.bad_packets == 3
    assert video.report.complete
    with pytest.raises(VideoError, match=r"1\.jpg: the picture is damaged"):
        list(open_video(tmp_path, rate=30, policy="fail").frames())


@pytest.mark.parametrize(
    "head",
    [
        b"P5\n160 9W\n255\n",
        b"P5\n160 96",
        b"P5\n160 96=255\n" + b"9" * 40,
        b"P5\n0 96\n255\n",
        b"",
    ],
)
def test_a_damaged_header_costs_its_picture_only(tmp_path, picture_of, head):
    """Pillow has an error of its own for every kind of damage."""
    for index in range(3):
        _save(tmp_path, f"{index}.pgm", picture_of(index))
    (tmp_path / "1.pgm").write_bytes(head + bytes(500))
    video = open_video(tmp_path, rate=30)
    assert [i for i, _ in video.frames()] == [0, 2]
    assert video.report.missing == (1,)
    (tmp_path / "0.pgm").write_bytes(head)
    assert [i for i, _ in open_video(tmp_path, rate=30).frames()] == [2]


def test_colours_and_values_that_are_not_read_are_refused(tmp_path, picture_of):
    """Not read as white or black, and no damage either."""
    colour = Image.fromarray(np.repeat(picture_of(0)[..., None], 3, axis=2))
    for name, picture, said in (
        ("lab", colour.convert("LAB"), "found LAB"),
        (
            "wide",
            Image.fromarray(picture_of(0).astype(np.int32) * 1000),
            "values from 0 to 65535",
        ),
        ("signed", Image.fromarray(picture_of(0).astype(np.int32) - 128), "found -"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        for index in range(2):
            picture.save(folder / f"{index}.tif")
        with pytest.raises(VideoError, match=said):
            list(open_video(folder, rate=30).frames())


@pytest.mark.parametrize(("codec", "suffix"), [("gif", "gif"), ("apng", "apng")])
def test_animations(tmp_path, picture_of, number_in, codec, suffix):
    """GIF and APNG are recordings with time stamps of their own."""
    pictures = [Image.fromarray(picture_of(i)) for i in range(8)]
    path = tmp_path / f"v.{suffix}"
    kind = "GIF" if suffix == "gif" else "PNG"
    pictures[0].save(path, format=kind, save_all=True, append_images=pictures[1:], duration=40)
    video = open_video(path)
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in range(8)]
    assert video.times[-1] == pytest.approx(0.28)


def test_a_picture_that_vanishes(tmp_path, picture_of):
    for index in range(3):
        _save(tmp_path, f"{index}.png", picture_of(index))
    video = open_video(tmp_path, rate=30)
    (tmp_path / "1.png").unlink()
    with pytest.raises(VideoError, match=r"1\.png: the picture cannot be read"):
        list(video.frames())


def test_a_huge_picture_is_refused(tmp_path):
    """65535 x 65535 in the header of a PNG."""
    _save(tmp_path, "0.png", np.zeros((8, 8), np.uint8))
    path = tmp_path / "0.png"
    data = bytearray(path.read_bytes())
    data[16:24] = (65535).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(VideoError, match="expected a picture of a camera"):
        open_video(tmp_path, rate=30)


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_a_first_picture_cut_short_is_missing(tmp_path, picture_of, suffix):
    """Its size comes from the next one, wherever in the file the cut is."""
    for index in range(3):
        Image.fromarray(picture_of(index)).save(tmp_path / f"{index}.{suffix}")
    whole = (tmp_path / f"0.{suffix}").read_bytes()
    for share in (0.1, 0.5, 0.9):
        (tmp_path / f"0.{suffix}").write_bytes(whole[: int(len(whole) * share)])
        video = open_video(tmp_path, rate=25)
        assert [index for index, _ in video.frames()][-2:] == [1, 2]
        assert len(video) == 3
