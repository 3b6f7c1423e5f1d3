"""What the tiers of a file probably mean, by names and values; a coder has the last word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mescope.annotations.mapping import (
    KindRule,
    Role,
    TableLayout,
    TierMapping,
    TierMeaning,
)
from mescope.annotations.mapping_words import (
    APEX_WORDS,
    AU_WORDS,
    CODER_WORDS,
    EXPRESSION_WORDS,
    KINDS_BY_WORD,
    NOTE_WORDS,
    event_in,
    read_words,
    units_in,
    words_of,
)
from mescope.annotations.tiers import Tier

_EXAMPLES = 5
_LONGEST = 60  # characters of an example
_MOST_VALUES = 2000  # values that a proposal looks at


@dataclass(frozen=True, slots=True)
class TierSummary:
    """What a file has under one name.

    Attributes:
        name: of the tier, behaviour or column.
        count: of its cells.
        coders: whose it is, as far as the file says.
        participants: whom it is about, likewise.
        points: how many of the cells are points.
        examples: of each field the most frequent values, shortened.
    """

    name: str
    count: int
    coders: tuple[str, ...]
    participants: tuple[str, ...]
    points: int
    examples: dict[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """Return it as values that JSON holds."""
        return {
            "name": self.name,
            "count": self.count,
            "coders": list(self.coders),
            "participants": list(self.participants),
            "points": self.points,
            "fields": [
                {"name": name, "examples": list(found)} for name, found in self.examples.items()
            ],
        }


def summaries(tiers: Iterable[Tier]) -> tuple[TierSummary, ...]:
    """Return what there is under each name, in the order of the tiers."""
    by_name: dict[str, list[Tier]] = {}
    for tier in tiers:
        by_name.setdefault(tier.name, []).append(tier)
    return tuple(_summary(name, found) for name, found in by_name.items())


def _summary(name: str, tiers: list[Tier]) -> TierSummary:
    values: dict[str, Counter[str]] = {}
    for tier in tiers:
        for column, called in enumerate(tier.fields):
            counts = values.setdefault(called, Counter())
            counts.update(cell.values[column] for cell in tier.cells if cell.values[column])
    return TierSummary(
        name=name,
        count=sum(len(tier.cells) for tier in tiers),
        coders=tuple(sorted({tier.coder for tier in tiers if tier.coder})),
        participants=tuple(sorted({tier.participant for tier in tiers if tier.participant})),
        points=sum(cell.start == cell.end for tier in tiers for cell in tier.cells),
        examples={
            called: tuple(_shortened(text) for text, _ in counts.most_common(_EXAMPLES))
            for called, counts in values.items()
        },
    )


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def propose(tiers: Iterable[Tier], table: TableLayout | None = None) -> TierMapping:
    """Return a proposal for each name; ``table``: its layout, if it is one.

    By the name: AU numbers (AU45 is a blink), blinks, speech, head and gaze, apex, expressions;
    else by the values: where most of them name an emotion, a kind or an action unit, it is a
    tier of expressions or of units.  Everything else is kept as it stands.
    """
    by_name: dict[str, list[Tier]] = {}
    for tier in tiers:
        by_name.setdefault(tier.name, []).append(tier)
    return TierMapping(tuple(_proposal(name, found) for name, found in by_name.items()), table)


def _proposal(name: str, tiers: list[Tier]) -> TierMeaning:
    event = tiers[0].event or event_in(name)
    if event is not None:
        return TierMeaning(name=name, means="event", event=event)
    words, roles = set(words_of(name)), _roles(tiers)
    unit = units_in(name)
    if unit:
        return TierMeaning(name=name, means="au", unit=unit, fields=roles)
    if words & APEX_WORDS:
        return TierMeaning(name=name, means="apex")
    kinds = {KINDS_BY_WORD[word] for word in words & KINDS_BY_WORD.keys()}
    kind: KindRule = (
        "micro" if kinds == {"micro"} else "macro" if kinds == {"macro"} else "duration"
    )
    said = read_words(name)
    if kinds or said.emotion or words & EXPRESSION_WORDS:
        emotion = said.emotion or ""
        return TierMeaning(
            name=name, means="expression", kind=kind, emotion=emotion, fields=roles
        )
    return _by_values(name, tiers, roles, units=bool(words & AU_WORDS))


def _by_values(
    name: str, tiers: list[Tier], roles: dict[str, Role], *, units: bool
) -> TierMeaning:
    """Return a proposal for a name that says nothing."""
    values = [text for tier in tiers for cell in tier.cells for text in cell.values if text]
    values = values[:_MOST_VALUES]
    said = [read_words(text) for text in values]
    of_units = sum(bool(one.units) and not one.rest for one in said)
    of_faces = sum(bool(one.emotion or one.kind) for one in said)
    if values and (2 * of_units > len(values) or (units and of_units)):
        return TierMeaning(name=name, means="au", fields=roles)
    if values and 2 * of_faces > len(values):
        return TierMeaning(name=name, means="expression", fields=roles)
    return TierMeaning(name=name, means="keep")


def _roles(tiers: list[Tier]) -> dict[str, Role]:
    """Return what fields are by their names; the others are read for their words."""
    roles: dict[str, Role] = {}
    for tier in tiers:
        for called in tier.fields:
            words = set(words_of(called))
            if words & NOTE_WORDS:
                roles[called] = "note"
            elif words & CODER_WORDS:
                roles[called] = "coder"
            elif words & APEX_WORDS:
                roles[called] = "apex"
            elif words & AU_WORDS:
                roles[called] = "au"
    return roles
