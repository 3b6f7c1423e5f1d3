"""Sheets as labs really hold them: releases with typing errors, two versions, older layouts."""

from __future__ import annotations

from dataclasses import replace

import layout_sheets
import layout_smic
import layouts
import pytest
from layout_casme3 import PICTURES_A, ROWS_A, RowA, RowC, write_part_a, write_part_c
from layout_long import SQUARE_ROWS, SquareRow, write_casmesq
from layout_sheets import SAMM_MISTYPED, SmicLine
from layouts import Row

from mescope import facs
from mescope.datasets import open_dataset, read
from mescope.datasets.casme2 import COUNTS
from mescope.errors import DatasetError
from mescope.events import Interval
from mescope.labels import RAW_COUNTS


def messages(problems):
    return " | ".join(map(str, problems))


def by_name(dataset):
    return {one.name: one for one in dataset.recordings or dataset.clips}


# SAMM

GOOD = Row("006", "006_1_2", 5562, 5588, 5632, "4+7", "Anger", objective=3)


def test_the_two_mistyped_apexes_of_samm_cost_no_clip(tmp_path):
    dataset = read("samm", layout_sheets.samm_release(tmp_path / "s", (GOOD, *SAMM_MISTYPED)))
    assert dataset.errors == ()
    found = by_name(dataset)
    assert found["032_3_1"].expression.apex == 4930 - 4896
    assert found["028_4_1"].expression.apex is None  # nobody knows where it is
    told = messages(dataset.warnings)
    assert "032_3_1: Apex Frame 1930 corrected to 4930" in told
    assert "028_4_1: Apex Frame 1143 corrected to -1" in told


def test_a_repaired_copy_of_samm_stays_as_it_is(tmp_path):
    repaired = [
        replace(r, apex=apex) for r, apex in zip(SAMM_MISTYPED, (1105, 4945), strict=True)
    ]
    dataset = read("samm", layout_sheets.samm_release(tmp_path / "s", repaired))
    assert [c.expression.apex for c in dataset.clips] == [1105 - 1071, 4945 - 4896]
    assert "corrected" not in messages(dataset.problems)


@pytest.mark.parametrize("apex", [0, 1, 9999])
def test_any_other_stray_apex_costs_the_apex_only(tmp_path, apex):
    dataset = read(
        "samm", layout_sheets.samm_release(tmp_path / "s", [replace(GOOD, apex=apex)])
    )
    assert (dataset.errors, dataset.clips[0].expression.apex) == ((), None)
    assert f"apex {apex} is outside 5562 to 5632" in messages(dataset.warnings)


# SMIC-E

SMIC_LINES = (
    SmicLine("s1_ne_01", [(549995, 550010)], 549990, 550029),
    SmicLine("s3_po_12", [(105, 110), (120, 130)], 100, 140, "positive"),
    SmicLine("s14_sur_02", [(8, 12), (20, 24)], 5, 40, "Surprise"),
)


def test_the_older_sheet_of_smic_e_has_no_third_expression(tmp_path):
    """Its blank column and FirstF are no onset and offset."""
    dataset = read("smic-e-hs", layout_sheets.smic_e(tmp_path / "s", SMIC_LINES, 14))
    assert dataset.errors == ()
    found = by_name(dataset)
    assert [e.interval for e in found["s03_po_12"].expressions] == [
        Interval(5, 10), Interval(20, 30),
    ]  # fmt: skip
    assert [e.emotion for e in found["s14_sur_02"].expressions] == ["surprise"] * 2
    told = messages(dataset.warnings)
    assert "micro 5 of 167" in told
    assert "2 rows of text skipped: [6, 7]" in told


@pytest.mark.parametrize(
    "junk", [("x", None), (34, 0), (30, 12), (999_999, 999_999), (None, 12), (7, 9)]
)
def test_junk_in_the_cells_of_the_third_expression_is_told_and_not_read(tmp_path, junk):
    lines = (*SMIC_LINES[:2], replace(SMIC_LINES[2], junk=junk))
    dataset = read("smic-e-hs", layout_sheets.smic_e(tmp_path / "s", lines, 17))
    assert dataset.errors == ()
    assert len(by_name(dataset)["s14_sur_02"].expressions) == 2
    told = messages(dataset.warnings)
    assert f"the third expression is {junk[0]!r} to {junk[1]!r}" in told
    assert "micro 5 of 166" in told


def test_a_real_third_expression_is_read(tmp_path):
    lines = [replace(SMIC_LINES[2], pairs=[(8, 12), (20, 24), (30, 35)])]
    dataset = read("smic-e-hs", layout_sheets.smic_e(tmp_path / "s", lines, 17))
    assert len(dataset.recordings[0].expressions) == 3


