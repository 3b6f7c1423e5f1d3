"""CAS(ME)^3 in its real layout: two tables that disagree, capital letters, missing pictures."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import layout_casme3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_casme3 import ROWS_A, ROWS_C, RowA, RowC
from layouts import picture

from mescope.datasets import open_dataset, read
from mescope.datasets.casme3 import read_a
from mescope.errors import DatasetError
from mescope.events import Interval


def messages(problems):
    return " | ".join(map(str, problems))


def by_name(dataset):
    return {r.name: r for r in dataset.recordings}


@pytest.fixture
def part_a(tmp_path):
    return layout_casme3.write_part_a(tmp_path / "CAS(ME)3")


def test_all_recordings_of_part_a(part_a):
    dataset = read("casme3a", part_a)
    assert dataset.errors == ()
    found = by_name(dataset)
    assert set(found) == {*layout_casme3.PICTURES_A} - {"spNO.199/a"}
    macro, micro = found["spNO.1/a"].expressions
    assert (macro.kind, macro.interval, macro.apex) == ("macro", Interval(4, 29), 8)
    assert (micro.kind, micro.interval, micro.apex) == ("micro", Interval(33, 39), 36)
    assert (macro.emotion, micro.emotion) == (None, "disgust")
    assert macro.objective_class == 7  # nobody named the emotions of macro-expressions
    assert micro.action_units == ("R4", "L10")
    assert found["spNO.1/b"].expressions[0].emotion == "happiness"
    assert found["spNO.11/j"].expressions[0].emotion == "others"
    assert found["spNO.1/c"].expressions == ()  # of an annotated person, kept
    assert found["spNO.1/a"].rate == 30.0
    assert found["spNO.1/a"].path.endswith("color")
    assert dataset.seconds["spNO.1/a"][1].onset == pytest.approx(33 / 30)
    told = messages(dataset.warnings)
    assert "1 people have no row at all, left out: spNO.199" in told
    assert "micro 7 of 860" in told


def test_the_tables_alone_name_the_recordings(tmp_path):
    root = layout_casme3.write_part_a(tmp_path / "tables", pictures={})
    dataset = open_dataset("casme3a", root, sheets_only=True)
    found = by_name(dataset)
    assert set(found) == {r.video.lower().join((f"{r.person}/", "")) for r in ROWS_A}
    assert found["spNO.11/j"].subject == "spNO.11"
    assert found["spNO.40/e"].expressions[0].interval == Interval(1811, 1844)
    assert found["spNO.1/a"].frames == 40
    assert {one.path for one in found.values()} == {None}
    assert dataset.errors == ()
    with pytest.raises(DatasetError, match="no folders of colour pictures"):
        open_dataset("casme3a", root)


def test_known_errors_are_corrected_where_they_stand(part_a):
    dataset = read("casme3a", part_a)
    found = by_name(dataset)
    assert found["spNO.40/e"].expressions[0].interval == Interval(12, 45)
    assert found["spNO.149/d"].expressions[0].apex == 100
    assert found["spNO.216/d"].expressions[0].interval == Interval(7, 54)
    last = found["spNO.216/e"].expressions[0]
    assert (last.interval, last.apex) == (Interval(0, 24), 0)
    told = messages(dataset.warnings)
    for text in (
        "spNO.40/e: Offset 0 corrected to 1845",
        "spNO.149/d: Apex 83 corrected to 160",
        "spNO.216/d: Onset 3647 corrected to 2647",
        "spNO.216/e: Onset 0 corrected to 1",
    ):
        assert text in told


def test_a_mended_table_is_left_alone(tmp_path):
    rows = [replace(r, **dict(zip(("onset", "apex", "offset"), r.large, strict=True)))
            if r.large else r for r in ROWS_A[:-1]]  # fmt: skip
    dataset = read("casme3a", layout_casme3.write_part_a(tmp_path / "c", rows))
    assert dataset.errors == ()
    assert "corrected" not in messages(dataset.problems)
    assert by_name(dataset)["spNO.40/e"].expressions[0].interval == Interval(12, 45)


def test_without_corrections_the_rows_are_refused(part_a):
    told = messages(read_a(part_a, corrections=()).errors)
    assert len(read_a(part_a, corrections=()).errors) == 2
    assert "spNO.40/e" in told
    assert "spNO.216/d" in told


@pytest.mark.parametrize("colour", [True, False])
def test_the_first_release_and_folders_without_colour(tmp_path, colour):
    few = {k: layout_casme3.PICTURES_A[k] for k in ("spNO.1/a", "spNO.1/b", "spNO.11/j")}
    root = layout_casme3.write_part_a(
        tmp_path / "c", ROWS_A[:4], release="v1", colour=colour, pictures=few
    )
    dataset = read("casme3a", root)
    assert dataset.errors == ()
    assert len(dataset.recordings) == 3
    told = messages(dataset.warnings)
    assert "micro 3 of 921, macro 1 of 3285" in told
    assert "this is version 1; version 2 corrected 65 types" in told


def test_without_the_label_table_there_are_no_emotions(tmp_path):
    root = layout_casme3.write_part_a(tmp_path / "c", ROWS_A[:4], labels=False)
    dataset = read("casme3a", root)
    assert by_name(dataset)["spNO.1/b"].expressions[0].emotion is None
    assert "no label table" in messages(dataset.warnings)


def test_rows_that_make_no_sense(tmp_path):
    bad = (
        RowA("spNO.1", "a", 40, 45, 60, "Micro", "4", "disgust"),
        RowA("spNO.1", "m", 4, 5, 6, "Micro", "4", "disgust"),
        RowA("spNO.1", "a", 20, 5, 30, "Micro", "4", "disgust"),
        RowA("spNO.1", "a", 20, 25, 30, "Micro", "4", "joy"),
        RowA("spNO.1", "a", 20, 25, 30, "Mezzo"),
    )
    dataset = read("casme3a", layout_casme3.write_part_a(tmp_path / "c", (*ROWS_A, *bad)))
    told = messages(dataset.errors)
    assert len(dataset.errors) == 4
    assert "apex 5 is outside 20 to 30" in messages(dataset.warnings)
    for text in ("60", "spNO.1/m: there is no such video", "joy", "Mezzo-expression"):
        assert text in told
    assert all("row " in p.where for p in dataset.errors)


def test_missing_pictures_leave_the_time_as_it_is(part_a):
    (part_a / "part_A/spNO.1/a/color/35.jpg").unlink()
    dataset = read("casme3a", part_a)
    assert by_name(dataset)["spNO.1/a"].expressions[1].interval == Interval(33, 39)
    assert "1 of 50 frames are missing (35)" in messages(dataset.warnings)


def test_wrong_roots(part_a, tmp_path):
    (part_a / "part_A").rename(tmp_path / "away")
    with pytest.raises(DatasetError, match="no folders of colour pictures such as spNO"):
        read("casme3a", part_a)
    with pytest.raises(DatasetError, match=r"no annotation table.*part_C"):
        read("casme3c", part_a)


def test_part_c(tmp_path):
    dataset = read("casme3c", layout_casme3.write_part_c(tmp_path / "c"))
    assert dataset.errors == ()
    found = by_name(dataset)
    assert set(found) == {"01/a", "04/a", "17/a"}
    (kept,) = found["17/a"].expressions  # only the large table has it
    assert (kept.kind, kept.interval, kept.emotion) == ("micro", Interval(4, 8), None)
    kinds = [(e.kind, e.interval, e.emotion) for e in found["04/a"].expressions]
    assert kinds == [
        ("macro", Interval(9, 39), None),
        ("micro", Interval(19, 25), "negative"),
        ("micro", Interval(29, 32), "surprise"),
    ]
    units = [e.action_units for e in found["04/a"].expressions]
    assert units[1:] == [("R4", "5"), ("4", "11")]
    assert found["01/a"].expressions[0].action_units == ("14", "L24")
    assert all(e.apex is None for r in dataset.recordings for e in r.expressions)
    told = messages(dataset.warnings)
    assert "1 micro-expressions are only in the label table: 01/a 12 to 18" in told
    kept = (
        "1 micro-expressions are only in the large table, kept without an emotion: 17/a 5 to 9"
    )
    assert kept in told
    assert "micro 4 of 166" in told


def test_part_c_without_its_second_table(tmp_path):
    root = layout_casme3.write_part_c(tmp_path / "c")
    (root / "CAS(ME)3_part_C_ME.xlsx").unlink()
    with pytest.raises(DatasetError, match="part_C_ME"):
        read("casme3c", root)


@settings(max_examples=12, deadline=None)
@given(
    onset=st.integers(1, 30),
    rise=st.integers(0, 10),
    fall=st.integers(0, 9),
    micro=st.booleans(),
    emotion=st.sampled_from(["disgust", "Surprise", "sad", "happy"]),
)
def test_what_is_written_comes_back(onset, rise, fall, micro, emotion):
    kind = "Micro" if micro else "Macro"
    row = RowA("spNO.77", "f", onset, onset + rise, onset + rise + fall, kind, "4", emotion)
    with tempfile.TemporaryDirectory() as folder:
        root = layout_casme3.write_part_a(
            Path(folder), [row], pictures={"spNO.77/f": range(1, 51)}
        )
        dataset = read("casme3a", root)
    (recording,) = dataset.recordings
    (found,) = recording.expressions
    assert found.interval == Interval(onset - 1, onset + rise + fall - 1)
    assert (found.apex, found.kind) == (onset + rise - 1, kind.lower())
    plain = {"sad": "sadness", "happy": "happiness"}.get(emotion, emotion.lower())
    assert found.emotion == (plain if micro else None)


def test_rows_of_part_c_come_back(tmp_path):
    rows = (RowC(9, 3, 11, True, "12", "positive"), *ROWS_C)
    dataset = read("casme3c", layout_casme3.write_part_c(tmp_path / "c", rows))
    assert by_name(dataset)["09/a"].expressions[0].interval == Interval(2, 10)


def test_depth_pictures_are_never_taken_for_colour(tmp_path):
    """A root of depth pictures whose name does not say so, sorted before the colour ones."""
    root = layout_casme3.write_part_a(tmp_path / "c", ROWS_A[:3])
    for n in range(1, 51):
        picture(root / "D" / "spNO.1" / "a" / f"{n}.png", n)
    dataset = read("casme3a", root)
    assert by_name(dataset)["spNO.1/a"].path.endswith("part_A/spNO.1/a/color")
    assert dataset.errors == ()


def test_releases_are_not_mixed(tmp_path):
    root = layout_casme3.write_part_a(tmp_path / "c", ROWS_A[:4])
    layout_casme3.write_part_a(root, ROWS_A[:3], release="v1", labels=False)
    first = root / "annotation" / "CAS(ME)3_part_A_v1.xls"
    dataset = read("casme3a", root, table=first)
    kinds = [e.kind for r in dataset.recordings for e in r.expressions]
    assert sorted(kinds) == ["macro", "micro", "micro"]  # none from the labels of version 2
    assert "no label table (cas(me)3_part_A_ME_label_JpgIndex_v1.xls)" in messages(
        dataset.warnings
    )


def test_the_variant_with_another_apex(tmp_path):
    row = RowA("spNO.216", "e", 0, 17, 25, "Micro", "4", "anger")
    dataset = read("casme3a", layout_casme3.write_part_a(tmp_path / "c", [row]))
    (found,) = by_name(dataset)["spNO.216/e"].expressions
    assert (found.interval, found.apex) == (Interval(0, 24), 16)


def test_micro_rows_of_the_large_table_alone_are_told(tmp_path):
    from openpyxl import load_workbook

    root = layout_casme3.write_part_a(tmp_path / "c", ROWS_A[:4])
    path = root / "annotation" / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    book = load_workbook(path)
    book["label"].delete_rows(2)
    book["label"].append(["a remark"])
    book.save(path)
    book.close()
    dataset = read("casme3a", root)
    told = messages(dataset.warnings)
    text = (
        "1 micro-expressions are only in the large table, kept without an emotion: spNO.1/a 34"
    )
    assert text in told
    assert [e.emotion for e in by_name(dataset)["spNO.1/a"].expressions] == [None, None]
    assert "1 rows of text skipped" in told
    whole = layout_casme3.write_part_a(tmp_path / "d")
    assert "only in the large table" not in messages(read("casme3a", whole).warnings)
