"""What the tiers of other programs mean: one definition for the command line, the app, Python.

A mapping is a JSON file:

    {"format": "mescope-mapping", "schema": 1,
     "tiers": [{"name": "AU12", "means": "au", "unit": "12", "coder": "anna"},
               {"name": "Blinzeln", "means": "event", "event": "blink"},
               {"name": "Ausdruck", "means": "expression", "fields": {"value": "words"}}],
     "table": {"start": "Beginn", "end": "Ende", "unit": "seconds", "tier": "Verhalten"}}

``table`` is for CSV tables alone: which of their columns say what.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from mescope import facs
from mescope.annotations.files import listing, read_json, table, word
from mescope.errors import DatasetError
from mescope.events import EventKind

Means = Literal["expression", "au", "apex", "event", "codes", "keep", "ignore"]
KindRule = Literal["duration", "micro", "macro"]
Role = Literal["words", "emotion", "au", "apex", "coder", "note", "ignore"]
Unit = Literal["seconds", "milliseconds", "frames", "frames from 1"]

FORMAT, SCHEMA = "mescope-mapping", 1
LONGEST = 200
"""Characters of a name in a mapping."""

MOST = 2000
"""Tiers of a mapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierMeaning:
    """What the tiers of one name mean.

    Attributes:
        name: of the tier, behaviour or column.
        means: ``expression``, ``au`` (action units), ``apex`` (of the marks around it),
            ``event`` (see ``event``), ``codes`` (of a code scheme), ``keep`` (as it stands) or
            ``ignore``.
        kind: of its marks: ``micro``, ``macro``, or by their duration (half a second and less
            is micro); a word in the cell goes before it.
        unit: the action units of every cell, such as 12, L12 or 6+12.
        emotion: of every cell that names none.
        event: blink, speech, head or gaze.
        tier: of the code scheme, on which its codes stand; empty: the one of its own name.
        code: of every cell, as behaviours of BORIS are codes; empty: the first value of a cell.
        coder: whose it is; empty: as the file says.
        keep: whether the tier itself is kept, too, for the way back.
        fields: what the values of a cell are: ``words`` are read for kind, emotion, action
            units, side and intensity, and what is left of them becomes the note; ``emotion``,
            ``au``, ``apex`` (a time), ``coder`` and ``note`` are taken as they stand.  A field
            that is not named is read for its words.

    Raises:
        ValueError: a value is none of those allowed.
    """

    name: str
    means: Means = "keep"
    kind: KindRule = "duration"
    unit: str = ""
    emotion: str = ""
    event: EventKind | None = None
    tier: str = ""
    code: str = ""
    coder: str = ""
    keep: bool = True
    fields: Mapping[str, Role] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.means, Means, "means")
        _check(self.kind, KindRule, "kind")
        if self.event is not None or self.means == "event":
            _check(self.event, EventKind, "event")
        for name, role in self.fields.items():
            _check(role, Role, f"field {name[:40]!r}")
        if self.unit and not facs.parse(self.unit).complete:
            raise ValueError(
                f"expected action units such as 12 or L12, found {self.unit[:40]!r}"
            )

    @property
    def keeps(self) -> bool:
        """Say whether its tiers go on as they stand."""
        return self.means in ("keep", "event") or (self.means != "ignore" and self.keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """Which columns of a CSV table say what; the others are values of its cells.

    Attributes:
        start: the column of onsets.
        end: that of offsets; empty: every row is a point.
        apex: that of apexes, if there is one.
        unit: of these: seconds or milliseconds as players count, or frames from 0 or from 1
            with both ends included.
        tier: the column with the name of the behaviour; empty: all rows are of one.
        coder: the column with the coder, if there is one.
        participant: that with the person, if there is one.
        video: that with the video, if there are several.
    """

    start: str
    end: str = ""
    apex: str = ""
    unit: Unit = "seconds"
    tier: str = ""
    coder: str = ""
    participant: str = ""
    video: str = ""

    def __post_init__(self) -> None:
        if not self.start:
            raise ValueError("expected the column of onsets as start of the table, found none")
        _check(self.unit, Unit, "unit")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that say when and whose, not what."""
        when = (self.start, self.end, self.apex)
        whose = (self.tier, self.coder, self.participant, self.video)
        return tuple(filter(None, (*when, *whose)))


@dataclass(frozen=True, slots=True)
class TierMapping:
    """What the tiers of a file mean, by their names; and the columns of a table."""

    tiers: tuple[TierMeaning, ...] = ()
    table: TableLayout | None = None

    def of(self, name: str) -> TierMeaning | None:
        """Return what the tiers of a name mean, or None where nobody said."""
        return next((one for one in self.tiers if one.name == name), None)

    def updated(self, other: TierMapping) -> TierMapping:
        """Return both mappings in one; where both say something, the other one counts."""
        known = {one.name: one for one in (*self.tiers, *other.tiers)}
        return TierMapping(tuple(known.values()), other.table or self.table)

    def only(self, names: Iterable[str]) -> TierMapping:
        """Return what it says of some tiers."""
        wanted = set(names)
        return replace(self, tiers=tuple(one for one in self.tiers if one.name in wanted))


def to_json(mapping: TierMapping) -> dict[str, Any]:
    """Return a mapping as values that JSON holds; what is usual is left out."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "tiers": [_plain(one) for one in mapping.tiers],
    }
    if mapping.table is not None:
        document["table"] = _plain(mapping.table)
    return document


