"""The file of the spot-then-recognise track of 2025 comes back as it was, from frame 1 to 0."""

from __future__ import annotations

import numpy as np
import pytest

from mescope.errors import DatasetError
from mescope.evaluation.interval_table import Row, table_of
from mescope.evaluation.megc import SUBMITTED, read_submission, write_submission
from mescope.events import Interval

HEAD = "subject,video,onset,offset,emotion\n"


def row(first, last, emotion, subject="s1", video="v, with a comma"):
    where = {"subject": subject, "video": video}
    return Row(**where, interval=Interval(first, last), kind="micro", emotion=emotion)


def test_frames_of_the_original_recording_count_from_1():
    found = table_of([row(0, 14, "negative", "a", "b"), row(20, 30, "surprise", "a", "b")])
    assert write_submission(found) == HEAD + "a,b,1,15,negative\na,b,21,31,surprise\n"


def test_every_seventh_frame_of_samm_long_videos():
    """Decimated frame n, counted from 1, is n * 7 - 7 + 1 in the recording."""
    text = write_submission(table_of([row(0, 9, "positive", "a", "b")]), step=7)
    assert text == HEAD + f"a,b,{1 * 7 - 7 + 1},{10 * 7 - 7 + 1},positive\n"


def test_others_and_neutral_are_left_out():
    found = table_of([row(0, 9, "others"), row(5, 9, "neutral"), row(7, 9, "positive")])
    assert write_submission(found).splitlines()[1:] == ['s1,"v, with a comma",8,10,positive']
    assert write_submission(table_of([])) == HEAD


def test_a_submission_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        row(first, first + more, str(rng.choice(SUBMITTED)), subject=f"{first % 5:03}")
        for first, more in rng.integers(0, [1000, 100], (200, 2)).tolist()
    ]
    path = tmp_path / "submission.csv"
    path.write_text(write_submission(table_of(rows)), encoding="utf-8")
    assert read_submission(path) == table_of(rows)


@pytest.mark.parametrize(("emotion", "said"), [(None, "found none"), ("fear", "found fear")])
def test_emotions_that_the_track_does_not_know(emotion, said):
    with pytest.raises(DatasetError, match=f"s1/v, with a comma, frame 3: .*{said}"):
        write_submission(table_of([row(3, 9, emotion)]))


def test_a_step_of_nothing():
    with pytest.raises(DatasetError, match="step of 1 or more, found 0"):
        write_submission(table_of([]), step=0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a,b,0,9,negative", "row 2: expected frames that count from 1"),
        ("a,b,9,3,negative", "row 2: expected the offset after the onset"),
        ("a,b,1,9,others", "row 2: expected the emotion"),
        ("a,b,1.5,9,negative", "row 2: onset"),
        ("a,b,1,9,negative,more", "row 2: expected as many cells"),
    ],
)
def test_damaged_files_get_one_line(tmp_path, line, said):
    path = tmp_path / "s.csv"
    path.write_text(f"{HEAD}{line}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=said):
        read_submission(path)


def test_capitals_of_emotions_are_not_handed_in():
    table = table_of([row(1, 5, "Positive"), row(7, 9, "OTHERS")])
    assert write_submission(table).splitlines()[1].endswith(",2,6,positive")
    assert len(write_submission(table).splitlines()) == 2
