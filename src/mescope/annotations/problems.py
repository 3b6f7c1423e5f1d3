"""What was wrong in a table or a data set, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["error", "warning"]


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


def place(file: str | Path, row: int | None = None, sheet: str = "") -> str:
    """Return where something stands.

    >>> place("a/b.xlsx", 3, "Sheet1")
    'b.xlsx/Sheet1, row 3'
    """
    name = Path(file).name + (f"/{sheet}" if sheet else "")
    return name if row is None else f"{name}, row {row}"
