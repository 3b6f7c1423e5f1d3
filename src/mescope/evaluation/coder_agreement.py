"""Figures of two coders, or of all, and the list of where two of them disagree.

Units are defined in :mod:`mescope.evaluation.units`.  Kappa: Cohen 1960, equation 1
(:func:`mescope.evaluation.agreement.cohens_kappa`); alpha:
:mod:`mescope.evaluation.krippendorff`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from mescope.annotations.annotation import Annotation, AnnotationSet
from mescope.evaluation.agreement import cohens_kappa
from mescope.evaluation.krippendorff import krippendorffs_alpha
from mescope.evaluation.units import Unit, by_face, frame_counts, units
from mescope.labels import canonical

TOLERANCE_S = 0.1
"""Seconds by which two coders may differ at an edge, if nothing else is asked for."""

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """How far apart two coders set an edge, over their pairs of marks that have times.

    ``bias``: mean of second minus first coder; ``error``: mean distance; ``middle``: median
    distance, all in seconds; ``within``: share of the pairs within the tolerance.
    """

    pairs: int
    bias: float
    error: float
    middle: float
    within: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Agreement of two or more coders; None where a figure is not defined.

    ``kinds`` and ``emotions`` count units (marks), ``frames`` counts frames.  Kappa, F1 and
    shifts are of exactly two coders, and None for more.
    """

    coders: tuple[str, ...]
    units: int
    kind_alpha: float | None
    frame_alpha: float | None
    emotion_units: int
    emotion_alpha: float | None
    kind_kappa: float | None = None
    frame_kappa: float | None = None
    emotion_kappa: float | None = None
    onset: Shift | None = None
    offset: Shift | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A unit on which two coders do not say the same.

    ``reasons``: ``only NAME``, ``kind``, ``emotion``, ``onset``, ``offset``.  ``onset_s`` and
    ``offset_s`` are second minus first coder, None without a pair or without times.
    """

    video: str
    frame: int
    reasons: tuple[str, ...]
    a: Annotation | None
    b: Annotation | None
    onset_s: float | None = None
    offset_s: float | None = None


def figures(
    sheets: Sequence[Mapping[str, AnnotationSet]], tolerance_s: float = TOLERANCE_S
) -> Figures:
    """Return how far coders agree.

    Args:
        sheets: of every recording the marks of each coder, all of the same coders.
        tolerance_s: seconds by which an edge may differ.

    Raises:
        ValueError: no recordings.
    """
    if not sheets:
        raise ValueError("expected a recording, found none")
    coders = tuple(sheets[0])
    found: list[Unit] = []
    frames: Counter[tuple[str, ...]] | None = Counter()
    for sheet in sheets:
        for marks in by_face({who: own.marks for who, own in sheet.items()}, keys=True):
            found += units(marks)
            length = next((s.frames for s in sheet.values() if s.frames is not None), None)
            if length is None:
                frames = None
            elif frames is not None:
                frames += frame_counts(marks, coders, length)
    kinds = Counter[Row](unit.kinds(coders) for unit in found)
    emotions = _emotions(found, coders)
    two = len(coders) == 2
    paired = [unit for unit in found if len(unit.marks) == 2] if two else []
    return Figures(
        coders=coders,
        units=len(found),
        kind_alpha=krippendorffs_alpha(kinds),
        frame_alpha=None if frames is None else krippendorffs_alpha(Counter[Row](frames)),
        emotion_units=sum(n for row, n in emotions.items() if _said(row) > 1),
        emotion_alpha=krippendorffs_alpha(emotions),
        kind_kappa=_kappa(kinds) if two else None,
        frame_kappa=_kappa(Counter[Row](frames)) if two and frames is not None else None,
        emotion_kappa=_kappa(emotions) if two else None,
        onset=_shift(paired, coders, "onset_s", tolerance_s),
        offset=_shift(paired, coders, "offset_s", tolerance_s),
    )


def disagreements(
    a: AnnotationSet, b: AnnotationSet, names: tuple[str, str], tolerance_s: float = TOLERANCE_S
) -> list[Disagreement]:
    """Return the units of one recording on which two coders do not say the same, in order."""
    listed = []
    for marks in by_face({"a": a.marks, "b": b.marks}, keys=True):
        for unit in units(marks):
            one = _difference(a.video, unit, names, tolerance_s)
            if one.reasons:
                listed.append(one)
    return sorted(listed, key=lambda one: one.frame)


def _difference(
    video: str, unit: Unit, names: tuple[str, str], tolerance_s: float
) -> Disagreement:
    a, b = unit.marks.get("a"), unit.marks.get("b")
    if a is None or b is None:
        alone = names[1] if a is None else names[0]
        return Disagreement(video, unit.first, (f"only {alone}",), a, b)
    onset, offset = _apart(a.onset_s, b.onset_s), _apart(a.offset_s, b.offset_s)
    tests = {
        "kind": a.kind != b.kind,
        "emotion": _emotion(a) != _emotion(b),
        "onset": onset is not None and _beyond(onset, tolerance_s),
        "offset": offset is not None and _beyond(offset, tolerance_s),
    }
    reasons = tuple(name for name, differs in tests.items() if differs)
    return Disagreement(video, unit.first, reasons, a, b, onset, offset)


def _beyond(seconds: float, tolerance_s: float) -> bool:
    return abs(seconds) > tolerance_s + 1e-9  # times are sums of fractions of a second


def _apart(mine: float | None, theirs: float | None) -> float | None:
    return None if mine is None or theirs is None else theirs - mine


def _emotion(mark: Annotation) -> str | None:
    return canonical(mark.emotion) if mark.emotion else None


def _emotions(found: Sequence[Unit], coders: Sequence[str]) -> Counter[Row]:
    """Count units by the emotion each coder named; None: no mark, or one without an emotion."""
    return Counter[Row](
        tuple(_emotion(unit.marks[c]) if c in unit.marks else None for c in coders)
        for unit in found
    )


def _said(row: Row) -> int:
    return sum(value is not None for value in row)


def _kappa(rows: Mapping[Row, int]) -> float | None:
    """Return Cohen's kappa of rows of two; those in which one is silent do not count."""
    full = {row: n for row, n in rows.items() if _said(row) == 2}
    names = sorted({value for row in full for value in row if value is not None})
    table = [[full.get((a, b), 0) for b in names] for a in names]
    return cohens_kappa(table) if names else None


def _shift(
    paired: Sequence[Unit], coders: tuple[str, ...], edge: str, tolerance_s: float
) -> Shift | None:
    both = [
        (getattr(unit.marks[coders[0]], edge), getattr(unit.marks[coders[1]], edge))
        for unit in paired
    ]
    found = [b - a for a, b in both if a is not None and b is not None]
    if not found:
        return None
    sizes = [abs(value) for value in found]
    near = sum(not _beyond(value, tolerance_s) for value in found)
    return Shift(len(found), fmean(found), fmean(sizes), median(sizes), near / len(found))
