"""Scores from what people hold in Python gives the same as from files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mescope.errors import DatasetError
from mescope.evaluation.interval_table import read_table
from mescope.evaluation.scores import score
from mescope.evaluation.table_inputs import as_table
from mescope.events import Interval

FOUND = "subject,video,onset,offset,type,emotion\n1,a,12,31,micro,negative\n2,b,5,9,macro,\n"
TRUTH = "subject,video,onset,offset,type,emotion\n1,a,10,29,micro,negative\n2,b,,,,\n"


@pytest.fixture
def files(tmp_path):
    for name, text in (("found", FOUND), ("truth", TRUTH)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path / "found.csv", tmp_path / "truth.csv"


def test_a_data_frame_is_the_table_of_its_file(files):
    for path in files:
        frame = pd.read_csv(path, dtype={"subject": str})
        assert as_table(frame) == read_table(path)
        assert as_table(frame.convert_dtypes()) == read_table(path)  # its own missing value
        assert as_table(frame.to_dict("records")) == read_table(path)
    scores = score(pd.read_csv(files[0]), pd.read_csv(files[1]))
    assert scores.counts == score(*map(str, files)).counts
    assert scores.counts["micro"].tp == 1
    assert scores.counts["macro"].fp == 1


@pytest.mark.parametrize(
    "columns",
    [("vid", "pred_onset", "pred_offset", "type"), ("recording", "Onset", "OFFSET", "kind")],
)
def test_columns_may_have_their_other_names(columns):
    frame = pd.DataFrame([["001_2", 3, 9, "me"]], columns=columns)
    assert [(r.video, r.interval, r.kind) for r in as_table(frame).rows] == [
        ("001_2", Interval(3, 9), "micro")
    ]


def test_arrays_of_one_and_of_many_videos():
    assert score(np.array([[12, 31]]), np.array([[10, 29], [90, 99]])).counts["micro"].fn == 1
    found = {"a": np.array([[12.0, 31.0]]), ("2", "b"): []}
    truth = {"a": [[10, 29]], ("2", "b"): np.empty((0, 2))}
    scores = score(found, truth)
    assert (scores.videos, scores.counts["micro"].tp) == (2, 1)


def test_frames_before_the_start_are_taken_from_it():
    assert score(np.array([[-5, 19]]), np.array([[0, 19]])).counts["micro"].tp == 1
    table = as_table(np.array([[-5, 19]]), clamp=True)
    assert "1 intervals begin before the recording" in table.remarks[0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.array([[3.5, 9]]), "row 0: expected whole frames"),
        (np.array([[9, 3]]), "the offset not before the onset"),
        (np.array([[np.nan, 3]]), "expected whole frames"),
        (np.array([-1, 3]), r"expected an array \(n, 2\)"),
        (np.array([[-1, 3]]), "expected whole frames from 0 on"),
        (pd.DataFrame({"video": ["a"], "onset": [1]}), "the table: expected the columns"),
        (pd.DataFrame({"video": ["a"], "onset": [9], "offset": [3]}), "the table, row 1"),
        ([{"video": "a", "onset": 1, "offset": "x"}], "offset is 'x'"),
    ],
)
def test_what_makes_no_sense_is_refused(value, said):
    with pytest.raises(DatasetError, match=said):
        as_table(value)
