"""Codes of a scheme in an EAF: written, and read back.

A tier of the scheme is a tier ``<name>@<coder>`` for each coder, of a type of its own with the
scheme's controlled vocabulary; below it stand one for each modifier, notes, and the frames
(``Gaze-head@ann``, ``Gaze-note@ann``, ``Gaze-frames@ann``).  The property ``mescope:codes``
says which types are of which tier, so that a tier that a coder adds in ELAN with such a type
is read, too; its annotator is its coder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

from mescope.annotations import face_events
from mescope.annotations.annotation import Annotation, widened
from mescope.annotations.clock import Timeline
from mescope.annotations.coded import (
    CodedSpan,
    CodedTier,
    coded_from_facts,
    facts_of_coded,
    rows_of,
)
from mescope.annotations.coded_read import Codes, placed, set_right
from mescope.annotations.elan_document import (
    Document,
    TierType,
    free_tier_name,
    told_tiers,
    vocabulary,
)
from mescope.annotations.elan_time import Times
from mescope.annotations.files import listing, word
from mescope.annotations.problems import Remarks
from mescope.annotations.stored import frames_of, frames_text
from mescope.annotations.text import one_line
from mescope.annotations.tiers import unused_name

CODES = "mescope:codes"
"""The property that says which types of tiers are of which tier of the scheme."""

NOTE_TYPE, FRAMES_TYPE = "codes: note", "codes: frames"
_BELOW = "Symbolic_Association"
_WHEN = ("interval", "onset_s", "offset_s", "end_s")
_Said = dict[tuple[str, str], dict[str, str]]  # what of which modifier: by annotation
Timed = tuple[CodedSpan, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Types:
    """What the types of a tier of the scheme are called: its own, those of its modifiers."""

    tier: CodedTier
    own: str
    below: tuple[str, ...]


@dataclass
class CodesWriter:
    """Writes the codes of a set into a document."""

    document: Document
    coded: Sequence[CodedTier]
    zero: float
    types: list[_Types] = field(default_factory=list)

    def write(self) -> None:
        """Make a tier for each of the scheme, of each coder, and those below it."""
        taken = {NOTE_TYPE, FRAMES_TYPE}
        for tier in self.coded:
            own, *below = (
                unused_name(name, taken)
                for name in (f"codes of {tier.name}", *_names(tier, "codes of {}: {}"))
            )
            self.types.append(_Types(tier, own, tuple(below)))
            taken |= {own, *below}
        for types in self.types:
            for coder, spans in types.tier.by_coder().items():
                ends = [widened(s.onset_s + self.zero, s.end_s + self.zero) for s in spans]
                order = sorted(range(len(spans)), key=lambda i: ends[i])
                rows = rows_of([ends[i] for i in order])
                for row in range(max(rows) + 1):
                    mine = [i for i, r in zip(order, rows, strict=True) if r == row]
                    self._tier(types, coder, row, [(spans[i], ends[i]) for i in mine])

    def _tier(self, types: _Types, coder: str, row: int, spans: list[Timed]) -> None:
        tail = f"@{coder}" if row == 0 else f".{row + 1}@{coder}"
        facts = {"ANNOTATOR": coder, "PARTICIPANT": face_events.FACE}
        document, name = self.document, types.tier.name
        top = document.tier(self._free(f"{name}{tail}"), types.own, facts)
        ids = [(document.interval(top, ends, span.code), span) for span, ends in spans]
        below: list[tuple[str, str, list[tuple[str, str]]]] = []
        for (modifier, _), kind in zip(types.tier.modifiers, types.below, strict=True):
            chosen = [(one, dict(span.modifiers).get(modifier, "")) for one, span in ids]
            below.append((modifier, kind, chosen))
        below.append(("note", NOTE_TYPE, [(one, span.note) for one, span in ids]))
        below.append(("frames", FRAMES_TYPE, [(one, _frames(span)) for one, span in ids]))
        for called, kind, values in below:
            if not any(value for _, value in values):
                continue
            made = document.tier(self._free(f"{name}-{called}{tail}"), kind, facts, top)
            for parent, value in values:
                if value:
                    document.reference(made, parent, value)

    def _free(self, name: str) -> str:
        return free_tier_name(name, self.document.names)

    @property
    def kinds(self) -> list[TierType]:
        """The linguistic types of its tiers."""
        if not self.types:
            return []
        every: list[TierType] = [(one.own, True, "", one.own) for one in self.types]
        every += [(kind, False, _BELOW, kind) for one in self.types for kind in one.below]
        return [*every, (NOTE_TYPE, False, _BELOW, ""), (FRAMES_TYPE, False, _BELOW, "")]

    @property
    def vocabularies(self) -> list[Element]:
        """The controlled vocabularies of its tiers."""
        made = []
        for one in self.types:
            made.append(vocabulary(one.own, one.tier.codes))
            for kind, (_, values) in zip(one.below, one.tier.modifiers, strict=True):
                made.append(vocabulary(kind, values))
        return made

    @property
    def facts(self) -> dict[str, Any]:
        """What the header says of its tiers; nothing where there are none."""
        rows = [
            {**facts_of_coded(one.tier), "types": [one.own, *one.below]} for one in self.types
        ]
        return {"tiers": rows} if rows else {}


def _names(tier: CodedTier, pattern: str) -> list[str]:
    return [pattern.format(tier.name, modifier) for modifier, _ in tier.modifiers]


def _frames(span: CodedSpan) -> str:
    return frames_text(
        Annotation(
            interval=span.interval,
            kind="micro",  # of no meaning: frames and times are written, and nothing else
            onset_s=span.onset_s,
            offset_s=span.offset_s,
            end_s=span.end_s,
        )
    )


def codes_in(
    root: Element, timeline: Timeline, times: Times, remarks: Remarks
) -> tuple[tuple[CodedTier, ...], set[str]]:
    """Return the codes of a document, and the ids of the tiers on which they stand.

    Args:
        root: the document.
        timeline: what its seconds mean.
        times: when its annotations are.
        remarks: told what was moved or left out.

    Raises:
        ValueError: what mescope left of them in the header makes no sense.
    """
    reader = _Reader(timeline, times, remarks)
    kinds = reader.learn(root)
    tiers = {tier.get("TIER_ID", ""): tier for tier in root.iter("TIER")}
    told: set[str] = set()
    for name, tier in tiers.items():
        one = kinds.get(tier.get("LINGUISTIC_TYPE_REF", ""))
        if one is None:
            continue
        values: _Said = {}
        for below_name, below in tiers.items():
            called = one.below.get(below.get("LINGUISTIC_TYPE_REF", ""))
            if called is not None and below.get("PARENT_REF") == name:
                values[called] = _values(below)
                told.add(below_name)
        told.add(name)
        reader.read(tier, one.tier, values)
    return reader.codes.done(), told


@dataclass(frozen=True, slots=True)
class _Kind:
    tier: CodedTier
    below: dict[str, tuple[str, str]]  # type: what its values are, and of which modifier


@dataclass
class _Reader:
    """The codes of a document while they are read."""

    timeline: Timeline
    times: Times
    remarks: Remarks
    codes: Codes = field(default_factory=Codes)

    def learn(self, root: Element) -> dict[str, _Kind]:
        """Return the tiers of the scheme by the type of their tiers."""
        kinds = {}
        for row in told_tiers(root, CODES, "a tier of codes"):
            tier, types = coded_from_facts(row), listing(row.get("types"), "types")
            own, *below = (word(one, "a type") for one in types or [""])
            if len(below) != len(tier.modifiers):
                raise ValueError(f"expected {len(tier.modifiers)} types of {tier.name[:40]!r}")
            named = {
                kind: ("modifier", modifier)
                for kind, (modifier, _) in zip(below, tier.modifiers, strict=True)
            }
            every = {**named, NOTE_TYPE: ("note", ""), FRAMES_TYPE: ("frames", "")}
            kinds[own] = _Kind(tier, every)
            self.codes.known.append(tier)
        return kinds

    def read(self, tier: Element, scheme: CodedTier, below: _Said) -> None:
        """Enter the codes of a tier."""
        for one in (one for holder in tier.iter("ANNOTATION") for one in holder):
            identity = one.get("ANNOTATION_ID", "")
            said = {what: values.get(identity, "") for what, values in below.items()}
            where = f"{tier.get('TIER_ID', '')}, {identity or '?'}"
            try:
                code = self._code(one, scheme, said, where)
            except ValueError as error:
                self.remarks.left_out(where, error)
                continue
            code = replace(code, coder=tier.get("ANNOTATOR", ""))
            self.codes.add(scheme.name, scheme.kind, code)

    def _code(
        self, one: Element, scheme: CodedTier, said: dict[tuple[str, str], str], where: str
    ) -> CodedSpan:
        """Return the code of an annotation; ValueError says what is wrong with it."""
        span = self.times.span(one)
        if span is None or span[1] <= span[0]:
            raise ValueError("its start or end has no time, or it ends before it starts")
        if not _value(one):
            raise ValueError("it has no code")
        start, end = span[0] / 1000, span[1] / 1000
        point = scheme.kind == "point"
        frames = said.get(("frames", ""), "")
        kept = (
            frames_of(frames)
            if frames
            else placed(start, None if point else end, self.timeline)
        )
        if not kept.keys() >= set(_WHEN):
            raise ValueError(f"expected frames and times, found {frames[:40]!r}")
        code = CodedSpan(
            code=one_line(_value(one)),
            coder="",
            modifiers=tuple((name, v) for (_, name), v in said.items() if name and v),
            note=said.get(("note", ""), ""),
            **{name: kept[name] for name in _WHEN},
        )
        if frames:
            code, remark = set_right(code, scheme.kind, start, end, self.timeline)
            if remark:
                self.remarks.add(where, remark)
        return code


def _value(one: Element) -> str:
    return (one.findtext("ANNOTATION_VALUE") or "").strip()


def _values(tier: Element) -> dict[str, str]:
    """Return what a tier says, by the annotation of which it says it."""
    return {one.get("ANNOTATION_REF", ""): _value(one) for one in tier.iter("REF_ANNOTATION")}
