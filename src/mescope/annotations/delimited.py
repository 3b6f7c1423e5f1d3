"""CSV text cut into rows, so that no row is lost: what is not plainly CSV is an error.

Comma, semicolon, tab, or what Excel's first line ``sep=;`` names.  A quote that does not close
would swallow the rows after it; it is looked for in three ways (see :func:`split`).
Source: RFC 4180.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

_SEP = re.compile(r'\ufeff?"?sep=(.)"?[ \t]*', re.IGNORECASE)
DELIMITERS = ",;\t"


class UnreadableError(ValueError):
    """Text that is not a table; ``row`` is the line where that shows, from 1."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


def delimiter_of(text: str) -> tuple[str, int]:
    r"""Return the sign between cells and the number of characters before the header.

    >>> delimiter_of("sep=;\na;b"), delimiter_of("a\tb,c\td")
    ((';', 6), ('\t', 0))
    """
    head = _first_line(text)
    named = _SEP.fullmatch(head)
    if named:
        return named[1], len(head) + len(_end_of(text, len(head)))
    line = _first_line(text.lstrip())
    return max(DELIMITERS, key=line.count), 0  # the comma where none is there


def split(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield every row that is not blank: its line, from 1, and its cells; the header first.

    A row stands where it begins.  Refused are a quote that is open at the end, a quote that
    closes within a cell (``"a"b``), and a quoted cell over several lines of which one reads as
    a row of the table: an odd quote before pairs up with the next one.

    Raises:
        UnreadableError: with the line where the quote opens.
    """
    delimiter, skipped = delimiter_of(text)
    line = 1 if skipped else 0
    body = text[skipped:]
    reader = csv.reader(
        io.StringIO(body, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    header: list[str] = []
    before = 0
    try:
        for cells in reader:
            start, before = before + 1 + line, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if header:
                _refuse_swallowed(cells, header, delimiter, _end_of(body, 0), start)
            header = header or [cell.strip().lower() for cell in cells]
            yield start, cells
    except csv.Error as error:
        raise UnreadableError(before + 1 + line, _explained(error)) from None


def _explained(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end of data" in said:
        return 'a quote (") opens in this row and never closes; close it, or double it ("")'
    if "expected after" in said:
        return (
            'a quote (") opens in this row and closes within a cell, here or further down; '
            'close it at the end of its cell, or double it ("")'
        )
    return f"not CSV: {said}"


def _refuse_swallowed(
    cells: Sequence[str], header: Sequence[str], delimiter: str, end: str, start: int
) -> None:
    r"""Refuse a cell over several lines in which a line reads as a row of the table.

    Only ends of rows as the table has them count: programs that write \r\n after a row write
    \n within a cell.
    """
    for cell in cells:
        for number, line in enumerate(cell.split(end)[1:], start=1):
            if _reads_as_a_row(line, header, delimiter):
                raise UnreadableError(
                    start,
                    f'a quote (") opens in this row and closes after row {start + number}, '
                    'which it would swallow; close it, or double it ("")',
                )


def _reads_as_a_row(line: str, header: Sequence[str], delimiter: str) -> bool:
    """Say whether a line has frames, or nothing, where the header has onset and offset."""
    found = [cell.strip(' "') for cell in line.split(delimiter)]
    whole = len(found) == len(header)
    ends = [header.index(name) for name in ("onset", "offset") if name in header]
    if not ends or max(ends) >= len(found):
        return whole and len(header) > 1
    there = [found[i] for i in ends]
    return all(re.fullmatch(r"\d+(\.\d*)?", cell) for cell in there) or (
        whole and not any(there)
    )


def _first_line(text: str) -> str:
    return re.split(r"\r\n|\n|\r", text, maxsplit=1)[0]


def _end_of(text: str, position: int) -> str:
    r"""Return the first end of a line from a position on: ``\r\n``, ``\n`` or ``\r``."""
    found = re.compile(r"\r\n|\n|\r").search(text, position)
    return found[0] if found else "\n"
