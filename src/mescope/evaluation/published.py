"""Figures of papers, to set beside ours and never among them.

The tables stand in ``published.toml`` as they were printed, each with where it comes from, how
its figures were counted as far as that is known, and a caution.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib import resources

from mescope.errors import DatasetError

Cell = str | float | int
_TEXTS = ("system", "title", "source", "data", "mode", "caution")


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One table of one paper; a cell that was not given is an empty text.

    ``datasets`` (by the names of their readers) and ``classes`` (numbers of classes; none where
    nothing is recognised) say which of our reports it may stand beside.
    """

    system: str
    title: str
    source: str
    data: str
    datasets: tuple[str, ...]
    classes: tuple[int, ...]
    mode: str
    caution: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@functools.cache
def published() -> tuple[PublishedTable, ...]:
    """Return every table, in the order of the systems and their papers."""
    text = (resources.files("mescope.evaluation") / "published.toml").read_text(
        encoding="utf-8"
    )
    return tuple(
        PublishedTable(
            **{key: entry[key] for key in _TEXTS},
            datasets=tuple(entry["datasets"]),
            classes=tuple(entry["classes"]),
            columns=tuple(entry["columns"]),
            rows=tuple(tuple(row) for row in entry["rows"]),
        )
        for entry in tomllib.loads(text)["table"]
    )


def published_by(system: str) -> tuple[PublishedTable, ...]:
    """Return the tables of one system.

    Raises:
        DatasetError: there is no such system.
    """
    names = list(dict.fromkeys(table.system for table in published()))
    if system not in names:
        raise DatasetError(f"expected a system of {', '.join(names)}, found {system!r}")
    return tuple(table for table in published() if table.system == system)


def published_for(datasets: Collection[str], classes: int) -> tuple[PublishedTable, ...]:
    """Return the recognition tables of exactly these data sets and this number of classes.

    Of a table that holds several numbers of classes only the rows with this one are kept.
    """
    found = []
    for table in published():
        if set(table.datasets) != set(datasets) or classes not in table.classes:
            continue
        if "classes" in table.columns:
            at = table.columns.index("classes")
            table = replace(table, rows=tuple(r for r in table.rows if r[at] == classes))
        found.append(table)
    return tuple(found)


def as_printed(table: PublishedTable) -> list[list[str]]:
    """Return the cells as texts, all figures of the table with equally many decimals."""
    figures = [cell for row in table.rows for cell in row if isinstance(cell, float)]
    places = max((len(repr(figure).partition(".")[2]) for figure in figures), default=0)
    return [
        [f"{cell:.{places}f}" if isinstance(cell, float) else str(cell) for cell in row]
        for row in table.rows
    ]
