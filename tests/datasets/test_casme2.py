"""CASME II in its real layout: counts, frames, and every planted fault found."""

from __future__ import annotations

import contextlib
import random
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import layouts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import CASME2_ROWS, Row

from mescope.annotations.problems import Problem
from mescope.datasets import Correction, Dataset, read
from mescope.datasets.casme2 import read as read_casme2
from mescope.errors import DatasetError
from mescope.events import Interval
from mescope.video.reading import open_video

TABLE = "CASME2-coding-20140508.xlsx"


def messages(problems: Iterable[Problem]) -> str:
    return " | ".join(str(p) for p in problems)


def with_row(tmp_path: Path, row: Row) -> Dataset:
    """CASME II with one more row, in line 7 of the sheet."""
    return read("casme2", layouts.write_casme2(tmp_path / "c", (*CASME2_ROWS, row)))


def test_all_clips_in_the_order_of_the_sheet(casme2_root: Path) -> None:
    dataset = read("casme2", casme2_root)
    assert dataset.errors == ()
    assert [f"{c.subject}/{c.name}" for c in dataset.clips] == [
        "sub01/EP02_01f", "sub01/EP19_05f", "sub03/EP01_2", "sub07/EP06_02_01", "sub09/EP09f",
    ]  # fmt: skip
    assert dataset.subjects == ("sub01", "sub03", "sub07", "sub09")
    clip = dataset.clips[0]
    assert clip.folder == casme2_root / "CASME2_RAW_selected/sub01/EP02_01f"
    assert (clip.first_number, clip.frames, clip.rate) == (6, 11, 200.0)
    assert clip.expression.interval == Interval(0, 10)
    assert clip.expression.apex == 4
    assert (clip.expression.kind, clip.expression.emotion) == ("micro", "others")
    assert clip.expression.action_units == ("4", "L10")
    assert (clip.seconds.onset, clip.seconds.apex, clip.seconds.offset) == (0.0, 0.02, 0.05)
    assert [c.objective_class for c in dataset.clips] == [3, 1, None, None, None]
    assert dataset.clips[1].expression.action_units == ("12",)  # a number in the sheet
    assert dataset.clips[1].expression.apex is None
    assert dataset.clips[4].expression.action_units == ()  # '?'


def test_each_planted_oddity_is_told(casme2_root: Path) -> None:
    told = messages(read("casme2", casme2_root).warnings)
    assert "row 3: sub01/EP19_05f: the apex is not annotated" in told
    assert "1 clips have the apex on a border: sub03/EP01_2" in told
    assert "1 folders have no row in the table, left out: sub09/EP02_02f" in told
    assert "1 clips have files that are not numbered pictures, ignored: sub01/EP02_01f" in told
    assert "1 action unit cells have parts that could not be read: sub09/EP09f" in told
    assert "1 clips are longer than 0.5 s but labelled micro: sub07/EP06_02_01" in told
    assert "CASME II, sheet of 2014, has 5 rows, published 255: others 2 of 99" in told
    assert "archive unpacked into itself" in told  # CASME2_RAW/CASME2-RAW


@pytest.mark.parametrize("pictures", ["selected", "raw", "cropped"])
def test_the_frames_are_those_of_the_video_layer(casme2_root: Path, pictures: Any) -> None:
    for clip in read_casme2(casme2_root, pictures=pictures).clips:
        video = open_video(clip.folder, rate=clip.rate)
        assert len(video) == clip.frames
        onset = clip.expression.interval.first
        grey = video.read([onset], grey=True)[onset]
        row = next(r for r in CASME2_ROWS if r.name == clip.name)
        assert abs(int(grey.mean()) - row.onset) <= 2  # the number is painted in


