"""SMIC-E HS in its real layout: unnamed columns, up to three expressions, text below."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import picture, save

from mescope.datasets import read
from mescope.errors import DatasetError
from mescope.events import Interval

HEADER = [
    "Subject", "Filename", "x", "OnsetF", "OffsetF", "Onset2", "Offset2", "Onset3", "Offset3",
    "y", "FirstF", "LastF", "d1", "d2", "z", "w", "Emotion",
]  # fmt: skip
ROWS = (  # clip, pairs of onset and offset, first and last picture, emotion
    ("s1_ne_01", [(549995, 550010)], (549990, 550029), "negative"),
    ("s3_po_12", [(105, 110), (120, 130), (135, 139)], (100, 140), "positive"),
    ("s14_sur_02", [(8, 12), (20, 24)], (5, 40), "Surprise"),
)


def write(root: Path, rows=ROWS, *, inner: bool = True, year: str = "_2019") -> Path:
    lines: list[list[Any]] = [HEADER]
    for clip, pairs, (first, last), emotion in rows:
        numbers = [n for pair in pairs for n in pair] + [None] * (6 - 2 * len(pairs))
        subject = int(clip.split("_")[0][1:])
        cells = [subject, clip, None, *numbers, None, first, last, 1, None, None, None, emotion]
        lines.append(cells)
    lines += [[], ["Notes: three recordings of the short set are lost"]]
    save(root / "HS_long" / f"SMIC-HS-E_annotation{year}.xlsx", {"Sheet1": lines})
    for clip, _, (first, last), _ in rows:
        person = f"s{int(clip.split('_')[0][1:]):02d}"
        folder = root / "HS_long" / "SMIC-HS-E" / ("HS" if inner else "") / person / clip
        for n in range(first, last + 1):
            picture(folder / f"image{n:06d}.jpg", n)
    return root


def messages(problems):
    return " | ".join(map(str, problems))


@pytest.mark.parametrize("inner", [True, False])
@pytest.mark.parametrize("year", ["_2019", ""])
def test_all_recordings(tmp_path, inner, year):
    dataset = read("smic-e-hs", write(tmp_path / "SMIC-E", inner=inner, year=year))
    assert dataset.errors == ()
    assert [r.name for r in dataset.recordings] == ["s01_ne_01", "s03_po_12", "s14_sur_02"]
    assert dataset.subjects == ("s01", "s03", "s14")
    first, second, third = dataset.recordings
    assert (first.frames, first.rate) == (40, 100.0)
    assert [e.interval for e in first.expressions] == [Interval(5, 20)]
    assert [e.interval for e in second.expressions] == [
        Interval(5, 10), Interval(20, 30), Interval(35, 39),
    ]  # fmt: skip
    assert [e.emotion for e in third.expressions] == ["surprise"] * 2
    assert all(e.apex is None and e.kind == "micro" for e in second.expressions)
    assert dataset.seconds["s01_ne_01"][0].onset == pytest.approx(0.05)
    told = messages(dataset.warnings)
    assert "micro 6 of 166, recordings 3 of 157" in told


def test_rows_that_make_no_sense(tmp_path):
    bad = (
        ("s2_ne_01", [(20, 10)], (5, 30), "negative"),
        ("s2_ne_02", [(10, 90)], (5, 30), "negative"),
        ("s2_ne_03", [(10, 20)], (5, 30), "joy"),
    )
    root = write(tmp_path / "s", (*ROWS, *bad))
    dataset = read("smic-e-hs", root)
    assert len(dataset.errors) == 3
    assert all("row " in p.where for p in dataset.errors)
    assert len(dataset.recordings) == 6  # the videos stay, without those rows


def test_a_first_expression_that_is_not_there_is_told(tmp_path):
    row = ("s2_ne_01", [(None, None)], (5, 30), "negative")
    dataset = read("smic-e-hs", write(tmp_path / "s", (row,)))
    assert len(dataset.errors) == 1
    assert dataset.recordings[0].expressions == ()


def test_wrong_roots(tmp_path):
    root = write(tmp_path / "s")
    (root / "HS_long" / "SMIC-HS-E").rename(tmp_path / "away")
    with pytest.raises(DatasetError, match="no folders SMIC-HS-E/s01"):
        read("smic-e-hs", root)
    (root / "HS_long" / "SMIC-HS-E_annotation_2019.xlsx").unlink()
    with pytest.raises(DatasetError, match="no annotation table"):
        read("smic-e-hs", root)
    save(root / "SMIC-HS-E_annotation.xlsx", {"Sheet1": [["a", "b"]]})
    with pytest.raises(DatasetError, match="no header with 'Filename'"):
        read("smic-e-hs", root)


@settings(max_examples=12, deadline=None)
@given(
    first=st.integers(1, 900_000),
    rise=st.integers(0, 20),
    length=st.integers(0, 20),
    emotion=st.sampled_from(["negative", "positive", "surprise"]),
)
def test_what_is_written_comes_back(first, rise, length, emotion):
    onset, offset = first + rise, first + rise + length
    row = ("s5_ne_01", [(onset, offset)], (first, first + 45), emotion)
    with tempfile.TemporaryDirectory() as folder:
        dataset = read("smic-e-hs", write(Path(folder), (row,)))
    (found,) = dataset.recordings[0].expressions
    assert (found.interval, found.emotion) == (Interval(rise, rise + length), emotion)
