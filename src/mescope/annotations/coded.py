"""What coders marked on tiers of their own: states and points, with modifiers.

They are no expressions: no scorer reads them.  ELAN gets a tier ``<name>@<coder>`` with the
tier's controlled vocabulary and one below it for each modifier (:mod:`elan_codes`), BORIS a
behaviour for each code, with the tier as its category (:mod:`boris_codes`); a table of their
own (:mod:`coded_table`) holds them whole, and all of these are read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mescope.annotations.files import listing, number, table, whole, word
from mescope.annotations.text import one_line, paragraphs
from mescope.events import Interval

CodeKind = Literal["state", "point", ""]
"""States last, points have one frame; empty where a file of another program does not say."""

_DIGITS = 9  # of seconds: a nanosecond


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedSpan:
    """One code from onset to offset; a point has one frame.

    ``onset_s`` and ``offset_s`` are the times of its first and last frame, ``end_s`` is when
    the last one ends, in seconds from the first frame of the recording.
    """

    code: str
    interval: Interval
    coder: str
    onset_s: float
    offset_s: float
    end_s: float
    modifiers: tuple[tuple[str, str], ...] = ()  # name and value
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedTier:
    """One tier of a code scheme and what stands on it.

    ``codes`` are its vocabulary, ``modifiers`` the values by name of modifier.
    """

    name: str
    kind: CodeKind
    codes: tuple[str, ...]
    modifiers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    spans: tuple[CodedSpan, ...] = ()

    def by_coder(self) -> dict[str, list[CodedSpan]]:
        """Return the spans of each coder in order of time."""
        found: dict[str, list[CodedSpan]] = {}
        for span in sorted(self.spans, key=_place):
            found.setdefault(span.coder, []).append(span)
        return found


def _place(span: CodedSpan) -> tuple[Any, ...]:
    return (span.coder, span.interval, span.code, span.modifiers, span.note)


def rows_of(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Return a row from 0 for each of some spans in order of time, so that none overlap in it.

    >>> rows_of([(0, 5), (2, 3), (5, 9)])
    [0, 1, 0]
    """
    free: list[int] = []
    chosen = []
    for start, end in ends:
        row = next((n for n, until in enumerate(free) if until <= start), len(free))
        free[row : row + 1] = [end]
        chosen.append(row)
    return chosen


def normal_coded(tiers: Iterable[CodedTier]) -> tuple[CodedTier, ...]:
    """Return tiers as any format gives them back: tidy text, of one name and kind one tier.

    Codes and modifiers that occur are words of the vocabulary; what stands twice stands once.
    """
    done: list[CodedTier] = []
    for tier in map(_tidy, tiers):
        at = next((i for i, one in enumerate(done) if _alike(one, tier)), None)
        if at is None:
            done.append(tier)
        else:
            done[at] = _both(done[at], tier)
    return tuple(map(_whole, done))


def _alike(one: CodedTier, other: CodedTier) -> bool:
    return one.name == other.name and (one.kind == other.kind or "" in (one.kind, other.kind))


def _tidy(tier: CodedTier) -> CodedTier:
    return replace(
        tier,
        name=one_line(tier.name) or "codes",
        codes=tuple(map(one_line, tier.codes)),
        modifiers=tuple((one_line(m), tuple(map(one_line, v))) for m, v in tier.modifiers),
        spans=tuple(map(_tidy_span, tier.spans)),
    )


def _tidy_span(span: CodedSpan) -> CodedSpan:
    pairs = ((one_line(name), one_line(value)) for name, value in span.modifiers)
    return replace(
        span,
        code=one_line(span.code),
        coder=one_line(span.coder),
        onset_s=round(span.onset_s, _DIGITS),
        offset_s=round(span.offset_s, _DIGITS),
        end_s=round(span.end_s, _DIGITS),
        modifiers=tuple(sorted((name, value) for name, value in pairs if value)),
        note=paragraphs(span.note),
    )


def _both(one: CodedTier, other: CodedTier) -> CodedTier:
    return replace(
        one,
        kind=one.kind or other.kind,
        codes=(*one.codes, *other.codes),
        modifiers=(*one.modifiers, *other.modifiers),
        spans=(*one.spans, *other.spans),
    )


