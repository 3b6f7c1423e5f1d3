"""Weights that exist, one file a fold: who may be tested with which.

A file may be tested on people it did not learn from: on another data set than it was trained
on, or on the one subject that its training left out (``Card.without``).  Weights that do not
say what they learned from are refused, since nobody could tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mescope.datasets.people import number_of
from mescope.errors import DatasetError, LeakError, WeightsError
from mescope.evaluation.folds import Fold, Person
from mescope.labels import RAW_COUNTS
from mescope.models.headers import SUFFIX
from mescope.models.weights import Card, read_card
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.recording_windows import HOME, RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.training.tables import Recipe, fitting


def for_folds(
    folder: Path, recipe: Recipe, some: Sequence[RecordingWindows], folds: Sequence[Fold]
) -> dict[str, Path]:
    """Return the file of every fold by its name.

    Raises:
        WeightsError: there are no weights, or they are of another model or other features.
        LeakError: a fold has no file that did not learn from its people.
    """
    cards = _cards(folder)
    for path, card in cards.items():
        _check(path, card, recipe)
    found, missing = {}, []
    for fold in folds:
        people = {some[i].person for i in fold.test}
        fitting_files = [path for path, card in cards.items() if unseen(card, people)]
        exact = [path for path in fitting_files if cards[path].without]
        chosen = exact or fitting_files
        if len(chosen) > 1:
            raise WeightsError(
                f"fold {fold.name}: expected one file, found {chosen[0].name} and "
                f"{chosen[1].name}; leave one of them out of {folder}"
            )
        if chosen:
            found[fold.name] = chosen[0]
        else:
            missing.append(fold.name)
    if missing:
        raise LeakError(
            f"expected in {folder} for every fold weights that did not learn from whom it "
            f"tests, found none for {', '.join(missing[:5])} ({len(missing)} of {len(folds)} "
            "folds); import each fold's file with --trained-on and --without"
        )
    return found


def other_windows(files: Iterable[Path], some: Sequence[RecordingWindows]) -> list[str]:
    """Say where weights are shown windows of another length than they learned from.

    That is no mistake where people are of another data set; the figures are then of both
    changes at once.
    """
    learned = {(card.window, card.rate) for card in map(read_card, files)}
    shown = [(one.timing.window, one.timing.rate) for one in some]
    strange = [one for one in shown if not any(_alike(one, other) for other in learned)]
    if not strange:
        return []
    expected, found = (
        " and ".join(sorted({f"{window} frames at {rate:.3g} a second" for window, rate in of}))
        for of in (learned, strange)
    )
    return [
        f"{len(strange)} of {len(shown)} recordings have windows of {found}; the weights "
        f"learned from windows of {expected}"
    ]


def _alike(one: tuple[int, float], other: tuple[int, float]) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) <= 0.1 * other[1]


def check_measured(recipe: Recipe, some: Sequence[RecordingWindows]) -> None:
    """Refuse recordings that were measured otherwise than a recipe asks.

    Raises:
        DatasetError: with what differs.
    """
    wanted = fitting(recipe.data, AnnotatedRecordings, "[data]")
    for one in some:
        for what, expected, found in (
            ("regions", len(wanted.region_names), len(one.regions)),
            ("mode", wanted.mode, one.mode),
        ):
            if expected != found:
                raise DatasetError(
                    f"{one.key}: the recipe {recipe.name} asks for the {what} {expected}, it "
                    f"was measured with {found}; set [data] {what}, or take other features"
                )
        if isinstance(wanted, AnnotatedFrames):
            _check_maps(recipe, wanted, one)


def _check_maps(recipe: Recipe, wanted: AnnotatedFrames, one: RecordingWindows) -> None:
    """Refuse a recording without the flow maps of pairs that a recipe asks for."""
    k = wanted.distance(one.timing.rate)
    expected = f"{wanted.style} maps of {wanted.flow} flow over {k} frames"
    maps = one.maps
    found = f"{maps.style} maps of {maps.flow} flow over {maps.k} frames" if maps else "none"
    if expected != found:
        raise DatasetError(
            f"{one.key}: the recipe {recipe.name} asks for {expected}, found {found}; measure "
            "the recordings by this recipe"
        )


def unseen(card: Card, people: set[Person]) -> bool:
    """Say whether weights learned from none of these people, as far as their card tells."""
    if card.simulated:
        return True
    if not card.dataset:
        return False
    home = HOME.get(card.dataset, card.dataset)
    seen = {subject for dataset, subject in people if dataset == home}
    if not seen or not card.without:
        return not seen
    if seen == {card.without}:
        return True
    # Of a published data set "6" is who its sheet calls "006"; own people may have any name.
    number = number_of(card.without)
    return home in RAW_COUNTS and number is not None and {*map(number_of, seen)} == {number}


def _cards(folder: Path) -> dict[Path, Card]:
    files = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    if not files:
        raise WeightsError(
            f"expected a folder with the weights of folds ({SUFFIX}), found none in {folder}"
        )
    return {path: read_card(path) for path in files}


def _check(path: Path, card: Card, recipe: Recipe) -> None:
    """Refuse weights that are of another model, or were shown other motion."""
    wanted = fitting(recipe.data, AnnotatedRecordings, "[data]")
    frames = isinstance(wanted, AnnotatedFrames)
    compared: list[tuple[str, Any, Any]] = [
        ("model", recipe.model.name, card.model),
        ("regions", () if frames else wanted.region_names, card.regions),
        ("mode", wanted.mode, card.mode),
    ]
    if isinstance(wanted, AnnotatedFrames):
        rule = card.proposals
        compared += [
            ("kind of expressions", wanted.expressions, rule.get("kind")),
            ("flow", wanted.flow, rule.get("flow")),
            ("distance of a pair", wanted.half_s, rule.get("pair_s") or rule.get("half_s")),
        ]
    for what, expected, found in compared:
        if expected != found:
            raise WeightsError(
                f"{path.name}: expected the {what} {expected} of the recipe {recipe.name}, "
                f"found {found}; take the recipe that they were trained by"
            )
