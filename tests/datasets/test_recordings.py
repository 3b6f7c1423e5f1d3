"""Rows of a sheet and long videos to checked recordings."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import picture

from mescope.datasets.base import Dataset
from mescope.datasets.clips import Findings
from mescope.datasets.recordings import (
    Rules,
    SheetExpression,
    VideoFile,
    assemble,
    check_counts,
    kind_of,
    tally,
)
from mescope.events import Expression, Interval

RULES = Rules(dataset="some", rate=100.0, emotions=("fear", "others"))
EVENT = SheetExpression(
    where="t.xlsx, row 2",
    video="a",
    onset=20,
    apex=25,
    offset=30,
    kind="micro",
    name="a_1",
    emotion="fear",
    action_units="1+R2",
)


def file(root: Path, name: str, numbers: Iterable[int] = range(1, 51)) -> VideoFile:
    for n in numbers:
        picture(root / name / f"img{n}.png", n)
    return VideoFile(subject="p1", name=name, path=root / name)


def made(
    events: Iterable[SheetExpression], files: Iterable[VideoFile], rules: Rules = RULES
) -> Dataset:
    return assemble(events, files, rules, Findings("t.xlsx"))


def told(dataset: Dataset) -> str:
    return " | ".join(str(p) for p in dataset.problems)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> VideoFile:
    return file(tmp_path_factory.mktemp("one"), "a")


def test_a_clean_row_gives_its_expression_and_nothing_to_tell(one: VideoFile) -> None:
    dataset = made([EVENT], [one])
    assert dataset.problems == ()
    (record,) = dataset.recordings
    assert (record.dataset, record.subject, record.name) == ("some", "p1", "a")
    assert (record.frames, record.rate, record.path) == (50, 100.0, str(one.path))
    assert record.expressions == (
        Expression(
            interval=Interval(19, 29),
            kind="micro",
            apex=24,
            emotion="fear",
            action_units=("1", "R2"),
        ),
    )
    (times,) = dataset.seconds["a"]
    assert (times.onset, times.apex, times.offset) == (0.19, 0.24, 0.29)


def test_frame_0_is_the_first_picture_whatever_its_number(tmp_path: Path) -> None:
    event = replace(EVENT, onset=549_992, apex=549_995, offset=549_999)
    dataset = made([event], [file(tmp_path, "a", range(549_990, 550_000))])
    assert dataset.recordings[0].frames == 10
    assert dataset.recordings[0].expressions[0].interval == Interval(2, 9)
    assert dataset.seconds["a"][0].onset == pytest.approx(0.02)


def test_missing_frames_move_nothing(tmp_path: Path) -> None:
    """The number is the clock; a border whose picture is missing is told as well."""
    numbers = [n for n in range(1, 51) if n not in (5, 20, 26)]
    dataset = made([EVENT], [file(tmp_path, "a", numbers)])
    assert dataset.recordings == made([EVENT], [file(tmp_path, "a", [5, 20, 26])]).recordings
    assert "a: 3 of 50 frames are missing (5, 20, 26)" in told(dataset)
    assert "1 expressions have missing frames: a_1" in told(dataset)


@pytest.mark.parametrize(("number", "its"), [(19, False), (20, True), (30, True), (31, False)])
def test_only_a_frame_inside_is_missing_to_the_expression(
    tmp_path: Path, number: int, its: bool
) -> None:
    dataset = made([EVENT], [file(tmp_path, "a", {*range(1, 51)} - {number})])
    assert f"1 of 50 frames are missing ({number})" in told(dataset)
    assert ("expressions have missing frames" in told(dataset)) == its


def test_other_files_change_nothing_but_are_told(tmp_path: Path) -> None:
    one = file(tmp_path, "a")
    before = made([EVENT], [one])
    for name in ("Thumbs.db", ".DS_Store", "readme.txt"):
        (one.path / name).write_bytes(b"x")
    after = made([EVENT], [one])
    assert after.recordings == before.recordings
    assert told(after).endswith("recordings have files that are not numbered pictures: a")


def test_recordings_keep_the_order_of_the_sheet_however_they_are_found(tmp_path: Path) -> None:
    files = [file(tmp_path, name) for name in "abcde"]
    events = [replace(EVENT, video=v, name=f"{v}_{i}") for i, v in enumerate("dbadb")]
    random.Random(3).shuffle(files)
    dataset = made(events, files)
    names = [r.name for r in dataset.recordings]
    assert names[:3] == ["d", "b", "a"]
    assert sorted(names[3:]) == ["c", "e"]
    assert [len(r.expressions) for r in dataset.recordings] == [2, 2, 1, 0, 0]
    assert dataset.seconds["c"] == ()
    assert "2 recordings have no row in the table, kept without expressions" in told(dataset)


def test_a_video_is_found_in_any_case_of_letters_and_keeps_its_own(one: VideoFile) -> None:
    dataset = made([replace(EVENT, video="A")], [one])
    assert [(r.name, len(r.expressions)) for r in dataset.recordings] == [("a", 1)]


def test_a_video_that_is_not_there_costs_its_rows_and_is_told_once(one: VideoFile) -> None:
    rows = [replace(EVENT, video="b", where=f"t.xlsx, row {i}") for i in (2, 3)]
    dataset = made(rows, [one])
    (problem,) = dataset.errors
    assert str(problem) == (
        "error: t.xlsx, row 2: b: there is no such video; its 2 rows were left out"
    )
    assert [r.name for r in dataset.recordings] == ["a"]


def test_a_video_found_twice_is_used_once(tmp_path: Path) -> None:
    first = file(tmp_path / "x", "a", range(1, 41))
    dataset = made([EVENT], [first, file(tmp_path / "y", "A")])
    assert [r.frames for r in dataset.recordings] == [40]
    assert "A was found before; not used" in told(dataset)


@pytest.mark.parametrize("kind", ["empty", "double", "no file", "no video"])
def test_a_video_that_cannot_be_read_is_left_out_and_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "b"
    if kind == "empty":
        path.mkdir()
    elif kind == "double":
        picture(path / "img1.png", 1)
        picture(path / "img01.png", 1)
    elif kind == "no video":
        path.write_bytes(b"no video at all" * 100)
    bad = VideoFile(subject="p2", name="b", path=path)
    dataset = made([EVENT, replace(EVENT, video="b")], [file(tmp_path, "a"), bad])
    assert [r.name for r in dataset.recordings] == ["a"]
    (problem,) = dataset.errors
    assert problem.message.startswith("b: ")
    assert "b" not in dataset.seconds


def test_a_video_file_gives_its_own_rate_and_times(tmp_path: Path, video_bytes: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(video_bytes)  # 100 frames at 50 per second
    own = VideoFile(subject="p1", name="a", path=tmp_path / "a.mp4")
    event = replace(EVENT, onset=1, apex=50, offset=100)
    dataset = made([event], [own])
    (record,) = dataset.recordings
    assert (record.frames, record.rate) == (100, 50.0)
    assert record.expressions[0].interval == Interval(0, 99)
    assert dataset.seconds["a"][0].offset == pytest.approx(99 / 50)
    assert "a: 50.000 frames per second, expected 100" in told(dataset)
    assert "frames per second" not in told(made([event], [own], replace(RULES, rate=50.0)))


NOT_A_FRAME = [
    "3,647",
    "/",
    "-",
    3.5,
    None,
    math.inf,
    True,
    -1,
    "1e999",
    datetime.date(2020, 1, 2),
]


@pytest.mark.parametrize("cell", NOT_A_FRAME)
@pytest.mark.parametrize("column", ["onset", "apex", "offset"])
def test_a_cell_that_is_no_frame_costs_the_row(one: VideoFile, column: str, cell: Any) -> None:
    dataset = made([replace(EVENT, **{column: cell})], [one])
    if column == "apex" and cell is None:
        assert dataset.errors == ()
        assert "no apex annotated" in told(dataset)
        return
    if column == "apex":  # which costs no row
        assert dataset.errors == ()
        assert dataset.recordings[0].expressions[0].apex is None
        assert f"a_1: apex is {cell!r}, expected a whole number" in told(dataset)
        return
    (problem,) = dataset.errors
    assert str(problem).startswith(f"error: t.xlsx, row 2: a_1: {column} is {cell!r}, expected")
    assert dataset.recordings[0].expressions == ()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "order": ({"onset": 31, "apex": None}, "offset 30 is before onset 31"),
    "end": ({"offset": 51}, "frames 20 to 51 expected, the video has 1 to 50"),
    "start": ({"onset": 0}, "frames 0 to 30 expected, the video has 1 to 50"),
    "zero": ({"offset": 0}, "offset 0 is before onset 20"),
    "emotion": ({"emotion": "tensed"}, "unknown emotion 'tensed'; known: fear, others"),
    "kind": ({"kind": None}, "expected the type micro or macro, found None"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_row_that_makes_no_sense_costs_only_itself(one: VideoFile, case: str) -> None:
    change, message = BAD[case]
    bad = replace(EVENT, where="t.xlsx, row 3", name="a_2", **change)
    dataset = made([EVENT, bad], [one])
    assert [str(p) for p in dataset.errors] == [f"error: t.xlsx, row 3: a_2: {message}"]
    assert len(dataset.recordings[0].expressions) == 1


def test_what_a_data_set_may_write_depends_on_its_rules(one: VideoFile) -> None:
    def only(rules: Rules, **change: Any) -> tuple[Expression, str]:
        dataset = made([replace(EVENT, **change)], [one], rules)
        assert dataset.errors == ()
        return dataset.recordings[0].expressions[0], told(dataset)

    found, text = only(replace(RULES, no_apex=(-1, 0)), apex=-1.0)
    assert (found.interval, found.apex) == (Interval(19, 29), None)
    assert "1 expressions have no apex annotated; none is used: a_1" in text
    found, text = only(replace(RULES, missing_offset="apex"), offset=0)
    assert (found.interval, found.apex) == (Interval(19, 24), 24)
    assert "1 rows have the offset 0 (not annotated); the apex is taken: a_1" in text
    found, text = only(replace(RULES, missing_offset="apex+20"), offset=0)
    assert (found.interval, found.apex) == (Interval(19, 44), 24)
    found, text = only(replace(RULES, missing_offset="apex+20"), apex=45, offset=0)
    assert found.interval == Interval(19, 49)  # no longer than the video
    for apex in (19, 31):
        found, text = only(RULES, apex=apex)
        assert (found.interval, found.apex) == (Interval(19, 29), None)
        assert f"apex {apex} is outside 20 to 30; no apex is used" in text
    found, text = only(replace(RULES, from_zero=True), onset=0)
    assert found.interval == Interval(0, 29)
    assert "1 expressions are under way when their video starts" in text
    found, text = only(replace(RULES, fractions=True), onset=20.5, apex=24.4, offset="29.6")
    assert (found.interval, found.apex) == (Interval(20, 29), 23)
    assert "1 rows have parts of frames; rounded, halves up: a_1" in text
    trimmed = replace(RULES, trimmed=True)
    found, text = only(trimmed, onset=0)
    assert (found.interval, found.apex) == (Interval(0, 29), 24)
    assert "1 expressions are under way when their video starts" in text
    found, text = only(trimmed, apex=55, offset=60)
    assert (found.interval, found.apex) == (Interval(19, 49), None)
    assert "used up to its last frame: a_1 (60 of 50)" in text


def test_no_part_of_an_expression_inside_is_never_used(one: VideoFile) -> None:
    event = replace(EVENT, onset=51, apex=55, offset=60)
    dataset = made([event], [one], replace(RULES, trimmed=True))
    assert "frames 51 to 60 expected, the video has 1 to 50" in told(dataset)
    assert dataset.recordings[0].expressions == ()


def test_the_same_row_again_counts_once_and_the_same_name_twice(one: VideoFile) -> None:
    again = replace(EVENT, where="t.xlsx, row 3")
    changed = replace(EVENT, where="t.xlsx, row 4", onset=21)
    other = replace(EVENT, where="t.xlsx, row 5", kind="macro")
    dataset = made([EVENT, again, changed, other], [one])
    assert len(dataset.recordings[0].expressions) == 3
    (error,) = dataset.errors
    assert str(error) == "error: t.xlsx, row 3: a_1: identical to t.xlsx, row 2"
    assert "row 4: a_1 occurs twice with different cells" in told(dataset)
    assert "1 names stand for a micro- and a macro-expression: a_1" in told(dataset)


def test_rows_without_names_are_called_by_video_and_onset(one: VideoFile) -> None:
    rows = [replace(EVENT, name="", onset=n, apex=n, offset=n + 2) for n in (1, 5, 99)]
    dataset = made(rows, [one])
    assert "a from 99: frames 99 to 101 expected" in told(dataset)
    assert "twice" not in told(dataset)


def test_every_pair_that_overlaps_is_told_and_kept(one: VideoFile) -> None:
    spans = [(30, 40), (1, 50), (41, 45), (2, 3), (40, 41)]
    rows = [
        replace(EVENT, onset=a, apex=None, offset=b, name=f"e{i}")
        for i, (a, b) in enumerate(spans)
    ]
    dataset = made(rows, [one])
    assert len(dataset.recordings[0].expressions) == 5
    pairs = sum(
        a[0] <= b[1] and b[0] <= a[1] for i, a in enumerate(spans) for b in spans[i + 1 :]
    )
    assert f"{pairs} pairs of expressions overlap, all are kept: e1 and" in told(dataset)


def test_a_long_micro_expression_and_an_apex_on_the_border_are_told(tmp_path: Path) -> None:
    files = [file(tmp_path, "a", range(1, 101))]
    kept = replace(EVENT, onset=1, apex=9, offset=51)
    assert made([kept], files).problems == ()  # half a second from first to last frame
    rows = [
        replace(kept, name="long", apex=1, offset=52),
        replace(kept, name="macro", kind="macro", offset=90),
    ]
    dataset = made(rows, files)
    assert "1 expressions are longer than 0.5 s but labelled micro: long" in told(dataset)
    assert "1 expressions have the apex on a border: long" in told(dataset)


@pytest.mark.parametrize(
    ("cell", "emotion", "message"),
    [
        (None, None, ""),
        (" ", None, "1 rows have no emotion: a_1"),
        ("Other ", "others", "1 rows say 'Other', read as 'others': a_1"),
        ("FEAR", "fear", ""),
    ],
)
def test_emotions(one: VideoFile, cell: str | None, emotion: str | None, message: str) -> None:
    dataset = made([replace(EVENT, emotion=cell)], [one])
    assert dataset.recordings[0].expressions[0].emotion == emotion
    assert message in told(dataset)
    assert bool(message) == bool(dataset.problems)


@pytest.mark.parametrize("cell", ["R12 or R14", "glare", "?"])
def test_units_that_cannot_be_read_are_told(one: VideoFile, cell: str) -> None:
    dataset = made([replace(EVENT, action_units=cell)], [one])
    assert "1 action unit cells have parts that could not be read: a_1" in told(dataset)
    assert len(dataset.recordings[0].expressions) == 1


def test_counts_are_compared_by_name() -> None:
    rows = [EVENT, replace(EVENT, emotion="Other"), replace(EVENT, kind="Macro", emotion=None)]
    rows.append(replace(EVENT, kind="blink"))
    found = tally(rows)
    assert found == {"micro": 2, "macro": 1, "micro fear": 1, "micro others": 1}
    findings = Findings("t.xlsx")
    check_counts(found, {"micro": 2, "macro": 1}, "Some", findings)
    assert findings.problems() == ()
    check_counts(found, {"micro": 57, "macro": 1, "recordings": 9}, "Some", findings)
    (problem,) = findings.problems()
    assert problem.message == (
        "Some differs from the published counts: micro 2 of 57, recordings 0 of 9"
    )


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("Micro - 1/2", "micro"), ("Macro", "macro"), ("micro-expression", "micro"),
        (" MACRO-expression", "macro"), ("Micro", "micro"), ("blink", None), (None, None),
        (3, None),
    ],
)  # fmt: skip
def test_kinds_as_data_sets_write_them(cell: object, kind: str | None) -> None:
    assert kind_of(cell) == kind


cells = st.one_of(
    st.none(), st.integers(-5, 60), st.integers(), st.floats(), st.text(max_size=4)
)


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(cells, cells, cells), max_size=6),
    lenient=st.booleans(),
    choice=st.sampled_from([None, "apex", "apex+20", "drop"]),
)
def test_any_cells_give_expressions_inside_the_video_or_errors(
    one: VideoFile, rows: list[tuple[Any, Any, Any]], lenient: bool, choice: Any
) -> None:
    rules = replace(
        RULES,
        no_apex=(0, -1),
        missing_offset=choice,
        from_zero=lenient,
        trimmed=lenient,
        fractions=lenient,
    )
    events = [
        replace(EVENT, name=f"e{i}", onset=a, apex=b, offset=c)
        for i, (a, b, c) in enumerate(rows)
    ]
    dataset = made(events, [one], rules)
    (record,) = dataset.recordings
    assert len(record.expressions) + len(dataset.errors) == len(rows)  # nothing in silence
    for e in record.expressions:
        assert e.interval.last < record.frames
        assert e.apex is None or e.interval.first <= e.apex <= e.interval.last
