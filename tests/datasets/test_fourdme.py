"""4DME in its real layout: several emotions at once, people recorded twice."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import layout_clips
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_clips import FOUR_FLAGS, FOUR_ROWS, FourRow

from mescope.datasets import read
from mescope.errors import DatasetError
from mescope.events import Interval


def messages(problems):
    return " | ".join(map(str, problems))


@pytest.mark.parametrize("crop", [False, True])
def test_all_clips(tmp_path, crop):
    dataset = read("4dme", layout_clips.write_4dme(tmp_path / "4DMicro", crop=crop))
    assert dataset.errors == ()
    assert [c.name for c in dataset.clips] == [r.name for r in FOUR_ROWS]
    assert dataset.subjects == ("S13", "S7")  # the two recordings of S13 are one person
    first, second, third = dataset.clips
    assert (first.first_number, first.expression.interval) == (2480, Interval(0, 20))
    assert (first.expression.apex, first.rate) == (10, 60.0)
    assert (first.expression.emotion, first.emotions) == ("negative", ("negative",))
    assert first.expression.action_units == ("4", "L7")
    assert (second.expression.emotion, second.emotions) == (None, ("positive", "surprise"))
    assert second.emotion_raw == "Surprise+Positive"
    assert third.expression.emotion == "repression"
    told = messages(dataset.warnings)
    assert "4DME has 3 rows, published 267" in told
    assert "S13_1st and S13_2nd are one person, S13" in told


def test_the_columns_count_where_the_text_disagrees(tmp_path):
    row = replace(FOUR_ROWS[0], flags=(0, 1, 0, 0, 1))
    dataset = read("4dme", layout_clips.write_4dme(tmp_path / "d", [row]))
    assert dataset.clips[0].emotions == ("negative", "others")
    assert "Emotion says 'Negative', the columns negative+others" in messages(dataset.warnings)


def test_rows_that_make_no_sense(tmp_path):
    bad = (
        replace(FOUR_ROWS[0], name="a", flags=(0, 0, 0, 0, 0)),
        replace(FOUR_ROWS[0], name="b", flags=(0, 2, 0, 0, 1)),
        replace(FOUR_ROWS[0], name="c", files=False),
        replace(FOUR_ROWS[0], name="d", offset=2600, pictures=range(2480, 2501)),
        replace(FOUR_ROWS[0], name="e", apex=9999),
    )
    dataset = read("4dme", layout_clips.write_4dme(tmp_path / "d", (*FOUR_ROWS, *bad)))
    told = messages(dataset.errors)
    assert "a: none of Positive, Negative, Surprise, Repression, Others is 1" in told
    assert "c: there is no folder of its pictures" in told
    assert [c.name for c in dataset.clips][3:] == ["b", "d", "e"]
    told = messages(dataset.warnings)
    assert "e: apex 9999 is outside" in told
    assert "expected 0 or 1 in Negative, found 2" in told
    assert "the pictures run 2480 to 2500; the pictures count" in told


def test_a_wrong_root(tmp_path):
    root = layout_clips.write_4dme(tmp_path / "d")
    (root / "gray_micro").rename(tmp_path / "away")
    with pytest.raises(DatasetError, match="no folder gray_micro"):
        read("4dme", root)


@settings(max_examples=15, deadline=None)
@given(
    onset=st.integers(1, 9000),
    rise=st.integers(0, 12),
    fall=st.integers(0, 12),
    shown=st.sets(st.sampled_from(FOUR_FLAGS), min_size=1),
)
def test_what_is_written_comes_back(onset, rise, fall, shown):
    row = FourRow(
        "S3",
        "S3_001_01_1",
        onset,
        onset + rise,
        onset + rise + fall,
        "4",
        "+".join(sorted(shown)),
    )
    with tempfile.TemporaryDirectory() as folder:
        dataset = read("4dme", layout_clips.write_4dme(Path(folder), [row]))
    (clip,) = dataset.clips
    assert (clip.expression.interval, clip.expression.apex) == (Interval(0, rise + fall), rise)
    assert set(clip.emotions) == {name.lower() for name in shown}


def test_apostrophes_behind_headers_and_a_row_of_totals(tmp_path):
    """As early copies have them, where a spreadsheet wrote every header as text."""
    from openpyxl import load_workbook

    root = layout_clips.write_4dme(tmp_path / "d")
    path = root / "4DME_Labelling_Micro_release v1.xlsx"
    book = load_workbook(path)
    sheet = book["Sheet1"]
    for cell in sheet[1]:
        cell.value = f"{cell.value}'"
    sheet.append([None, None, None, "total", 3, None, None, None, 12, 9])
    book.save(path)
    book.close()
    dataset = read("4dme", root)
    assert len(dataset.clips) == len(FOUR_ROWS)
    assert dataset.errors == ()
    assert "1 rows of text skipped: [5]" in messages(dataset.warnings)
