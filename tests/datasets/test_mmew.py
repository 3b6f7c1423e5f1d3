"""MMEW in its real layouts: with and without people's folders, others called repression."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import layout_clips
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_clips import MMEW_ROWS
from layouts import Row

from mescope.datasets import read
from mescope.datasets.mmew import APEXES
from mescope.errors import DatasetError
from mescope.events import Interval


def messages(problems):
    return " | ".join(map(str, problems))


@pytest.mark.parametrize("people", [False, True])
@pytest.mark.parametrize("others", ["others", "repression"])
def test_all_clips(tmp_path, people, others):
    root = layout_clips.write_mmew(tmp_path / "MMEW", people=people, others=others)
    dataset = read("mmew", root)
    assert dataset.errors == ()
    assert [c.name for c in dataset.clips] == [r.name for r in MMEW_ROWS]
    assert dataset.subjects == ("S03", "S13")
    first, second, third = dataset.clips
    assert (first.expression.interval, first.expression.apex) == (Interval(0, 19), 8)
    assert (first.first_number, first.rate) == (1, 90.0)
    assert second.expression.action_units == ("4",)  # a number in the sheet
    assert third.expression.emotion == "others"
    assert "MMEW has 3 rows, published 300: happiness 1 of 36" in messages(dataset.warnings)


@pytest.mark.parametrize("row", [35, 158])
def test_a_known_error_is_corrected_where_row_and_pictures_show_it(tmp_path, row):
    apex, offset = APEXES[row]
    wrong = Row(9, "S09-05-001", 1, 30, 35, "4", "disgust", pictures=range(1, offset + 1))
    root = layout_clips.write_mmew(tmp_path / "m", [wrong], before=row - 2)
    dataset = read("mmew", root)
    (clip,) = dataset.clips
    assert (clip.expression.interval, clip.expression.apex) == (
        Interval(0, offset - 1),
        apex - 1,
    )
    assert f"apex 30 corrected to {apex}, a known error" in messages(dataset.warnings)
    elsewhere = layout_clips.write_mmew(tmp_path / "n", [wrong], before=row)
    (clip,) = read("mmew", elsewhere).clips
    assert clip.expression.apex == 29  # another row: only the offset follows the pictures
    mended = replace(wrong, apex=apex, offset=offset)
    dataset = read("mmew", layout_clips.write_mmew(tmp_path / "o", [mended], before=row - 2))
    assert dataset.clips[0].expression.apex == apex - 1
    assert "corrected" not in messages(dataset.problems)


def test_a_clip_that_is_there_twice(tmp_path):
    root = layout_clips.write_mmew(tmp_path / "MMEW")
    layout_clips.write_mmew(tmp_path / "MMEW" / "copy")
    (tmp_path / "MMEW" / "copy" / "MMEW_Micro_Exp.xlsx").unlink()
    dataset = read("mmew", root)
    assert len(dataset.errors) == 3
    assert "a second folder of this clip" in messages(dataset.errors)
    assert len(dataset.clips) == 3


def test_rows_that_make_no_sense(tmp_path):
    bad = (
        Row(4, "S04-01-001", 1, 9, 20, "6", "joy"),
        Row(4, "S04-01-002", 1, 30, 20, "6", "fear"),
        Row(4, "S04-01-003", 1, 9, 20, "6", "fear", files=False),
    )
    dataset = read("mmew", layout_clips.write_mmew(tmp_path / "m", (*MMEW_ROWS, *bad)))
    told = messages(dataset.errors)
    assert "unknown emotion 'joy'" in told
    assert "S04-01-003: there is no folder of its pictures" in told
    assert [c.name for c in dataset.clips][3:] == ["S04-01-002"]
    assert "apex 30 is outside 1 to 20; no apex is used" in messages(dataset.warnings)


def test_a_wrong_root(tmp_path):
    root = layout_clips.write_mmew(tmp_path / "MMEW")
    (root / "Micro_Expression").rename(tmp_path / "away")
    with pytest.raises(DatasetError, match="no folders Micro_Expression"):
        read("mmew", root)


@settings(max_examples=15, deadline=None)
@given(
    rise=st.integers(0, 15),
    fall=st.integers(0, 15),
    emotion=st.sampled_from(["happiness", "anger", "fear", "sadness", "others"]),
)
def test_what_is_written_comes_back(rise, fall, emotion):
    row = Row(21, "S21-03-007", 1, 1 + rise, 1 + rise + fall, "R2", emotion)
    with tempfile.TemporaryDirectory() as folder:
        dataset = read("mmew", layout_clips.write_mmew(Path(folder), [row]))
    (clip,) = dataset.clips
    assert (clip.expression.interval, clip.expression.apex) == (Interval(0, rise + fall), rise)
    assert (clip.subject, clip.expression.emotion) == ("S21", emotion)