def _whole(tier: CodedTier) -> CodedTier:
    """Return a tier whose vocabulary holds every word that stands on it."""
    spans = sorted(dict.fromkeys(tier.spans), key=_place)
    values: dict[str, dict[str, None]] = {}
    for name, known in tier.modifiers:
        values.setdefault(name, {}).update(dict.fromkeys(known))
    for span in spans:
        for name, value in span.modifiers:
            values.setdefault(name, {})[value] = None
    return replace(
        tier,
        codes=tuple(dict.fromkeys((*tier.codes, *(span.code for span in spans)))),
        modifiers=tuple((name, tuple(known)) for name, known in values.items()),
        spans=tuple(spans),
    )


def to_dict(tier: CodedTier, span: CodedSpan) -> dict[str, Any]:
    """Return a code as values that JSON holds."""
    return {
        "tier": tier.name,
        "kind": tier.kind,
        "code": span.code,
        "onset": span.interval.first,
        "offset": span.interval.last,
        "onset_s": span.onset_s,
        "offset_s": span.offset_s,
        "end_s": span.end_s,
        "coder": span.coder,
        "modifiers": dict(span.modifiers),
        "note": span.note,
    }


def from_dict(kept: Mapping[str, Any]) -> CodedTier:
    """Return the tier, with one span, that :func:`to_dict` made into values.

    Raises:
        ValueError: a field is missing, of another type, or makes no sense.
    """
    needed = ("tier", "code", "onset", "offset", "onset_s", "offset_s", "end_s")
    missing = [name for name in needed if name not in kept]
    if missing:
        raise ValueError(f"expected {missing[0]} of a code, found none")
    chosen = table(kept.get("modifiers", {}), "modifiers")
    times = [number(kept[name], name) for name in needed[4:]]
    if times != sorted(times) or times[0] < 0:
        raise ValueError(f"expected times from 0 on in order, found {times}")
    code = word(kept["code"], "code")
    if not code.strip():
        raise ValueError("expected a code, found an empty text")
    span = CodedSpan(
        code=code,
        interval=Interval(whole(kept["onset"], "onset"), whole(kept["offset"], "offset")),
        coder=word(kept.get("coder", ""), "coder"),
        onset_s=times[0],
        offset_s=times[1],
        end_s=times[2],
        modifiers=tuple((name, word(value, "a modifier")) for name, value in chosen.items()),
        note=word(kept.get("note", ""), "note"),
    )
    name = word(kept["tier"], "tier")
    return CodedTier(name=name, kind=kind_of(kept.get("kind", "")), codes=(), spans=(span,))


def kind_of(value: Any) -> CodeKind:
    """Return whether codes are states or points; raises ValueError."""
    if value not in ("state", "point", ""):
        raise ValueError(f"expected state or point, found {str(value)[:40]!r}")
    return value  # type: ignore[no-any-return]  # checked


def facts_of_coded(tier: CodedTier) -> dict[str, Any]:
    """Return what is said of a tier beside its codes, as values that JSON holds."""
    return {
        "name": tier.name,
        "kind": tier.kind,
        "codes": list(tier.codes),
        "modifiers": [[name, *values] for name, values in tier.modifiers],
    }


def coded_from_facts(kept: Any) -> CodedTier:
    """Return the tier, without codes, of which :func:`facts_of_coded` told.

    Raises:
        ValueError: a field is missing or of another type.
    """
    facts = table(kept, "a tier of codes")
    modifiers = []
    for row in listing(facts.get("modifiers", []), "modifiers"):
        name, *values = (word(one, "a modifier") for one in listing(row, "a modifier") or [""])
        modifiers.append((name, tuple(values)))
    return CodedTier(
        name=word(facts.get("name"), "the name of a tier of codes"),
        kind=kind_of(facts.get("kind", "")),
        codes=tuple(word(one, "a code") for one in listing(facts.get("codes", []), "codes")),
        modifiers=tuple(modifiers),
    )
