"""Action units as labels of which several may hold at once: F1 of each, and their mean.

Sides, intensities and FACS codes that are no action units do not count: L12 and 12C are AU 12,
AD38 is none.  A unit that was present but did not move ("12(k)") is no sign of an expression
and is left out, unless it is asked for.
Source: the multi-label F1 of action units as meb (Varanka et al. 2023) reports it, a binary F1
for every unit and their mean; the twelve units are those that it keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mescope import facs
from mescope.errors import DatasetError
from mescope.evaluation.folds import Person, cross_dataset, train_on
from mescope.evaluation.metrics import ABSENT, Policy, Tallies, uf1

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17)
"""The units that several data sets have often enough to be compared."""

Bools = NDArray[np.bool_]
Predictor = Callable[[Any], ArrayLike]
"""Features (n, ...) to presence (n, units), 0 or 1."""


@dataclass(frozen=True, slots=True)
class UnitScores:
    """Per unit: how often it is true, hits, and false alarms.  Adds over folds."""

    units: tuple[int, ...]
    n: tuple[int, ...]
    tp: tuple[int, ...]
    fp: tuple[int, ...]

    def __add__(self, other: UnitScores) -> UnitScores:
        if self.units != other.units:
            raise ValueError(f"units differ: {self.units} and {other.units}")
        n, tp, fp = (
            tuple(a + b for a, b in zip(mine, theirs, strict=True))
            for mine, theirs in ((self.n, other.n), (self.tp, other.tp), (self.fp, other.fp))
        )
        return UnitScores(self.units, n, tp, fp)

    @property
    def f1(self) -> dict[int, float]:
        """Return the F1 of every unit; 0 where nothing was true and nothing was found."""
        return {
            unit: 2 * tp / (tp + fp + n) if tp + fp + n else 0.0
            for unit, n, tp, fp in zip(self.units, self.n, self.tp, self.fp, strict=True)
        }

    def macro(self, policy: Policy = ABSENT) -> float:
        """Return the mean F1 over units; what an absent one does to it says the policy."""
        tallies = Tallies(*(np.array(row, np.int64) for row in (self.n, self.tp, self.fp)))
        return float(uf1(tallies, policy))

    @property
    def micro(self) -> float:
        """Return the F1 of all units together, each presence of one counted alike."""
        whole = sum(self.n) + sum(self.tp) + sum(self.fp)
        return 2 * sum(self.tp) / whole if whole else 0.0

    def summary(self) -> dict[str, Any]:
        """Return every figure by name, as plain values for JSON."""
        per_unit = {
            f"AU{unit}": {"n": n, "tp": tp, "fp": fp, "f1": self.f1[unit]}
            for unit, n, tp, fp in zip(self.units, self.n, self.tp, self.fp, strict=True)
        }
        return {"macro_f1": self.macro(), "micro_f1": self.micro, "units": per_unit}


def unit_matrix(
    codings: Iterable[object], units: Sequence[int] = UNITS, *, static: bool = False
) -> Bools:
    """Return which units hold, of codings as sheets write them or as lists of units.

    Args:
        codings: of every sample: a text such as ``"4+L10"``, or its tokens.
        units: the columns.
        static: whether a unit that was present without moving counts.

    Returns:
        (samples, units)

    >>> unit_matrix(["4+L10", "", ["12", "R14"], "12(k)+4"], (4, 10, 12)).astype(int).tolist()
    [[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0]]
    """
    rows = [_numbers(coding, static) for coding in codings]
    return np.array([[unit in row for unit in units] for row in rows], bool).reshape(
        len(rows), len(units)
    )


def _numbers(coding: object, static: bool) -> set[int]:
    listed = isinstance(coding, Collection) and not isinstance(coding, str)
    text = (
        "+".join(str(token) for token in cast("Collection[object]", coding))
        if listed
        else coding
    )
    found = facs.parse(text).units
    return {u.number for u in found if u.code == "AU" and (static or not u.static)}


def score_units(
    truth: Any, found: Any, units: Sequence[int] = UNITS, *, static: bool = False
) -> UnitScores:
    """Score the units of samples.

    Args:
        truth: presence (n, units) as an array of 0 and 1, or a coding of every sample as for
            :func:`unit_matrix`.
        found: likewise, of the same samples.
        units: the columns, and all units that count.
        static: see :func:`unit_matrix`.

    Raises:
        DatasetError: sizes differ, or an array holds something else than 0 and 1.

    >>> scores = score_units(["4", "4+L10", "12"], ["4+7", "4", "L12"], (4, 7, 10, 12))
    >>> scores.f1, scores.macro()
    ({4: 1.0, 7: 0.0, 10: 0.0, 12: 1.0}, 0.5)
    """
    wanted, said = (_presence(value, units, static) for value in (truth, found))
    if wanted.shape != said.shape:
        raise DatasetError(
            f"expected the units of the same samples, found {len(wanted)} true and {len(said)} "
            "found ones"
        )
    return UnitScores(
        tuple(units),
        tuple(wanted.sum(axis=0).tolist()),
        tuple((wanted & said).sum(axis=0).tolist()),
        tuple((said & ~wanted).sum(axis=0).tolist()),
    )


def _presence(value: Any, units: Sequence[int], static: bool) -> Bools:
    """Return presence (n, units) of an array or table of 0 and 1, or of codings."""
    if getattr(value, "ndim", 0) == 2:
        table = np.asarray(value)
    elif all(_is_row(row, len(units)) for row in value):
        table = np.array(list(value)).reshape(-1, len(units))
    else:
        return unit_matrix(value, units, static=static)
    if table.ndim != 2 or table.shape[1] != len(units):
        raise DatasetError(
            f"expected an array (samples, {len(units)} units), found the shape {table.shape}"
        )
    if not np.isin(table, (0, 1)).all():
        raise DatasetError("expected 0 and 1 for every unit; compare scores with a level first")
    return np.asarray(table, bool)


def _is_row(row: Any, width: int) -> bool:
    """Say whether a sample is a row of numbers, one for each unit, and not a coding."""
    listed = isinstance(row, list | np.ndarray) and len(row) == width
    return listed and all(isinstance(cell, int | float | np.generic) for cell in row)


def across_datasets(
    persons: Sequence[Person],
    features: Any,
    truth: ArrayLike,
    fit: Callable[[Any, Bools], Predictor],
    *,
    units: Sequence[int] = UNITS,
    train: Collection[str] = (),
    test: Collection[str] = (),
) -> dict[str, UnitScores]:
    """Train on some data sets and test on others, people never shared.

    Args:
        persons: (data set, subject) of every sample; one person has one name in all data sets
            (SAMM's in its long videos, SMIC's before every camera).
        features: array (samples, ...).
        truth: presence of the units, (samples, units).
        fit: takes features and presence of the training samples and returns what predicts.
        units: the columns of ``truth``.
        train: data sets to train on; all others, in turn each, by default.
        test: data sets to test on, if ``train`` is given.

    Returns:
        Scores by tested data set, or of all that were given together under ``"a+b"``.

    Raises:
        LeakError: a person is in training and test.
        DatasetError: sizes differ, or a data set is not there.
    """
    features, wanted = np.asarray(features), _presence(np.asarray(truth), units, static=False)
    if not len(features) == len(wanted) == len(persons):
        raise DatasetError(
            f"expected as many persons, features and truths, found {len(persons)}, "
            f"{len(features)} and {len(wanted)}"
        )
    folds = [train_on(persons, train, test)] if train or test else cross_dataset(persons)
    found = {}
    for fold in folds:
        learned, tested = list(fold.train), list(fold.test)
        predict = fit(features[learned], wanted[learned])
        said = _presence(np.asarray(predict(features[tested])), units, static=False)
        found[fold.name] = score_units(wanted[tested], said, units)
    return found
