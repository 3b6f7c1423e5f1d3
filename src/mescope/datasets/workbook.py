"""Workbooks as data sets ship them: find the sheet and the header by their text, keep rows.

Published tables have text above the header, blank columns, empty sheets, numbers stored as text
and text stored as numbers, so nothing is found by position and every cell stays what it is.
People hand them on saved anew, so a sheet may be .xlsx, .xls, .csv or .tsv, in small or capital
letters; what the file is decides, not what it is called.  Headers may be spelt otherwise
("Onset_Frame" for "OnsetFrame"), sheets stand in another order, and cells be merged downwards:
all rows of a merged cell have its value.
"""

from __future__ import annotations

import importlib
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import pandas as pd

from mescope.annotations.problems import place
from mescope.datasets.text_sheets import SUFFIXES as TEXT
from mescope.datasets.text_sheets import load_text
from mescope.errors import DatasetError

_DATA = 3  # cells that make a row one of data, though it cannot be used
_HEADER_ROWS = 40  # rows in which the header is looked for
_SUFFIXES = (".xlsx", ".xls", *TEXT)
_SAME = {
    "estimatedemotion": ("emotion", "emotions"),
    "emotion": ("estimatedemotion", "emotions"),
    "actionunits": ("au", "aus", "actionunit"),
    "au": ("aus", "actionunits", "actionunit"),
    "aus": ("au", "actionunits", "actionunit"),
    "onsetframe": ("onset", "onsetf"),
    "apexframe": ("apex", "apexf"),
    "offsetframe": ("offset", "offsetf"),
    "onset": ("onsetframe", "onsetf"),
    "apex": ("apexframe", "apexf"),
    "offset": ("offsetframe", "offsetf"),
    "subject": ("subjects", "subjectid", "sub"),
    "objectiveclasses": ("objectiveclass",),
    "objectiveclass": ("objectiveclasses",),
}
"""Other words for a column, for sheets that have no column of its own name."""

_MAGIC = {b"PK\x03\x04": "zip", b"\xd0\xcf\x11\xe0": "ole"}
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
    """Return the first of the known sheets found in ``root`` or one folder below.

    Raises:
        DatasetError: none is there.
    """
    found = find_workbooks(root, names)
    if found:
        return found[0]
    raise DatasetError(
        f"{title}: no annotation table under {root}. Looked for {', '.join(names)}, also as "
        f"{', '.join(_SUFFIXES)}. Pass the file explicitly if it has another name."
    )


def find_workbooks(root: Path, names: Sequence[str]) -> list[Path]:
    """Return every known sheet in ``root`` or one folder below, in the order of ``names``.

    A name stands for its stem with any of the suffixes, in any letters: its own first, then
    workbooks before text; of equal names the one in ``root``.
    """
    below = [
        p for p in root.glob("*/*") if p.suffix.lower() in _SUFFIXES
    ]  # of 500,000 pictures
    there = {p.name.lower(): p for p in sorted(below) if p.is_file()}
    there |= {p.name.lower(): p for p in root.iterdir() if p.is_file()}
    found: list[Path] = []
    for name in names:
        stem, own = Path(name.lower()).stem, Path(name.lower()).suffix
        forms = [there.get(stem + suffix) for suffix in dict.fromkeys((own, *_SUFFIXES))]
        path = next((form for form in forms if form is not None), None)
        if path is not None and path not in found:
            found.append(path)
    return found


@dataclass(frozen=True, slots=True)
class ReadRows:
    """What stands under a header.

    ``remarks`` are the rows (from 1) that were skipped as text: they have neither of the first
    two columns, or one of them and hardly anything else.  ``broken`` are rows that have data
    but lack one of the two, with what is wrong in words: no record can be made of them.
    """

    rows: list[SheetRow]
    remarks: list[int]
    broken: list[tuple[str, str]]


