"""Splits that cannot leak: a fold that shares a person between its parts cannot be built.

A person is (data set, subject); where the same person is in two data sets, give both the same
name.  Items are indices from 0 into whatever the caller splits.
Source: spec_spotting_protocol sections 8 and 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mescope.errors import LeakError

Person = tuple[str, str]
"""(data set, subject)."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One split into training and test items, held apart by person.

    Raises:
        LeakError: a person is in both parts, or a part is empty.
    """

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]
    persons: tuple[Person, ...]  # of every item, in or out of this fold

    def __post_init__(self) -> None:
        for part, items in (("training", self.train), ("test", self.test)):
            if not items:
                raise LeakError(f"fold {self.name}: expected {part} items, found none")
        shared = {self.persons[i] for i in self.train} & {self.persons[i] for i in self.test}
        if shared:
            names = ", ".join("/".join(person) for person in sorted(shared)[:3])
            raise LeakError(
                f"fold {self.name}: expected nobody in both parts, found {names} "
                f"({len(shared)} in all); split by person"
            )


def _fold(name: str, persons: Sequence[Person], tested: set[Person]) -> Fold:
    test = tuple(i for i, person in enumerate(persons) if person in tested)
    train = tuple(i for i, person in enumerate(persons) if person not in tested)
    return Fold(name, train, test, tuple(persons))


def leave_one_subject_out(persons: Sequence[Person]) -> list[Fold]:
    """Return a fold per person, who is its test part; over several data sets at once if given.

    >>> people = [("a", "1"), ("a", "2"), ("b", "1"), ("a", "1")]
    >>> [(fold.name, fold.test) for fold in leave_one_subject_out(people)]
    [('a/1', (0, 3)), ('a/2', (1,)), ('b/1', (2,))]
    """
    return [_fold("/".join(p), persons, {p}) for p in sorted(set(persons))]


def cross_dataset(persons: Sequence[Person]) -> list[Fold]:
    """Return a fold per data set, which is its test part, trained on all others."""
    names = sorted({dataset for dataset, _ in persons})
    return [_fold(name, persons, {p for p in persons if p[0] == name}) for name in names]


def grouped(persons: Sequence[Person], folds: int, seed: int) -> list[Fold]:
    """Return ``folds`` folds of whole people, shuffled by ``seed``, about equal in people.

    Raises:
        LeakError: there are fewer people than folds.
    """
    people = sorted(set(persons))
    if not 2 <= folds <= len(people):
        raise LeakError(f"expected 2 to {len(people)} folds of people, found {folds}")
    order = np.random.default_rng(seed).permutation(len(people))
    parts = np.array_split(order, folds)
    return [
        _fold(f"{k + 1} of {folds}", persons, {people[i] for i in part})
        for k, part in enumerate(parts)
    ]


def hold_out(persons: Sequence[Person], share: float, seed: int) -> Fold:
    """Return one fold whose test part is ``share`` of the people, at least one of them."""
    people = sorted(set(persons))
    order = np.random.default_rng(seed).permutation(len(people))
    tested = {people[i] for i in order[: max(1, round(share * len(people)))]}
    return _fold(f"hold-out {share:g}", persons, tested)


def fixed(name: str, persons: Sequence[Person], tested: Sequence[Person]) -> Fold:
    """Return the fold whose test people are given.

    Raises:
        LeakError: a test person is not among ``persons``.
    """
    unknown = set(tested) - set(persons)
    if unknown:
        names = ", ".join("/".join(person) for person in sorted(unknown)[:3])
        raise LeakError(f"fold {name}: expected test people of the data, found {names}")
    return _fold(name, persons, set(tested))