# CASME II

CASME2 = (
    Row("24", "EP07_01", 24, 41, 66, "1", "surprise", objective=5),
    Row("24", "EP10_03", 33, 35, 37, "1+2", "surprise", objective=2),
    Row("01", "EP02_01f", 46, 59, 86, "12", "happiness", objective=1),
)


def test_headers_that_repeat_themselves(tmp_path):
    """A copy in which every pair is called OnsetF and OffsetF."""
    from openpyxl import load_workbook

    root = layout_sheets.smic_e(tmp_path / "s", SMIC_LINES, 14)
    path = root / "HS_long" / "SMIC-HS-E_annotation.xlsx"
    book = load_workbook(path)
    sheet = book["Sheet1"]
    sheet["F1"], sheet["G1"] = "OnsetF", "OffsetF"
    book.save(path)
    book.close()
    assert len(by_name(read("smic-e-hs", root))["s03_po_12"].expressions) == 2


@pytest.mark.parametrize("classes", ["column", "sheet"])
def test_the_sheet_of_2019_brings_its_own_classes(tmp_path, classes):
    dataset = read("casme2", layout_sheets.casme2_2019(tmp_path / "c", CASME2, classes=classes))
    assert [c.objective_class for c in dataset.clips] == [5, 2, 1]
    assert "sheet of 2019, has 3 rows" in messages(dataset.warnings)


def test_classes_of_2014_never_join_units_of_2019(tmp_path):
    root = layout_sheets.casme2_2019(tmp_path / "c", CASME2, classes="none")
    rows = [[r.subject, r.name, 7] for r in CASME2]
    layouts.save(
        root / "CASME2-ObjectiveClasses.xlsx",
        {"Sheet1": [["Subject", "Filename", "Objective Class"], *rows]},
    )
    dataset = read("casme2", root)
    assert [c.objective_class for c in dataset.clips] == [None] * 3
    assert "the objective classes are those of the sheet of 2014 and not used" in messages(
        dataset.warnings
    )


def test_of_two_sheets_the_one_that_is_read_is_told(tmp_path):
    root = layouts.write_casme2(tmp_path / "c")
    layout_sheets.casme2_2019(root, CASME2)
    dataset = read("casme2", root)
    assert {c.subject for c in dataset.clips} == {"sub01", "sub03", "sub07", "sub09"}
    beside = "CASME2-coding-20190701.xlsx lies beside it and is not read; --table FILE reads it"
    assert beside in messages(dataset.warnings)
    other = read("casme2", root, table=root / "CASME2-coding-20190701.xlsx")
    assert [c.name for c in other.clips] == ["EP07_01", "EP10_03", "EP02_01f"]
    assert "CASME2-coding-20140508.xlsx lies beside it" in messages(other.warnings)


@pytest.mark.parametrize("release", ["2014", "2019"])
def test_the_counts_of_either_release_are_right(tmp_path, release):
    emotions = [name for name, n in COUNTS[release].items() for _ in range(n)]
    rows = [
        Row(f"{i % 26 + 1:02d}", f"EP{i:02d}_01", 1, 2, 3, "4", emotion, objective=3)
        for i, emotion in enumerate(emotions)
    ]
    changed = emotions.index("sadness" if release == "2014" else "surprise")
    rows[changed] = replace(rows[changed], subject="24", name="EP07_01")
    root = layout_sheets.casme2_2019(tmp_path / "c", rows)
    told = messages(read("casme2", root).warnings)
    assert len(rows) == 255
    assert "published" not in told


# CAS(ME)^2


@pytest.mark.parametrize(
    ("choice", "last"), [("apex", 8), ("apex+20", 20), ("drop", None), (None, 8)]
)
def test_what_a_missing_offset_means_is_chosen_by_name(tmp_path, choice, last):
    root = write_casmesq(tmp_path / "c")
    choices = {} if choice is None else {"missing_offset": choice}
    dataset = open_dataset("casmesq", root, choices=choices)
    found = by_name(dataset)["15_0401"].expressions
    assert [e.interval for e in found] == ([] if last is None else [Interval(2, last - 1)])
    if choice == "drop":
        assert "the offset is 0, not annotated; left out" in messages(dataset.errors)


