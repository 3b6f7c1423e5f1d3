"""Which detection found which expression, and counts that add.

Frames count from 0 and intervals include both ends; a detection hits an expression when their
shared frames are at least half of all their frames, compared in whole numbers.  ``optimal`` is
ours; the other matchers count as published codes do and exist to compare with their figures,
never in a table beside ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mescope.errors import DatasetError
from mescope.events import Detection, Expression, Interval, Kind

Pairs = list[tuple[int, int]]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

HALF = Fraction(1, 2)
_MOST_AT_ONCE = 1_000_000  # pairs of intervals of one recording that are held beside each other


@dataclass(frozen=True, slots=True)
class Counts:
    """Hits, false alarms and misses; they add over recordings, and anything over 0 is 0.

    >>> total = Counts(1, 0, 0) + Counts(0, 5, 5) + Counts(3, 1, 1)
    >>> total, round(total.f1, 4)
    (Counts(tp=4, fp=6, fn=6), 0.4)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        """Hits over detections."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Hits over expressions."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


@dataclass(frozen=True)
class Matches:
    """Counts of one recording and the pairs (detection, expression), as indices."""

    counts: Counts
    pairs: tuple[tuple[int, int], ...] = field(default=())


@dataclass(frozen=True)
class _Overlap:
    """Everything a matcher looks at; m detections, n expressions."""

    hit: Bools  # (m, n)
    iou: Floats  # (m, n)

    @property
    def shape(self) -> tuple[int, int]:
        return self.hit.shape[0], self.hit.shape[1]


def _overlap(
    found: Sequence[Interval], truth: Sequence[Interval], threshold: Fraction, strict: bool
) -> _Overlap:
    first, last = _ends(found)
    start, stop = _ends(truth)
    shared = np.minimum(last[:, None], stop) - np.maximum(first[:, None], start) + 1
    shared = np.maximum(shared, 0)
    union = (last - first + 1)[:, None] + (stop - start + 1) - shared
    left, right = shared * threshold.denominator, union * threshold.numerator
    return _Overlap(left > right if strict else left >= right, shared / union)


def _ends(intervals: Sequence[Interval]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    table = np.array([(i.first, i.last) for i in intervals], np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _one_to_one(pairs: Pairs, overlap: _Overlap) -> Matches:
    """Count pairs in which every detection and every expression occurs once at most."""
    m, n = overlap.shape
    counts = Counts(len(pairs), m - len(pairs), n - len(pairs))
    return Matches(counts, tuple(sorted(pairs)))


def _optimal(overlap: _Overlap) -> Matches:
    """Most pairs that hit, then the highest total IoU: an assignment problem."""
    # one more hit outweighs any sum of IoUs, each of which is at most 1
    gain = overlap.hit * (1.0 + min(overlap.shape) + overlap.iou)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    pairs = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if overlap.hit[i, j]]
    return _one_to_one(pairs, overlap)


def _in_parts(
    found: Sequence[Interval], truth: Sequence[Interval], threshold: Fraction, strict: bool
) -> Matches:
    """As :func:`_optimal`, for so many intervals that not each can be held against each.

    What hits nothing in common can be assigned apart.
    """
    edges = _hitting(found, truth, threshold, strict)
    m, n = len(found), len(truth)
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], m + edges[:, 1])), (m + n, m + n))
    parts = connected_components(graph, directed=False)[1][edges[:, 0]]
    order = np.argsort(parts, kind="stable")
    cuts = np.flatnonzero(np.diff(parts[order])) + 1
    pairs: Pairs = []
    for part in np.split(edges[order], cuts) if len(edges) else []:
        rows, columns = (sorted({int(k) for k in part[:, side]}) for side in (0, 1))
        own, other = [found[i] for i in rows], [truth[j] for j in columns]
        one = _optimal(_overlap(own, other, threshold, strict)) if len(part) > 1 else None
        pairs += [(rows[i], columns[j]) for i, j in (one.pairs if one else [(0, 0)])]
    counts = Counts(len(pairs), m - len(pairs), n - len(pairs))
    return Matches(counts, tuple(sorted(pairs)))


def _hitting(
    found: Sequence[Interval], truth: Sequence[Interval], threshold: Fraction, strict: bool
) -> NDArray[np.int64]:
    """Return all pairs (k, 2) that hit, of those whose places and lengths allow it."""
    first, last = _ends(found)
    start, stop = _ends(truth)
    order = np.argsort(start, kind="stable")
    # a pair that hits is at most 1 / threshold times as long as either of both
    longest = (last - first + 1) * threshold.denominator // threshold.numerator
    low = np.searchsorted(start[order], first - longest)
    high = np.searchsorted(start[order], last, side="right")
    rows = np.repeat(np.arange(len(found)), high - low)
    ahead = np.arange(len(rows)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    columns = order[np.repeat(low, high - low) + ahead]
    shared = np.minimum(last[rows], stop[columns]) - np.maximum(first[rows], start[columns]) + 1
    shared = np.maximum(shared, 0)
    union = (last - first + 1)[rows] + (stop - start + 1)[columns] - shared
    left, right = shared * threshold.denominator, union * threshold.numerator
    hit = left > right if strict else left >= right
    return np.asarray(np.stack([rows, columns], 1)[hit], np.int64)


def _voc_greedy(overlap: _Overlap) -> Matches:
    """ME-TST, MEAN: in file order, each looks only at its best expression, ties the later."""
    m, n = overlap.shape
    pairs: Pairs = []
    free = np.ones(n, bool)
    for i in range(m if n else 0):
        best = n - 1 - int(np.argmax(overlap.iou[i, ::-1]))
        if overlap.hit[i, best] and free[best]:
            free[best] = False
            pairs.append((i, best))
    return _one_to_one(pairs, overlap)


def _strs_multi(overlap: _Overlap) -> Matches:
    """STRS-Metric: each takes every free expression it hits; a false alarm only if none."""
    m, n = overlap.shape
    pairs: Pairs = []
    free = np.ones(n, bool)
    for i in range(m):
        taken = np.flatnonzero(overlap.hit[i] & free)
        free[taken] = False
        pairs.extend((i, int(j)) for j in taken)
    alarms = m - len({i for i, _ in pairs})
    return Matches(Counts(len(pairs), alarms, n - len(pairs)), tuple(pairs))


def _soft_multi(overlap: _Overlap) -> Matches:
    """SFAMNet: every hit counts; misses can be negative, double hits leave recognition."""
    _, n = overlap.shape
    hits = overlap.hit.sum(axis=1)
    pairs = tuple((int(i), int(np.argmax(overlap.hit[i]))) for i in np.flatnonzero(hits == 1))
    return Matches(Counts(int(hits.sum()), int((hits == 0).sum()), n - int(hits.sum())), pairs)


def _found_labels(overlap: _Overlap) -> Matches:
    """MEGC2020 baseline: expressions hit by anything; false alarms can be negative."""
    m, n = overlap.shape
    found = overlap.hit.any(axis=0)
    pairs = tuple((int(np.argmax(overlap.hit[:, j])), int(j)) for j in np.flatnonzero(found))
    return Matches(Counts(len(pairs), m - len(pairs), n - len(pairs)), pairs)


def _pairs(overlap: _Overlap) -> Matches:
    """Qin's validation: every pair that hits; false alarms and misses can be negative."""
    m, n = overlap.shape
    pairs = tuple((int(i), int(j)) for i, j in np.argwhere(overlap.hit))
    return Matches(Counts(len(pairs), m - len(pairs), n - len(pairs)), pairs)


