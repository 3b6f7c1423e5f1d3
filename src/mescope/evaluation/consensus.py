"""One track of several coders: what most of them marked, where the middle of them has it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

from mescope.annotations.annotation import Annotation
from mescope.evaluation.units import Marks, Unit, by_face, units
from mescope.events import Interval
from mescope.labels import canonical


def consensus(marks: Marks, least: int | None = None) -> list[Annotation]:
    """Return the expressions that at least ``least`` coders marked, in order of frames.

    Units are those of :func:`mescope.evaluation.units.units`.  Onset, apex and offset are the
    medians of the coders' frames (half a frame widens the interval).  An emotion and an action
    unit is taken over where more than half of the coders who said something named it, and left
    open where not: that is for people to settle.  The note says who marked it.

    Args:
        marks: of every coder, of one recording.
        least: how many coders must have it; by default more than half of them.

    Raises:
        ValueError: fewer than two coders.
    """
    if len(marks) < 2:
        raise ValueError("a consensus needs two coders or more")
    wanted = len(marks) // 2 + 1 if least is None else least
    found = [
        _agreed(unit, len(marks))
        for face in by_face(marks, keys=True)
        for unit in units(face)
        if len(unit.marks) >= wanted
    ]
    return sorted(found, key=lambda mark: mark.interval)


def _agreed(unit: Unit, coders: int) -> Annotation:
    every = list(unit.marks.values())
    first = math.floor(median(m.interval.first for m in every))
    last = math.ceil(median(m.interval.last for m in every))
    tops = [m.apex for m in every if m.apex is not None]
    apex = min(last, max(first, math.floor(median(tops)))) if tops else None
    named = [canonical(m.emotion) for m in every if m.emotion]
    emotion = next(iter(_majority([[name] for name in named])), None)
    action_units = _majority([m.action_units.split("+") for m in every if m.action_units])
    said = "; ".join(
        f"{who}: {mark.emotion or 'no emotion'}" for who, mark in unit.marks.items()
    )
    return Annotation(
        interval=Interval(first, last),
        kind=Counter(m.kind for m in every).most_common(1)[0][0],
        apex=apex,
        emotion=emotion,
        action_units="+".join(action_units),
        face=every[0].face,
        note=f"{len(every)} of {coders} coders ({said})",
    )


def _majority(votes: Sequence[Sequence[str]]) -> list[str]:
    """Return what more than half of the voters named, in the order in which it came up."""
    counted = Counter(name for one in votes for name in dict.fromkeys(one))
    return [name for name, number in counted.items() if 2 * number > len(votes)]
