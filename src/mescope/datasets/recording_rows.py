"""One row of a sheet of long videos: its cells, their checks, the expression they name."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from mescope import facs
from mescope.datasets.clips import Findings
from mescope.datasets.workbook import number, whole
from mescope.events import Expression, Interval, Kind
from mescope.labels import canonical

_Numbers = tuple[int, int | None, int]  # onset, apex, offset

MissingOffset = Literal["apex", "apex+20", "drop"]
OFFSETS: Mapping[MissingOffset, str] = MappingProxyType(
    {
        "apex": "the apex is taken",
        "apex+20": "20 frames after the apex are taken",
        "drop": "left out",
    }
)
"""What to do about an offset that nobody annotated, in words."""

_AFTER_APEX = 20  # frames, as one published reading takes


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
    objective: object = None  # I to VII, or 1 to 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the numbers and words of a data set mean.

    Attributes:
        dataset: its name in ``DATASETS``.
        rate: frames per second of its pictures.
        emotions: the canonical labels it knows; a row with another one is left out.
        no_apex: numbers that stand for an apex not annotated.  An empty cell always does.
        missing_offset: 0 stands for an offset not annotated, and this is what is done then:
            one of :data:`OFFSETS`.
        trimmed: the videos are cut out of longer ones, so an expression may run over either
            end; the part inside is kept.
        from_zero: onset 0 of pictures that count from 1 says that the expression is under way
            when the video starts; it is used from the first frame on.
        fractions: the sheet has parts of frames; rounded, halves up.
    """

    dataset: str
    rate: float
    emotions: Sequence[str] = ()
    no_apex: Sequence[int] = ()
    missing_offset: MissingOffset | None = None
    trimmed: bool = False
    from_zero: bool = False
    fractions: bool = False


def kind_of(cell: object) -> Kind | None:
    """Return the kind that a cell names by its first letters, or as challenges write it.

    >>> kind_of("Micro - 1/2"), kind_of("macro-expression"), kind_of("MaE"), kind_of("blink")
    ('micro', 'macro', 'macro', None)
    """
    text = str(cell).strip().lower()
    if text.startswith("micro") or text == "me":
        return "micro"
    return "macro" if text.startswith("macro") or text == "mae" else None


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
        objective_class=facs.class_number(event.objective),
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
        found_number = _number(cell, rules)
        if found_number is None and name == "apex":
            text = f"{label}: apex is {cell!r}, expected a whole number; no apex is used"
            findings.warning(event.where, text)
        elif found_number is None:
            text = f"{name} is {cell!r}, expected a whole number from 0 on"
            findings.error(event.where, f"{label}: {text}")
            return None
        else:
            found[name] = found_number
    onset, apex, offset = found["onset"], found.get("apex"), found["offset"]
    if apex is None:
        findings.each("expressions have no apex annotated; none is used", label)
    if any(whole(cells[name]) is None for name in found):
        findings.each("rows have parts of frames; rounded, halves up", label)
    if offset == 0 and rules.missing_offset is not None and apex is not None:
        if rules.missing_offset == "drop":
            findings.error(event.where, f"{label}: the offset is 0, not annotated; left out")
            return None
        text = f"rows have the offset 0 (not annotated); {OFFSETS[rules.missing_offset]}"
        findings.each(text, label)
        offset = apex + (_AFTER_APEX if rules.missing_offset == "apex+20" else 0)
    return _in_order(event, (onset, apex, offset), findings)


def _number(cell: object, rules: Rules) -> int | None:
    """Return a cell as a frame number, or None if it is not one."""
    value = number(cell)
    if value is None or value < 0 or not (rules.fractions or value == int(value)):
        return None
    return math.floor(value + 0.5)


def last_number(events: Iterable[SheetExpression], rules: Rules) -> int:
    """Return the last frame number that rows of a video name, 1 if they name none."""
    cells = [cell for event in events for cell in (event.onset, event.apex, event.offset)]
    return max([last for cell in cells if (last := _number(cell, rules))], default=1)


def _in_order(event: SheetExpression, numbers: _Numbers, findings: Findings) -> _Numbers | None:
    onset, apex, offset = numbers
    label = label_of(event)
    if offset < onset:
        findings.error(event.where, f"{label}: offset {offset} is before onset {onset}")
        return None
    if apex is None or onset <= apex <= offset:
        return numbers
    text = f"{label}: apex {apex} is outside {onset} to {offset}; no apex is used"
    findings.warning(event.where, text)
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
    made_up = rules.missing_offset == "apex+20" and whole(event.offset) == 0
    before = start == onset or rules.trimmed or (rules.from_zero and onset == 0)
    after = end == offset or rules.trimmed or made_up
    if start > end or not (before and after):
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
