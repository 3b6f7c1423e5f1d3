"""The figures of recognition, each defined once, over counts of any shape.

:data:`METRICS` is read by bootstrap, tables, pages and summaries; a metric that is registered
appears in all of them.  Conventions: ``docs/protocols.md``, Scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.errors import MescopeError
from mescope.registry import Registry

Policy = Literal["zero", "skip_both", "skip_gt"]
"""What a class absent from the data does to a mean over classes.

``skip_both``: a class with neither ground truth nor prediction leaves (ME-TST, MEAN, HTNet,
STSTNet; the macro averages of scikit-learn).  ``zero``: it stays with value 0 (STRS-Metric).
``skip_gt``: a class without ground truth leaves (balanced accuracy of scikit-learn).
"""

ABSENT: Policy = "skip_both"
"""The rule of every figure that names no other: decision 6.

A class that nobody showed and nobody answered has no F1 (0/0), and perfect answers score 1.
One that was answered and never shown counts 0: the answer is wrong.
"""

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class Tallies(NamedTuple):
    """Ground truths, hits, and predictions that were wrong, each (..., classes)."""

    n: Counts
    tp: Counts
    fp: Counts


Definition = Callable[[Tallies, Policy], Floats]
"""Tallies (..., classes) to a figure (...)."""

Expectation = Callable[[Counts], float]
"""Ground truths per class to what answers at random, as often as classes occur, score."""


@dataclass(frozen=True)
class Metric:
    """One figure.

    ``title`` heads its columns; ``reported`` says whether reports of evaluations show it;
    ``per_class`` whether it is a mean over classes, which a :data:`Policy` changes (tables then
    give its spread over seeds and people); ``by_chance`` is None where it is not known.
    """

    name: str
    title: str
    of: Definition
    reported: bool
    per_class: bool
    by_chance: Expectation | None


METRICS: Registry[Metric] = Registry("metric", "mescope.metrics", MescopeError)
"""Every figure by name, in the order of columns."""


def metric(
    title: str,
    *,
    reported: bool = True,
    per_class: bool = True,
    by_chance: Expectation | None = None,
) -> Callable[[Definition], Definition]:
    """Register a definition under its function's name; see :class:`Metric`.

    Raises:
        ValueError: the name is taken.
    """

    def register(definition: Definition) -> Definition:
        name = definition.__name__
        METRICS.register(name)(Metric(name, title, definition, reported, per_class, by_chance))
        return definition

    return register


def reported() -> tuple[Metric, ...]:
    """Return the metrics that reports show."""
    return tuple(one for one in METRICS.values() if one.reported)


def tallies_of(confusion: Counts) -> Tallies:
    """Return the tallies of confusion matrices (..., classes, classes), rows the truth.

    A column more, for answers that are none of the classes, counts as misses only.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    named = confusion.sum(axis=-2)[..., : hits.shape[-1]]
    return Tallies(confusion.sum(axis=-1), hits, named - hits)


def _f1_by_chance(n: Counts) -> float:
    """Return the mean over classes that occur of the expected F1.

    With n of N clips in a class, K ~ Bin(N, n/N) clips are given its name; n K / N of them are
    right on average, so the expectation is the mean over K of 2 n K / (N (n + K)).
    """
    from scipy.stats import binom  # takes longer to import than all else here

    total = int(n.sum())
    k = np.arange(total + 1)
    each = [
        float((binom.pmf(k, total, m / total) * 2 * m * k / (total * (m + k))).sum())
        for m in n[n > 0]
    ]
    return sum(each) / max(1, len(each))


def _share_by_chance(n: Counts) -> float:
    return float((n[n > 0] / n.sum()).mean()) if n.any() else 0.0


def _agreement_by_chance(n: Counts) -> float:
    return float(((n / n.sum()) ** 2).sum())


@metric("UF1", by_chance=_f1_by_chance)
def uf1(tallies: Tallies, policy: Policy) -> Floats:
    """Return the unweighted F1: the mean over classes of 2 TP / (2 TP + FP + FN)."""
    n, tp, fp = tallies
    return _mean(_ratio(2 * tp, tp + fp + n), tallies, policy)


@metric("UAR", by_chance=_share_by_chance)
def uar(tallies: Tallies, policy: Policy) -> Floats:
    """Return the unweighted average recall, 0/0 being 0.

    Under ``skip_both`` the published codes print NaN for a class with predictions but no
    ground truth; here it is 0, as in their macro recall.
    """
    return _mean(_ratio(tallies.tp, tallies.n), tallies, policy)


@metric("accuracy", per_class=False, by_chance=_agreement_by_chance)
def accuracy(tallies: Tallies, policy: Policy) -> Floats:
    """Return hits over ground truths."""
    return _ratio(tallies.tp.sum(axis=-1), tallies.n.sum(axis=-1))


@metric("macro precision", reported=False)
def macro_precision(tallies: Tallies, policy: Policy) -> Floats:
    """Return the mean over classes of hits over predictions, 0/0 being 0."""
    return _mean(_ratio(tallies.tp, tallies.tp + tallies.fp), tallies, policy)


@metric("harmonic F1", reported=False)
def harmonic_f1(tallies: Tallies, policy: Policy) -> Floats:
    """Return the harmonic mean of macro precision and macro recall: not UF1.

    This is what the field multiplies into STRS.
    """
    p, r = macro_precision(tallies, policy), uar(tallies, policy)
    return np.asarray(np.divide(2 * p * r, p + r, out=np.zeros_like(p), where=p + r > 0))


def _ratio(part: Counts | Floats, whole: Counts) -> Floats:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)


def _mean(values: Floats, tallies: Tallies, policy: Policy) -> Floats:
    """Return the mean over the classes that the policy keeps; 0 where it keeps none."""
    if policy == "zero":
        return np.asarray(values.mean(axis=-1))
    n, _, fp = tallies
    kept = (n + fp if policy == "skip_both" else n) > 0
    return _ratio(np.where(kept, values, 0.0).sum(axis=-1), kept.sum(axis=-1))