def read_rows(
    path: Path,
    title: str,
    key: Sequence[str],
    columns: Sequence[str],
    optional: Sequence[str] = (),
    without: Sequence[str] = (),
) -> ReadRows:
    """Return the rows under the header that holds ``key``; blank ones are left out.

    Args:
        path: the sheet.
        title: of the data set, for messages.
        key: columns that tell the header from other rows, and the sheet from others.
        columns: those that are read; a record needs the first two of them.
        optional: read where they are there, None in every row where not.
        without: a header that has one of these is that of another sheet.

    The first sheet that has all columns and rows under them is taken, wherever it stands.

    Raises:
        DatasetError: the file cannot be read, no sheet has the header, or columns are missing.
    """
    sheets = _load(path)
    lacking: list[tuple[str, int, list[object]]] = []
    empty: ReadRows | None = None
    for sheet, table in sheets.items():
        for start in range(min(_HEADER_ROWS, len(table))):
            cells = table.iloc[start].tolist()
            header = [header_text(cell) for cell in cells]
            index = {n: _place(header, n) for n in (*key, *columns, *optional)}
            if any(index[n] is None for n in key) or any(
                _place(header, n) is not None for n in without
            ):
                continue
            if any(index[n] is None for n in columns):
                lacking.append((str(sheet), start, cells))
                continue
            there = {n: i for n, i in index.items() if i is not None}
            found = _rows(path, str(sheet), table, start, there, columns[:2], optional)
            if found.rows or found.broken:
                return found
            empty = empty or found
    if empty is not None:
        return empty
    if lacking:
        raise _lacking(path, *lacking[0], columns, title)
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


def number(cell: object) -> float | None:
    """Return a cell as a number, or None if it is not one, or more than one can be meant.

    Text may have a decimal comma.  Three digits behind a sign may be thousands or decimals, in
    "3,647" as in "1.000", so such a text is no number.

    >>> number("46"), number(46.5), number("46,5"), number("1.000"), number("3,647")
    (46.0, 46.5, 46.5, None, None)
    """
    text = str(cell).strip()
    if isinstance(cell, str) and re.fullmatch(r"[+-]?\d{1,3}([.,]\d{3})+", text):
        return None
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        text = text.replace(",", ".")
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(cell: object) -> int | None:
    """Return a cell as a whole number (text and 12.0 too), or None if it is not one.

    >>> whole("46"), whole(46.0), whole("46,0"), whole("3,647"), whole("/")
    (46, 46, 46, None, None)
    """
    value = number(cell)
    return int(value) if value is not None and value == int(value) else None


def with_whole(cells: Mapping[str, object], columns: Sequence[str]) -> dict[str, object]:
    """Return the cells, those of ``columns`` as whole numbers where they are such."""
    found = {name: whole(cells[name]) for name in columns}
    return {**cells, **{name: n for name, n in found.items() if n is not None}}


def _load(path: Path) -> dict[str, pd.DataFrame]:
    """Return the sheets without taking any row as header; content decides the kind."""
    try:
        with path.open("rb") as file:
            kind = _MAGIC.get(file.read(4), "text")
        if kind == "zip":
            return _load_xlsx(path)
        # An .xlsx with a password is an OLE file, too, but none that xlrd reads.
        return _load_xls(path) if kind == "ole" else load_text(path)
    except ImportError as error:
        package = str(error.name or "openpyxl")
        raise DatasetError(
            f"{path.name}: reading it needs the {package} package: pip install {package}"
        ) from error
    except _UNREADABLE as error:
        raise DatasetError(
            f"{path.name}: expected an Excel workbook that opens without a password, or a "
            f"sheet saved as CSV, found something else ({error}); save it again without one"
        ) from error


def _load_xlsx(path: Path) -> dict[str, pd.DataFrame]:
    # Named, since pandas would take a workbook with a password for an old .xls.
    sheets = pd.read_excel(path, engine="openpyxl", sheet_name=None, header=None, dtype=object)
    with zipfile.ZipFile(path) as parts:
        inner = [name for name in parts.namelist() if name.startswith("xl/worksheets/")]
        if not any(b"<mergeCell " in parts.read(name) for name in inner):
            return dict(sheets)  # reading it a second time takes as long as the first
    openpyxl = importlib.import_module("openpyxl")
    with path.open("rb") as file:  # of a path it looks at the suffix
        book = openpyxl.load_workbook(file, data_only=True)
        for sheet in book.worksheets:
            ranges = sheet.merged_cells.ranges
            merged = [(m.min_row - 1, m.max_row, m.min_col - 1) for m in ranges]
            _fill_down(sheets[sheet.title], merged)
    return dict(sheets)


