"""Behaviours of a BORIS project that are no expressions: any study's own, as they stand.

A tier is a behaviour; its subject says whom it is about and, after ``#``, who coded it.  The
first field of a cell is the modifier; all of it stands as JSON in the comment of its last row,
so that a tier of another program comes back.  Points are point events where all of a tier are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mescope.annotations import face_events
from mescope.annotations.boris_project import Media, Observation, Row, file_of
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import listing, parse_json, table, word
from mescope.annotations.stored import compact
from mescope.annotations.tiers import (
    Cell,
    Tier,
    cell_between,
    facts_of,
    joined,
    lanes_of,
    tier_of,
)
from mescope.errors import DatasetError

MODIFIER, COMMENT = "modifier", "comment"
APEX = "ME-apex"
FORBIDDEN = "(|),`~"
"""Signs that BORIS does not take in a modifier."""

_FIELDS = (MODIFIER, COMMENT)
_MODEL = f"{face_events.FACE}#model"
Timed = tuple[int, int, list[Any]]  # ms, rank among rows of one ms, the row


def modifier(text: str | None) -> str:
    """Return a text without the signs that BORIS does not take there."""
    return "".join(sign for sign in text or "" if sign not in FORBIDDEN).strip()


def code_of(tier: Tier) -> str:
    """Return the behaviour of a tier: its name, unless mescope means something by that.

    >>> code_of(Tier(name="ME-apex")), code_of(Tier(name="smile"))
    ('tier ME-apex', 'smile')
    """
    ours = {APEX.lower(), *KINDS, *face_events.CODES.values()}
    return f"tier {tier.name}" if tier.name.lower() in ours else tier.name


def point_codes(tiers: Sequence[Tier]) -> dict[str, bool]:
    """Return the behaviours of tiers, and whether all of their cells are points."""
    found: dict[str, bool] = {}
    for tier in tiers:
        points = all(cell.start == cell.end for cell in tier.cells)
        found[code_of(tier)] = found.get(code_of(tier), True) and points
    return found


def rows_of_tiers(tiers: Sequence[Tier], points: dict[str, bool]) -> Iterator[Timed]:
    """Yield the rows of events of tiers; ``points``: see :func:`point_codes`."""
    taken: set[tuple[str, str]] = set()
    for tier in tiers:
        code, about = code_of(tier), facts_of(tier)
        for lane in lanes_of(tier.cells, gap=1):
            who = _subject(tier, code, taken)
            taken.add((who, code))
            for cell in lane:
                kept = compact({"tier": about, "values": list(cell.values)})
                first = modifier("".join(cell.values[:1])).replace("\n", " ")
                if points[code]:
                    yield cell.start, 1, [cell.start / 1000, who, code, first, kept, 0]
                    continue
                end, comment = cell.shown_end, _comment(tier, cell)
                yield cell.start, 2, [cell.start / 1000, who, code, first, comment, 0]
                yield end, 0, [end / 1000, who, code, first, kept, 0]


def _subject(tier: Tier, code: str, taken: set[tuple[str, str]]) -> str:
    """Return a subject that has no other rows of a behaviour: BORIS pairs them in turn."""
    who = f"{tier.participant}#{tier.coder}" if tier.coder else tier.participant
    number, chosen = 1, who
    while (chosen, code) in taken:
        number += 1
        chosen = f"{who} ({number})".strip()
    return chosen


def _comment(tier: Tier, cell: Cell) -> str:
    return cell.values[tier.fields.index(COMMENT)] if COMMENT in tier.fields else ""


@dataclass
class _Found:
    """Cells by the file they are of, and by their tier without cells."""

    by_file: dict[int, dict[Tier, list[Cell]]]

    def add(self, file: int, tier: Tier, cell: Cell) -> None:
        self.by_file.setdefault(file, {}).setdefault(tier, []).append(cell)


def is_other(row: Row) -> bool:
    """Say whether a row is of no expression, no apex and no event of a model."""
    if row.code.lower() in KINDS or row.code == APEX:
        return False
    return row.subject != _MODEL or row.code not in face_events.CODES.values()


def other_tiers(
    rows: Sequence[Row], media: list[Media], observation: Observation
) -> dict[int, tuple[Tier, ...]]:
    """Return the tiers of an observation for each of its media files."""
    found = _Found({})
    counts: dict[str, int] = {}
    for start, stop in paired([row for row in rows if is_other(row)], observation):
        i = file_of(media, start.time, stop.time)
        if i is None:
            observation.left_out_cell(
                start.code, start.line, "it lies in no media file or in two"
            )
            continue
        ends = [round((row.time - media[i].start) * 1000) for row in (start, stop)]
        try:
            tier, values = _told(start, stop, observation)
            found.add(i, tier, cell_between(ends[0], ends[1], values))
        except ValueError as error:
            observation.left_out_cell(start.code, start.line, error)
            continue
        if not _is_ours(stop):
            counts[start.code] = counts.get(start.code, 0) + 1
    for code, count in counts.items():
        text = f"{count} events of {code[:40]!r} are kept as a tier, no kind of expression"
        observation.remarks.add(observation.name, text)
    return {i: joined(tiers.items()) for i, tiers in found.by_file.items()}


def paired(rows: Sequence[Row], observation: Observation) -> Iterator[tuple[Row, Row]]:
    """Yield first and last row of every event; a point has one row."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.time):  # stable: as BORIS sorts
        if row.code in observation.points:
            yield row, row
        else:
            groups.setdefault((row.subject, row.code, row.modifier), []).append(row)
    for (_, code, _), group in groups.items():
        if len(group) % 2 == 0:
            yield from zip(group[::2], group[1::2], strict=True)
            continue
        lines = ", ".join(str(row.line) for row in group[:9])
        text = f"a start or stop of {code[:40]} is missing among events {lines}"
        observation.remarks.left_out_cell(code, observation.name, text, (len(group) + 1) // 2)


def _is_ours(row: Row) -> bool:
    return row.comment.startswith('{"tier":{')


def _told(start: Row, stop: Row, observation: Observation) -> tuple[Tier, list[str]]:
    """Return the tier of an event, and the values of its cell."""
    if _is_ours(stop):
        return _kept(start, stop, observation)
    who, _, coder = start.subject.partition("#")
    if not coder and observation.shared:
        coder = observation.name  # observations of one recording are those of several people
    comments = dict.fromkeys(filter(None, (start.comment, stop.comment)))
    values = ["" if start.modifier == "None" else start.modifier, "\n".join(comments)]
    return Tier(name=start.code, coder=coder, participant=who, fields=_FIELDS), values


def _kept(start: Row, stop: Row, observation: Observation) -> tuple[Tier, list[str]]:
    """Return what mescope wrote; what was changed in BORIS since wins."""
    try:
        kept = table(parse_json(stop.comment, "the comment"), "the comment")
    except DatasetError as error:
        raise ValueError(str(error)) from None
    tier = replace(tier_of(kept["tier"]), cells=())
    values = [word(one, "a value") for one in listing(kept.get("values"), "values")]
    if values and modifier(values[0]).replace("\n", " ") != start.modifier:
        values[0] = start.modifier
    if start is not stop and COMMENT in tier.fields[: len(values)]:
        values[tier.fields.index(COMMENT)] = start.comment
    elif start is not stop and start.comment:
        observation.note(start.line, f"its comment is not kept: {start.comment[:40]!r}")
    return tier, values