def from_json(document: Any) -> TierMapping:
    """Return the mapping that JSON holds.

    Raises:
        ValueError: a value is missing, of another type, unknown, or a tier is there twice.
    """
    found = table(document, "a mapping")
    if found.get("format", FORMAT) != FORMAT or found.get("schema", SCHEMA) != SCHEMA:
        raise ValueError(
            f"expected a mapping ({FORMAT}, schema {SCHEMA}), found "
            f"{str(found.get('format'))[:40]}, schema {str(found.get('schema'))[:20]}"
        )
    strange = found.keys() - {"format", "schema", "tiers", "table"}
    if strange:
        raise ValueError(f"expected tiers and table, found {min(strange)[:40]!r}")
    rows = listing(found.get("tiers", []), "tiers")
    if len(rows) > MOST:
        raise ValueError(f"expected at most {MOST} tiers, found {len(rows)}")
    tiers = tuple(_meaning(row) for row in rows)
    names = [one.name for one in tiers]
    twice = next((name for name in names if names.count(name) > 1), None) if names else None
    if twice is not None:
        raise ValueError(f"tier {twice[:40]!r} is there twice; keep one")
    layout = found.get("table")
    return TierMapping(tiers, None if layout is None else layout_of(layout))


def read_mapping(path: Path) -> TierMapping:
    """Return the mapping in a file.

    Raises:
        DatasetError: it cannot be read, or makes no sense; the tier is named.
    """
    try:
        return from_json(read_json(path))
    except ValueError as error:
        raise DatasetError(f"{path.name}: {error}") from None


def dumps_mapping(mapping: TierMapping) -> str:
    """Return a mapping as the text of a file, a tier a line group, to be edited by hand."""
    return json.dumps(to_json(mapping), indent=1, ensure_ascii=False) + "\n"


def layout_of(value: Any) -> TableLayout:
    """Return the layout of a table from JSON; raises ValueError."""
    found = _known(value, TableLayout, "table")
    names: dict[str, Any] = {
        name: _short(word(text, f"table: {name}"), name) for name, text in found.items()
    }
    if "start" not in names:
        raise ValueError("expected the column of onsets as start of the table, found none")
    return TableLayout(**names)


def _meaning(value: Any) -> TierMeaning:
    found = _known(value, TierMeaning, "a tier")
    name = word(found.get("name"), "the name of a tier")
    try:
        values: dict[str, Any] = {
            key: _short(word(text, key), key)
            for key, text in found.items()
            if key not in ("keep", "fields", "event")
        }
        if found.get("event") is not None:
            values["event"] = word(found["event"], "event")
        roles = table(found.get("fields", {}), "fields")
        keep = found.get("keep", True)
        if not isinstance(keep, bool):
            raise ValueError(f"expected true or false as keep, found {str(keep)[:40]!r}")
        plain: dict[str, Any] = {key: word(role, "a field") for key, role in roles.items()}
        return TierMeaning(**values, keep=keep, fields=plain)
    except ValueError as error:
        raise ValueError(f"tier {name[:40]!r}: {error}") from None


def _known(value: Any, kind: type, what: str) -> dict[str, Any]:
    found = table(value, what)
    names = [one.name for one in fields(kind)]
    strange = found.keys() - set(names)
    if strange:
        raise ValueError(f"{what}: expected {', '.join(names)}, found {min(strange)[:40]!r}")
    return found


def _plain(one: TierMeaning | TableLayout) -> dict[str, Any]:
    """Return the values that differ from the usual ones, the name and the meaning always."""
    kept: dict[str, Any] = {}
    for each in fields(one):
        value = getattr(one, each.name)
        usual = {} if each.name == "fields" else each.default
        if each.name in ("name", "means", "start", "unit") and value != "":
            kept[each.name] = value
        elif value != usual:
            kept[each.name] = dict(value) if each.name == "fields" else value
    return kept


def _check(value: Any, allowed: Any, what: str) -> None:
    known = get_args(allowed)
    if value not in known:
        raise ValueError(f"{what}: expected {', '.join(known)}, found {str(value)[:40]!r}")


def _short(text: str, what: str) -> str:
    if len(text) > LONGEST:
        raise ValueError(f"{what}: expected at most {LONGEST} characters, found {len(text)}")
    return text
