"""A CSV table of expressions: read with every fault named by file and row.

Columns: recording (or video), onset, offset, kind (or type: micro, macro); optional: apex,
emotion, subject, au, objective_class (1 to 7 or I to VII), rate (or fps: frames a second, of
pictures), status, source, onset_s, apex_s, offset_s; others are ignored.  Cut into rows by
:mod:`delimited`.  UTF-8, or UTF-16 with its mark.  Frames count from 0, both ends included.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mescope import facs
from mescope.annotations.delimited import UnreadableError, delimiter_of, split
from mescope.annotations.files import decoded
from mescope.annotations.problems import Problem, place
from mescope.errors import DatasetError
from mescope.events import Expression, Interval, Kind, Seconds
from mescope.io.formula_guard import unguarded
from mescope.moved import renamed

_SAME = {
    "video": "recording", "type": "kind", "au": "action_units",
    "vid": "recording", "pred_onset": "onset", "pred_offset": "offset",  # of challenges
}  # fmt: skip
NEEDED = ("recording", "onset", "offset", "kind")
"""Columns a table of expressions must have."""

MOST_FRAMES = 10**12
"""No frame has a greater number: a century at 300 a second.  Frames are counted in 64 bits."""

DECIMALS = ("score", "onset_s", "apex_s", "offset_s", "end_s", "fps", "start_offset")
"""Columns of numbers that need not be whole."""

KINDS: dict[str, Kind] = {
    "micro": "micro",
    "micro-expression": "micro",
    "macro": "macro",
    "macro-expression": "macro",
    "me": "micro",  # as challenges write them
    "mae": "macro",
}
__getattr__ = renamed(__name__, {"Annotation": "mescope.annotations.expression_table.TableRow"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of the table; ``expression`` is None where a recording is listed as empty."""

    row: int  # line of the file where the row begins, from 1
    recording: str
    subject: str
    expression: Expression | None
    status: str
    seconds: Seconds | None
    rate: float | None = None  # frames per second of a folder of pictures
    reason: str = ""  # what a rejected row was instead
    source: str = ""  # who, or what, wrote the row


def read_table(path: Path) -> tuple[list[TableRow], list[Problem]]:
    """Return the rows of a table of expressions that make sense, and the others' problems.

    Raises:
        DatasetError: unreadable, not UTF-8, empty, or without the needed columns.
    """
    rows: list[TableRow] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, cells, extra in read_lines(path, NEEDED):
        if cells.get("tier"):  # a cell of another program's tier, no expression
            continue
        try:
            if extra:
                raise ValueError(
                    "there are more cells than columns; a comma inside a cell or a decimal "
                    "comma? Put the cell in quotes, write decimals with a point"
                )
            same = seen.setdefault(tuple(cells.values()), number)
            if same != number:
                raise ValueError(f"the row is identical to row {same}; keep one of them")
            rows.append(_annotation(number, cells))
        except ValueError as error:
            problems.append(Problem("error", place(path, number), str(error)))
    return rows, problems


