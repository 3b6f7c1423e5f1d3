"""Recognition scores over a fixed list of classes.

Counts are summed over everything first and scored once; the class list is always given, never
read off the data.  Source: spec_spotting_protocol section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Policy = Literal["zero", "skip_both", "skip_gt"]
"""What a class absent from the data does to a mean over classes.

``zero``, the default: it stays with value 0.  ``skip_both``: a class with neither ground truth
nor prediction leaves (ME-TST, MEAN, HTNet ...).  ``skip_gt``: a class without ground truth
leaves (balanced accuracy of scikit-learn).
"""


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
    table = confusion(truth, predicted, classes)
    hits = np.diagonal(table)
    return ClassCounts(
        tuple(classes),
        tuple(int(v) for v in table.sum(axis=1)),
        tuple(int(v) for v in hits),
        tuple(int(v) for v in table[:, :-1].sum(axis=0) - hits),
    )


def _ratios(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _mean(values: NDArray[np.float64], counts: ClassCounts, policy: Policy) -> float:
    n, fp = np.array(counts.n), np.array(counts.fp)
    kept = {"zero": n >= 0, "skip_both": n + fp > 0, "skip_gt": n > 0}[policy]
    return float(values[kept].mean()) if kept.any() else 0.0


def macro_precision(counts: ClassCounts, policy: Policy = "zero") -> float:
    """Return the mean over classes of hits over predictions, 0/0 being 0."""
    tp = np.array(counts.tp)
    return _mean(_ratios(tp, tp + np.array(counts.fp)), counts, policy)


def uar(counts: ClassCounts, policy: Policy = "zero") -> float:
    """Return the unweighted average recall, 0/0 being 0.

    Under ``skip_both`` the published codes print NaN for a class with predictions but no
    ground truth; here it is 0, as in their macro recall.
    """
    return _mean(_ratios(np.array(counts.tp), np.array(counts.n)), counts, policy)


def uf1(counts: ClassCounts, policy: Policy = "zero") -> float:
    """Return the unweighted F1: the mean over classes of 2 TP / (2 TP + FP + FN)."""
    tp = np.array(counts.tp)
    return _mean(_ratios(2 * tp, tp + np.array(counts.fp) + np.array(counts.n)), counts, policy)


def accuracy(counts: ClassCounts) -> float:
    """Return hits over ground truths."""
    return sum(counts.tp) / sum(counts.n) if sum(counts.n) else 0.0


def harmonic_f1(counts: ClassCounts, policy: Policy = "zero") -> float:
    """Return the harmonic mean of macro precision and macro recall: not UF1.

    This is what the field multiplies into STRS (protocol section 6.3).
    """
    p, r = macro_precision(counts, policy), uar(counts, policy)
    return 2 * p * r / (p + r) if p + r else 0.0


def strs(spotting_f1: float, recognition_f1: float) -> float:
    """Return the spot-then-recognise score, the product of both unrounded F1."""
    return spotting_f1 * recognition_f1
