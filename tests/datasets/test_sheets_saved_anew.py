"""Sheets as labs hand them on: merged cells, other headers, other orders, other numbers."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import layout_clips
import layout_long
import layouts
import openpyxl
import pytest
from test_text_sheets import LAYOUTS

from mescope.datasets import open_dataset, read
from mescope.datasets.workbook import find_workbooks, number, whole
from mescope.errors import DatasetError

SAMM = "SAMM_Micro_FACS_Codes_v2.xlsx"


def changed(path, change):
    """Open a workbook, change its first sheet, and save it."""
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))  # an .xls may be one, too
    change(book.worksheets[0])
    book.save(path)
    book.close()


def header_row(sheet):
    return next(r for r in range(1, 41) if sheet.cell(r, 2).value == "Filename")


def test_a_person_whose_cell_is_merged_keeps_all_rows(tmp_path):
    """Only the first row of a merged cell has a value in the file."""
    rows = [replace(r, name=f"006_1_{i}") for i, r in enumerate(layouts.SAMM_ROWS, 1)]
    rows = [replace(r, subject="006", pictures=None) for r in rows]
    root = layouts.write_samm(tmp_path / "s", rows)
    whole_sheet = read("samm", root)
    assert len(whole_sheet.clips) == len(rows)

    def merge(sheet):
        first = header_row(sheet) + 1
        sheet.merge_cells(start_row=first, end_row=first + len(rows) - 1, start_column=1,
                          end_column=1)  # fmt: skip

    changed(root / SAMM, merge)
    assert read("samm", root).clips == whole_sheet.clips


def test_a_header_of_two_merged_rows(tmp_path):
    """Over the frames stands a title, beside it the other headers reach over both rows."""
    root = layout_clips.write_mmew(tmp_path / "m")
    before = read("mmew", root)

    def merge(sheet):
        sheet.insert_rows(1)
        for column in (1, 2, 6, 7, 8):
            sheet.cell(1, column).value = sheet.cell(2, column).value
            sheet.merge_cells(start_row=1, end_row=2, start_column=column, end_column=column)
        sheet.cell(1, 3).value = "Frames"
        sheet.merge_cells(start_row=1, end_row=1, start_column=3, end_column=5)

    changed(root / "MMEW_Micro_Exp.xlsx", merge)
    after = read("mmew", root)
    assert after.clips == before.clips
    assert after.errors == ()


def test_a_merged_title_is_no_column(tmp_path):
    """What is merged to the right belongs to the first column alone."""
    root = layouts.write_samm(tmp_path / "s")
    before = read("samm", root)

    def note(sheet):
        last = sheet.max_row + 2
        sheet.cell(last, 1).value = "* see the readme"
        sheet.merge_cells(start_row=last, end_row=last + 2, start_column=1, end_column=6)

    changed(root / SAMM, note)
    after = read("samm", root)
    assert (after.clips, after.errors) == (before.clips, before.errors)


STYLES = ("_", "joined", "UPPER CASE")


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "casmesq"])  # has none
def test_headers_in_another_spelling(tmp_path, name):
    """Blanks, underscores and capitals say nothing."""
    style = STYLES[len(name) % len(STYLES)]
    root = LAYOUTS[name](tmp_path / "copy")
    before = open_dataset(name, root)

    def spelt(text):
        if style == "_":
            return text.replace(" ", "_")
        return text.replace(" ", "").replace("_", "") if style == "joined" else text.upper()

    def rename(sheet):
        for row in sheet.iter_rows(max_row=15):
            texts = {str(cell.value).lower() for cell in row}
            if texts & {"filename", "fold_name", "sub"} or {"subject", "onset"} <= texts:
                for cell in row:
                    cell.value = spelt(cell.value) if isinstance(cell.value, str) else None

    for path in root.rglob("*.xls*"):
        changed(path, rename)
    after = open_dataset(name, root)
    assert after.clips == before.clips
    assert after.recordings == before.recordings
    assert after.table_rows == before.table_rows


def test_headers_in_other_words(tmp_path):
    root = layouts.write_samm(tmp_path / "s")
    before = read("samm", root)
    words = {
        "Estimated Emotion": "Emotion", "Action Units": "AUs", "Onset Frame": "Onset",
        "Objective Classes": "Objective Class",
    }  # fmt: skip

    def rename(sheet):
        for cell in sheet[header_row(sheet)]:
            cell.value = words.get(cell.value, cell.value)

    changed(root / SAMM, rename)
    assert read("samm", root).clips == before.clips


def test_a_summary_and_a_template_before_the_data(tmp_path):
    """A sheet with some of the columns, and one with all and no row, are not the table."""
    root = layouts.write_samm(tmp_path / "s")
    before = read("samm", root)
    book = openpyxl.load_workbook(root / SAMM)
    header = [c.value for c in book.worksheets[0][header_row(book.worksheets[0])]]
    book.create_sheet("Template", 0).append(header)
    book.create_sheet("Summary", 0).append(["Filename", "Onset Frame"])
    book["Summary"].append(["006_1_2", 5562])
    book.save(root / SAMM)
    book.close()
    assert read("samm", root).clips == before.clips


def test_a_copy_without_what_is_only_checked(tmp_path):
    """Duration and objective classes are not needed to cut a clip."""
    root = layouts.write_samm(tmp_path / "s", layouts.SAMM_ROWS[:-1])  # the last is corrected
    before = read("samm", root)

    def drop(sheet):
        for cell in sheet[header_row(sheet)]:
            gone = cell.value in ("Duration", "Objective Classes")
            cell.value = None if gone else cell.value

    changed(root / SAMM, drop)
    after = read("samm", root)
    assert [c.name for c in after.clips] == [c.name for c in before.clips]
    assert {c.objective_class for c in after.clips} == {None}


def test_a_column_that_no_sheet_has_is_named(tmp_path):
    root = layouts.write_samm(tmp_path / "s")

    def drop(sheet):
        for cell in sheet[header_row(sheet)]:
            cell.value = None if cell.value == "Apex Frame" else cell.value

    changed(root / SAMM, drop)
    with pytest.raises(DatasetError, match="column 'Apex Frame' missing"):
        read("samm", root)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("1.000", None), ("1,000", None), ("12.345", None), ("1_000", None), ("46,0", 46.0),
        ("1234,2", 1234.2), ("10213.6", 10213.6), (1.125, 1.125), ("nan", None),
    ],
)  # fmt: skip
def test_a_number_that_may_mean_two_is_none(cell, found):
    """1.000 was frame 1; with a sign between thousands it is frame 1000."""
    assert number(cell) == found
    assert whole(cell) == (46 if found == 46.0 else None)


def test_signs_between_thousands_are_no_frame_1(tmp_path):
    root = layout_clips.write_mmew(tmp_path / "m")

    def thousand(sheet):
        sheet.cell(2, 3).value = "1.000"  # was read as 1, which is an onset, too

    changed(root / "MMEW_Micro_Exp.xlsx", thousand)
    dataset = read("mmew", root)
    (told,) = (p.message for p in dataset.warnings if "the table says" in p.message)
    assert "None to 20, the pictures run 1 to 20; the pictures count" in told


def test_parts_of_frames_with_a_decimal_comma(tmp_path):
    """A semicolon CSV of a German spreadsheet has 100,6; it was left out."""
    root = layout_long.write_samm_long(tmp_path / "s")
    (path,) = find_workbooks(root, ("SAMM_LongVideos_V1_Release.xlsx",))
    before = read("samm-lv", root)
    header = header_row(openpyxl.load_workbook(path).worksheets[0])

    def comma(sheet):
        for row in sheet.iter_rows(min_row=header + 1):
            for cell in row[3:6]:
                if isinstance(cell.value, float):
                    cell.value = str(cell.value).replace(".", ",")

    changed(path, comma)
    assert read("samm-lv", root).recordings == before.recordings


@pytest.mark.parametrize("spelling", ["{}", "{:03d}", "sub{:02d}", "s{}", "S{:03d}"])
def test_people_are_one_however_they_are_written(tmp_path, spelling):
    """Or their rows are lost, and one person may be two."""
    for name, write, rows in (
        ("samm", layouts.write_samm, layouts.SAMM_ROWS),
        ("casme2", layouts.write_casme2, layouts.CASME2_ROWS),
        ("dfme", layout_clips.write_dfme, layout_clips.DFME_ROWS),
    ):
        root = write(tmp_path / f"{name}", rows)
        before = open_dataset(name, root)

        def spell(sheet):
            for row in sheet.iter_rows(min_row=header_row(sheet) + 1):
                digits = re.sub(r"\D", "", str(row[0].value))
                if digits and row[1].value:
                    row[0].value = spelling.format(int(digits))

        for path in root.rglob("*.xlsx"):
            if "Objective" not in path.name:
                changed(path, spell)
        after = open_dataset(name, root)
        assert after.clips == before.clips, name
        assert after.subjects == before.subjects


def test_people_of_part_a_by_number(tmp_path):
    root = LAYOUTS["casme3a"](tmp_path / "a")
    before = open_dataset("casme3a", root)

    def number_alone(sheet):
        for row in sheet.iter_rows(min_row=2):
            row[0].value = str(row[0].value or "").removeprefix("spNO.")

    for path in root.rglob("*.xls*"):
        changed(path, number_alone)
    after = open_dataset("casme3a", root)
    assert after.recordings == before.recordings
    assert len(after.errors) == len(before.errors)
