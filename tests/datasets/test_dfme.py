"""DFME in its real layout: three parts, frames from 0, a rate for every person."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import layout_clips
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_clips import DFME_ROWS, DfmeRow

from mescope.datasets import read
from mescope.errors import DatasetError
from mescope.events import Interval


def messages(problems):
    return " | ".join(map(str, problems))


@pytest.fixture
def root(tmp_path):
    return layout_clips.write_dfme(tmp_path / "DFME")


def test_all_parts_together(root):
    dataset = read("dfme", root)
    assert dataset.errors == ()
    assert [c.name for c in dataset.clips] == [r.name for r in DFME_ROWS]
    assert [c.part for c in dataset.clips] == ["train", "train", "testA", "testB"]
    assert dataset.subjects == ("sub0001", "sub0003", "sub0008")
    first, second, third, fourth = dataset.clips
    assert (first.first_number, first.expression.interval) == (0, Interval(0, 20))
    assert (first.expression.apex, first.rate, first.frames) == (9, 200.0, 23)
    assert second.expression.interval == Interval(5, 30)
    assert (third.rate, third.expression.emotion) == (500.0, "surprise")
    assert fourth.rate == 300.0
    told = messages(dataset.warnings)
    assert "train has 2 clips of 1 people, published 1856 of 176" in told
    assert "DFME has 4 rows, published 2629: anger 0 of 241" in told
    assert "clips of 200, 300, 500 frames per second: a fixed step" in told


@pytest.mark.parametrize(("part", "clips"), [("train", 2), ("testa", 1), ("testb", 1)])
def test_one_part_alone(root, part, clips):
    dataset = read(f"dfme-{part}", root)
    assert len(dataset.clips) == clips
    assert "published 2629" not in messages(dataset.problems)


def test_a_part_that_is_not_there(root, tmp_path):
    (root / "full_release_annotation" / "testB_full_with_AU.xlsx").unlink()
    dataset = read("dfme", root)
    assert len(dataset.clips) == 3
    assert "no table of testB: testB_full_with_AU.xlsx" in messages(dataset.warnings)
    with pytest.raises(DatasetError, match="Looked for testB_full"):
        read("dfme-testb", root)
    (root / "train_data").rename(tmp_path / "away")
    with pytest.raises(DatasetError, match="no folders of train such as"):
        read("dfme-train", root)


def test_the_renamed_tables(root):
    table = root / "full_release_annotation" / "testA_full_with_AU.xlsx"
    table.rename(root / "DFME_test_A_full_with_AU.xlsx")
    assert len(read("dfme-testa", root).clips) == 1


def test_rows_that_make_no_sense(tmp_path):
    bad = (
        DfmeRow("sub0011", "sub0011_01", 0, 4, 9, "4", "joy"),
        DfmeRow("sub0011", "sub0011_02", 0, 4, 9, "4", "fear", rate=25),
        DfmeRow("sub0011", "sub0011_03", -1, 4, 9, "4", "fear"),
        DfmeRow("sub0011", "sub0011_04", 0, 4, 90, "4", "fear", pictures=range(50)),
        DfmeRow("sub0011", "sub0011_05", "", 4, 9, "4", "fear"),
    )
    dataset = read("dfme", layout_clips.write_dfme(tmp_path / "d", (*DFME_ROWS, *bad)))
    told = messages(dataset.errors)
    for text in (
        "unknown emotion 'joy'",
        "sub0011_02: expected frames per second of (200, 300, 500), found 25",
        "whole numbers from 0 on, found -1 and 9",
        "pictures 0 to 90 expected, the files run 0 to 49",
        "found None and 9",
    ):
        assert text in told
    assert len(dataset.clips) == 4


def test_people_that_should_not_be_so(tmp_path):
    rows = (
        *DFME_ROWS,
        replace(DFME_ROWS[0], name="sub0003_07", part="testB", rate=500),
    )
    dataset = read("dfme", layout_clips.write_dfme(tmp_path / "d", rows))
    told = messages(dataset.warnings)
    assert "1 people have clips of several rates: sub0003" in told
    assert "1 people are in several parts, expected none: sub0003" in told


@settings(max_examples=15, deadline=None)
@given(
    onset=st.integers(0, 20),
    rise=st.integers(1, 10),
    fall=st.integers(1, 10),
    rate=st.sampled_from([200, 300, 500]),
    emotion=st.sampled_from(["anger", "contempt", "fear"]),
)
def test_what_is_written_comes_back(onset, rise, fall, rate, emotion):
    row = DfmeRow(
        "sub0100",
        "sub0100_03",
        onset,
        onset + rise,
        onset + rise + fall,
        "4",
        emotion,
        rate=rate,
    )
    with tempfile.TemporaryDirectory() as folder:
        dataset = read("dfme-train", layout_clips.write_dfme(Path(folder), [row]))
    (clip,) = dataset.clips
    assert clip.expression.interval == Interval(onset, onset + rise + fall)
    assert (clip.expression.apex, clip.rate) == (onset + rise, float(rate))
    assert clip.expression.emotion == emotion