def read_text(path: Path) -> str:
    """Return the text of a table that is not empty, or raise DatasetError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"{path.name}: cannot be read: {reason}") from None
    text = decoded(data, path.name)
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise DatasetError(f"{place(path, row)}: expected text, found a NUL byte; not a CSV?")
    if not text.strip():
        raise DatasetError(f"{path.name}: expected a table with a header, found an empty file")
    return text


def read_lines(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str], bool]]:
    """Yield line number, cells by column, and whether there are more cells than columns.

    Columns are named in small letters, as this module names them whatever their synonym.  A
    decimal comma in a column of :data:`DECIMALS` becomes a point, unless the comma is the sign
    between cells.

    Raises:
        DatasetError: unreadable, not UTF-8, empty, without the needed columns, or a quote
            that swallows rows.
    """
    text = read_text(path)
    comma_is_free = delimiter_of(text)[0] != ","
    header: list[str] = []
    try:
        for line, cells in split(text):
            if not header:
                header = _header(path, line, cells, needed)
                continue
            row = [unguarded(cell.strip()) for cell in cells]
            row += [""] * (len(header) - len(row))
            found = dict(zip(header, row, strict=False))
            if comma_is_free:
                found.update({n: _pointed(found[n]) for n in DECIMALS if n in found})
            yield line, found, any(row[len(header) :])
    except UnreadableError as error:
        raise DatasetError(f"{place(path, error.row)}: {error}") from None


def _pointed(text: str) -> str:
    """Return a number with a decimal point for one with a decimal comma.

    >>> _pointed("0,83"), _pointed("1.234,5"), _pointed("1,234,567")
    ('0.83', '1.234,5', '1,234,567')
    """
    return text.replace(",", ".") if re.fullmatch(r"[+-]?\d*,\d+", text) else text


def _header(path: Path, line: int, cells: list[str], needed: Sequence[str]) -> list[str]:
    return columns_of(cells, needed, place(path, line))


def columns_of(cells: Sequence[str], needed: Sequence[str], where: str) -> list[str]:
    """Return the names of columns as this module has them, whatever their synonym.

    Raises:
        DatasetError: a needed column is missing, or one is there twice; ``where`` is named.
    """
    found = [cell.strip().lower() for cell in cells]
    names = [_SAME.get(name, name) for name in found]
    missing = [name for name in needed if name not in names]
    if missing:
        raise DatasetError(
            f"{where}: expected the columns {', '.join(needed)}, found "
            f"{', '.join(filter(None, found))}; add {', '.join(missing)}"
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DatasetError(f"{where}: column {twice[0]} is there twice; keep one")
    return names


def _annotation(number: int, cells: Mapping[str, str]) -> TableRow:
    """Return a row; ValueError says what is wrong with it."""
    if not cells["recording"]:
        raise ValueError("expected the name of a recording, found an empty cell")
    empty = not cells["onset"] and not cells["offset"]
    return TableRow(
        row=number,
        recording=cells["recording"],
        subject=cells.get("subject", ""),
        expression=None if empty else _expression(cells),
        status=cells.get("status", "").lower(),
        seconds=None if empty else _seconds(cells),
        rate=_rate(cells.get("rate") or cells.get("fps", "")),
        reason=cells.get("reason", "").lower(),
        source=cells.get("source", ""),
    )


def _rate(text: str) -> float | None:
    """Return the rate of a row, if it has one; ValueError says what is wrong with it."""
    if not text:
        return None
    rate = number_in(text, "rate")
    if rate <= 0:
        raise ValueError(f"rate is {text!r}: expected frames a second, above 0")
    return rate


def _expression(cells: Mapping[str, str]) -> Expression:
    interval, apex = read_interval(cells)
    kind = read_kind(cells["kind"])
    coding = facs.parse(cells.get("action_units", ""))
    if not coding.complete:
        raise ValueError(f"action units {cells['action_units']!r} cannot be read as 4+L10")
    named = cells.get("objective_class", "")
    number = facs.class_number(named)
    if named and number is None:
        raise ValueError(f"objective_class is {named!r}: expected 1 to 7, or I to VII")
    return Expression(
        interval=interval,
        kind=kind,
        apex=apex,
        emotion=cells.get("emotion") or None,
        action_units=tuple(str(unit) for unit in coding.units),
        objective_class=number,
    )


def read_interval(cells: Mapping[str, str]) -> tuple[Interval, int | None]:
    """Return onset to offset, and the apex if there is one; ValueError says what is wrong."""
    onset, offset = frame(cells["onset"], "onset"), frame(cells["offset"], "offset")
    if offset < onset:
        raise ValueError(f"expected the offset after the onset, found {onset} to {offset}")
    apex = frame(cells["apex"], "apex") if cells.get("apex") else None
    if apex is not None and not onset <= apex <= offset:
        raise ValueError(f"expected the apex within {onset} to {offset}, found {apex}")
    return Interval(onset, offset), apex


def read_kind(text: str) -> Kind:
    """Return micro or macro; ValueError says what was found instead."""
    kind = KINDS.get(text.lower())
    if kind is None:
        raise ValueError(f"expected the kind micro or macro, found {text!r}")
    return kind


def frame(text: str, what: str) -> int:
    """Return a frame number, 0 or more; ``12.0`` is one, ``12.5``, ``12,5`` and ``nan`` not.

    A spreadsheet that shows ``1.2E+05`` has lost the rest of the number, and ``1.000`` may be a
    thousand.

    Raises:
        ValueError: anything else, with what is wrong in words.
    """
    if "," in text or re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+", text):
        sign = "comma" if "," in text else "point"
        raise ValueError(
            f"{what} is {text!r}: expected a whole number, found a {sign} in it; write it "
            "without signs between the digits"
        )
    value = number_in(text, what)
    if not 0 <= value <= MOST_FRAMES or value != int(value) or "e" in text.lower():
        most = f", at most {MOST_FRAMES:,}" if value > MOST_FRAMES else ""
        raise ValueError(
            f"{what} is {text[:40]!r}: expected a whole frame number from 0 on{most}"
        )
    return int(value)


def number_in(text: str, what: str) -> float:
    """Return a finite number with a decimal point; ValueError says what was found instead."""
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text, re.ASCII | re.IGNORECASE):
        value = float(text)
        if math.isfinite(value):
            return value
    hint = "; write decimals with a point, and nothing between thousands" if "," in text else ""
    raise ValueError(f"{what} is {text!r}: expected a number{hint}")


def _seconds(cells: Mapping[str, str]) -> Seconds | None:
    """Return the times written in the table, if it has them."""
    onset, offset = cells.get("onset_s", ""), cells.get("offset_s", "")
    if not onset or not offset:
        return None
    apex = cells.get("apex_s", "")
    return Seconds(
        number_in(onset, "onset_s"),
        number_in(apex, "apex_s") if apex else None,
        number_in(offset, "offset_s"),
    )
