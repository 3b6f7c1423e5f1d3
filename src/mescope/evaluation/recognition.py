"""Recognition scores over a fixed list of classes.

Counts are summed over everything first and scored once; the class list is always given, never
read off the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mescope.evaluation.metrics import ABSENT, METRICS, Policy, Tallies, tallies_of


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Per class: ground truths, hits, and predictions that were wrong.  Adds over folds."""

    classes: tuple[str, ...]
    n: tuple[int, ...]
    tp: tuple[int, ...]
    fp: tuple[int, ...]

    def __add__(self, other: ClassCounts) -> ClassCounts:
        if self.classes != other.classes:
            raise ValueError(f"classes differ: {self.classes} and {other.classes}")
        n, tp, fp = (
            tuple(a + b for a, b in zip(mine, theirs, strict=True))
            for mine, theirs in ((self.n, other.n), (self.tp, other.tp), (self.fp, other.fp))
        )
        return ClassCounts(self.classes, n, tp, fp)


def confusion(
    truth: Sequence[str], predicted: Sequence[str | None], classes: Sequence[str]
) -> NDArray[np.int64]:
    """Count pairs: rows are true classes, columns predicted ones, the last any other.

    Pairs whose truth is not among ``classes`` are left out; a prediction that is not (or None)
    is a miss of the true class and a false prediction of none.  So the three-class figures of
    the field follow from handing in a list without ``others``.

    Returns:
        (classes, classes + 1)
    """
    table = np.zeros((len(classes), len(classes) + 1), np.int64)
    index = {name: i for i, name in enumerate(classes)}
    for wanted, found in zip(truth, predicted, strict=True):
        if wanted in index:
            column = len(classes) if found is None else index.get(found, len(classes))
            table[index[wanted], column] += 1
    return table


def count_classes(
    truth: Sequence[str], predicted: Sequence[str | None], classes: Sequence[str]
) -> ClassCounts:
    """Return the counts per class of pairs (truth, prediction); see :func:`confusion`."""
    return counts_of(confusion(truth, predicted, classes), classes)


def counts_of(table: NDArray[np.int64], classes: Sequence[str]) -> ClassCounts:
    """Return the counts per class of a confusion matrix (classes, classes or one more)."""
    n, tp, fp = (tuple(int(v) for v in row) for row in tallies_of(table))
    return ClassCounts(tuple(classes), n, tp, fp)


def scored(name: str, counts: ClassCounts, policy: Policy = ABSENT) -> float:
    """Return a figure of :data:`~mescope.evaluation.metrics.METRICS` for counts."""
    tallies = Tallies(*(np.array(row, np.int64) for row in (counts.n, counts.tp, counts.fp)))
    return float(METRICS[name].of(tallies, policy))


def macro_precision(counts: ClassCounts, policy: Policy = ABSENT) -> float:
    """Return :func:`mescope.evaluation.metrics.macro_precision` of counts."""
    return scored("macro_precision", counts, policy)


def uar(counts: ClassCounts, policy: Policy = ABSENT) -> float:
    """Return :func:`mescope.evaluation.metrics.uar` of counts."""
    return scored("uar", counts, policy)


def uf1(counts: ClassCounts, policy: Policy = ABSENT) -> float:
    """Return :func:`mescope.evaluation.metrics.uf1` of counts."""
    return scored("uf1", counts, policy)


def accuracy(counts: ClassCounts) -> float:
    """Return :func:`mescope.evaluation.metrics.accuracy` of counts."""
    return scored("accuracy", counts)


def harmonic_f1(counts: ClassCounts, policy: Policy = ABSENT) -> float:
    """Return :func:`mescope.evaluation.metrics.harmonic_f1` of counts."""
    return scored("harmonic_f1", counts, policy)


def strs(spotting_f1: float, recognition_f1: float) -> float:
    """Return the spot-then-recognise score, the product of both unrounded F1."""
    return spotting_f1 * recognition_f1