def _load_xls(path: Path) -> dict[str, pd.DataFrame]:
    """Read an Excel 97 workbook by xlrd itself; pandas is giving up its own way to it."""
    xlrd = importlib.import_module("xlrd")
    try:
        try:  # only so it says which cells are merged
            book = xlrd.open_workbook(str(path), formatting_info=True)
        except Exception:  # noqa: BLE001  # formats that it cannot read cost no cell
            book = xlrd.open_workbook(str(path))
        with book:
            return {sheet.name: _table_xls(sheet) for sheet in book.sheets()}
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, struct.error, IndexError) as error:
        raise ValueError(str(error)) from error


def _table_xls(sheet: Any) -> pd.DataFrame:
    table = pd.DataFrame([sheet.row_values(i) for i in range(sheet.nrows)], dtype=object)
    _fill_down(table, [(first, stop, left) for first, stop, left, _ in sheet.merged_cells])
    return table


def _fill_down(table: pd.DataFrame, merged: Iterable[tuple[int, int, int]]) -> None:
    """Give every row of a merged cell (first row, last + 1, first column, from 0) its value.

    Only downwards: a title over several columns is none of theirs.
    """
    rows, columns = table.shape
    for first, stop, column in merged:
        if first < rows and column < columns:
            value: Any = table.iat[first, column]
            for row in range(first + 1, min(stop, rows)):
                table.iat[row, column] = value


def header_text(cell: object) -> str:
    """Return a header in small letters, without blanks and signs.

    >>> header_text("Onset Frame"), header_text("onset_frame'"), header_text(None)
    ('onsetframe', 'onsetframe', '')
    """
    return "" if _empty(cell) else re.sub(r"[\W_]", "", str(cell)).lower()


def _place(header: Sequence[str], name: str) -> int | None:
    """Return where a column stands, by its own name or another word for it."""
    plain = header_text(name)
    for word in (plain, *_SAME.get(plain, ())):
        if word in header:
            return header.index(word)
    return None


def _empty(cell: object) -> bool:
    nothing = cell is None or (isinstance(cell, float) and math.isnan(cell))
    return nothing or not str(cell).strip()


def _lacking(
    path: Path,
    sheet: str,
    start: int,
    header: Sequence[object],
    columns: Sequence[str],
    title: str,
) -> DatasetError:
    there = [header_text(cell) for cell in header]
    missing = next(name for name in columns if _place(there, name) is None)
    found = ", ".join(str(cell) for cell in header if not _empty(cell))
    return DatasetError(
        f"{title}: column {missing!r} missing in {place(path, start + 1, sheet)}. "
        f"Found: {found}."
    )


def _rows(
    path: Path,
    sheet: str,
    table: pd.DataFrame,
    start: int,
    index: Mapping[str, int],
    needed: Sequence[str],
    optional: Sequence[str],
) -> ReadRows:
    """Return the rows under the header in row ``start`` (from 0); ``index`` is of columns."""
    found = ReadRows([], [], [])
    for number, values in enumerate(table.values.tolist()[start + 1 :], start + 2):
        cells: dict[str, object] = dict.fromkeys(optional)
        cells |= {n: None if _empty(values[i]) else values[i] for n, i in index.items()}
        lacking = [name for name in needed if cells[name] is None]
        if not lacking:
            found.rows.append(SheetRow(path.name, sheet, number, cells))
        elif len(lacking) < len(needed) and sum(c is not None for c in cells.values()) >= _DATA:
            where = place(path.name, number, sheet)
            found.broken.append((where, f"{lacking[0]} is empty; the row was left out"))
        elif not all(_empty(value) for value in values):
            found.remarks.append(number)
    return found