MATCHERS: MappingProxyType[str, Callable[[_Overlap], Matches]] = MappingProxyType(
    {
        "optimal": _optimal,
        "voc_greedy": _voc_greedy,
        "strs_multi": _strs_multi,
        "soft_multi": _soft_multi,
        "found_labels": _found_labels,
        "pairs": _pairs,
    }
)
"""Matchers by name."""


def _intervals(some: Sequence[Interval] | NDArray[np.int64], what: str) -> list[Interval]:
    """Return intervals as they are, or those of an array (n, 2) of first and last frames.

    Raises:
        DatasetError: the array has another shape, or an end lies before its beginning.
    """
    if not isinstance(some, np.ndarray):
        return list(some)
    whole = some.size == 0 or (some.ndim == 2 and some.shape[1] == 2)
    if not whole or not np.array_equal(some, some.astype(np.int64)):
        raise DatasetError(
            f"{what}: expected whole frames (n, 2), first and last of each interval, found "
            f"{some.dtype} {some.shape}"
        )
    try:
        return [Interval(int(first), int(last)) for first, last in some.reshape(-1, 2)]
    except ValueError as error:
        raise DatasetError(f"{what}: {error}") from error


def match(
    found: Sequence[Interval] | NDArray[np.int64],
    truth: Sequence[Interval] | NDArray[np.int64],
    *,
    how: str = "optimal",
    threshold: Fraction = HALF,
    strict: bool = False,
) -> Matches:
    """Match the detections of one recording with its expressions.

    Args:
        found: intervals of the detections, or an array (n, 2) of their first and last frames;
            their order matters to some published matchers.
        truth: those of the expressions.
        how: one of ``MATCHERS``.
        threshold: smallest IoU of a hit, as an exact fraction.
        strict: demand more than the threshold; a sensitivity figure only.

    Raises:
        ValueError: there is no such matcher.
        DatasetError: an array does not hold intervals.

    >>> match(np.array([[0, 19], [40, 50]]), np.array([[2, 21]])).pairs
    ((0, 0),)
    >>> match([Interval(0, 19)], [Interval(0, 9), Interval(10, 19)]).counts
    Counts(tp=1, fp=0, fn=1)
    """
    if how not in MATCHERS:
        raise ValueError(f"how must be one of {', '.join(MATCHERS)}, got {how!r}")
    mine, theirs = _intervals(found, "found"), _intervals(truth, "truth")
    if how == "optimal" and threshold > 0 and len(mine) * len(theirs) > _MOST_AT_ONCE:
        return _in_parts(mine, theirs, threshold, strict)
    return MATCHERS[how](_overlap(mine, theirs, threshold, strict))


