"""The spreadsheet of Datavyu as text: columns, their codes and cells; parsed and formatted.

The first line is ``#4`` (``#3``, ``#2``, or none in older files).  A column begins with
``name (MATRIX,true,)-code01|NOMINAL,code02|NOMINAL``, types TEXT and NOMINAL have no codes;
its cells follow, ``00:00:01:234,00:00:01:534,(value,value)``.  A backslash takes the meaning
from the sign after it; at the end of a line it stands for a line end.
Source: files of Datavyu 1.3 to 1.5 and how its open source reads and writes them, datavyu.org.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mescope.annotations.problems import Remarks, place
from mescope.annotations.tiers import VALUE
from mescope.errors import DatasetError

_VERSION = re.compile(r"#[2-9]")
_COLUMN = re.compile(
    r"(?P<name>.*?)\s*\((?P<type>TEXT|NOMINAL|MATRIX|INTEGER|FLOAT|PREDICATE)"
    r"(?:,(?P<visible>\w*))?(?:,[^)]*)?\)(?:-(?P<codes>.*))?",
    re.IGNORECASE,
)
_CELL = re.compile(
    r"(\d{2,5}):(\d\d):(\d\d):(\d{3}),(\d{2,5}):(\d\d):(\d\d):(\d{3}),(.*)", re.S
)
_IS_CELL = re.compile(r"\d\d+:")
_SIGNS = ("\\", ",")


@dataclass
class Column:
    """One column with its codes, and a row (start ms, end ms, values) for each cell."""

    name: str
    codes: tuple[str, ...]
    shown: bool = True
    matrix: bool = True  # else its cells hold one text
    cells: list[tuple[int, int, list[str]]] = field(default_factory=list)
    line: int = 0  # where it begins, from 1


def looks_like_datavyu(text: str) -> bool:
    r"""Say whether a text is a spreadsheet of Datavyu, and no other table.

    >>> looks_like_datavyu("#4\\nface (MATRIX,true,)-code01|NOMINAL"), looks_like_datavyu("a,b")
    (True, False)
    """
    first = text.lstrip("\ufeff").partition("\n")[0].strip()
    return bool(_VERSION.fullmatch(first)) or bool(_COLUMN.fullmatch(first))


def parse(text: str, name: str, remarks: Remarks) -> list[Column]:
    r"""Return the columns of a spreadsheet.

    Args:
        text: of it, with ``\n`` as line end.
        name: of the file, for messages.
        remarks: told what was left out: lines that are neither a column nor a cell.

    Raises:
        DatasetError: there is no column.
    """
    columns: list[Column] = []
    lines = text.removeprefix("\ufeff").split("\n")
    number = 0
    while number < len(lines):
        begin, line = number + 1, lines[number]
        while _continues(line) and number + 1 < len(lines):
            number += 1
            line += "\n" + lines[number]
        number += 1
        if not line.strip() or (begin == 1 and _VERSION.fullmatch(line.strip())):
            continue
        try:
            if not _IS_CELL.match(line):
                columns.append(_column(line, begin))
            elif columns:
                columns[-1].cells.append(_cell(line, columns[-1]))
            else:
                raise ValueError("a cell before the first column")
        except ValueError as error:
            remarks.left_out(place(name, begin), error, count=int(bool(columns)))
    if not columns:
        raise DatasetError(
            f"{name}: expected columns of Datavyu such as 'face (MATRIX,true,)-code|NOMINAL', "
            f"found {text[:40]!r}"
        )
    return columns


def _continues(line: str) -> bool:
    """Say whether a line ends in a backslash that nothing takes the meaning from."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _column(line: str, number: int) -> Column:
    found = _COLUMN.fullmatch(line)
    if found is None:
        raise ValueError(f"it is neither a column nor a cell: {line[:40]!r}")
    codes: tuple[str, ...] = (VALUE,)
    if found["type"].upper() == "MATRIX":
        parts = _split(found["codes"] or "")
        codes = tuple(part.rpartition("|")[0] or part for part in parts if part)
    return Column(
        name="".join(_split(found["name"], separator="")),
        codes=codes,
        shown=(found["visible"] or "true").lower() != "false",
        matrix=found["type"].upper() == "MATRIX",
        line=number,
    )


def _cell(line: str, column: Column) -> tuple[int, int, list[str]]:
    found = _CELL.fullmatch(line)
    if found is None:
        raise ValueError(
            f"expected a cell as 00:00:01:234,00:00:01:534,(value), found {line[:40]!r}"
        )
    start, end = _ms(*found.groups()[:4]), _ms(*found.groups()[4:8])
    if end < start:
        raise ValueError(f"it ends at {end} ms before it starts")
    return start, end, _values(found[9], column)


def _values(text: str, column: Column) -> list[str]:
    """Return as many values as there are codes; what is too much joins the last one."""
    if not column.matrix:
        return ["".join(_split(text, separator="")).strip()]
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    wanted = len(column.codes)
    parts = [part.strip() for part in _split(text)]
    empty = [f"<{code}>" for code in column.codes]
    parts = ["" if part in empty else part for part in parts]
    if len(parts) > wanted:
        parts[wanted - 1 :] = [",".join(parts[wanted - 1 :])] if wanted else []
    return parts + [""] * (wanted - len(parts))


def _split(text: str, separator: str = ",") -> list[str]:
    r"""Return text cut at a sign, and without the backslashes that take a meaning.

    >>> _split("a\\,b,c\\\\")
    ['a,b', 'c\\']
    """
    parts, now, taken = [], "", False
    for sign in text:
        if taken or (sign != "\\" and (not separator or sign != separator)):
            now, taken = now + sign, False
        elif sign == "\\":
            taken = True
        else:
            parts.append(now)
            now = ""
    return [*parts, now]


def _ms(hours: str, minutes: str, seconds: str, ms: str) -> int:
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(ms)


def formatted(columns: Iterable[Column]) -> str:
    """Return columns as the text of a spreadsheet, version 4."""
    lines = ["#4"]
    for column in columns:
        codes = ",".join(f"{_escaped(code)}|NOMINAL" for code in column.codes)
        shown = "true" if column.shown else "false"
        lines.append(f"{column.name} (MATRIX,{shown},)-{codes}")
        for start, end, values in column.cells:
            said = ",".join(_escaped(value) for value in values)
            lines.append(f"{stamp(start)},{stamp(end)},({said})")
    return "\n".join(lines) + "\n"


def stamp(ms: int) -> str:
    """Return a time as Datavyu writes it.

    >>> stamp(3_661_042)
    '01:01:01:042'
    """
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{rest:03d}"


def ms_of(text: str) -> int | None:
    """Return a time that stands in a value, or None where it is none."""
    found = re.fullmatch(r"(\d{2,5}):(\d\d):(\d\d):(\d{3})", text.strip())
    return None if found is None else _ms(*found.groups())


def _escaped(text: str) -> str:
    for sign in _SIGNS:
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\\n")
