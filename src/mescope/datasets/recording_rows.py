"""One row of a sheet of long videos: its cells, their checks, the expression they name."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mescope import facs
from mescope.datasets.clips import Findings
from mescope.datasets.workbook import whole
from mescope.events import Expression, Interval, Kind
from mescope.labels import canonical

_ROMAN = {name: i + 1 for i, name in enumerate(("I", "II", "III", "IV", "V", "VI", "VII"))}
_Numbers = tuple[int, int | None, int]  # onset, apex, offset


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetExpression:
    """One expression of a sheet, its cells as they stand (None where the cell is empty).

    ``emotion`` is None where the sheet has no emotion for such rows, "" where the cell is
    empty.  ``name`` is what the sheet calls the expression, "" if it has no names.
    """

    where: str
    video: str
    onset: object
    apex: object
    offset: object
    kind: object
    name: str = ""
    emotion: str | None = None
    action_units: object = None
    objective: object = None  # I to VII


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the numbers and words of a data set mean.

    Attributes:
        dataset: its name in ``DATASETS``.
        rate: frames per second of its pictures.
        emotions: the canonical labels it knows; a row with another one is left out.
        no_apex: numbers that stand for an apex not annotated.  An empty cell always does.
        offset_zero: 0 stands for an offset not annotated; the apex is taken, as published.
        stray_apex: keep an expression whose apex lies outside it, without the apex.
        trimmed: the videos are cut out of longer ones, so an expression may run over either
            end; the part inside is kept.
        fractions: the sheet has parts of frames; rounded, halves up.
    """

    dataset: str
    rate: float
    emotions: Sequence[str] = ()
    no_apex: Sequence[int] = ()
    offset_zero: bool = False
    stray_apex: bool = False
    trimmed: bool = False
    fractions: bool = False


def kind_of(cell: object) -> Kind | None:
    """Return the kind that a cell names by its first letters.

    >>> kind_of("Micro - 1/2"), kind_of("macro-expression"), kind_of("blink")
    ('micro', 'macro', None)
    """
    text = str(cell).strip().lower()
    if text.startswith("micro"):
        return "micro"
    return "macro" if text.startswith("macro") else None


def tally(events: Iterable[SheetExpression]) -> Counter[str]:
    """Return the rows of every kind, and of every emotion of a kind ("micro", "micro fear")."""
    count: Counter[str] = Counter()
    for event in events:
        kind = kind_of(event.kind)
        if kind is not None:
            count[kind] += 1
            if event.emotion:
                count[f"{kind} {canonical(event.emotion)}"] += 1
    return count


def check_counts(
    found: Mapping[str, int], published: Mapping[str, int], title: str, findings: Findings
) -> None:
    """Compare what was found with the published numbers, by name."""
    differ = [
        f"{k} {found.get(k, 0)} of {n}" for k, n in published.items() if found.get(k) != n
    ]
    if differ:
        text = f"{title} differs from the published counts: {', '.join(differ)}"
        findings.warning(findings.file, text)


def label_of(event: SheetExpression) -> str:
    """Return what messages call an expression."""
    return event.name or f"{event.video} from {event.onset}"


def expression_of(
    event: SheetExpression, span: range, rules: Rules, findings: Findings
) -> Expression | None:
    """Return the expression of a row in frames from 0, or None if the row makes no sense.

    ``span`` holds the numbers of the video's frames as the sheet counts them.
    """
    kind = kind_of(event.kind)
    if kind is None:
        text = f"expected the type micro or macro, found {event.kind!r}"
        findings.error(event.where, f"{label_of(event)}: {text}")
        return None
    emotion = _emotion(event, rules, findings)
    numbers = None if emotion is None else _numbers(event, rules, findings)
    inside = None if numbers is None else _inside(event, numbers, span, rules, findings)
    if inside is None:
        return None
    onset, apex, offset = inside
    coding = facs.parse(event.action_units)
    if not coding.complete:
        text = "action unit cells have parts that could not be read"
        findings.each(text, label_of(event))
    return Expression(
        interval=Interval(onset - span.start, offset - span.start),
        kind=kind,
        apex=None if apex is None else apex - span.start,
        emotion=emotion or None,
        action_units=tuple(str(unit) for unit in coding.units),
        objective_class=_ROMAN.get(str(event.objective).strip().upper()),
    )


