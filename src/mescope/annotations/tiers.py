"""Tiers of other programs as they stand: what no mark can say, and what may mean one.

A :class:`Tier` is a tier of ELAN, a behaviour of BORIS, a column of Datavyu or of a table, with
its cells.  A mapping (:mod:`mescope.annotations.mapping`) says what it means; what is kept goes
out again with the marks, whatever the format, and comes back as it was.  Times are whole
milliseconds as players count, from the file's zero: all these programs show no finer ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from mescope.annotations.files import listing, optional, table, whole, word
from mescope.annotations.text import one_line, paragraphs
from mescope.errors import DatasetError
from mescope.events import EventKind

VALUE = "value"
"""What the only field of a cell is called where its program gives it no name."""

_LATEST = 2**32 - 1  # ms: 49 days, the limit of EAF


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One annotation of a tier.

    Attributes:
        start: when it starts, in ms.
        end: when it ends (half-open); the same where it is a point.
        values: what stands in it, one text for each field of its tier.

    Raises:
        ValueError: it ends before it starts, or lies before the file's zero.
    """

    start: int
    end: int
    values: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end <= _LATEST:
            raise ValueError(
                f"expected ms from 0 on in order, found {self.start} to {self.end}"
            )

    @property
    def shown_end(self) -> int:
        """When it ends where a program knows no points: those are 1 ms long there."""
        return max(self.end, self.start + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One row of cells, all of one coder.

    Attributes:
        name: as its program calls it.
        coder: who made it; empty where the file does not say.
        participant: whom it is about; empty where the file does not say.
        event: what its cells are, if that is known: blinks, speech, head movements, glances.
        fields: what the values of a cell are called.
        last_frame: whether the end of a cell is the time of its last frame, as in Datavyu, not
            of the one after it.
        cells: in order of time.

    Raises:
        ValueError: a cell has another number of values than there are fields.
    """

    name: str
    coder: str = ""
    participant: str = ""
    event: EventKind | None = None
    fields: tuple[str, ...] = (VALUE,)
    last_frame: bool = False
    cells: tuple[Cell, ...] = ()

    def __post_init__(self) -> None:
        if any(len(cell.values) != len(self.fields) for cell in self.cells):
            raise ValueError(f"{self.name}: expected {len(self.fields)} values in every cell")
        if self.event is not None and self.event not in get_args(EventKind):
            raise ValueError(
                f"expected an event of {', '.join(get_args(EventKind))}, found {self.event!r}"
            )


def cell_between(start: int, end: int, values: Sequence[str]) -> Cell:
    """Return a cell as a file shows it: what is 1 ms long was a point."""
    return Cell(start, start if end - start <= 1 else end, tuple(values))


def normal_tiers(tiers: Iterable[Tier]) -> tuple[Tier, ...]:
    """Return tiers as any format gives them back: tidy text, in order, none empty or twice.

    Those of one name, coder, participant, event and fields become one.
    """
    merged: dict[Tier, list[Cell]] = {}
    for tier in tiers:
        fields = tuple(one_line(name) for name in tier.fields)
        key = Tier(
            name=one_line(tier.name) or "tier",
            coder=one_line(tier.coder),
            participant=one_line(tier.participant),
            event=tier.event,
            fields=fields,
            last_frame=tier.last_frame,
        )
        merged.setdefault(key, []).extend(
            cell_between(cell.start, cell.end, [paragraphs(text) for text in cell.values])
            for cell in tier.cells
        )
    done = [replace(key, cells=tuple(sorted(cells))) for key, cells in merged.items() if cells]
    return tuple(sorted(done, key=_place))


def _place(tier: Tier) -> tuple[str, ...]:
    end = "last" if tier.last_frame else ""
    return (tier.name, tier.coder, tier.participant, tier.event or "", end, *tier.fields)


def facts_of(tier: Tier) -> dict[str, Any]:
    """Return what is said of a tier beside its cells, as values that JSON holds."""
    kept = {
        "name": tier.name,
        "coder": tier.coder,
        "participant": tier.participant,
        "event": tier.event or "",
        "fields": list(tier.fields) if tier.fields != (VALUE,) else "",
        "last_frame": tier.last_frame or "",
    }
    return {name: value for name, value in kept.items() if value != ""}


def tier_of(kept: Any, cells: Iterable[Cell] = ()) -> Tier:
    """Return the tier of which :func:`facts_of` said something.

    Raises:
        ValueError: a value is of another type or makes no sense.
    """
    facts = table(kept, "a tier")
    fields = optional(facts, "fields", listing)
    event: Any = optional(facts, "event", word)
    return Tier(
        name=word(facts.get("name"), "the name of a tier"),
        coder=word(facts.get("coder", ""), "coder"),
        participant=word(facts.get("participant", ""), "participant"),
        event=event,
        fields=(VALUE,) if fields is None else tuple(word(one, "a field") for one in fields),
        last_frame=facts.get("last_frame") is True,
        cells=tuple(cells),
    )


def tier_to_dict(tier: Tier) -> dict[str, Any]:
    """Return a whole tier as values that JSON holds."""
    cells = [[cell.start, cell.end, *cell.values] for cell in tier.cells]
    return {**facts_of(tier), "cells": cells}


def tier_from_dict(kept: Any) -> Tier:
    """Return the tier that :func:`tier_to_dict` made into values; raises ValueError."""
    rows = listing(table(kept, "a tier").get("cells", []), "cells")
    return tier_of(kept, [_cell(listing(row, "a cell")) for row in rows])


def _cell(row: list[Any]) -> Cell:
    if len(row) < 2:
        raise ValueError("expected start and end of a cell")
    values = tuple(word(text, "a value") for text in row[2:])
    return Cell(whole(row[0], "start"), whole(row[1], "end"), values)


def lanes_of(cells: Sequence[Cell], gap: int = 0) -> list[list[Cell]]:
    """Return cells in rows without overlap, ``gap`` ms apart; the first one takes what fits.

    Annotation programs allow no overlap on a tier.
    """
    rows: list[list[Cell]] = []
    for cell in sorted(cells):
        free = next((row for row in rows if row[-1].shown_end + gap <= cell.start), None)
        if free is None:
            rows.append([cell])
        else:
            free.append(cell)
    return rows


def joined(tiers: Iterable[tuple[Tier, Iterable[Cell]]]) -> tuple[Tier, ...]:
    """Return tiers whose cells were found in several rows of a file."""
    return normal_tiers(replace(tier, cells=tuple(cells)) for tier, cells in tiers)


def unused_name(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken: itself, or numbered.

    >>> unused_name("a", ["a", "a (2)"])
    'a (3)'
    """
    there, number, chosen = set(taken), 1, name
    while chosen in there:
        number += 1
        chosen = f"{name} ({number})"
    return chosen


def check_cells(tiers: Sequence[Tier], most: int) -> None:
    """Refuse more cells than one recording may have; raises DatasetError."""
    found = sum(len(tier.cells) for tier in tiers)
    if found > most:
        raise DatasetError(f"expected at most {most} cells of tiers, found {found}")
