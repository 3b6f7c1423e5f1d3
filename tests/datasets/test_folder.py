"""Own videos and one CSV: what is planted comes back, faults are named by file and row."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.annotations.expression_table import read_table
from mescope.datasets import read
from mescope.errors import DatasetError
from mescope.events import Expression, Interval
from mescope.io.formula_guard import guarded

WriteCsv = Callable[..., Path]

HEADER = "recording,onset,offset,apex,kind,emotion\n"


def table(root: Path, text: str | bytes, name: str = "expressions.csv") -> Path:
    data = text.encode() if isinstance(text, str) else text
    (root / name).write_bytes(data)
    return root


def test_recordings_with_their_expressions_and_times(own_root: Path) -> None:
    table(
        own_root, HEADER + "a.mp4,10,24,15,micro,surprise\nb/c,0,99,,macro,\na,30,40,,micro,x\n"
    )
    dataset = read("folder", own_root)
    assert [p.message[:28] for p in dataset.problems] == ["2 recordings have no subject"]
    first, second = dataset.recordings
    assert (first.name, first.frames) == ("a", 100)
    assert first.rate == pytest.approx(50)
    assert first.expressions == (
        Expression(interval=Interval(10, 24), kind="micro", apex=15, emotion="surprise"),
        Expression(interval=Interval(30, 40), kind="micro", emotion="x"),
    )
    assert second.expressions[0].interval == Interval(0, 99)  # the last frame is in the video
    assert (second.name, second.subject) == ("c", "c")
    times = dataset.seconds["a"][0]
    assert (times.onset, times.apex, times.offset) == pytest.approx((0.2, 0.3, 0.48))


def test_an_exported_interval_table_is_read_back(own_root: Path, write_csv: WriteCsv) -> None:
    from mescope.reports.tables import INTERVAL_COLUMNS

    def row(status: str, onset: int) -> list[object]:
        cells: dict[str, object] = dict.fromkeys(INTERVAL_COLUMNS, "")
        cells |= {
            "subject": "s1", "video": "a.mp4", "onset": onset, "offset": onset + 5,
            "apex": onset + 1, "type": "micro-expression", "au": "4+L10", "status": status,
            "emotion": "'=negative", "onset_s": f"{onset / 50:.6f}",
            "offset_s": f"{(onset + 5) / 50:.6f}", "note": "brow, down",
        }  # fmt: skip
        return list(cells.values())

    rows = [row("accepted", 3), row("proposed", 20), row("rejected", 40)]
    write_csv(own_root / "truth.csv", INTERVAL_COLUMNS, rows)
    dataset = read("folder", own_root)
    (record,) = dataset.recordings
    assert [e.interval.first for e in record.expressions] == [3, 20]
    assert record.expressions[0].action_units == ("4", "L10")
    assert record.expressions[0].emotion == "=negative"
    assert record.subject == "s1"
    messages = " | ".join(p.message for p in dataset.warnings)
    assert "1 rows were proposed by a model" in messages
    assert "b/c.MP4" in messages  # a video without a row is named
    assert dataset.errors == ()


BAD_ROWS = {
    "a,-3,9,,micro,x": "onset is '-3'",
    "a,20,9,,micro,x": "offset after the onset, found 20 to 9",
    "a,5,9,12,micro,x": "apex within 5 to 9, found 12",
    "a,nan,9,,micro,x": "onset is 'nan'",
    "a,inf,9,,micro,x": "onset is 'inf'",
    "a,1_0,90,,micro,x": "onset is '1_0'",
    "a,5.5,9,,micro,x": "onset is '5.5'",
    'a,"5,5",9,,micro,x': "a comma in it",
    "a,5,5,9,,micro,x": "decimal comma",
    "a,five,9,,micro,x": "onset is 'five'",
    "a,,9,,micro,x": "onset is ''",
    "a,5,9,,tiny,x": "micro or macro, found 'tiny'",
    ",5,9,,micro,x": "empty cell",
    "zz,5,9,,micro,x": "no video 'zz'",
    "../../etc/passwd,5,9,,micro,x": "no video '../../etc/passwd'",
    "a,5,100,,micro,x": "offset 100, but a.mp4 has frames 0 to 99",
    "a,1,2,,micro,good": "identical to row 2",
}


@pytest.mark.parametrize(("row", "message"), BAD_ROWS.items())
def test_a_bad_row_is_left_out_and_named(own_root: Path, row: str, message: str) -> None:
    table(own_root, f"{HEADER}a,1,2,,micro,good\n{row}\nb/c,3,4,,macro,good\n")
    dataset = read("folder", own_root)
    (problem,) = dataset.errors
    assert problem.where == "expressions.csv, row 3"
    assert message in problem.message
    assert sum(len(r.expressions) for r in dataset.recordings) == 2


BAD_TABLES = {
    "columns": (b"recording,start,end\na,1,2\n", r"row 1: .*add onset, offset, kind"),
    "latin": (
        (HEADER + "a,1,2,,micro,\xfc\n").encode("latin-1"),
        r"row 2: expected UTF-8.*0xfc",
    ),
    "utf-16": ((HEADER + "a,1,2,,micro,x\n").encode("utf-16-le"), r"found a NUL byte"),
    "empty": (b" \n", r"expected a table with a header, found an empty file"),
    "nul": ((HEADER + "a,1,2,,micro,\0\n").encode(), r"row 2: .*NUL"),
    "twice": (b"recording,video,onset,offset,kind\n", r"column recording is there twice"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_stops_with_a_line(own_root: Path, case: str) -> None:
    data, message = BAD_TABLES[case]
    table(own_root, data)
    with pytest.raises(DatasetError, match=rf"expressions\.csv.*{message}|{message}"):
        read("folder", own_root)


def test_semicolons_marks_and_windows_lines_are_fine(own_root: Path) -> None:
    text = "﻿" + HEADER + "a,1,2,,micro,good\n"
    table(own_root, text.replace(",", ";").replace("\n", "\r\n"))
    assert read("folder", own_root).recordings[0].expressions[0].emotion == "good"


def test_no_table_or_several_are_named(own_root: Path) -> None:
    with pytest.raises(DatasetError, match="no CSV file"):
        read("folder", own_root)
    table(own_root, HEADER, "one.csv")
    table(own_root, HEADER, "two.csv")
    with pytest.raises(DatasetError, match=r"one\.csv, two\.csv"):
        read("folder", own_root)


def test_one_name_of_two_videos_needs_its_path(own_root: Path, video_bytes: bytes) -> None:
    (own_root / "c.mp4").write_bytes(video_bytes)
    (own_root / "d").mkdir()
    (own_root / "d" / "c.mp4").write_bytes(video_bytes)
    table(own_root, HEADER + "b/c,1,2,,micro,x\nd/c.mp4,1,2,,micro,x\n")
    dataset = read("folder", own_root)
    assert [r.name for r in dataset.recordings] == ["b/c.MP4", "d/c.mp4"]
    (own_root / "c.mp4").unlink()
    table(own_root, HEADER + "c,1,2,,micro,x\n")
    assert "b/c.MP4, d/c.mp4; write its path" in read("folder", own_root).errors[0].message


def test_a_video_that_is_none_costs_its_rows_only(own_root: Path) -> None:
    (own_root / "broken.mp4").write_bytes(b"no video")
    table(own_root, HEADER + "broken,1,2,,micro,x\na,1,2,,micro,x\n")
    dataset = read("folder", own_root)
    assert [p.where for p in dataset.errors] == ["expressions.csv, row 2"]
    assert [r.name for r in dataset.recordings] == ["a"]


def test_an_empty_recording_and_seconds_that_disagree(own_root: Path) -> None:
    head = "recording,subject,onset,offset,kind,onset_s,offset_s\n"
    table(own_root, head + "a,s1,,,,,\nc,s2,10,20,micro,0.9,0.4\n")
    dataset = read("folder", own_root)
    assert [(r.subject, len(r.expressions)) for r in dataset.recordings] == [
        ("s1", 0),
        ("s2", 1),
    ]
    assert "the frames were used" in dataset.warnings[0].message


def test_two_people_in_one_recording_are_refused(own_root: Path) -> None:
    table(own_root, "recording,subject,onset,offset,kind\na,s1,1,2,micro\na,s2,3,4,micro\n")
    dataset = read("folder", own_root)
    assert "one recording shows one person" in dataset.errors[0].message
    assert dataset.recordings == ()


@st.composite
def expressions(draw: st.DrawFn) -> Expression:
    onset = draw(st.integers(0, 10**6))
    length = draw(st.integers(0, 500))
    text = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
    return Expression(
        interval=Interval(onset, onset + length),
        kind=draw(st.sampled_from(("micro", "macro"))),
        apex=draw(st.none() | st.integers(onset, onset + length)),
        emotion=draw(text.map(str.strip).filter(lambda t: not t.startswith("'"))) or None,
        action_units=tuple(draw(st.lists(st.sampled_from(("1", "L4", "R12", "T28"))))),
    )


@given(st.lists(expressions(), max_size=6, unique=True))
@settings(deadline=None, max_examples=60)
def test_a_written_annotation_comes_back_unchanged(written: list[Expression]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "expressions.csv"
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(("recording", "onset", "offset", "apex", "kind", "emotion", "au"))
            for e in written:
                apex = "" if e.apex is None else e.apex
                writer.writerow(
                    ("a", e.interval.first, e.interval.last, apex, e.kind,
                     guarded(e.emotion or ""), "+".join(e.action_units))
                )  # fmt: skip
        rows, problems = read_table(path)
    assert problems == []
    assert [row.expression for row in rows] == written


def test_marks_of_several_coders_count_once_where_they_are_equal(own_root: Path) -> None:
    """What the app exports of all coders: each of them found the same expression."""
    table(
        own_root,
        "recording,onset,offset,kind,source\na,1,3,micro,Anna\na,1,3,micro,Ben\n"
        "a,1,3,macro,Ben\na,20,30,micro,Anna\na,25,33,micro,Ben\na,50,60,micro,Ben\n",
    )
    dataset = read("folder", own_root)
    (record,) = dataset.recordings
    assert len(record.expressions) == 5
    (error,) = dataset.errors
    assert str(error).endswith("row 3: a: the frames and the kind of row 2 again; counted once")
    assert "a: rows of Anna, Ben overlap" in " ".join(p.message for p in dataset.warnings)


def test_a_rejected_row_with_a_reason_is_an_event(own_root: Path) -> None:
    """What the app exports of a proposal that was a blink; its frames stay neutral."""
    text = (
        "recording,onset,offset,kind,status,reason,onset_s,offset_s\n"
        "a,3,9,micro,accepted,,0.06,0.18\n"
        "a,40,46,micro,rejected,blink,0.8,0.92\n"
        "a,20,26,micro,rejected,nothing,0.4,0.52\n"
        "a,60,66,micro,rejected,gaze,,\n"
    )
    (own_root / "truth.csv").write_text(text, encoding="utf-8")
    dataset = read("folder", own_root)
    (record,) = dataset.recordings
    assert [e.interval for e in record.expressions] == [Interval(3, 9)]
    ((name, events),) = dataset.events.items()
    assert name == record.name
    assert [(e.kind, e.interval, e.onset_s, e.offset_s) for e in events] == [
        ("blink", Interval(40, 46), 0.8, 0.92)
    ]
    assert dataset.summary()["events"] == {"blink": 1}
    assert "2 rows were rejected" in " ".join(p.message for p in dataset.warnings)


def test_an_objective_class_is_read_as_sheets_write_it(tmp_path: Path) -> None:
    """What a sheet says may differ from what action units would give: 4 alone is class III."""
    lines = ("IV,1", "4,2", ",3", "VIII,4")
    cells = "".join(f"a,{10 * int(x[-1])},{10 * int(x[-1]) + 1},macro,4,{x}\n" for x in lines)
    path = tmp_path / "t.csv"
    path.write_text(f"recording,onset,offset,kind,au,objective_class,note\n{cells}")
    rows, problems = read_table(path)
    assert [r.expression and r.expression.objective_class for r in rows] == [4, 4, None]
    assert "objective_class is 'VIII': expected 1 to 7" in problems[0].message