def _emotion(event: SheetExpression, rules: Rules, findings: Findings) -> str | None:
    """Return the canonical emotion, "" if the sheet has none, None if it is unknown."""
    if event.emotion is None:
        return ""
    raw = event.emotion.strip()
    emotion = canonical(raw)
    if not raw:
        findings.each("rows have no emotion", label_of(event))
        return ""
    if emotion not in rules.emotions:
        text = f"unknown emotion {raw!r}; known: {', '.join(rules.emotions)}"
        findings.error(event.where, f"{label_of(event)}: {text}")
        return None
    if emotion != raw.lower():
        findings.each(f"rows say {raw!r}, read as {emotion!r}", label_of(event))
    return emotion


def _numbers(event: SheetExpression, rules: Rules, findings: Findings) -> _Numbers | None:
    """Return onset, apex and offset in order, as the sheet numbers frames."""
    label = label_of(event)
    cells = {"onset": event.onset, "offset": event.offset}
    if event.apex is not None and whole(event.apex) not in rules.no_apex:
        cells["apex"] = event.apex
    found: dict[str, int] = {}
    for name, cell in cells.items():
        number = _number(cell, rules)
        if number is None:
            text = f"{name} is {cell!r}, expected a whole number from 0 on"
            findings.error(event.where, f"{label}: {text}")
            return None
        found[name] = number
    onset, apex, offset = found["onset"], found.get("apex"), found["offset"]
    if apex is None:
        findings.each("expressions have no apex annotated; none is used", label)
    if any(whole(cell) is None for cell in cells.values()):
        findings.each("rows have parts of frames; rounded, halves up", label)
    if offset == 0 and rules.offset_zero and apex is not None:
        findings.each("rows have the offset 0 (not annotated); the apex is taken", label)
        offset = apex
    return _in_order(event, (onset, apex, offset), rules, findings)


def _number(cell: object, rules: Rules) -> int | None:
    """Return a cell as a frame number, or None if it is not one."""
    number = whole(cell)
    if number is None and rules.fractions:
        number = _nearest(cell)
    return number if number is not None and number >= 0 else None


def _nearest(cell: object) -> int | None:
    try:
        value = float(str(cell))
    except ValueError:
        return None
    return math.floor(value + 0.5) if math.isfinite(value) else None


def last_number(events: Iterable[SheetExpression], rules: Rules) -> int:
    """Return the last frame number that rows of a video name, 1 if they name none."""
    cells = [cell for event in events for cell in (event.onset, event.apex, event.offset)]
    return max([number for cell in cells if (number := _number(cell, rules))], default=1)


def _in_order(
    event: SheetExpression, numbers: _Numbers, rules: Rules, findings: Findings
) -> _Numbers | None:
    onset, apex, offset = numbers
    label = label_of(event)
    if offset < onset:
        findings.error(event.where, f"{label}: offset {offset} is before onset {onset}")
        return None
    if apex is None or onset <= apex <= offset:
        return numbers
    text = f"{label}: apex {apex} is outside {onset} to {offset}"
    if not rules.stray_apex:
        findings.error(event.where, text)
        return None
    findings.warning(event.where, f"{text}; no apex is used")
    return onset, None, offset


def _inside(
    event: SheetExpression, numbers: _Numbers, span: range, rules: Rules, findings: Findings
) -> _Numbers | None:
    """Return the part that the video shows, None if that is not allowed to be a part."""
    onset, apex, offset = numbers
    first, last = span[0], span[-1]
    start, end = max(onset, first), min(offset, last)
    if (start, end) == (onset, offset):
        return numbers
    label = label_of(event)
    if start > end or not rules.trimmed:
        text = f"frames {onset} to {offset} expected, the video has {first} to {last}"
        findings.error(event.where, f"{label}: {text}")
        return None
    if start != onset:
        text = "expressions are under way when their video starts; used from its first frame"
        findings.each(text, label)
    if end != offset:
        text = "expressions go on after their video ends; used up to its last frame"
        findings.each(text, f"{label} ({offset} of {last})")
    seen = apex is not None and start <= apex <= end
    return start, apex if seen else None, end
