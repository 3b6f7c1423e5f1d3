"""Every row of every table is an expression or an error that says why it is none."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import layout_sheets
import layout_smic
import layouts
import openpyxl  # type: ignore[import-untyped]
import pytest
from layout_sheets import MmmeRow
from test_text_sheets import LAYOUTS

from mescope.datasets import DATASETS, Dataset, open_dataset

WITHOUT_ROWS = {
    "smic-hs", "smic-vis", "smic-nir", "megc-test",  # no table
    "megc2019",  # chooses among the clips of its parts
    "flow28",
}  # fmt: skip
PARTS = {"dfme-train", "dfme-testa", "dfme-testb"}  # of dfme
JUNK: tuple[Any, ...] = ("3,647", "late", -7, 12.5, 99_999_999, None, "#REF!", True)


def mmme(root: Path) -> Path:
    rows = [
        MmmeRow("p01", "20230802", 116, 0.1 * i, 0.1 * i + 0.02, 0.1 * i + 0.05) for i in (1, 2)
    ]
    layout_sheets.mmme(root, rows)
    for n in range(0, 400, 7):
        layouts.picture(root / "p01_202308020930" / "116" / f"{n / 1000:.3f}.jpg", n)
    return root


def own(root: Path) -> Path:
    for n in range(1, 40):
        layouts.picture(root / "a" / f"{n}.jpg", n)
    table = (
        "recording,onset,offset,kind\na,3,9,micro\na,12,20,macro\na,99,120,micro\nb,1,2,micro\n"
    )
    (root / "expressions.csv").write_text(table, encoding="utf-8")
    (root / "recordings.csv").write_text("file,subject,rate\na,p,30\n", encoding="utf-8")
    return root


ALL = {**LAYOUTS, "mmme": mmme, "folder": own}


def test_no_reader_is_missing_here():
    assert set(ALL) | WITHOUT_ROWS | PARTS == set(DATASETS)


def balance(dataset: Dataset) -> tuple[int | None, int]:
    used = len(dataset.clips) + sum(len(one.expressions) for one in dataset.recordings)
    return dataset.table_rows, used + sum(problem.rows for problem in dataset.errors)


@pytest.mark.parametrize("name", ALL)
def test_rows_are_used_or_told(tmp_path, name):
    dataset = open_dataset(name, ALL[name](tmp_path / "copy"))
    rows, known = balance(dataset)
    assert rows == known
    assert rows


@pytest.mark.parametrize("name", LAYOUTS)
def test_rows_with_damaged_cells_are_used_or_told(tmp_path, name):
    """Each cell of the last row of every sheet becomes junk in turn; no row may get lost."""
    root = ALL[name](tmp_path / "copy")
    rows, known = balance(open_dataset(name, root))
    assert rows == known
    for i, path in enumerate(sorted(p for p in root.rglob("*.xls*") if p.is_file())):
        book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
        sheet = book.worksheets[0]
        row = max(r for r in range(1, sheet.max_row + 1) if sheet.cell(r, 2).value is not None)
        for column in (1, 2, 4, 5, 6):
            before = sheet.cell(row, column).value
            sheet.cell(row, column).value = JUNK[(i + column + len(name)) % len(JUNK)]
            book.save(path)
            damaged = open_dataset(name, root)
            rows, known = balance(damaged)
            assert rows == known, (path.name, column, list(map(str, damaged.problems)))
            sheet.cell(row, column).value = before
        book.save(path)
        book.close()


def test_a_row_without_its_key_is_an_error_and_a_remark_is_not(tmp_path):
    root = layouts.write_samm(tmp_path / "s")
    path = root / "SAMM_Micro_FACS_Codes_v2.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    sheet = book["MICRO_ONLY"]
    sheet.append(["020", None, 1, 30, 35, 40, 11, "Micro - 1/2", "4", "Anger", 3, None])
    sheet.append(["the end of the table"])
    book.save(path)
    book.close()
    dataset = open_dataset("samm", root)
    assert [str(p) for p in dataset.errors] == [
        f"error: {path.name}/MICRO_ONLY, row 20: Filename is empty; the row was left out"
    ]
    assert "1 rows of text skipped: [21]" in " ".join(map(str, dataset.warnings))
    assert balance(dataset)[0] == balance(dataset)[1] == len(layouts.SAMM_ROWS) + 1


def test_rows_that_a_person_rejected_are_told(tmp_path):
    root = own(tmp_path / "mine")
    table = root / "expressions.csv"
    text = "recording,onset,offset,kind,status\na,3,9,micro,rejected\na,12,20,macro,\n"
    table.write_text(text, encoding="utf-8")
    told = " ".join(map(str, open_dataset("folder", root).warnings))
    assert "1 rows were rejected by a person and are not used" in told


def test_what_the_composite_does_not_take_is_told(tmp_path):
    layouts.write_casme2(tmp_path / "CASME II")
    layouts.write_samm(tmp_path / "SAMM")
    layout_smic.write_smic(tmp_path / "SMIC")
    told = " ".join(map(str, open_dataset("megc2019", tmp_path).warnings))
    assert "2 clips of casme2 say others, which is none of the three classes; left out" in told
    (tmp_path / "combined_3class_gt.csv").write_text("smic,s01,s01_ne_02,0\n", encoding="utf-8")
    told = " ".join(map(str, open_dataset("megc2019", tmp_path).warnings))
    assert "13 clips are not in the list, left out" in told
