"""SAMM Long Videos in their real layout: trimmed, parts of frames, a name used twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import layouts
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layout_long import SAMM_LONG_PICTURES, SAMM_LONG_ROWS, LongRow, write_samm_long

from mescope.annotations.problems import Problem
from mescope.datasets import Dataset, open_dataset, read, samm, samm_long
from mescope.errors import DatasetError, LeakError
from mescope.evaluation.folds import Fold
from mescope.events import Expression, Interval
from mescope.video.reading import open_video

TABLE = "SAMM_LongVideos_V1_Release.xlsx"


def messages(problems: Iterable[Problem]) -> str:
    return " | ".join(str(p) for p in problems)


def by_name(dataset: Dataset) -> dict[str, tuple[Expression, ...]]:
    return {r.name: r.expressions for r in dataset.recordings}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_samm_long(tmp_path / "SAMM-LV")


def write_samm_table(path: Path, *clips: tuple[str, Any, str]) -> Path:
    header = ["Subject", "Filename", "Onset Frame", "Estimated Emotion"]
    lines = [[name[:3], name, onset, emotion] for name, onset, emotion in clips]
    layouts.save(path, {"MICRO_ONLY": [["a remark"], header, *lines]})
    return path


def test_all_recordings_in_the_order_of_the_sheet(root: Path) -> None:
    dataset = read("samm-lv", root)
    assert [r.name for r in dataset.recordings] == ["006_1", "007_2", "037_4", "008_3"]
    assert dataset.subjects == ("006", "007", "008", "037")
    assert [(r.frames, r.rate) for r in dataset.recordings][:2] == [(50, 200.0), (21, 200.0)]
    found = by_name(dataset)
    assert [(e.interval, e.apex, e.kind) for e in found["006_1"]] == [
        (Interval(11, 31), 20, "macro"),  # 12.4, 20.6, 31.5
        (Interval(24, 32), 27, "micro"),
        (Interval(0, 10), 8, "macro"),  # from 0
    ]
    assert found["006_1"][1].action_units == ("A14",)
    assert found["006_1"][2].action_units == ("7",)
    assert found["007_2"] == (
        Expression(interval=Interval(6, 13), kind="micro", action_units=("7", "43")),
        Expression(interval=Interval(11, 20), kind="macro", apex=14, action_units=("4",)),
    )
    assert [e.kind for e in found["037_4"]] == ["micro", "macro"]
    assert found["008_3"] == ()
    assert dataset.seconds["006_1"][1].onset == pytest.approx(24 / 200)


def test_the_sheet_alone_names_the_recordings(root: Path) -> None:
    """Number 1 is frame 0 then, which is so of the pictures of 006_1 and 037_4, too."""
    for folder in sorted((root / "SAMM_longvideos").iterdir()):
        shutil.rmtree(folder)
    dataset = open_dataset("samm-lv", root, sheets_only=True)
    assert isinstance(dataset, Dataset)
    assert [r.name for r in dataset.recordings] == ["006_1", "007_2", "037_4"]
    found = by_name(dataset)
    assert [e.interval for e in found["006_1"]] == [
        Interval(11, 31), Interval(24, 32), Interval(0, 10)
    ]  # fmt: skip
    assert found["007_2"][0].interval == Interval(9995, 10002)
    assert [r.path for r in dataset.recordings] == [None] * 3
    assert [r.frames for r in dataset.recordings] == [33, 10125, 9]
    assert "recordings" not in messages(p for p in dataset.warnings if "published" in str(p))
    assert not dataset.errors


def test_the_frames_are_those_of_the_video_layer(root: Path) -> None:
    for record in read("samm-lv", root).recordings:
        assert record.path is not None
        video = open_video(record.path, rate=record.rate)
        assert len(video) == record.frames
        first = SAMM_LONG_PICTURES[record.name][0]
        for e in record.expressions:
            shade = int(video.read([e.interval.first], grey=True)[e.interval.first].mean())
            assert abs(shade - (first + e.interval.first) % 256) <= 2


def test_each_planted_oddity_is_told(root: Path) -> None:
    dataset = read("samm-lv", root)
    told = messages(dataset.warnings)
    assert "3 rows have parts of frames; rounded, halves up: 006_1_1" in told
    assert "1 expressions are under way when their video starts" in told
    assert "up to its last frame: 007_2_2 (10012 of 10010)" in told  # a part inside
    assert "1 expressions have no apex annotated; none is used: 007_2_1" in told
    assert "1 names stand for a micro- and a macro-expression: 037_4_1" in told
    assert "1 action unit cells have parts that could not be read: 006_1_1" in told
    assert "3 pairs of expressions overlap, all are kept: 006_1_1 and 006_1_2" in told
    assert "1 recordings have no row in the table, kept without expressions: 008_3" in told
    counts = "micro 3 of 159, macro 5 of 343, recordings 4 of 147"
    assert f"SAMM Long Videos differs from the published counts: {counts}" in told
    (lost,) = dataset.errors
    assert lost.where == f"{TABLE}/FACS_Movement_Only, row 16"
    assert (
        lost.message == "007_2_3: frames 10041 to 10125 expected, the video has 9990 to 10010"
    )


@pytest.mark.parametrize(("cell", "frame"), [(12.4, 11), (12.5, 12), ("12.6", 12), (13, 12)])
def test_parts_of_frames_are_rounded_halves_up(tmp_path: Path, cell: Any, frame: int) -> None:
    root = write_samm_long(tmp_path / "s", [LongRow("006_1_1", cell, 20, 30)])
    assert by_name(read("samm-lv", root))["006_1"][0].interval == Interval(frame, 29)


BAD: dict[str, tuple[LongRow, str]] = {
    "text": (LongRow("006_1_9", "3,647", 20, 30), "onset is '3,647', expected a whole"),
    "negative": (LongRow("006_1_9", -4, 20, 30), "onset is -4, expected a whole number from 0"),
    "order": (LongRow("006_1_9", 30, 20, 10), "offset 10 is before onset 30"),
    "kind": (LongRow("006_1_9", 10, 20, 30, "blink"), "expected the type micro or macro"),
    "name": (LongRow("video 6", 10, 20, 30), "expected a Filename such as '006_1_2'"),
    "video": (LongRow("006_7_1", 10, 20, 30), "006_7: there is no such video"),
    "twice": (SAMM_LONG_ROWS[1], "006_1_2: identical to"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_row_that_makes_no_sense_is_left_out_and_named(tmp_path: Path, case: str) -> None:
    row, message = BAD[case]
    root = write_samm_long(tmp_path / "s", (*SAMM_LONG_ROWS, row))
    dataset = read("samm-lv", root)
    (problem,) = [p for p in dataset.errors if "007_2_3" not in p.message]
    assert problem.where.endswith("FACS_Movement_Only, row 19")
    assert message in problem.message
    assert by_name(dataset) == by_name(read("samm-lv", write_samm_long(tmp_path / "good")))


def test_emotions_are_taken_from_samm(root: Path) -> None:
    write_samm_table(root / "SAMM.xlsx", ("006_1_2", 2025, "Other"), ("007_2_1", 9996, "Fear"))
    dataset = read("samm-lv", root)
    found = by_name(dataset)
    assert [e.emotion for e in found["006_1"]] == [None, "others", None]
    assert found["007_2"][0].emotion == "fear"
    told = messages(dataset.warnings)
    assert "1 rows say 'Other', read as 'others': 006_1_2" in told
    assert "1 micro-expressions are not in SAMM's table, no emotion: 037_4_1" in told
    assert "onset less" not in told


def test_an_emotion_that_samm_does_not_know_costs_the_row(root: Path, tmp_path: Path) -> None:
    table = write_samm_table(tmp_path / "own.xlsx", ("006_1_2", 2025, "tense"))
    dataset = samm_long.read(root, samm_table=table)
    assert "unknown emotion 'tense'; known: anger" in messages(dataset.errors)
    assert len(by_name(dataset)["006_1"]) == 2


def test_numbers_of_samm_with_the_long_videos_are_told(root: Path) -> None:
    write_samm_table(root / "SAMM.xlsx", ("006_1_2", 25, "Fear"), ("037_4_1", 103, "Fear"))
    told = messages(read("samm-lv", root).warnings)
    assert "006_1_2: it has SAMM's own picture numbers; the long video needs -2000" in told
    assert "037_4_1: SAMM's onset less this one is 100, published 0" in told


def test_a_clip_of_samm_and_its_long_video_show_one_person(root: Path, tmp_path: Path) -> None:
    """The same pixels under two names must not be on both sides of a split."""
    clips = read("samm", layouts.write_samm(tmp_path / "SAMM")).clips
    records = read("samm-lv", root).recordings
    clip = next(c for c in clips if c.name == "006_1_2")
    record = next(r for r in records if r.name == samm_long.video_of(clip.name))
    assert clip.subject == record.subject == "006"
    people = ((samm.NAME, clip.subject), (samm_long.PEOPLE, record.subject))
    with pytest.raises(LeakError, match="samm/006"):
        Fold("both", train=(0,), test=(1,), persons=people)


@pytest.mark.parametrize("subject", [6, "6", 6.0, "006"])
def test_subjects_without_zeros_are_the_same_people(tmp_path: Path, subject: Any) -> None:
    row = LongRow("006_1_1", 2, 5, 9, subject=subject)
    dataset = read("samm-lv", write_samm_long(tmp_path / "s", [row]))
    assert dataset.recordings[0].subject == "006"
    assert "has the Subject" not in messages(dataset.problems)


def test_a_subject_that_contradicts_the_name_is_told(tmp_path: Path) -> None:
    row = LongRow("006_1_1", 2, 5, 9, subject="007")
    dataset = read("samm-lv", write_samm_long(tmp_path / "s", [row]))
    assert "006_1_1 has the Subject 007; 006 is used" in messages(dataset.warnings)
    assert dataset.recordings[0].subject == "006"


def test_short_clips_are_recognised(root: Path, tmp_path: Path) -> None:
    other = layouts.write_samm(tmp_path / "SAMM")
    (root / TABLE).rename(other / TABLE)
    with pytest.raises(DatasetError, match="It looks like SAMM"):
        read("samm-lv", other)


def test_another_sheet_is_told(root: Path) -> None:
    layouts.save(root / TABLE, {"Tabelle1": [["Filename", "Start"]]})
    with pytest.raises(DatasetError, match="Tabelle1, but none contains"):
        read("samm-lv", root)


def test_a_missing_column_is_named(root: Path) -> None:
    layouts.save(root / TABLE, {"A": [["Subject", "Filename", "Onset", "Apex", "Offset"]]})
    with pytest.raises(DatasetError, match="column 'Type' missing"):
        read("samm-lv", root)


def test_no_table_and_a_broken_one(root: Path) -> None:
    layouts.truncate(root / TABLE)
    with pytest.raises(DatasetError, match="expected an Excel workbook"):
        read("samm-lv", root)
    (root / TABLE).unlink()
    with pytest.raises(DatasetError, match=f"no annotation table.*{TABLE}"):
        read("samm-lv", root)


def test_cropped_pictures_beside_the_whole_ones_are_not_taken(root: Path) -> None:
    layouts.picture(root / "SAMM_crop" / "006_1" / "006_1_0001.jpg", 1)
    assert read("samm-lv", root).recordings[0].frames == 50


frames = st.integers(1, 400)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    times=st.tuples(frames, frames, frames).map(sorted),
    micro=st.booleans(),
    apex=st.booleans(),
    emotion=st.sampled_from(["anger", "disgust", "fear", "happiness", "surprise"]),
)
def test_a_written_annotation_comes_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory,
    times: list[int],
    micro: bool,
    apex: bool,
    emotion: str,
) -> None:
    onset, peak, offset = times
    row = LongRow(
        "011_2_1",
        onset,
        peak if apex else -1,
        offset,
        "Micro - 1/2" if micro else "Macro",
        "R12",
    )
    root = tmp_path_factory.mktemp("written")
    write_samm_long(root, [row], {"011_2": (1, *range(2, 400, 57), 400)})
    write_samm_table(root / "SAMM.xlsx", ("011_2_1", onset, emotion))
    (record,) = read("samm-lv", root).recordings
    assert record.expressions == (
        Expression(
            interval=Interval(onset - 1, offset - 1),
            kind="micro" if micro else "macro",
            apex=peak - 1 if apex else None,
            emotion=emotion if micro else None,
            action_units=("R12",),
        ),
    )
