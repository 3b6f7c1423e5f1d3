"""Codes of files: put together, set right where somebody moved them, and turned into tiers.

Formats that know no codes get them as plain tiers whose first field is ``code`` and whose last
one is ``note``, with the modifiers between; by these they are known again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from mescope.annotations.annotation import Annotation, AnnotationSet, widened
from mescope.annotations.clock import Timeline, reconciled
from mescope.annotations.coded import CodedSpan, CodedTier, CodeKind, normal_coded
from mescope.annotations.mapping import TierMeaning
from mescope.annotations.text import one_line
from mescope.annotations.tiers import Cell, Tier
from mescope.events import Interval

CODE, NOTE = "code", "note"


@dataclass
class Codes:
    """The codes of a file while it is read; ``known`` are its tiers with their words."""

    known: list[CodedTier] = field(default_factory=list)
    found: list[CodedTier] = field(default_factory=list)

    def add(self, name: str, kind: CodeKind, span: CodedSpan) -> None:
        """Enter a code."""
        self.found.append(CodedTier(name=name, kind=kind, codes=(), spans=(span,)))

    def done(self) -> tuple[CodedTier, ...]:
        """Return all of it, tier by tier."""
        return normal_coded((*self.known, *self.found))


def set_right(
    span: CodedSpan, kind: CodeKind, start: float, end: float | None, timeline: Timeline
) -> tuple[CodedSpan, str]:
    """Return a code that mescope wrote as its file now shows it, and a remark if it was moved.

    Args:
        span: as it was written.
        kind: of its tier.
        start: where it starts now, in seconds of the file.
        end: where it ends; None where a program shows the start alone.
        timeline: what these seconds mean.

    Raises:
        ValueError: as :func:`mescope.annotations.clock.reconciled`.
    """
    zero = timeline.kept_from
    if end is None:
        stays = round(start * 1000) == round((span.onset_s + zero) * 1000)
        end = (span.end_s + zero) if stays else start + (span.end_s - span.onset_s)
    if widened(start, end) == widened(span.onset_s + zero, span.end_s + zero):
        return span, ""
    mark, remark = reconciled(_as_mark(span), start, end, digits=3, timeline=timeline)
    return _moved(span, kind, mark), remark


def placed(
    start: float, end: float | None, timeline: Timeline, *, last_frame: bool = False
) -> dict[str, Any]:
    """Return frames and times of a code of which a file shows seconds only.

    Args:
        start: when it starts, in seconds of the file.
        end: when it ends; None: it is one frame.
        timeline: what these seconds mean.
        last_frame: whether ``end`` is the time of the last frame, not of the one after it.

    Raises:
        ValueError: as :meth:`mescope.annotations.clock.Timeline.placed`.
    """
    if end is None or last_frame or end <= start:
        end = timeline.end_of_frame_at(start if end is None else end)
    found = timeline.placed(start, end)
    return {name: found[name] for name in ("interval", "onset_s", "offset_s", "end_s")}


def _as_mark(span: CodedSpan) -> Annotation:
    return Annotation(
        interval=span.interval,
        kind="micro",  # of no meaning: this mark is moved, and nothing else
        onset_s=span.onset_s,
        offset_s=span.offset_s,
        end_s=span.end_s,
    )


def _moved(span: CodedSpan, kind: CodeKind, mark: Annotation) -> CodedSpan:
    first, last = mark.interval.first, mark.interval.last
    onset = span.onset_s if mark.onset_s is None else mark.onset_s
    offset = onset if mark.offset_s is None else mark.offset_s
    if kind == "point":
        last, offset = first, onset
    end = offset if mark.end_s is None else mark.end_s
    return replace(
        span, interval=Interval(first, last), onset_s=onset, offset_s=offset, end_s=end
    )


def as_tiers(coded: Iterable[CodedTier], zero: float) -> tuple[Tier, ...]:
    """Return codes as plain tiers, one for each coder; ``zero``: when frame 0 is shown."""
    made = []
    for tier in coded:
        for coder, spans in tier.by_coder().items():
            said = {name for span in spans for name, _ in span.modifiers}
            names = [name for name, _ in tier.modifiers if name in said]
            cells = [_cell(span, names, tier.kind, zero) for span in spans]
            fields = (CODE, *names, NOTE)
            made.append(Tier(name=tier.name, coder=coder, fields=fields, cells=tuple(cells)))
    return tuple(made)


def _cell(span: CodedSpan, names: list[str], kind: CodeKind, zero: float) -> Cell:
    start, end = widened(max(0.0, span.onset_s + zero), max(0.0, span.end_s + zero))
    chosen = dict(span.modifiers)
    values = (span.code, *(chosen.get(name, "") for name in names), span.note)
    return Cell(start, start if kind == "point" else end, values)


def without_codes(sheet: AnnotationSet) -> AnnotationSet:
    """Return a set for a format that knows no codes: they are tiers of it."""
    tiers = as_tiers(sheet.coded, sheet.shown_from)
    return replace(sheet, coded=(), tiers=(*sheet.tiers, *tiers))


def meaning_of(tier: Tier) -> TierMeaning | None:
    """Return what a tier means that :func:`as_tiers` made; None for any other."""
    if len(tier.fields) < 2 or (tier.fields[0], tier.fields[-1]) != (CODE, NOTE):
        return None
    return TierMeaning(name=tier.name, means="codes", keep=False)


def code_in(tier: Tier, meaning: TierMeaning, cell: Cell, timeline: Timeline) -> CodedTier:
    """Return the code of a cell, as its tier and the mapping say.

    The code is the first value, unless the mapping names one for the whole tier; the value of a
    field is the modifier of that name, but for notes.

    Raises:
        ValueError: it names no code, or its frames cannot be told.
    """
    values = list(zip(_roles(tier, meaning), tier.fields, cell.values, strict=True))
    code = meaning.code
    if not code:
        code, values = one_line(values[0][2]), values[1:]
    if not code:
        raise ValueError("it names no code")
    chosen = {name: text for role, name, text in values if role == "modifier" and text}
    notes = [text for role, _, text in values if role == "note" and text]
    end = None if cell.end == cell.start else cell.end / 1000
    times = placed(cell.start / 1000, end, timeline, last_frame=tier.last_frame)
    span = CodedSpan(
        code=code,
        coder=meaning.coder or tier.coder,
        modifiers=tuple(chosen.items()),
        note="; ".join(notes),
        **times,
    )
    kind = _kind(tier)
    return CodedTier(name=meaning.tier or tier.name, kind=kind, codes=(), spans=(span,))


def _kind(tier: Tier) -> CodeKind:
    """Return what the codes of a tier are that :func:`as_tiers` made; others do not say it."""
    if meaning_of(tier) is None:
        return ""
    return "point" if all(cell.start == cell.end for cell in tier.cells) else "state"


def _roles(tier: Tier, meaning: TierMeaning) -> list[str]:
    """Return what each field of a tier is: a note, a modifier of its name, or of no meaning."""
    if meaning_of(tier) is not None:
        return [*["modifier"] * (len(tier.fields) - 1), "note"]
    roles = []
    for name in tier.fields:
        given = meaning.fields.get(name, "")
        by_name = "note" if name.lower() in (NOTE, "comment") else "modifier"
        roles.append(given if given in ("note", "ignore") else by_name)
    return roles
