"""CSV text cut into rows, so that no row is lost: what is not plainly CSV is an error.

Comma, semicolon, tab, or what Excel's first line ``sep=;`` names.  A quote that does not close
would swallow the rows after it; it is looked for in three ways (see :func:`split`).
Source: RFC 4180.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

_SEP = re.compile(r'\ufeff?"?sep=(.)"?[ ,;\t]*', re.IGNORECASE)
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
    closes within a cell (``"a"b``), and a row over several lines of which one, without its
    quotes, reads as a row of the table: an odd quote before pairs up with the next one.

    Raises:
        UnreadableError: with the line where the quote opens.
    """
    delimiter, skipped = delimiter_of(text)
    named = 1 if skipped else 0  # lines before the header
    body = text[skipped:]
    lines = re.findall(r"([^\r\n]*)(\r\n|\n|\r|$)", body)
    usual = Counter(end for _, end in lines if end).most_common(1)
    reader = csv.reader(
        io.StringIO(body, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    header: list[str] = []
    before = 0
    try:
        for cells in reader:
            start, end = before, reader.line_num
            before = end
            if not any(cell.strip() for cell in cells):
                continue
            row = start + 1 + named
            parts = _parts(lines[start:end], usual)
            if not header and len(parts) > 1:
                raise UnreadableError(row, 'a quote (") of the header closes in another line')
            if any('"' in part for part in parts) and header:
                _refuse_swallowed(parts, cells, header, delimiter, row)
            header = header or [cell.strip().lower() for cell in cells]
            yield row, cells
    except csv.Error as error:
        raise UnreadableError(before + 1 + named, _explained(error)) from None


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


def _parts(lines: Sequence[tuple[str, str]], usual: Sequence[tuple[str, int]]) -> list[str]:
    r"""Return the text of a row, cut where rows end in the table: usually in one part.

    Only the end of a line that is usual there counts: programs that write \r\n after a row
    write \n within a cell.
    """
    text = "".join(itertools.chain.from_iterable(lines))
    text = text.removesuffix(lines[-1][1])
    return text.split(usual[0][0]) if usual else [text]


def _refuse_swallowed(
    parts: Sequence[str], cells: Sequence[str], header: Sequence[str], delimiter: str, row: int
) -> None:
    """Refuse a row whose quotes hide frames: those of rows after it, or its own."""
    for number, part in enumerate(parts):
        plain = [cell.strip() for cell in part.replace('"', "").split(delimiter)]
        if not _reads_as_a_row(plain, header):
            continue
        if number:
            raise UnreadableError(
                row,
                f'a quote (") opens in this row and closes after row {row + number}, which it '
                'would swallow; close it, or double it ("")',
            )
        hidden = any(_frames_of(plain, header)) and not any(_frames_of(cells, header))
        if hidden and len(cells) < len(header):
            raise UnreadableError(row, 'onset and offset stand within quotes (")')


def _frames_of(cells: Sequence[str], header: Sequence[str]) -> list[str]:
    """Return what stands in onset and offset; nothing where the row is too short for them."""
    ends = [header.index(name) for name in ("onset", "offset") if name in header]
    return [cells[i].strip() for i in ends if i < len(cells)]


def _reads_as_a_row(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Say whether there are frames, or nothing, where the header has onset and offset."""
    whole = len(cells) == len(header)
    there = _frames_of(cells, header)
    if len(there) < 2:
        return whole and len(header) > 1
    return all(re.fullmatch(r"\d+(\.\d*)?", cell) for cell in there) or (
        whole and not any(there)
    )


def _first_line(text: str) -> str:
    return re.split(r"\r\n|\n|\r", text, maxsplit=1)[0]


def _end_of(text: str, position: int) -> str:
    r"""Return the first end of a line from a position on: ``\r\n``, ``\n`` or ``\r``."""
    found = re.compile(r"\r\n|\n|\r").search(text, position)
    return found[0] if found else "\n"
