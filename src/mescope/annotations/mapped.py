"""Tiers of other programs become marks, events and kept tiers, as a mapping says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from mescope import facs
from mescope.annotations.annotation import Annotation, AnnotationSet, Contents, in_order
from mescope.annotations.clock import Clock, Timeline
from mescope.annotations.coded import CodedTier, normal_coded
from mescope.annotations.coded_read import code_in, meaning_of
from mescope.annotations.datavyu_text import ms_of
from mescope.annotations.mapping import TierMapping, TierMeaning
from mescope.annotations.mapping_words import Said, read_words, unit_of
from mescope.annotations.problems import OutsideError, Remarks
from mescope.annotations.text import one_line, paragraphs
from mescope.annotations.tier_count import TierCount
from mescope.annotations.tiers import Cell, Tier, normal_tiers
from mescope.events import MICRO_MAX_S, Kind

Made = TypeVar("Made")

_LONGEST_EMOTION = 64  # characters; what is longer is a note
_NEAR = 0.04  # seconds: a frame where nobody knows how long one is


@dataclass(frozen=True, slots=True)
class Mapped:
    """The contents of a file as a mapping reads them, and what became of each tier."""

    contents: Contents
    counts: tuple[TierCount, ...]

    @property
    def told(self) -> Contents:
        """Return the contents with what became of each tier among the remarks."""
        said = (*self.contents.remarks, *map(str, self.counts))
        return replace(self.contents, remarks=said)


def mapped(
    contents: Contents,
    mapping: TierMapping,
    clock: Clock | None = None,
    *,
    coder: str = "",
) -> Mapped:
    """Return what a file says once its tiers have a meaning.

    Tiers of which the mapping says nothing are kept as they stand.  Action units of one coder
    from the same onset to the same offset become one mark.

    Args:
        contents: with tiers as they stand.
        mapping: what they mean.
        clock: the times of the recording.
        coder: whose the marks are where neither mapping nor file says it.

    Raises:
        DatasetError: a mark lies outside the recording.
    """
    remarks = Remarks()
    counts: dict[str, TierCount] = {}
    sets = []
    for one in contents.sets:
        reader = _Reader(mapping, Timeline.of(one, clock), coder, counts, remarks)
        sets.append(reader.read(one))
    _count_lost(contents, mapping, counts)
    remarks.check(", ".join(dict.fromkeys(one.video for one in sets)))
    lost = contents.lost + sum(count.left_out for count in counts.values())
    done = replace(
        contents, sets=tuple(sets), remarks=(*contents.remarks, *remarks.said), lost=lost
    )
    return Mapped(done, tuple(counts.values()))


def _count_lost(contents: Contents, mapping: TierMapping, counts: dict[str, TierCount]) -> None:
    """Count cells that the reader left out, where the mapping makes marks or codes of them."""
    for name, number in contents.lost_cells.items():
        meaning = mapping.of(name)
        if meaning is None or meaning.means in ("keep", "event", "ignore"):
            continue
        count = counts.setdefault(name, TierCount(name, meaning.means, kept=meaning.keeps))
        count.cells += number
        count.lose("see above", number)


def with_codes(contents: Contents, clock: Clock | None) -> Contents:
    """Return contents whose codes, which their format holds as plain tiers, are codes again.

    Raises:
        DatasetError: a code lies outside the recording.
    """
    return mapped(contents, TierMapping(), clock).contents


@dataclass
class _Reader:
    """The tiers of one video while they are read."""

    mapping: TierMapping
    timeline: Timeline
    coder: str
    counts: dict[str, TierCount]
    remarks: Remarks
    apexes: dict[str, list[tuple[float, TierCount]]] = field(default_factory=dict)

    def read(self, one: AnnotationSet) -> AnnotationSet:
        """Return the set with marks for what means some, and with the tiers that are kept."""
        for tier in one.tiers:
            if self._meaning(tier).means == "apex":
                self._apexes(tier)
            elif self._meaning(tier).means == "ignore":
                self._count(tier).cells += len(tier.cells)
        marks: list[Annotation] = []
        units: list[Annotation] = []
        for tier in one.tiers:
            meaning = self._meaning(tier)
            if meaning.means in ("expression", "au"):
                found = units if meaning.means == "au" else marks
                found += self._marks(tier, meaning)
        for leftover, count in (pair for pairs in self.apexes.values() for pair in pairs):
            count.lose(f"no mark is at {leftover:.3f} s")
        codes = [code for tier in one.tiers for code in self._codes(tier)]
        kept = [self._kept(tier) for tier in one.tiers if self._meaning(tier).keeps]
        there = {_likeness(mark) for mark in one.marks}  # made of these tiers before
        fresh = [m for m in (*marks, *self._joined(units)) if _likeness(m) not in there]
        return replace(
            one,
            marks=in_order((*one.marks, *fresh)),
            coded=normal_coded((*one.coded, *codes)),
            tiers=normal_tiers(kept),
        )

    def _meaning(self, tier: Tier) -> TierMeaning:
        known = self.mapping.of(tier.name) or meaning_of(tier)
        return known or TierMeaning(name=tier.name)

    def _count(self, tier: Tier) -> TierCount:
        meaning = self._meaning(tier)
        count = self.counts.setdefault(tier.name, TierCount(tier.name, meaning.means))
        count.kept = meaning.keeps
        return count

    def _kept(self, tier: Tier) -> Tier:
        meaning, count = self._meaning(tier), self._count(tier)
        if meaning.means in ("keep", "event"):
            count.cells += len(tier.cells)
        event = meaning.event if meaning.means == "event" else tier.event
        return replace(tier, event=event, coder=meaning.coder or tier.coder or self.coder)

    def _apexes(self, tier: Tier) -> None:
        count = self._count(tier)
        count.cells += len(tier.cells)
        coder = self._meaning(tier).coder or tier.coder or self.coder
        places = self.apexes.setdefault(coder, [])
        places += [(cell.start / 1000, count) for cell in tier.cells]

    def _marks(self, tier: Tier, meaning: TierMeaning) -> list[Annotation]:
        return self._each(tier, lambda cell: self._mark(tier, meaning, cell))

    def _codes(self, tier: Tier) -> list[CodedTier]:
        meaning = self._meaning(tier)
        if meaning.means != "codes":
            return []
        whose = replace(tier, coder=tier.coder or self.coder)
        return self._each(tier, lambda cell: code_in(whose, meaning, cell, self.timeline))

    def _each(self, tier: Tier, made_of: Callable[[Cell], Made]) -> list[Made]:
        """Return what is made of the cells of a tier; count those that make no sense."""
        count, found = self._count(tier), []
        count.cells += len(tier.cells)
        for cell in tier.cells:
            try:
                made = made_of(cell)
            except OutsideError as error:
                self.remarks.left_out(f"{tier.name}, {cell.start / 1000:.3f} s", error)
                continue
            except ValueError as error:
                count.lose(str(error))
                continue
            found.append(made)
            count.marks += 1
        return found

    def _mark(self, tier: Tier, meaning: TierMeaning, cell: Cell) -> Annotation:
        """Return the mark of a cell; ValueError says why it is none."""
        told = _Told.of(tier, meaning, cell)
        coder = meaning.coder or told.coder or tier.coder or self.coder
        start, end = cell.start / 1000, cell.end / 1000
        if tier.last_frame or cell.start == cell.end:
            end = self.timeline.end_of_frame_at(end)
        apex = self._told_apex(tier, told, start, end)
        if apex is None:
            apex = self._apex_within(coder, start, end)
        placed = self.timeline.placed(start, end, apex)
        seconds = placed["offset_s"] - placed["onset_s"]
        rule: Kind = "micro" if seconds <= MICRO_MAX_S else "macro"
        return Annotation(
            kind=told.kind or (meaning.kind if meaning.kind != "duration" else rule),
            source=one_line(coder),
            emotion=told.emotion or meaning.emotion or None,
            action_units=told.units,
            note=paragraphs(told.note),
            status="added",
            **placed,
        )

    def _told_apex(self, tier: Tier, told: _Told, start: float, end: float) -> float | None:
        """Return the apex that a cell names; if it lies outside of it, say so, and None."""
        near = 1 / self.timeline.rate if self.timeline.rate else _NEAR
        if told.apex is None or start - near <= told.apex <= end + near:
            return told.apex
        self.remarks.said.append(
            f"{tier.name}, {start:.3f} s: its apex at {told.apex:.3f} s lies outside of it and "
            "was left out"
        )
        return None

    def _apex_within(self, coder: str, start: float, end: float) -> float | None:
        """Return the first apex in a span that no other mark has; it is used up."""
        places = self.apexes.get(coder) or self.apexes.get("", [])
        for place in places:
            if start <= place[0] <= end:
                places.remove(place)
                place[1].marks += 1
                return place[0]
        return None

    def _joined(self, units: Sequence[Annotation]) -> list[Annotation]:
        """Return marks of action units: those of one coder and the same frames are one."""
        groups: dict[tuple[Any, ...], list[Annotation]] = {}
        for mark in units:
            key = (mark.interval, mark.source, mark.kind)
            groups.setdefault(key, []).append(mark)
        made = [_one_of(group) for group in groups.values()]
        if len(made) < len(units):
            text = (
                f"{len(units)} cells of action units became {len(made)} marks: those of the "
                "same frames are one"
            )
            self.remarks.said.append(text)
        return made


def _likeness(mark: Annotation) -> tuple[Any, ...]:
    return (mark.interval, mark.source, mark.kind, mark.emotion, mark.action_units)


def _one_of(group: list[Annotation]) -> Annotation:
    each = [unit for mark in group for unit in mark.action_units.split("+") if unit]
    notes = dict.fromkeys(mark.note for mark in group if mark.note)
    return replace(
        group[0],
        action_units="+".join(dict.fromkeys(each)),
        emotion=next((mark.emotion for mark in group if mark.emotion), None),
        apex=next((mark.apex for mark in group if mark.apex is not None), None),
        apex_s=next((mark.apex_s for mark in group if mark.apex is not None), None),
        note="; ".join(notes),
    )


@dataclass
class _Told:
    """What the values of a cell say, field by field."""

    kind: Any = None
    emotion: str | None = None
    units: str = ""
    coder: str = ""
    note: str = ""
    apex: float | None = None

    @classmethod
    def of(cls, tier: Tier, meaning: TierMeaning, cell: Cell) -> _Told:
        """Read a cell; ValueError says that it means nothing."""
        told, notes, parts = cls(), [], []
        for name, text in zip(tier.fields, cell.values, strict=True):
            role = meaning.fields.get(name, "words")
            if not text or role == "ignore":
                continue
            if role == "words":
                said = read_words(text, of_units=meaning.means == "au")
                parts.append(said)
                notes.append(said.rest)
            elif role == "emotion" and len(text) <= _LONGEST_EMOTION:
                told.emotion = one_line(text)
            elif role == "au":
                parts.append(Said(units=_units(text)))
            elif role == "apex":
                told.apex = _seconds(text)
            elif role == "coder":
                told.coder = one_line(text)
            else:
                notes.append(text)
        told._take(parts, meaning)
        told.note = "; ".join(filter(None, notes))
        return told

    def _take(self, parts: Iterable[Said], meaning: TierMeaning) -> None:
        units: list[str] = []
        side = intensity = None
        for said in parts:
            if said.absent and meaning.means == "au":
                raise ValueError("its intensity is 0: the action unit is not there")
            self.kind = self.kind or said.kind
            self.emotion = self.emotion or said.emotion
            units += said.units
            side, intensity = side or said.side, intensity or said.intensity
        own = [unit for unit in meaning.unit.split("+") if unit]
        done = [_with(unit, side, intensity) for unit in _together(own, units)]
        if meaning.means == "au" and not done:
            raise ValueError("it names no action unit; say which one the tier means")
        self.units = "+".join(dict.fromkeys(done))


def _together(own: Sequence[str], told: Sequence[str]) -> list[str]:
    """Return the units of a tier, as its cell tells them, and what the cell tells besides."""
    by_number = {_number(unit): unit for unit in told}
    every = []
    for unit in own:
        found = by_number.pop(_number(unit), unit)
        prefix = facs.parse(unit).units[0].prefix
        every.append(_with(found, prefix or None, None))
    return [*every, *by_number.values()]


def _number(unit: str) -> str:
    """Return the code of a unit without side and intensity.

    >>> _number("L12C"), _number("AD19")
    ('AU12', 'AD19')
    """
    read = facs.parse(unit).units
    return f"{read[0].code}{read[0].number}" if read else unit


def _with(unit: str, side: str | None, intensity: str | None) -> str:
    """Return a unit with a side and an intensity, where it has none of its own."""
    read = facs.parse(unit).units
    if not read:
        return unit
    prefix = read[0].prefix or side or ""
    code = "" if read[0].code == "AU" else read[0].code
    return f"{code}{prefix}{read[0].number}{read[0].intensity or intensity or ''}"


def _units(text: str) -> tuple[str, ...]:
    parts = [part for part in text.replace(",", "+").replace(" ", "+").split("+") if part]
    if not all(facs.parse(part).complete and facs.parse(part).units for part in parts):
        raise ValueError(f"action units {text[:40]!r} cannot be read as 4+L10")
    return tuple(unit_of(part) for part in parts)


def _seconds(text: str) -> float | None:
    """Return a time in a value: 00:00:01:234, or seconds."""
    ms = ms_of(text)
    if ms is not None:
        return ms / 1000
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"expected the time of an apex, found {text[:40]!r}") from None