def test_seven_columns_and_number_subjects_are_the_same(
    tmp_path: Path, casme2_root: Path
) -> None:
    rows = [replace(r, subject=int(r.subject)) for r in CASME2_ROWS]
    other = layouts.write_casme2(tmp_path / "seven", rows, columns=7)
    ours, theirs = read("casme2", casme2_root).clips, read("casme2", other).clips
    assert [(c.subject, c.name, c.expression) for c in ours] == [
        (c.subject, c.name, c.expression) for c in theirs
    ]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "emotion": ({"emotion": "tensed"}, "unknown emotion 'tensed'; known: others"),
    "text": ({"onset": "3,647", "pictures": range(1, 20)}, "whole numbers from 1 on"),
    "zero": ({"offset": 0, "pictures": range(1, 20)}, "whole numbers from 1 on"),
    "order": ({"onset": 12, "offset": 9, "pictures": range(1, 20)}, "offset 9 is before"),
    "end": ({"offset": 99, "pictures": range(5, 16)}, "the files run 5 to 15"),
    "folder": ({"files": False}, "there is no folder of its pictures"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_row_that_makes_no_sense_is_left_out_and_named(tmp_path: Path, case: str) -> None:
    change, message = BAD[case]
    row = replace(Row("11", "EP01_01", 5, 8, 15, "4", "disgust"), **change)
    dataset = with_row(tmp_path, row)
    (problem,) = dataset.errors
    assert problem.where == f"{TABLE}/Sheet1, row 7"
    assert message in problem.message
    assert len(dataset.clips) == len(CASME2_ROWS)


@pytest.mark.parametrize(("apex", "said"), [(30, "apex 30"), ("late", "apex -1")])
def test_a_bad_apex_costs_the_apex_only(tmp_path: Path, apex: Any, said: str) -> None:
    dataset = with_row(tmp_path, Row("11", "EP01_01", 5, apex, 15, "4", "disgust"))
    assert dataset.errors == ()
    assert (dataset.clips[-1].name, dataset.clips[-1].expression.apex) == ("EP01_01", None)
    assert f"{said} is outside 5 to 15; no apex is used" in messages(dataset.warnings)


def test_rows_twice(tmp_path: Path) -> None:
    dataset = with_row(tmp_path, CASME2_ROWS[0])
    assert "row 7: sub01/EP02_01f: identical to an earlier row" in messages(dataset.errors)
    other = with_row(tmp_path / "2", replace(CASME2_ROWS[0], apex=9))
    assert "occurs twice with different cells" in messages(other.warnings)
    named = [(clip.subject, clip.name) for clip in other.clips]
    assert len(set(named)) == len(named)  # a report tells clips apart by them
    assert named[-1] == ("sub01", "EP02_01f (2)")


def test_a_selected_clip_spans_onset_to_offset(tmp_path: Path) -> None:
    row = Row("11", "EP01_01", 5, 8, 15, "4", "disgust", pictures=range(5, 26))
    told = messages(with_row(tmp_path, row).warnings)
    assert "sub11/EP01_01: table 5 to 15, folder 5 to 25 (21 files)" in told


def test_a_lost_picture_is_one_missing_frame(casme2_root: Path) -> None:
    before = read("casme2", casme2_root)
    (before.clips[0].folder / "img9.jpg").unlink()
    after = read("casme2", casme2_root)
    assert after.clips[0].missing == (3,)
    assert after.clips[0].expression == before.clips[0].expression
    assert after.clips[1:] == before.clips[1:]
    new = set(after.problems) - set(before.problems)
    assert [p.message for p in new] == ["sub01/EP02_01f: 1 of 11 frames are missing (9)"]


def test_folders_in_another_case_still_resolve(casme2_root: Path) -> None:
    clips = read("casme2", casme2_root).clips
    selected = casme2_root / "CASME2_RAW_selected"
    (selected / "sub01").rename(selected / "SUB01")
    assert [c.expression for c in read("casme2", casme2_root).clips] == [
        c.expression for c in clips
    ]


def test_an_alias_is_read_and_told(tmp_path: Path) -> None:
    row = Row("11", "EP01_01", 5, 8, 15, "4", "Other")
    dataset = with_row(tmp_path, row)
    assert dataset.clips[-1].expression.emotion == "others"
    assert "1 rows say 'Other', read as 'others'" in messages(dataset.warnings)


@pytest.mark.parametrize(("offset", "applies"), [(9, True), (16, False), (12, False)])
def test_a_correction_is_guarded(tmp_path: Path, offset: Any, applies: bool) -> None:
    fix = Correction(
        subject="sub11", name="EP01_01", column="OffsetFrame", given={"OffsetFrame": 9},
        now=16, why="a test",
    )  # fmt: skip
    row = Row("11", "EP01_01", 5, 8, offset, "4", "disgust", pictures=range(5, 17))
    root = layouts.write_casme2(tmp_path / "c", (*CASME2_ROWS, row))
    dataset = read_casme2(root, corrections=[fix])
    last = dataset.clips[-1].expression.interval.last + 5
    assert last == (16 if applies else offset)
    assert ("corrected to 16" in messages(dataset.warnings)) == applies


def test_what_stops_the_load(casme2_root: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Looked for CASME2-coding-20140508"):
        read("casme2", casme2_root / "Cropped")
    sheet: list[list[Any]] = [["Subject", "Filename", "OnsetFrame"], ["01", "EP02_01f", 3]]
    layouts.save(tmp_path / "x.xlsx", {"Sheet1": sheet})
    with pytest.raises(DatasetError, match=r"'ApexFrame' missing in x\.xlsx/Sheet1, row 1"):
        read_casme2(casme2_root, table=tmp_path / "x.xlsx")
    layouts.save(tmp_path / "y.xlsx", {"Sheet1": [["a"]], "Other": []})
    with pytest.raises(DatasetError, match="sheets Sheet1, Other, but none contains"):
        read_casme2(casme2_root, table=tmp_path / "y.xlsx")
    layouts.truncate(casme2_root / TABLE)
    with pytest.raises(DatasetError, match="expected an Excel workbook"):
        read("casme2", casme2_root)


@pytest.mark.parametrize("suffix", [".xls", ".xlsx"])
def test_a_locked_or_damaged_workbook_is_a_line(casme2_root: Path, suffix: str) -> None:
    path = casme2_root / f"locked{suffix}"  # with a password, .xlsx files begin like this too
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(DatasetError, match="opens without a password"):
        read_casme2(casme2_root, table=path)


def test_an_old_workbook_needs_xlrd(casme2_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlrd", None)
    path = casme2_root / "CASME2_label_Ver_2.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(DatasetError, match="pip install xlrd"):
        read_casme2(casme2_root, table=path)


def test_an_old_workbook(casme2_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No library here writes .xls, so xlrd is played: numbers are floats, blanks are ''."""
    lines: list[list[Any]] = [
        [
            "Subject",
            "Filename",
            "OnsetFrame",
            "ApexFrame",
            "OffsetFrame",
            "Action Units",
            "Estimated Emotion",
        ],
        [1.0, "EP02_01f", 6.0, "/", 16.0, 12.0, "others"],
        ["", "EP19_05f", 3.0, "/", 14.0, 12.0, "happiness"],  # its subject is merged
        [""] * 7,
    ]

    class Sheet:
        name, nrows, merged_cells = "Sheet1", len(lines), ((1, 3, 0, 1),)
        row_values = staticmethod(lambda i: lines[i])

    class Book(contextlib.nullcontext[None]):
        sheets = staticmethod(lambda: [Sheet])

        def __enter__(self) -> Any:
            return self

    xlrd = pytest.importorskip("xlrd")
    monkeypatch.setattr(xlrd, "open_workbook", lambda path, **_: Book())
    path = casme2_root / "CASME2_label_Ver_2.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0")
    clip, merged = read_casme2(casme2_root, table=path).clips
    assert (clip.subject, clip.expression.interval) == ("sub01", Interval(0, 10))
    assert clip.expression.action_units == ("12",)
    assert (merged.subject, merged.name) == ("sub01", "EP19_05f")


def test_another_data_set_is_recognised(casme2_root: Path) -> None:
    for folder in ("CASME2_RAW", "CASME2_RAW_selected", "Cropped"):
        shutil.rmtree(casme2_root / folder)
    layouts.picture(casme2_root / "rawpic/s15/15_0101/img1.jpg", 1)
    with pytest.raises(DatasetError, match=r"looks like CAS\(ME\)\^2"):
        read("casme2", casme2_root)


def test_text_below_the_table_is_skipped_and_told(tmp_path: Path) -> None:
    lines: list[list[Any]] = [
        [
            "Subject",
            "Filename",
            None,
            "OnsetFrame",
            "ApexFrame",
            "OffsetFrame",
            None,
            "Action Units",
            "Estimated Emotion",
        ],
        ["01", "EP02_01f", None, 6, 9, 16, None, 4, "others"],
        [],
        ["a remark"],
    ]
    root = layouts.write_casme2(tmp_path / "c")
    layouts.save(root / TABLE, {"Sheet1": lines})
    dataset = read("casme2", root)
    assert len(dataset.clips) == 1
    assert "1 rows of text skipped: [4]" in messages(dataset.warnings)


def test_the_order_of_rows_changes_nothing_else(tmp_path: Path, casme2_root: Path) -> None:
    rows = list(CASME2_ROWS)
    random.Random(0).shuffle(rows)
    other = read("casme2", layouts.write_casme2(tmp_path / "other", rows))
    ours = {c.name: c.expression for c in read("casme2", casme2_root).clips}
    assert {c.name: c.expression for c in other.clips} == ours


@settings(max_examples=12, deadline=None)
@given(
    onset=st.integers(1, 9000),
    rise=st.integers(0, 10),
    fall=st.integers(0, 10),
    emotion=st.sampled_from(["happiness", "Disgust", "surprise", "others"]),
)
def test_what_is_written_comes_back(onset: int, rise: int, fall: int, emotion: str) -> None:
    row = Row("11", "EP15_04f", onset, onset + rise, onset + rise + fall, "4", emotion)
    with tempfile.TemporaryDirectory() as folder:
        root = layouts.write_casme2(Path(folder) / "x", (*layouts.CASME2_ROWS, row), raw=False)
        dataset = read("casme2", root)
    clip = dataset.clips[-1]
    assert clip.first_number + clip.expression.interval.first == onset
    assert clip.expression.interval.last - clip.expression.interval.first == rise + fall
    assert clip.expression.apex == clip.expression.interval.first + rise
    plain = {"other": "others"}.get(emotion.lower(), emotion.lower())
    assert clip.expression.emotion == plain
