"""What a strange file holds, before anything of it is taken in; runs in its own process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mescope.annotations import (
    CODECS,
    AnnotationSet,
    Clock,
    TableLayout,
    Tier,
    TierMapping,
    TierMeaning,
    propose,
    read,
    read_tiers,
    summaries,
    table_columns,
)
from mescope.annotations.coded_read import meaning_of
from mescope.annotations.mapping import to_json
from mescope.errors import DatasetError

MOST_TIERS = 500
"""Names of tiers that a page shows."""


def look_at(
    path: Path, form: str, clock: Clock | None, part: str | None, known: TierMapping,
    scheme: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """Say what a file holds and what it probably means.

    Args:
        path: of the file.
        form: its format.
        clock: of the recording.
        part: the video or observation that is meant.
        known: what the project knows of tiers, and how tables are to be read.
        scheme: ``name`` and ``codes`` of each tier of its code scheme.

    Returns:
        ``own``: whether it has marks that need no mapping; ``tiers``: what there is under each
        name, and ``means``, which is ``remembered`` or proposed; ``columns`` of a table, and
        ``table``: which of them say what; ``remarks``.

    Raises:
        DatasetError: it is damaged, not of this recording, or holds nothing.
    """
    refused, own = None, False
    try:
        own = any(
            one.marks or _codes(one)
            for one in read(path, format=form, clock=clock, part=part).sets
        )
    except DatasetError as error:
        refused = error
    if CODECS[form].tiers is None:
        if refused is not None:
            raise refused
        return _answer((), TierMapping(), known, (), None, (), own=True)
    columns, guessed = table_columns(path, form)
    layout = _layout(known, columns) or guessed
    if columns and layout is None:
        return _answer((), TierMapping(), known, columns, None, (), own=own)
    contents = read_tiers(path, format=form, clock=clock, part=part, layout=layout)
    tiers = [tier for one in contents.sets for tier in one.tiers if meaning_of(tier) is None]
    if not tiers and not own:
        raise refused or DatasetError(
            f"{path.name}: expected marks or tiers, found none; {_first(contents.remarks)}"
            "choose another file"
        )
    found = summaries(tiers)
    if len(found) > MOST_TIERS:
        raise DatasetError(
            f"{path.name}: expected at most {MOST_TIERS} tiers, found {len(found)}; use "
            "`mescope convert --mapping`"
        )
    proposal = propose(tiers).updated(_of_scheme(tiers, scheme))
    return _answer(found, proposal, known, columns, layout, contents.remarks, own=own)


def _codes(one: AnnotationSet) -> bool:
    """Say whether a set has codes, as such or as tiers that are known by their fields."""
    return any(tier.spans for tier in one.coded) or any(map(meaning_of, one.tiers))


def _of_scheme(tiers: Iterable[Tier], scheme: Sequence[Mapping[str, Any]]) -> TierMapping:
    """Return which names are codes of a scheme, or have nothing but such codes as values."""
    words = {one["name"]: {code.casefold(): code for code in one["codes"]} for one in scheme}
    by_name: dict[str, list[Tier]] = {}
    for tier in tiers:
        by_name.setdefault(tier.name, []).append(tier)
    found = []
    for name, those in by_name.items():
        first = {cell.values[0].casefold() for t in those for cell in t.cells if cell.values}
        as_code = [own for own, codes in words.items() if name.casefold() in codes]
        holding = [own for own, codes in words.items() if first and first <= codes.keys()]
        same = [own for own in holding if own.casefold() == name.casefold()]
        if len(as_code) == 1:
            code = words[as_code[0]][name.casefold()]
            found.append(TierMeaning(name=name, means="codes", tier=as_code[0], code=code))
        elif len(same or holding) == 1:
            found.append(TierMeaning(name=name, means="codes", tier=(same or holding)[0]))
    return TierMapping(tuple(found))


def _first(remarks: tuple[str, ...]) -> str:
    return f"{remarks[0]}; " if remarks else ""


def _layout(known: TierMapping, columns: tuple[str, ...]) -> TableLayout | None:
    """Return the layout that is known, if the table has its columns."""
    table = known.table
    return table if table is not None and set(table.columns) <= set(columns) else None


def _answer(
    found: Any, proposal: TierMapping, known: TierMapping, columns: tuple[str, ...],
    layout: TableLayout | None, remarks: tuple[str, ...], *, own: bool,
) -> dict[str, Any]:  # fmt: skip
    rows = []
    for one in found:
        remembered = known.of(one.name)
        meaning = remembered or proposal.of(one.name)
        means = to_json(TierMapping((meaning,)))["tiers"][0] if meaning else {}
        rows.append({**one.to_json(), "means": means, "remembered": remembered is not None})
    table = None if layout is None else to_json(TierMapping((), layout))["table"]
    return {
        "own": own,
        "tiers": rows,
        "columns": list(columns),
        "table": table,
        "remembered": bool(rows)
        and all(row["remembered"] for row in rows)
        and (not columns or layout == known.table),
        "remarks": list(remarks[:20]),
    }