def test_a_choice_that_there_is_not(tmp_path):
    root = write_casmesq(tmp_path / "c")
    with pytest.raises(DatasetError, match=r"expected missing_offset apex, apex\+20, drop"):
        open_dataset("casmesq", root, choices={"missing_offset": "last"})
    with pytest.raises(
        DatasetError, match="lets only missing_offset be chosen, found 'offset'"
    ):
        open_dataset("casmesq", root, choices={"offset": "apex"})
    samm = layouts.write_samm(tmp_path / "s")
    with pytest.raises(DatasetError, match="SAMM lets nothing be chosen"):
        open_dataset("samm", samm, choices={"missing_offset": "apex"})


@pytest.mark.parametrize("cell", ["NULL", "null", "Null", None, "nan"])
def test_null_is_no_unreadable_unit(tmp_path, cell):
    rows = (replace(SQUARE_ROWS[0], units=cell), *SQUARE_ROWS[1:])
    dataset = read("casmesq", write_casmesq(tmp_path / "c", rows))
    assert by_name(dataset)["15_0101"].expressions[0].action_units == ()
    assert "could not be read" not in messages(dataset.problems)


@pytest.mark.parametrize(
    ("text", "units", "complete"),
    [
        ("4,24,6+12+15", ("4", "24", "6", "12", "15"), True),
        ("24,14", ("24", "14"), True),
        ("14or23", (), False),
        ("10 or 11", (), False),
    ],
)
def test_units_as_the_updated_sheet_has_them(text, units, complete):
    coding = facs.parse(text)
    assert (tuple(map(str, coding.units)), coding.complete) == (units, complete)
    assert complete or len(coding.alternatives) == 2


def test_the_updated_sheet_of_casmesq_as_csv(tmp_path):
    """Eleven columns: a length and the path of the video at the end; one sheet of three."""
    root = write_casmesq(tmp_path / "c", table="CAS(ME)^2code_final(Updated).xlsx")
    new = layout_sheets.resaved(root / "CAS(ME)^2code_final(Updated).xlsx")
    lines = new.read_text(encoding="utf-8-sig").splitlines()
    new.write_text("\n".join(f"{line},51,s15/x" for line in lines), encoding="utf-8")
    dataset = read("casmesq", root)
    assert sum(len(r.expressions) for r in dataset.recordings) == 5
    assert "the published ones are used" in messages(dataset.warnings)


def test_a_row_of_casmesq_without_a_name_is_an_error_not_text(tmp_path):
    rows = (*SQUARE_ROWS, SquareRow(1, "", 4, 9, 14))
    dataset = read("casmesq", write_casmesq(tmp_path / "c", rows))
    assert "does not name a video" in messages(dataset.errors)


# CAS(ME)^3

FEW = {video: PICTURES_A[video] for video in ("spNO.1/a", "spNO.1/b", "spNO.11/j")}


def test_the_label_table_of_part_a_alone(tmp_path):
    root = write_part_a(tmp_path / "c", ROWS_A[:4], pictures=FEW)
    (root / "annotation" / "CAS(ME)3_part_A_v2.xls").unlink()
    dataset = read("casme3a", root)
    assert dataset.errors == ()
    kinds = {e.kind for r in dataset.recordings for e in r.expressions}
    assert kinds == {"micro"}
    assert by_name(dataset)["spNO.1/b"].expressions[0].emotion == "happiness"
    assert by_name(dataset)["spNO.1/b"].expressions[0].objective_class == 7
    told = messages(dataset.warnings)
    assert "no large table" in told
    assert "macro 0 of" not in told
    label = root / "annotation" / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    label.rename(root / "mine.xlsx")
    with pytest.raises(DatasetError, match="no annotation table"):
        read("casme3a", root)
    assert read("casme3a", root, table=root / "mine.xlsx").recordings == dataset.recordings


def test_the_sheet_of_eye_blinks_becomes_events(tmp_path):
    dataset = read("casme3a", write_part_a(tmp_path / "c", ROWS_A[:4], pictures=FEW))
    (blink,) = dataset.events["spNO.1/a"]
    assert (blink.kind, blink.interval) == ("blink", Interval(0, 3))
    assert (blink.onset_s, blink.offset_s) == pytest.approx((0.0, 0.1))
    assert dataset.summary()["events"] == {"blink": 1}


def test_blinks_that_make_no_sense_are_told(tmp_path):
    blinks = [["spNO.1", "a", "9", "4"], ["spNO.1", "z", "1", "4"], ["spNO.1", "a", "40", "90"]]
    root = write_part_a(tmp_path / "c", ROWS_A[:4], pictures=FEW, blinks=blinks)
    dataset = read("casme3a", root)
    assert dataset.events == {}
    told = messages(dataset.errors)
    for text in ("eye blink from '9' to '4'", "spno.1/z: 1 eye blinks", "eye blink 40 to 90"):
        assert text in told
    assert sum(p.rows for p in dataset.errors) == 0  # no expression was lost


