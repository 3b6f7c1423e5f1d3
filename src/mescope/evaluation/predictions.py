"""The predictions of an evaluation, and what they were made from.

What cannot be true of an honest evaluation is refused here.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from mescope.errors import DatasetError, LeakError
from mescope.evaluation.folds import Person

CLEAN = "clean"
SUBJECT_DEPENDENT = "as_published_subject_dependent"
"""Mode of a split of clips: the people tested are those learned from."""

DRAWN = ("70-30", "70-30-clips")
"""Protocols that test other people with every seed; in all others a seed tests everybody."""

_LIBRARIES = ("mescope", "numpy", "scipy", "scikit-learn", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one model said about one clip of a person it had not seen.

    ``scores`` has one number per class of the report, or none.  ``oracle`` is what the epoch
    said that was best on this very person: no result, and None unless it was asked for.
    """

    person: Person  # (data set, subject)
    name: str
    truth: str
    predicted: str
    fold: str
    seed: int
    scores: tuple[float, ...] = ()
    oracle: str | None = None
    part: str = ""  # the test part of a published split

    @property
    def clip(self) -> tuple[str, str, str]:
        """What identifies the clip: data set, subject and name."""
        return (*self.person, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Predictions of one recipe under one protocol, with all that made them.

    Raises:
        DatasetError: there are no predictions, a clip was named twice for a seed or is missing
            in one, its truth differs between seeds, a class is unknown, or scores are not
            numbers.
        LeakError: one person is tested in two folds of a seed, so that a model may have seen
            him.
    """

    name: str
    recipe: Mapping[str, Any]
    protocol: str
    mode: str  # "clean", or the name of a published way: "as_published_..."
    classes: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    hashes: Mapping[str, str]
    environment: Mapping[str, str]
    seconds: float
    warnings: tuple[str, ...]
    control: tuple[Prediction, ...] = ()  # of control clips, whose truth is their mask's
    chosen: tuple[Mapping[str, Any], ...] = ()  # by people held out within each fold

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipe", _plain(self.recipe))
        if self.mode != CLEAN and not self.mode.startswith("as_published_"):
            raise DatasetError(
                f"{self.name}: expected the mode clean or as_published_..., found {self.mode!r}"
            )
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise DatasetError(
                f"{self.name}: expected at least two different classes, found {self.classes}"
            )
        if not self.predictions:
            raise DatasetError(f"{self.name}: expected predictions, found none")
        if self.protocol == "70-30-clips" and self.mode == CLEAN:
            raise LeakError(
                f"{self.name}: a split of clips tests people that were learned from; expected "
                f"the mode {SUBJECT_DEPENDENT}, found {CLEAN}"
            )
        for prediction in (*self.predictions, *self.control):
            _check(prediction, self.classes)
        _check_once(self.predictions)
        _check_seeds(self.predictions, self.protocol)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, sorted."""
        return tuple(sorted({p.seed for p in self.predictions}))

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets, sorted."""
        return tuple(sorted({p.person[0] for p in self.predictions}))

    @property
    def persons(self) -> tuple[Person, ...]:
        """The people tested, sorted."""
        return tuple(sorted({p.person for p in self.predictions}))


def environment() -> dict[str, str]:
    """Return what the figures may depend on, with nothing that identifies a person or a place.

    Keys: ``python``, ``platform`` (system and machine type), ``cpus``, and the versions of
    mescope and the libraries that compute; one that is not installed is left out.
    """
    found = {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": str(os.cpu_count() or 0),
    }
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _check(p: Prediction, classes: tuple[str, ...]) -> None:
    """Refuse a prediction that cannot be counted."""
    where = f"{'/'.join(p.clip)}, seed {p.seed}"
    for what, name in (("truth", p.truth), ("prediction", p.predicted), ("oracle", p.oracle)):
        if name not in classes and not (what == "oracle" and name is None):
            raise DatasetError(
                f"{where}: expected the {what} to be of {', '.join(classes)}, found {name!r}"
            )
    if p.scores and len(p.scores) != len(classes):
        raise DatasetError(
            f"{where}: expected {len(classes)} scores, one per class, found {len(p.scores)}"
        )
    if not all(math.isfinite(score) for score in p.scores):
        raise DatasetError(
            f"{where}: expected scores that are numbers, found {p.scores}; training diverged"
        )


def _check_once(predictions: tuple[Prediction, ...]) -> None:
    """Refuse clips that are named twice for a seed, and people of two folds."""
    seen: set[tuple[object, ...]] = set()
    folds: dict[tuple[object, ...], str] = {}
    for p in predictions:
        key = (*p.clip, p.seed)
        if key in seen:
            raise DatasetError(
                f"{'/'.join(p.clip)}: expected one prediction for seed {p.seed}, found two"
            )
        seen.add(key)
        fold = folds.setdefault((p.person, p.seed), p.fold)
        if fold != p.fold:
            raise LeakError(
                f"{'/'.join(p.person)}: expected one fold for seed {p.seed}, found {fold!r} "
                f"and {p.fold!r}; a model of one was trained on the person of the other"
            )


def _check_seeds(predictions: tuple[Prediction, ...], protocol: str) -> None:
    """Refuse seeds that do not test the same clips, and an oracle for some clips only."""
    truths: dict[tuple[str, str, str], str] = {}
    clips: dict[int, set[tuple[str, str, str]]] = {}
    for p in predictions:
        clips.setdefault(p.seed, set()).add(p.clip)
        if truths.setdefault(p.clip, p.truth) != p.truth:
            raise DatasetError(
                f"{'/'.join(p.clip)}: expected one truth, found {truths[p.clip]!r} and "
                f"{p.truth!r}"
            )
    if len({p.oracle is None for p in predictions}) > 1:
        raise DatasetError("expected an oracle for every prediction or none, found some")
    if protocol in DRAWN:
        return
    for seed in sorted(clips):
        missing = sorted(truths.keys() - clips[seed])
        if missing:
            raise DatasetError(
                f"seed {seed}: expected a prediction for every clip, found none for "
                f"{'/'.join(missing[0])} ({len(missing)} missing); finish the evaluation"
            )


def _plain(value: Any) -> Any:
    """Return what JSON gives back unchanged: lists for tuples, text for all it cannot hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)
