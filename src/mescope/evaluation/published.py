"""Figures of papers, to set beside ours and never among them.

The tables stand in ``published.toml`` as they were printed, each with where it comes from, how
its figures were counted as far as that is known, and what to mind.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources

from mescope.errors import DatasetError

Cell = str | float | int


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One table of one paper; a cell that was not given is an empty text."""

    system: str
    title: str
    source: str
    data: str
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
            **{
                key: entry[key]
                for key in ("system", "title", "source", "data", "mode", "caution")
            },
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
