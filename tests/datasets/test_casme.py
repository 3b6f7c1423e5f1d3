"""CASME in its real layout: backslashes, padded numbers, rows that contradict the pictures."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import layout_clips
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_clips import CASME_ROWS
from layouts import Row

from mescope.datasets import read
from mescope.errors import DatasetError
from mescope.events import Interval


def messages(problems):
    return " | ".join(map(str, problems))


@pytest.fixture
def root(tmp_path):
    return layout_clips.write_casme(tmp_path / "CASME")


def test_all_clips(root):
    dataset = read("casme", root)
    assert dataset.errors == ()
    assert [c.name for c in dataset.clips] == [r.name for r in CASME_ROWS]
    assert dataset.subjects == ("sub01", "sub07", "sub19")
    first, second, third, last = dataset.clips
    assert (first.first_number, first.expression.interval) == (6, Interval(0, 10))
    assert (first.expression.apex, first.rate) == (4, 60.0)
    assert first.expression.action_units == ("L12",)
    assert second.expression.emotion == "surprise"
    assert "CASME_raw_selected" in str(second.folder)
    assert third.expression.action_units == ("4", "14")
    assert last.expression.apex is None
    told = messages(dataset.warnings)
    assert "sub19/EP09_3: the apex is not annotated" in told
    assert "CASME has 4 rows, published 189: tense 1 of 69" in told


def test_the_second_apex_serves_where_the_first_is_missing(tmp_path):
    root = layout_clips.write_casme(tmp_path / "c", CASME_ROWS[3:], second=60)
    (clip,) = read("casme", root).clips
    assert clip.expression.apex == 3


@pytest.mark.parametrize("change", [{"onset": 108}, {"offset": 190}, {"offset": 120}])
def test_pictures_count_where_the_sheet_disagrees(tmp_path, change):
    row = replace(CASME_ROWS[1], pictures=range(100, 113), **change)
    dataset = read("casme", layout_clips.write_casme(tmp_path / "c", [row]))
    assert dataset.errors == ()
    (clip,) = dataset.clips
    assert clip.expression.interval == Interval(0, 12)
    assert clip.expression.apex == 4
    assert "the pictures run 100 to 112; the pictures count" in messages(dataset.warnings)


def test_an_apex_outside_the_pictures_is_none(tmp_path):
    row = replace(CASME_ROWS[1], apex=90, onset=80, pictures=range(100, 113))
    dataset = read("casme", layout_clips.write_casme(tmp_path / "c", [row]))
    assert dataset.clips[0].expression.apex is None


BAD = {
    "emotion": ({"emotion": "joy"}, "unknown emotion 'joy'"),
    "folder": ({"files": False}, "there is no folder of its pictures"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_row_that_makes_no_sense_is_left_out_and_named(tmp_path, case):
    change, message = BAD[case]
    row = replace(Row(2, "EP11_1", 10, 12, 20, "4", "fear"), **change)
    dataset = read("casme", layout_clips.write_casme(tmp_path / "c", (*CASME_ROWS, row)))
    (problem,) = dataset.errors
    assert problem.where == "casme.xlsx/Sheet1, row 6"
    assert message in problem.message
    assert len(dataset.clips) == 4


def test_wrong_roots(root, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no annotation table"):
        read("casme", tmp_path / "empty")
    (root / "CASME_raw_selected").rename(tmp_path / "a")
    (root / "Cropped").rename(tmp_path / "b")
    with pytest.raises(DatasetError, match="CASME: no folders"):
        read("casme", root)


@settings(max_examples=15, deadline=None)
@given(
    onset=st.integers(1, 5000),
    rise=st.integers(0, 12),
    fall=st.integers(0, 12),
    emotion=st.sampled_from(["tense", "Disgust", "repression", "comtempt"]),
)
def test_what_is_written_comes_back(onset, rise, fall, emotion):
    row = Row(5, "EP01_9", onset, onset + rise, onset + rise + fall, "4+L10", emotion)
    with tempfile.TemporaryDirectory() as folder:
        dataset = read("casme", layout_clips.write_casme(Path(folder), [row]))
    (clip,) = dataset.clips
    assert clip.first_number == onset
    assert clip.expression.interval == Interval(0, rise + fall)
    assert clip.expression.apex == rise
    assert clip.expression.emotion == emotion.lower().replace("comtempt", "contempt")
    assert clip.expression.action_units == ("4", "L10")
