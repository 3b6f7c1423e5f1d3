"""SMIC in its real layout, from any of the three cameras."""

from __future__ import annotations

import tempfile
from pathlib import Path

import layout_smic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import picture

from mescope.datasets import read
from mescope.datasets.smic import clip_name
from mescope.errors import DatasetError
from mescope.events import Interval
from mescope.video.reading import open_video


@pytest.fixture
def root(tmp_path):
    return layout_smic.write_smic(tmp_path / "SMIC")


def messages(problems):
    return " | ".join(map(str, problems))


def test_all_clips_with_people_as_in_the_megc_list(root):
    dataset = read("smic-hs", root)
    assert dataset.errors == ()
    assert dataset.subjects == ("s01", "s09", "s12")
    names = ["s01_ne_02", "s01_sur_01", "s09_sur_03", "s12_po_05"]
    assert [c.name for c in dataset.clips] == names
    first, _, third, last = dataset.clips
    assert first.expression.interval == Interval(0, 19)
    assert first.expression.apex is None
    assert first.expression.emotion == "negative"
    assert (first.rate, first.seconds.offset) == (100.0, 0.19)
    assert (third.first_number, last.first_number) == (90823, 17581039)
    assert {c.dataset for c in dataset.clips} == {"smic"}
    assert all("raw" in str(c.folder) for c in dataset.clips)


def test_frames_are_those_of_the_video_layer(root):
    for clip in read("smic-hs", root).clips:
        video = open_video(clip.folder, rate=clip.rate)
        assert len(video) == clip.frames
        shade = int(video.read([0], grey=True)[0].mean())
        assert abs(shade - clip.first_number % 256) <= 2


@pytest.mark.parametrize(("camera", "rate"), [("VIS", 25.0), ("NIR", 25.0)])
def test_the_slow_cameras(tmp_path, camera, rate):
    root = layout_smic.write_smic(tmp_path / "SMIC", camera)
    dataset = read(f"smic-{camera.lower()}", root)
    assert [c.rate for c in dataset.clips] == [rate] * 4
    assert dataset.name == f"smic-{camera.lower()}"
    told = messages(dataset.warnings)
    assert f"SMIC {camera} has 4 clips, published 71: all 4 of 71" in told
    assert "4 clips are longer than 0.5 s" in told
    with pytest.raises(DatasetError, match="no folders HS/s01/micro"):
        read("smic-hs", root)


def test_cropped_pictures_alone_will_do(root, tmp_path):
    (root / "SMIC_all_raw").rename(tmp_path / "elsewhere")
    dataset = read("smic-hs", root)
    assert [c.frames for c in dataset.clips] == [20, 17, 25, 30]
    assert dataset.clips[0].folder.parents[2].name == "s01"


def test_what_is_known_of_the_release_is_told(root):
    told = messages(read("smic-hs", root).warnings)
    assert "SMIC HS has 4 clips, published 164: negative 1 of 70" in told
    assert "there is no apex in SMIC" in told


def test_a_folder_that_names_no_camera(root):
    dataset = read("smic-hs", root / "SMIC_all_raw" / "HS")
    assert len(dataset.clips) == 4
    bare = root.parent / "people"
    (root / "SMIC_all_raw" / "HS").rename(bare)
    dataset = read("smic-hs", bare)
    assert len(dataset.clips) == 4
    assert "the path names no camera, taken as HS" in messages(dataset.warnings)


def test_what_makes_no_sense_is_left_out_and_named(root):
    raw = root / "SMIC_all_raw" / "HS"
    picture(raw / "s1/micro/fear/s1_fe_01/image000001.jpg", 1)
    picture(raw / "s1/micro/negative/holiday/image000001.jpg", 1)
    picture(raw / "s1/micro/negative/s2_ne_01/image000001.jpg", 1)
    picture(raw / "s01/micro/negative/s01_ne_02/image000001.jpg", 1)
    (raw / "s1/micro/negative/s1_ne_77").mkdir()
    picture(raw / "s1/micro/positive/s1_ne_03/image000001.jpg", 1)
    dataset = read("smic-hs", root)
    told = messages(dataset.errors)
    for text in (
        "unknown class folder 'fear'",
        "named like s01_ne_01, found 'holiday'",
        "says s02, its folder s01",
        "s01_ne_02 is there twice",
        "s1_ne_77",
    ):
        assert text in told
    assert len(dataset.errors) == 5
    assert len(dataset.clips) == 5
    told = messages(dataset.warnings)
    assert "the name says negative, the folder positive; the folder is used" in told
    assert "2 clips have a single picture: s01_ne_02, s01_ne_03" in told


def test_missing_frames_and_other_files(root):
    folder = root / "SMIC_all_raw/HS/s9/micro/surprise/s9_sur_03"
    (folder / "image090830.jpg").unlink()
    (folder / "Thumbs.db").write_bytes(b"x")
    dataset = read("smic-hs", root)
    assert dataset.clips[2].missing == (7,)
    told = messages(dataset.warnings)
    assert "1 clips have frames missing in the middle: s09_sur_03 (1)" in told
    assert "not numbered pictures, ignored: s09_sur_03" in told


@settings(max_examples=15, deadline=None)
@given(
    person=st.integers(1, 20),
    emotion=st.sampled_from(["negative", "positive", "surprise"]),
    first=st.integers(1, 99_999_000),
    count=st.integers(2, 12),
)
def test_what_is_written_comes_back(person, emotion, first, count):
    token = {"negative": "ne", "positive": "po", "surprise": "sur"}[emotion]
    row = (f"s{person}", emotion, f"s{person}_{token}_04", first, count)
    with tempfile.TemporaryDirectory() as folder:
        dataset = read("smic-hs", layout_smic.write_smic(Path(folder), clips=(row,)))
    (clip,) = dataset.clips
    assert (clip.subject, clip.expression.emotion) == (f"s{person:02d}", emotion)
    assert (clip.first_number, clip.expression.interval) == (first, Interval(0, count - 1))


def test_names_of_other_kinds():
    assert clip_name("s1_xx_01") is None
    assert clip_name("EP02_01f") is None
