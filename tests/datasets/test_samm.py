"""SAMM in its real layout: preamble, padded numbers, -1, and the typing error of 013_1_9."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import layouts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import SAMM_ROWS, Row

from mescope.annotations.problems import Problem
from mescope.datasets import read
from mescope.datasets.samm import read as read_samm
from mescope.errors import DatasetError
from mescope.events import Interval
from mescope.video.reading import open_video

TABLE = "SAMM_Micro_FACS_Codes_v2.xlsx"


def messages(problems: Iterable[Problem]) -> str:
    return " | ".join(str(p) for p in problems)


def test_all_clips_in_the_order_of_the_sheet(samm_root: Path) -> None:
    dataset = read("samm", samm_root)
    assert dataset.errors == ()
    assert [c.name for c in dataset.clips] == [r.name for r in SAMM_ROWS]
    assert dataset.subjects == ("006", "007", "009", "013")
    first, second, third, fourth, _ = dataset.clips
    assert first.expression.interval == Interval(0, 8)
    assert (first.first_number, first.expression.apex) == (5562, 4)
    assert first.expression.action_units == ("4", "7")
    assert (first.expression.emotion, first.emotion_raw) == ("anger", "Anger")
    assert (first.rate, first.seconds.offset) == (200.0, 0.04)
    assert (second.frames, second.expression.interval) == (9, Interval(0, 8))  # 9996 to 10004
    assert third.expression.apex is None
    assert third.au_raw == "R12 or R14"
    assert fourth.expression.action_units == ("A14",)
    assert [c.objective_class for c in dataset.clips] == [3, 1, 7, 7, 1]


def test_the_frames_are_those_of_the_video_layer(samm_root: Path) -> None:
    for clip in read("samm", samm_root).clips:
        video = open_video(clip.folder, rate=clip.rate)
        assert len(video) == clip.frames
        onset = clip.expression.interval.first
        shade = int(video.read([onset], grey=True)[onset].mean())
        assert abs(shade - (clip.first_number + onset) % 256) <= 2


def test_each_planted_oddity_is_told(samm_root: Path) -> None:
    told = messages(read("samm", samm_root).warnings)
    assert "row 17: 007/007_6_1: the apex is not annotated" in told
    assert "1 action unit cells have parts that could not be read: 007/007_6_1" in told
    assert "1 rows say 'Other', read as 'others': 007/007_6_1" in told
    assert "SAMM has 5 rows, published 159: anger 1 of 57" in told


@pytest.mark.parametrize("offset", [5793, 5800, "5793"])
def test_the_known_error_is_corrected_where_it_stands(tmp_path: Path, offset: Any) -> None:
    rows = (*SAMM_ROWS[:-1], replace(SAMM_ROWS[-1], offset=offset))
    dataset = read("samm", layouts.write_samm(tmp_path / "s", rows))
    assert dataset.errors == ()
    assert dataset.clips[-1].expression.interval == Interval(0, 81)
    assert f"Offset Frame {int(offset)} corrected to 5739" in messages(dataset.warnings)
    assert "Duration says" not in messages(dataset.warnings)


def test_a_mended_sheet_is_left_alone(tmp_path: Path) -> None:
    rows = (*SAMM_ROWS[:-1], replace(SAMM_ROWS[-1], offset=5739))
    dataset = read("samm", layouts.write_samm(tmp_path / "s", rows))
    assert dataset.clips[-1].expression.interval == Interval(0, 81)
    assert "correct" not in messages(dataset.problems)


def test_an_unknown_sheet_is_left_alone_and_told(tmp_path: Path) -> None:
    row = replace(SAMM_ROWS[-1], offset=5750, duration=93, pictures=range(5658, 5751))
    dataset = read("samm", layouts.write_samm(tmp_path / "s", (*SAMM_ROWS[:-1], row)))
    assert dataset.clips[-1].expression.interval == Interval(0, 92)
    assert "the known error in Offset Frame is not there" in messages(dataset.warnings)


def test_without_corrections_the_row_is_refused_with_the_way_out(samm_root: Path) -> None:
    dataset = read_samm(samm_root, corrections=())
    assert "Duration says 82; is it 5739?" in messages(dataset.warnings)
    assert "the files run 5658 to 5739" in messages(dataset.errors)
    assert len(dataset.clips) == len(SAMM_ROWS) - 1


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "emotion": ({"emotion": "Repression"}, "unknown emotion 'Repression'"),
    "order": ({"offset": 20, "pictures": range(20, 41)}, "offset 20 is before onset 30"),
    "start": ({"pictures": range(33, 41)}, "the files run 33 to 40"),
    "folder": ({"files": False}, "there is no folder of its pictures"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_row_that_makes_no_sense_is_left_out_and_named(tmp_path: Path, case: str) -> None:
    change, message = BAD[case]
    row = replace(Row("020", "020_1_1", 30, 35, 40, "4", "Disgust", objective=3), **change)
    dataset = read("samm", layouts.write_samm(tmp_path / "s", (*SAMM_ROWS, row)))
    (problem,) = dataset.errors
    assert problem.where == f"{TABLE}/MICRO_ONLY, row 20"
    assert message in problem.message
    assert len(dataset.clips) == len(SAMM_ROWS)


def test_an_unusual_objective_class_is_told(tmp_path: Path) -> None:
    row = Row("020", "020_1_1", 30, 35, 40, "1+2", "Surprise", objective=7)
    dataset = read("samm", layouts.write_samm(tmp_path / "s", (*SAMM_ROWS, row)))
    assert dataset.clips[-1].objective_class == 7  # the sheet's column stays
    assert "1 clips have another objective class than usual: 020_1_1" in messages(
        dataset.warnings
    )


@pytest.mark.parametrize("preamble", [0, 10, 13])
def test_the_header_is_found_wherever_it_stands(tmp_path: Path, preamble: int) -> None:
    rows = [replace(r, subject=int(r.subject)) for r in SAMM_ROWS]  # zeros lost
    dataset = read("samm", layouts.write_samm(tmp_path / "s", rows, preamble=preamble))
    assert [c.subject for c in dataset.clips] == ["006", "006", "007", "009", "013"]


def test_the_long_videos_are_recognised(tmp_path: Path) -> None:
    layouts.write_samm(tmp_path / "s", [replace(r, files=False) for r in SAMM_ROWS])
    layouts.picture(tmp_path / "s" / "006_1" / "006_1_0001.jpg", 1)
    with pytest.raises(DatasetError, match="looks like SAMM Long Videos"):
        read("samm", tmp_path / "s")


def test_cropped_pictures_beside_the_whole_ones_are_not_taken(samm_root: Path) -> None:
    layouts.picture(samm_root / "SAMM_CROP/006/006_1_2/006_05562.jpg", 1)
    assert all("CROP" not in str(c.folder) for c in read("samm", samm_root).clips)


@settings(max_examples=12, deadline=None)
@given(
    onset=st.integers(1, 9000),
    rise=st.integers(0, 10),
    fall=st.integers(0, 10),
    emotion=st.sampled_from(["Anger", "Happiness", "Other", "Fear"]),
)
def test_what_is_written_comes_back(onset: int, rise: int, fall: int, emotion: str) -> None:
    row = Row(
        "022", "022_3_4", onset, onset + rise, onset + rise + fall, "4", emotion, objective=2
    )
    with tempfile.TemporaryDirectory() as folder:
        root = layouts.write_samm(Path(folder) / "x", [row])
        dataset = read("samm", root)
    clip = dataset.clips[0]
    assert clip.first_number + clip.expression.interval.first == onset
    assert clip.expression.interval.last - clip.expression.interval.first == rise + fall
    assert clip.expression.apex == clip.expression.interval.first + rise
    plain = {"other": "others"}.get(emotion.lower(), emotion.lower())
    assert clip.expression.emotion == plain
