"""Workbooks as data sets ship them: find the sheet and the header by their text, keep rows.

Published tables have text above the header, blank columns, empty sheets, numbers stored as text
and text stored as numbers, so nothing is found by position and every cell stays what it is.
"""

from __future__ import annotations

import importlib
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError

import pandas as pd

from mescope.annotations.problems import place
from mescope.errors import DatasetError

_HEADER_ROWS = 40  # rows in which the header is looked for
_UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, ParseError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row; ``cells`` by column name, None where empty.  ``row`` counts from 1 as Excel."""

    file: str
    sheet: str
    row: int
    cells: dict[str, object]

    @property
    def where(self) -> str:
        """Return file, sheet and row in words."""
        return place(self.file, self.row, self.sheet)


def find_workbook(root: Path, title: str, names: Sequence[str]) -> Path:
    """Return the first of the known file names found in ``root`` or one folder below.

    Raises:
        DatasetError: none is there.
    """
    wanted = {name.lower() for name in names}
    below = [p for p in root.glob("*/*") if p.name.lower() in wanted]  # of 500,000 pictures
    there = {p.name.lower(): p for p in sorted(below) if p.is_file()}
    there |= {p.name.lower(): p for p in root.iterdir() if p.is_file()}
    for name in names:
        if name.lower() in there:
            return there[name.lower()]
    raise DatasetError(
        f"{title}: no annotation table under {root}. Looked for {', '.join(names)}. "
        "Pass the file explicitly if it has another name."
    )


def read_rows(
    path: Path, title: str, key: Sequence[str], columns: Sequence[str]
) -> tuple[list[SheetRow], list[int]]:
    """Return the rows under the header that holds ``key``, and the rows skipped as text.

    A row without the first two ``key`` columns is blank or a remark.  Blank rows are left out
    silently, remarks are listed.

    Raises:
        DatasetError: the file cannot be read, no sheet has the header, or columns are missing.
    """
    sheets = _load(path)
    for sheet, table in sheets.items():
        for start in range(min(_HEADER_ROWS, len(table))):
            header = [_header_text(cell) for cell in table.iloc[start].tolist()]
            if all(name.lower() in header for name in key):
                return _rows(path, str(sheet), table, start, header, columns, title)
    raise DatasetError(
        f"{title}: {path.name} has the sheets {', '.join(map(str, sheets))}, but none contains "
        f"a row with {' and '.join(map(repr, key))} in the first {_HEADER_ROWS} rows."
    )


def read_sheets(path: Path) -> dict[str, list[list[object]]]:
    """Return the cells of all sheets, None where empty, for tables without a header.

    Raises:
        DatasetError: the file cannot be read.
    """
    return {
        str(sheet): [[None if _empty(c) else c for c in row] for row in table.values.tolist()]
        for sheet, table in _load(path).items()
    }


def whole(cell: object) -> int | None:
    """Return a cell as a whole number (text and 12.0 too), or None if it is not one.

    >>> whole("46"), whole(46.0), whole("3,647"), whole("/")
    (46, 46, None, None)
    """
    try:
        value = float(str(cell))
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value == int(value) else None


def with_whole(cells: Mapping[str, object], columns: Sequence[str]) -> dict[str, object]:
    """Return the cells, those of ``columns`` as whole numbers where they are such."""
    found = {name: whole(cells[name]) for name in columns}
    return {**cells, **{name: n for name, n in found.items() if n is not None}}


def _load(path: Path) -> dict[str, pd.DataFrame]:
    """Return the sheets without taking any row as header; content decides the kind."""
    try:
        with path.open("rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
        if zipped or path.suffix.lower() != ".xls":
            # Named, since pandas would take a workbook with a password for an old .xls.
            return pd.read_excel(
                path, engine="openpyxl", sheet_name=None, header=None, dtype=object
            )
        return _load_xls(path)
    except ImportError as error:
        package = str(error.name or "openpyxl")
        raise DatasetError(
            f"{path.name}: reading it needs the {package} package: pip install {package}"
        ) from error
    except _UNREADABLE as error:
        raise DatasetError(
            f"{path.name}: expected an Excel workbook that opens without a password, found "
            f"something else ({error}); save it again without one"
        ) from error


def _load_xls(path: Path) -> dict[str, pd.DataFrame]:
    """Read an Excel 97 workbook by xlrd itself; pandas is giving up its own way to it."""
    xlrd = importlib.import_module("xlrd")
    try:
        with xlrd.open_workbook(str(path)) as book:
            return {
                sheet.name: pd.DataFrame(
                    [sheet.row_values(i) for i in range(sheet.nrows)], dtype=object
                )
                for sheet in book.sheets()
            }
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, struct.error, IndexError) as error:
        raise ValueError(str(error)) from error


def _header_text(cell: object) -> str:
    return "" if _empty(cell) else " ".join(str(cell).split()).lower()


def _empty(cell: object) -> bool:
    nothing = cell is None or (isinstance(cell, float) and math.isnan(cell))
    return nothing or not str(cell).strip()


def _rows(
    path: Path,
    sheet: str,
    table: pd.DataFrame,
    start: int,
    header: list[str],
    columns: Sequence[str],
    title: str,
) -> tuple[list[SheetRow], list[int]]:
    """Return the rows under the header in row ``start`` (from 0)."""
    missing = [name for name in columns if name.lower() not in header]
    if missing:
        found = ", ".join(str(c) for c in table.iloc[start].tolist() if not _empty(c))
        raise DatasetError(
            f"{title}: column {missing[0]!r} missing in {place(path, start + 1, sheet)}. "
            f"Found: {found}."
        )
    index = {name: header.index(name.lower()) for name in columns}
    rows, remarks = [], []
    for number, values in enumerate(table.values.tolist()[start + 1 :], start + 2):
        cells = {n: None if _empty(values[i]) else values[i] for n, i in index.items()}
        if all(cells[name] is not None for name in columns[:2]):
            rows.append(SheetRow(path.name, sheet, number, cells))
        elif not all(_empty(value) for value in values):
            remarks.append(number)
    return rows, remarks
