"""Splits that cannot leak: a fold that shares a person between its parts cannot be built.

A person is (data set, subject); where the same person is in two data sets, give both the same
name.  Items are indices from 0 into whatever the caller splits.
Protocols by name: ``docs/protocols.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from mescope.errors import DatasetError, LeakError

Person = tuple[str, str]
"""(data set, subject)."""

_DRAWS = 200  # of people, to choose the most even one from


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


def train_on(persons: Sequence[Person], train: Collection[str], test: Collection[str]) -> Fold:
    """Return the fold that trains on some data sets and tests on others.

    Items of further data sets are in neither part.

    Raises:
        DatasetError: there is no item of a data set that is named.
        LeakError: a data set or a person is in both parts, or a part is empty.

    >>> people = [("a", "1"), ("b", "1"), ("c", "1"), ("c", "2")]
    >>> fold = train_on(people, ["a", "b"], ["c"])
    >>> fold.name, fold.train, fold.test
    ('c', (0, 1), (2, 3))
    """
    there = {dataset for dataset, _ in persons}
    unknown = sorted({*train, *test} - there)
    if unknown:
        raise DatasetError(
            f"expected data sets of {', '.join(sorted(there))}, found {', '.join(unknown)}"
        )
    train_items, test_items = (
        tuple(i for i, (dataset, _) in enumerate(persons) if dataset in names)
        for names in (train, test)
    )
    return Fold("+".join(sorted(test)), train_items, test_items, tuple(persons))


LEARNED = "train"
"""The part of a published split that is learned from; all others are tested."""


def published(persons: Sequence[Person], parts: Sequence[str]) -> Fold:
    """Return the fold of a published split: trained once, all test parts tested.

    Args:
        persons: whose the items are.
        parts: :data:`LEARNED`, or the name of a test part, for each.

    Raises:
        DatasetError: there is no such split, or one of its sides is empty.
        LeakError: a person is in both.

    >>> people = [("a", "1"), ("a", "2"), ("a", "3")]
    >>> fold = published(people, ["train", "testA", "testB"])
    >>> fold.name, fold.train, fold.test
    ('testA+testB', (0,), (1, 2))
    """
    train = tuple(i for i, part in enumerate(parts) if part == LEARNED)
    test = tuple(i for i, part in enumerate(parts) if part not in (LEARNED, ""))
    if not train or not test or len(parts) != len(persons):
        found = ", ".join(sorted({part or "(none)" for part in parts})) or "no parts"
        raise DatasetError(
            f"expected a data set with a published split, a part {LEARNED!r} and others to "
            f"test, found {found}; give the folder that holds all parts, or take another "
            "protocol"
        )
    name = "+".join(sorted({parts[i] for i in test}))
    return Fold(name, train, test, tuple(persons))


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


def balanced_hold_out(
    persons: Sequence[Person], labels: Sequence[int], share: float, seed: int
) -> Fold:
    """Return a :func:`hold_out` whose classes are split as evenly as whole people allow.

    Of 200 draws of the people, the one whose test part comes nearest to ``share`` of every
    class (sum over the classes of the difference, as a share of the class; the first of
    equals).  Labels decide who is tested, as in any stratified split, and nothing else.
    """
    people = sorted(set(persons))
    classes = sorted(set(labels))
    counts = np.zeros((len(people), len(classes)))
    places = {person: i for i, person in enumerate(people)}
    for person, label in zip(persons, labels, strict=True):
        counts[places[person], classes.index(label)] += 1
    rng = np.random.default_rng(seed)
    wanted = max(1, round(share * len(people)))
    draws = [rng.permutation(len(people))[:wanted] for _ in range(_DRAWS)]
    shares = np.stack([counts[drawn].sum(0) for drawn in draws]) / counts.sum(0)
    best = draws[int(np.abs(shares - share).sum(1).argmin())]
    return _fold(f"hold-out {share:g}", persons, {people[i] for i in best})


def of_clips(persons: Sequence[Person], labels: Sequence[int], share: float, seed: int) -> Fold:
    """Return a published kind of split: ``share`` of the clips of every class, at random.

    One person may be in both parts: the figures are "subject-dependent", and reports refuse to
    call them clean.  Every clip counts as a person of its own here.
    """
    rng, tested = np.random.default_rng(seed), set[int]()
    for label in sorted(set(labels)):
        items = np.flatnonzero(np.asarray(labels) == label)
        tested |= set(rng.permutation(items)[: max(1, round(share * len(items)))].tolist())
    units = tuple((*person[:1], f"{person[1]} clip {i}") for i, person in enumerate(persons))
    return _fold(f"clips {share:g}", units, {units[i] for i in tested})


def hold_out(persons: Sequence[Person], share: float, seed: int) -> Fold:
    """Return one fold whose test part is ``share`` of the people, at least one of them."""
    people = sorted(set(persons))
    order = np.random.default_rng(seed).permutation(len(people))
    tested = {people[i] for i in order[: max(1, round(share * len(people)))]}
    return _fold(f"hold-out {share:g}", persons, tested)
