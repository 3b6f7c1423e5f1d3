"""Who learns from what: the folds of a protocol over originals, copies and macro-expressions.

Only original micro-expressions are tested.  Everything else (macro-expressions, RSMix copies)
joins the training part of a fold with the person it shows, and control clips join none.  A
fold whose parts show the same frames is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from mescope.errors import DatasetError, RecipeError
from mescope.evaluation.folds import (
    Fold,
    Person,
    balanced_hold_out,
    cross_dataset,
    grouped,
    leave_one_subject_out,
    of_clips,
    published,
)
from mescope.samples.examples import Examples
from mescope.samples.provenance import check_apart

Protocol = Literal["loso", "cross-dataset", "5-fold", "70-30", "70-30-clips", "fixed"]
"""Leave one subject out (over all data sets together), leave one data set out, five folds of
whole people, or 30 % of the people held out, their classes as even as whole people allow; the
last two are drawn anew for every seed.  ``70-30-clips`` is a published split of clips, whose
test people are learned from: a mode of its own, never clean.  ``fixed`` is the split that a
data set was published with, such as DFME's: trained once, every test part reported apart."""

CLIPS: Protocol = "70-30-clips"
FIXED: Protocol = "fixed"


def folds_of(examples: Examples, protocol: Protocol, seed: int) -> list[Fold]:
    """Return the folds of a protocol.

    Raises:
        DatasetError: there is nothing that may be tested.
        LeakError: too few people, or the parts of a fold would show the same frames.
    """
    tested = examples.tested
    if not tested:
        raise DatasetError("expected original micro-expressions to test, found none")
    folds = [
        _whole(fold, tested, examples, by_set=protocol == "cross-dataset")
        for fold in _over(examples, tested, protocol, seed)
    ]
    if examples.origins:
        for fold in folds:
            train, test = ([examples.origins[i] for i in p] for p in (fold.train, fold.test))
            check_apart(fold.name, train, test, by_person=protocol != CLIPS)
    return folds


def controls_of(examples: Examples, fold: Fold) -> list[int]:
    """Return the control clips of what a fold tests."""
    if not examples.origins:
        return []
    tested = {_source(examples, i) for i in fold.test}
    return [
        i
        for i, origin in enumerate(examples.origins)
        if origin.role == "control" and _source(examples, i) in tested
    ]


def in_words(examples: Examples, splits: dict[int, list[Fold]], *, flip: bool) -> list[str]:
    """Return in words how many clips folds learn from and test, mirrored copies counted."""
    if not examples.origins:
        return []
    learned, tested = set(), set()
    for fold in (fold for folds in splits.values() for fold in folds):
        originals = sum(examples.origins[i].role == "original" for i in fold.train)
        learned.add(len(fold.train) + flip * originals)
        tested.add(len(fold.test))
    return [
        f"each fold learns from {_span(learned)} clips and tests {_span(tested)}, originals of "
        "micro-expressions only; copies and macro-expressions of test people are in neither"
    ]


def _span(found: set[int]) -> str:
    low, high = min(found), max(found)
    return str(low) if low == high else f"{low} to {high}"


def _over(examples: Examples, tested: list[int], protocol: Protocol, seed: int) -> list[Fold]:
    """Return folds over the tested examples alone, counted among themselves."""
    persons = [examples.persons[i] for i in tested]
    if protocol == FIXED:
        return [published(persons, [examples.parts[i] for i in tested if examples.parts])]
    return split(persons, [int(examples.labels[i]) for i in tested], protocol, seed)


def split(
    persons: Sequence[Person], labels: Sequence[int], protocol: Protocol, seed: int
) -> list[Fold]:
    """Return the folds of items of people; labels decide which drawn split is most even.

    Raises:
        LeakError: too few people.
        RecipeError: the protocol is one of clips only.
    """
    if protocol == FIXED:
        raise RecipeError(
            "expected another protocol than fixed, which is for clips of a data set with a "
            "published split, such as dfme; take loso or 5-fold"
        )
    if protocol == "loso":
        return leave_one_subject_out(persons)
    if protocol == "cross-dataset":
        return cross_dataset(persons)
    if protocol == "5-fold":
        return grouped(persons, 5, seed)
    if protocol == CLIPS:
        return [of_clips(persons, labels, 0.3, seed)]
    return [balanced_hold_out(persons, labels, 0.3, seed)]


def _whole(fold: Fold, tested: list[int], examples: Examples, *, by_set: bool) -> Fold:
    """Return a fold over all examples: what is never tested joins the training part.

    Nothing of a person who is tested does, and ``by_set`` nothing of a data set that is: also
    not of its people who show macro-expressions alone.
    """
    if not examples.origins:
        return fold
    test = tuple(tested[i] for i in fold.test)
    units = list(examples.persons)
    for place, unit in zip(tested, fold.persons, strict=True):
        units[place] = unit
    by_clip = any(units[i] != examples.persons[i] for i in tested)
    away = {examples.persons[i] for i in test}
    if by_set:
        sets = {dataset for dataset, _ in away}
        away = {person for person in examples.persons if person[0] in sets}
    more = (
        _apart(examples, test)
        if by_clip
        else (i for i in _others(examples) if examples.persons[i] not in away)
    )
    train = (*(tested[i] for i in fold.train), *more)
    return Fold(fold.name, tuple(sorted(train)), test, tuple(units))


def _others(examples: Examples) -> Iterable[int]:
    """Yield what may be learned from and is never tested."""
    for i, origin in enumerate(examples.origins):
        if not origin.testable and origin.role != "control":
            yield i


def _apart(examples: Examples, test: tuple[int, ...]) -> Iterable[int]:
    """Yield those of :func:`_others` that show no frame of a tested clip."""
    shown = [examples.origins[i] for i in test]
    for i in _others(examples):
        if not any(examples.origins[i].meets(one) for one in shown):
            yield i


def _source(examples: Examples, i: int) -> tuple[object, ...]:
    origin = examples.origins[i]
    return (origin.recording, origin.source, origin.kind)
