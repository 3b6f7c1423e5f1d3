"""How well two coders agree, or a coder and a model: events at IoU 0.5, frames by kappa.

Events are matched one to one (:mod:`mescope.evaluation.matching`), so F1 is the same whoever
comes first.  Frames are counted as in the expression or not; Cohen's kappa of that table says
how much of the agreement chance does not explain.
Source of kappa: Cohen 1960, A coefficient of agreement for nominal scales, equation 1.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from mescope.annotations.annotation import Annotation, AnnotationSet
from mescope.errors import DatasetError
from mescope.evaluation.matching import Counts, match
from mescope.evaluation.units import by_face
from mescope.events import Interval, Kind
from mescope.labels import canonical

Table = npt.NDArray[np.int64]

KINDS: tuple[Kind, ...] = ("micro", "macro")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Agreement on one kind of expression, or on any.

    ``counts``: pairs that hit as ``tp``, marks of the first alone as ``fp``, of the second
    alone as ``fn``.  ``frames``: (2, 2) numbers of frames, rows the first coder, columns the
    second, "in no such expression" before "in one"; None where a length is not known.
    """

    counts: Counts
    frames: Table | None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa per frame; None without lengths or where it is not defined."""
        return None if self.frames is None else cohens_kappa(self.frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What :func:`agree` returns.

    ``rows`` has micro, macro and any.  ``emotions``: (n, n) pairs that hit and have an emotion
    on both sides, classes ``classes``.  ``shifts``: median of the distances of onsets and of
    offsets of the pairs, in frames; None without a pair.
    """

    videos: int
    rows: dict[str, Row]
    classes: tuple[str, ...]
    emotions: Table
    shifts: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values for JSON."""
        return {
            "videos": self.videos,
            "rows": {
                name: {
                    "both": row.counts.tp,
                    "only_a": row.counts.fp,
                    "only_b": row.counts.fn,
                    "f1": row.counts.f1,
                    "kappa": row.kappa,
                    "frames": None if row.frames is None else row.frames.tolist(),
                }
                for name, row in self.rows.items()
            },
            "emotion": {
                "classes": list(self.classes),
                "pairs": int(self.emotions.sum()),
                "same": int(np.trace(self.emotions)),
                "kappa": cohens_kappa(self.emotions),
                "table": self.emotions.tolist(),
            },
            "median_shift": None
            if self.shifts is None
            else {"onset": self.shifts[0], "offset": self.shifts[1]},
        }


def cohens_kappa(table: npt.ArrayLike) -> float | None:
    """Return (observed - expected) / (1 - expected) agreement of a table of counts.

    Args:
        table: (n, n), rows the classes of one coder, columns those of the other.

    Returns:
        At most 1; None where nothing was counted or both used one and the same class only,
        since chance alone agrees wholly then.

    >>> cohens_kappa([[20, 5], [10, 15]])
    0.4
    """
    counts = np.asarray(table)
    # whole numbers of any size: a product of two sums of frames outgrows 64 bits
    cells: list[list[int]] = [[int(value) for value in row] for row in counts]
    total = sum(map(sum, cells))
    rows = [sum(row) for row in cells]
    columns = [sum(column) for column in zip(*cells, strict=True)]
    chance = sum(a * b for a, b in zip(rows, columns, strict=True))
    same = sum(row[i] for i, row in enumerate(cells))
    if total == 0 or chance == total * total:
        return None
    agreement: float = (same * total - chance) / (total * total - chance)
    return agreement


def frame_table(mine: Sequence[Interval], theirs: Sequence[Interval], frames: int) -> Table:
    """Count frames by whether each coder has them in an expression; see :class:`Row`.

    Overlapping intervals of one coder count once.  Time and memory depend on the number of
    intervals, not of frames.

    Raises:
        ValueError: an interval lies past the last frame.
    """
    last = max((i.last for i in (*mine, *theirs)), default=-1)
    if last >= frames:
        raise ValueError(f"a mark reaches frame {last}, the video has 0 to {frames - 1}")
    a, b = _merged(mine), _merged(theirs)
    both = sum(x.shared(y) for x in a for y in _near(b, x))
    only_a, only_b = sum(map(len, a)) - both, sum(map(len, b)) - both
    return np.array([[frames - both - only_a - only_b, only_b], [only_a, both]], np.int64)


def _merged(intervals: Sequence[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for one in sorted(intervals):
        if merged and one.first <= merged[-1].last + 1:
            merged[-1] = Interval(merged[-1].first, max(merged[-1].last, one.last))
        else:
            merged.append(one)
    return merged


def _near(merged: list[Interval], one: Interval) -> list[Interval]:
    """Return the intervals of a sorted list that may share frames with one."""
    start = bisect.bisect_left(merged, one.first, key=lambda i: i.last)
    stop = bisect.bisect_right(merged, one.last, key=lambda i: i.first)
    return merged[start:stop]


def agree(pairs: Sequence[tuple[AnnotationSet, AnnotationSet]]) -> Agreement:
    """Compare the marks of two coders, video by video.

    Args:
        pairs: the sheets of both for every video.  Marks that were rejected do not count.
            Faces are compared by name where a sheet has several.

    Raises:
        DatasetError: no videos, lengths that differ, or marks past the end.
    """
    if not pairs:
        raise DatasetError("expected a video that both have marked, found none in common")
    total: dict[str, Row] = {}
    hits: list[tuple[Annotation, Annotation]] = []
    for a, b in pairs:
        frames = _length(a, b)
        for face in by_face({"a": a.marks, "b": b.marks}):
            mine, theirs = face["a"], face["b"]
            found = _hits(mine, theirs)
            hits += [(mine[i], theirs[j]) for kind in KINDS for i, j in found[kind][1]]
            for name, row in _rows(mine, theirs, found, frames, a.video).items():
                total[name] = _sum(total[name], row) if name in total else row
    classes, emotions = _emotions(hits)
    return Agreement(
        videos=len(pairs), rows=total, classes=classes, emotions=emotions, shifts=_shifts(hits)
    )


_Hits = dict[Kind, tuple[Counts, list[tuple[int, int]]]]


def _hits(mine: Sequence[Annotation], theirs: Sequence[Annotation]) -> _Hits:
    """Match what is of one kind; pairs are indices into both."""
    found: _Hits = {}
    for kind in KINDS:
        a = [i for i, mark in enumerate(mine) if mark.kind == kind]
        b = [j for j, mark in enumerate(theirs) if mark.kind == kind]
        part = match([mine[i].interval for i in a], [theirs[j].interval for j in b])
        found[kind] = part.counts, [(a[i], b[j]) for i, j in part.pairs]
    return found


def _rows(
    mine: Sequence[Annotation],
    theirs: Sequence[Annotation],
    found: _Hits,
    frames: int | None,
    video: str,
) -> dict[str, Row]:
    counts = {kind: found[kind][0] for kind in KINDS}
    anything = sum(counts.values(), Counts())
    tests: dict[str, tuple[Counts, Callable[[Annotation], bool]]] = {
        "micro": (counts["micro"], lambda m: m.kind == "micro"),
        "macro": (counts["macro"], lambda m: m.kind == "macro"),
        "any": (anything, lambda m: True),
    }
    rows = {}
    for name, (count, wanted) in tests.items():
        a = [m.interval for m in mine if wanted(m)]
        b = [m.interval for m in theirs if wanted(m)]
        try:
            table = None if frames is None else frame_table(a, b, frames)
        except ValueError as error:
            raise DatasetError(f"{video}: {error}; is it another recording?") from None
        rows[name] = Row(counts=count, frames=table)
    return rows


def _sum(a: Row, b: Row) -> Row:
    known = a.frames is not None and b.frames is not None
    return Row(counts=a.counts + b.counts, frames=a.frames + b.frames if known else None)  # type: ignore[operator]


def _length(a: AnnotationSet, b: AnnotationSet) -> int | None:
    if a.frames is not None and b.frames is not None and a.frames != b.frames:
        raise DatasetError(
            f"{a.video}: expected one recording, found {a.frames} frames in the first file and "
            f"{b.frames} in the second; name the right one with --video"
        )
    return b.frames if a.frames is None else a.frames


def _emotions(hits: Sequence[tuple[Annotation, Annotation]]) -> tuple[tuple[str, ...], Table]:
    named = [
        (canonical(a.emotion), canonical(b.emotion)) for a, b in hits if a.emotion and b.emotion
    ]
    classes = tuple(sorted({name for pair in named for name in pair}))
    table = np.zeros((len(classes), len(classes)), np.int64)
    for a, b in named:
        table[classes.index(a), classes.index(b)] += 1
    return classes, table


def _shifts(hits: Sequence[tuple[Annotation, Annotation]]) -> tuple[float, float] | None:
    if not hits:
        return None
    onsets = [abs(a.interval.first - b.interval.first) for a, b in hits]
    offsets = [abs(a.interval.last - b.interval.last) for a, b in hits]
    return float(median(onsets)), float(median(offsets))


def paired(
    mine: Sequence[AnnotationSet], theirs: Sequence[AnnotationSet]
) -> tuple[list[tuple[AnnotationSet, AnnotationSet]], tuple[str, ...]]:
    """Return the sheets of the same videos, and the videos that only one side has.

    Videos are the same if their names without ending are, and their subjects unless one has
    none; a name that fits several belongs to none.
    """
    pairs: list[tuple[AnnotationSet, AnnotationSet]] = []
    alone: list[str] = []
    used: set[int] = set()
    for sheet in mine:
        fitting = [j for j, other in enumerate(theirs) if _same(sheet, other)]
        if len(fitting) == 1 and fitting[0] not in used:
            used.add(fitting[0])
            pairs.append((sheet, theirs[fitting[0]]))
        else:
            alone.append(sheet.video)
    alone += [sheet.video for j, sheet in enumerate(theirs) if j not in used]
    return pairs, tuple(alone)


def _same(a: AnnotationSet, b: AnnotationSet) -> bool:
    subjects = a.subject == b.subject or not a.subject or not b.subject
    return subjects and _stem(a.video) == _stem(b.video)


def _stem(video: str) -> str:
    path = PurePath(video)
    return path.stem if path.suffix[1:2].isalpha() else path.name


def made_by(sheet: AnnotationSet, source: str | None) -> AnnotationSet:
    """Return a sheet with the marks of one coder or model only.

    Args:
        sheet: marks of any number of people and models.
        source: the id of the coder or model, or ``model`` for any model; None where the
            sheet has marks of one only.

    Raises:
        DatasetError: there are several to choose from, or none of that name.
    """
    names = sorted({m.source or m.origin for m in sheet.marks})
    if source is None:
        if len(names) > 1:
            raise DatasetError(
                f"{sheet.video}: expected the marks of one, found {', '.join(names)}; "
                "choose with --source-a and --source-b"
            )
        return sheet
    return replace(
        sheet,
        marks=tuple(
            m
            for m in sheet.marks
            if source == m.source
            or (not m.source and source == m.origin)
            or (source == "model" and m.origin == "model")
        ),
    )