def match_kind(
    found: Sequence[Detection], truth: Sequence[Expression], kind: Kind, **options: object
) -> Matches:
    """Match what is of one kind; pairs are indices into ``found`` and ``truth`` themselves.

    A detection of the other kind never hits, so the counts of both kinds add to an overall
    figure.  ``options`` are those of :func:`match`.
    """
    mine = [i for i, d in enumerate(found) if d.kind == kind]
    theirs = [j for j, e in enumerate(truth) if e.kind == kind]
    part = match(
        [found[i].interval for i in mine],
        [truth[j].interval for j in theirs],
        **options,  # type: ignore[arg-type]
    )
    return Matches(part.counts, tuple((mine[i], theirs[j]) for i, j in part.pairs))


def discard_after_matching(matches: Matches, dropped: Collection[int]) -> Matches:
    """Take detections away after one-to-one matching, as the published result synergy does.

    A discarded hit becomes a miss, a discarded false alarm disappears, and a freed expression
    is not matched again.  ``clean`` discards before matching instead.
    Source: Guo et al., ME-TST+, section III-C (result-level synergy).
    """
    kept = tuple(pair for pair in matches.pairs if pair[0] not in dropped)
    hits = len(matches.pairs) - len(kept)
    counts = matches.counts
    alarms = len(dropped) - hits
    return Matches(Counts(counts.tp - hits, counts.fp - alarms, counts.fn + hits), kept)