def test_a_macro_expression_from_onset_0_is_used_from_the_first_picture(tmp_path):
    row = RowA("spNO.1", "a", 0, 5, 30)
    dataset = read("casme3a", write_part_a(tmp_path / "c", [row, *ROWS_A[1:4]], pictures=FEW))
    first = by_name(dataset)["spNO.1/a"].expressions[0]
    assert (first.kind, first.interval, first.apex) == ("macro", Interval(0, 29), 4)
    assert "1 expressions are under way when their video starts" in messages(dataset.warnings)
    late = RowA("spNO.1", "b", 5, 7, 90)  # but none goes on after the end
    other = read("casme3a", write_part_a(tmp_path / "d", [late, *ROWS_A[1:4]], pictures=FEW))
    assert "frames 5 to 90 expected" in messages(other.errors)


def test_part_c_keeps_a_row_with_the_onset_of_another(tmp_path):
    rows = (
        RowC(17, 5, 30, True, "4", "negative"),
        RowC(17, 5, 9, True, emotion="", both=False),
    )
    dataset = read("casme3c", write_part_c(tmp_path / "c", rows))
    found = by_name(dataset)["17/a"].expressions
    assert [(e.interval, e.emotion) for e in found] == [
        (Interval(4, 29), "negative"), (Interval(4, 8), None),
    ]  # fmt: skip
    assert "only in the large table, kept without an emotion: 17/a 5 to 9" in messages(
        dataset.warnings
    )


def test_part_c_counts_a_row_with_other_numbers_once(tmp_path):
    rows = (
        RowC(17, 5, 29, True, emotion="", both=False),  # the large table's
        RowC(17, 5, 30, True, "4", "negative", large=False),
    )
    dataset = read("casme3c", write_part_c(tmp_path / "c", rows))
    assert [e.interval for e in by_name(dataset)["17/a"].expressions] == [Interval(4, 29)]
    assert "5 to 29 in the large table, 5 to 30 here; this is used" in messages(
        dataset.warnings
    )


# The composite, whole


def test_the_composite_of_whole_releases_has_442_clips(tmp_path):
    """By the sheets alone, with CASME II of 2019 and both mistyped apexes of SAMM."""
    emotions = [name for name, n in COUNTS["2019"].items() for _ in range(n)]
    rows = [
        Row(f"{i % 26 + 1:02d}", f"EP{i:03d}", 1, 2, 3, "4", emotion)
        for i, emotion in enumerate(emotions)
    ]
    surprises = [i for i, emotion in enumerate(emotions) if emotion == "surprise"]
    for i, name in zip(surprises, ("EP07_01", "EP07_04f", "EP10_03"), strict=False):
        rows[i] = replace(rows[i], subject="24", name=name)
    disgust = emotions.index("disgust")
    rows[disgust] = replace(rows[disgust], subject="04", name="EP12_01f", apex="/")
    rows[disgust + 1] = replace(rows[disgust + 1], subject="05", name="EP09_05f", apex=1)
    layout_sheets.casme2_2019(tmp_path / "CASME II", rows, classes="none")
    clips = [
        (f"s{i % 16 + 1}", emotion, f"s{i % 16 + 1}_{token}_{i:03d}", 100000 + i, 2)
        for token, emotion, n in (
            ("ne", "negative", 70), ("po", "positive", 51), ("sur", "surprise", 43)
        )
        for i in range(n)
    ]  # fmt: skip
    layout_smic.write_smic(tmp_path / "SMIC", cropped=False, clips=tuple(clips))
    words = [name for name, n in RAW_COUNTS["samm"].items() for _ in range(n)]
    for mistyped in SAMM_MISTYPED:
        words.remove(mistyped.emotion.lower())
    samm = [
        Row(
            f"{i % 28 + 1:03d}",
            f"{i % 28 + 1:03d}_{i // 28 + 1}_{i % 28}",
            1,
            2,
            3,
            "4",
            word,
            objective=3,
        )
        for i, word in enumerate(words)
    ]
    layout_sheets.samm_release(tmp_path / "SAMM", (*samm, *SAMM_MISTYPED))
    dataset = read("megc2019", tmp_path)
    assert len(read("samm", tmp_path / "SAMM").clips) == 159
    assert len(dataset.clips) == 442
    assert {row.name for row in SAMM_MISTYPED} <= {clip.name for clip in dataset.clips}
    assert "published 442" not in messages(dataset.warnings)
