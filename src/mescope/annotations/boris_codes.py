"""Codes of a scheme in a BORIS project: behaviours, written and read back.

A code is a behaviour with the tier as its category, state or point event, and the tier's
modifiers; its subject is ``<face>#<coder>``.  The comment of its last row holds it as JSON,
that of a state's first row the note.  BORIS pairs rows in turn, so codes of one behaviour that
overlap have subjects of their own (``0.2#ann``).  The description of an observation says which
tiers there are, so that a behaviour that a coder adds in BORIS is read, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mescope.annotations import face_events
from mescope.annotations.annotation import AnnotationSet
from mescope.annotations.boris_project import Media, Observation, Row, file_of
from mescope.annotations.boris_tiers import APEX, Timed, modifier, paired
from mescope.annotations.clock import Timeline
from mescope.annotations.coded import (
    CodedSpan,
    CodedTier,
    CodeKind,
    coded_from_facts,
    facts_of_coded,
    from_dict,
    kind_of,
    normal_coded,
    to_dict,
)
from mescope.annotations.coded_read import Codes, placed, set_right
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import listing, parse_json, table, word
from mescope.annotations.stored import compact
from mescope.annotations.tiers import unused_name
from mescope.errors import DatasetError

_STORED = '{"tier":"'  # begins the comment that holds a code; those of tiers have an object
Names = dict[tuple[str, str, str], str]
"""What BORIS calls codes: behaviours by tier, its kind, and code."""


def behaviours(tiers: Sequence[CodedTier], taken: Iterable[str] = ()) -> Names:
    """Return what BORIS calls the codes of tiers: a code, with its tier where that is taken.

    Args:
        tiers: of the scheme.
        taken: further behaviours of the project.
    """
    codes = [code.lower() for tier in tiers for code in tier.codes]
    ours = {APEX.lower(), *KINDS, *face_events.CODES.values(), *(one.lower() for one in taken)}
    names: Names = {}
    for tier in tiers:
        for code in tier.codes:
            alone = codes.count(code.lower()) == 1 and code.lower() not in ours
            wanted = code if alone else f"{tier.name}: {code}"
            names[tier.name, tier.kind, code] = unused_name(wanted, {*names.values(), *taken})
    return names


def facts_of_codes(tiers: Sequence[CodedTier], names: Names) -> dict[str, Any]:
    """Return what the description of an observation says of codes; nothing without any."""
    if not tiers:
        return {}
    shown = [[behaviour, *key] for key, behaviour in names.items()]
    return {"codes": [facts_of_coded(tier) for tier in tiers], "behaviours": shown}


def rows_of_codes(
    sheet: AnnotationSet, tiers: Sequence[CodedTier], names: Names
) -> Iterator[Timed]:
    """Yield the rows of events of the codes of a set.

    Args:
        sheet: with codes.
        tiers: of the whole project, which say the order of modifiers.
        names: see :func:`behaviours`.
    """
    ordered = {(tier.name, tier.kind): [name for name, _ in tier.modifiers] for tier in tiers}
    for tier in sheet.coded:
        free: dict[tuple[str, str], list[int]] = {}
        for span in sorted(tier.spans, key=lambda s: (s.coder, s.interval, s.code)):
            code = names[tier.name, tier.kind, span.code]
            start = round((span.onset_s + sheet.shown_from) * 1000)
            stop = max(start + 1, round((span.end_s + sheet.shown_from) * 1000))
            who = _subject(span.coder, free.setdefault((span.coder, code), []), start, stop)
            given = _given(span, ordered[tier.name, tier.kind])
            kept, first, last = compact(to_dict(tier, span)), *_frames(span)
            if tier.kind == "point":
                yield start, 1, [start / 1000, who, code, given, kept, first]
                continue
            yield start, 2, [start / 1000, who, code, given, span.note, first]
            yield stop, 0, [stop / 1000, who, code, given, kept, last]


def _frames(span: CodedSpan) -> tuple[int, int]:
    return span.interval.first, span.interval.last


def _subject(coder: str, free: list[int], start: int, stop: int) -> str:
    """Return a subject whose rows of this behaviour end before this one starts."""
    lane = next((n for n, until in enumerate(free) if until < start), len(free))
    free[lane : lane + 1] = [stop]
    number = "" if lane == 0 else f".{lane + 1}"
    return f"{face_events.FACE}{number}#{coder}"


def _given(span: CodedSpan, names: Sequence[str]) -> str:
    """Return the modifiers of a code as BORIS writes them, in the order of their sets."""
    chosen = dict(span.modifiers)
    return "|".join(modifier(chosen.get(name)) or "None" for name in names)


@dataclass
class CodeRows:
    """The rows of an observation that are codes."""

    observation: Observation
    tiers: dict[tuple[str, str], CodedTier]  # by name and kind
    names: dict[str, tuple[str, str, str]]  # those of the tier, and the code, by the behaviour

    @classmethod
    def of(
        cls, observation: Observation, rows: Sequence[Row], facts: Mapping[str, Any]
    ) -> CodeRows:
        """Learn which behaviours are codes: from the facts of mescope, and from the rows.

        Raises:
            ValueError: the facts make no sense.
        """
        known = [coded_from_facts(one) for one in listing(facts.get("codes", []), "codes")]
        found = [(row, tier) for row in rows if (tier := _stored(row)) is not None]
        tiers = normal_coded((*known, *(replace(tier, spans=()) for _, tier in found)))
        names: dict[str, tuple[str, str, str]] = {}
        for row, tier in found:
            code = tier.spans[0].code
            if row.code in (code, f"{tier.name}: {code}"):  # nobody changed it since
                names[row.code] = (tier.name, tier.kind, code)
        for row in listing(facts.get("behaviours", []), "behaviours"):
            parts = [word(part, "a behaviour") for part in listing(row, "a behaviour")]
            if len(parts) != 4:
                raise ValueError(f"expected 4 words of a behaviour, found {len(parts)}")
            names[parts[0]] = (parts[1], parts[2], parts[3])
        return cls(observation, {(tier.name, tier.kind): tier for tier in tiers}, names)

    def holds(self, row: Row) -> bool:
        """Say whether a row is of a code."""
        return row.code in self.names

    def read(
        self, rows: Sequence[Row], media: list[Media], facts: AnnotationSet | None
    ) -> dict[int, tuple[CodedTier, ...]]:
        """Return the codes of each media file; ``facts``: what mescope wrote of the video."""
        by_file: dict[int, Codes] = {}
        observation = self.observation
        for start, stop in paired([row for row in rows if self.holds(row)], observation):
            i = file_of(media, start.time, stop.time)
            if i is None:
                observation.left_out(start.line, "it lies in no media file or in two")
                continue
            about = facts or AnnotationSet(video=media[i].name, rate=media[i].rate)
            timeline = Timeline.of(about, observation.clock)
            codes = by_file.setdefault(i, Codes(list(self.tiers.values())))
            try:
                tier = self._code(start, stop, media[i].start, timeline)
            except ValueError as error:
                observation.left_out(start.line, error)
                continue
            codes.add(tier.name, tier.kind, tier.spans[0])
        empty = () if facts is None else tuple(self.tiers.values())
        made = {i: codes.done() for i, codes in by_file.items()}
        return made or ({0: normal_coded(empty)} if empty else {})

    def _code(self, start: Row, stop: Row, zero: float, timeline: Timeline) -> CodedTier:
        """Return the code of a pair of rows; ValueError says what is wrong with it."""
        name, of_kind, code = self.names[start.code]
        scheme = self.tiers.get((name, of_kind)) or CodedTier(
            name=name, kind=kind_of(of_kind), codes=()
        )
        first, last = start.time - zero, None if start is stop else stop.time - zero
        who = start.subject.partition("#")[2]
        stored = _stored(stop)
        if stored is None:
            chosen = self._modifiers(start.modifier, scheme)
            span = CodedSpan(
                code=code, coder=who or self._somebody(), modifiers=chosen, note=start.comment,
                **placed(first, last, timeline),
            )  # fmt: skip
            kind: CodeKind = "point" if start is stop else "state"
            return replace(scheme, kind=scheme.kind or kind, spans=(span,))
        span, remark = set_right(stored.spans[0], stored.kind, first, last, timeline)
        if remark:
            self.observation.note(start.line, remark)
        span = replace(span, code=code, coder=who)
        if start.modifier != _given(span, [one for one, _ in scheme.modifiers]):
            span = replace(span, modifiers=self._modifiers(start.modifier, scheme))
        if start is not stop:
            span = replace(span, note=start.comment)
        return replace(scheme, kind=scheme.kind or stored.kind, spans=(span,))

    def _somebody(self) -> str:
        return self.observation.name if self.observation.shared else ""

    def _modifiers(self, given: str, scheme: CodedTier) -> tuple[tuple[str, str], ...]:
        """Return what was chosen in BORIS of each set of modifiers."""
        found = []
        parts = [part for part in given.split("|")] if given else []
        for (name, values), part in zip(scheme.modifiers, parts, strict=False):
            whole = next((one for one in values if modifier(one) == part), part)
            if part not in ("", "None"):
                found.append((name, whole))
        if len(parts) > len(scheme.modifiers):
            raise ValueError(
                f"expected {len(scheme.modifiers)} modifiers, found {given[:40]!r}"
            )
        return tuple(found)


def _stored(row: Row) -> CodedTier | None:
    """Return the code that mescope kept in the comment of a row, or None."""
    if not row.comment.startswith(_STORED):
        return None
    try:
        return from_dict(table(parse_json(row.comment, "the comment"), "the comment"))
    except (DatasetError, ValueError):
        return None
