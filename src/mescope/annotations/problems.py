"""What was wrong in a table or a data set, and where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mescope.errors import DatasetError

Level = Literal["error", "warning"]
_SHOWN = 3  # marks that an error names


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a data set.

    ``error``: the row (or clip) named was left out.  ``warning``: it was used.
    ``where`` is a file, for tables with its row as a spreadsheet or editor counts, from 1.
    ``rows`` are the rows that an error cost; 0 where what was left out is no row.
    """

    level: Level
    where: str
    message: str
    rows: int = 1

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.message}"


class OutsideError(ValueError):
    """A mark lies outside its recording: the file belongs to another one."""


@dataclass
class Remarks:
    """What a reader of marks tells about a file, while it reads."""

    said: list[str] = field(default_factory=list)
    lost: int = 0
    outside: list[str] = field(default_factory=list)
    cells: Counter[str] = field(default_factory=Counter)  # left out, by the name of their tier

    def add(self, where: str, text: str) -> None:
        """Say what was changed, or that something is no mark."""
        self.said.append(f"{where}: {text}")

    def left_out(self, where: str, error: ValueError | str, count: int = 1) -> None:
        """Say that marks were left out, and why; one outside the recording refuses the file."""
        if isinstance(error, OutsideError):
            self.outside.append(f"{where}: {error}")
            return
        self.lost += count
        self.add(where, f"left out, {error}")

    def left_out_cell(
        self, tier: str, where: str, error: ValueError | str, count: int = 1
    ) -> None:
        """Say that cells of a tier were left out; a mapping says whether they meant marks."""
        self.cells[tier] += count
        self.add(where, f"left out, {error}")

    def check(self, name: str) -> None:
        """Refuse a file, ``name``, with marks outside the recording.

        Raises:
            DatasetError: naming the first of them with their times.
        """
        if self.outside:
            more = len(self.outside) - _SHOWN
            named: Sequence[str] = self.outside[:_SHOWN]
            rest = f" (and {more} more)" if more > 0 else ""
            raise DatasetError(
                f"{name}: {'; '.join(named)}{rest}; is it another recording? Nothing was read"
            )


def place(file: str | Path, row: int | None = None, sheet: str = "") -> str:
    """Return where something stands.

    >>> place("a/b.xlsx", 3, "Sheet1")
    'b.xlsx/Sheet1, row 3'
    """
    name = Path(file).name + (f"/{sheet}" if sheet else "")
    return name if row is None else f"{name}, row {row}"
