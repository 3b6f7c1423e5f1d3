"""Learn to name the emotion of clips from the clips of training people, and nothing else.

What is measured on data (channel statistics, class weights, the scaling inside the classical
models) is measured on what :func:`train_recognizer` is handed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.errors import RecipeError, WeightsError
from mescope.evaluation.folds import Person
from mescope.models.weights import Card, load
from mescope.moved import renamed
from mescope.samples.kinds import preparation_of
from mescope.samples.provenance import Origin
from mescope.training.checkpoint import Checkpointer
from mescope.training.fit import Report
from mescope.training.logs import Log
from mescope.training.recognizer import Recogniser, TrainedRecognizer
from mescope.training.tables import Recipe
from mescope.training.tasks import TASKS, TrainingTask, task_for, task_of
from mescope.training.tasks.classical import ClassicalTask
from mescope.training.tasks.classification import Classification, Session, TrainingSet

Monitor = Callable[[int, Recogniser], None]
"""Called after every epoch with its number and what has been learned so far."""


def train_recognizer(
    recipe: Recipe,
    inputs: NDArray[Any],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    seed: int,
    *,
    device: str = "cpu",
    monitor: Monitor | None = None,
    report: Report | None = None,
    checkpointer: Checkpointer | None = None,
    log: Log = "none",
    log_folder: Path | None = None,
    persons: Sequence[Person] = (),
    origins: Sequence[Origin] = (),
    until: int | None = None,
) -> Recogniser:
    """Train by a recipe.

    Args:
        recipe: model, epochs and the rest.
        inputs: of the training people only, (n, ...).
        labels: their classes, (n,), from 0.
        classes: their names, also of those without a training input.
        seed: decides every random draw; torch's own generator is left as it was.
        device: a torch device.
        monitor: may look, after every epoch; what it does cannot change what is learned.
        report: called after every batch.
        checkpointer: writes a checkpoint after every epoch and goes on from one; networks only.
        log: also write the loss of every epoch.
        log_folder: for it; by default ``logs`` in the checkpointer's folder.
        persons: whose inputs they are; needed by ``hold_out``.
        origins: what they are, for faces: originals have mirrored copies, macro-expressions a
            weight of their own.
        until: stop before this epoch, everything else being as for all of them.

    Raises:
        ValueError: a label is none of the classes.
        RecipeError: the loss is not a number, the weights to start from do not fit, there are
            too few people to hold any out, or the model cannot be trained so.
        WeightsError: no such model or weights, or an option it does not have.
    """
    unknown = sorted(set(labels.tolist()) - set(range(len(classes))))
    if unknown:
        raise ValueError(
            f"expected labels 0 to {len(classes) - 1} ({', '.join(classes)}), found {unknown}; "
            "take a label set that has those classes, or leave their clips out"
        )
    task = _task(recipe)
    given = TrainingSet(inputs, labels, classes, persons, origins)
    session = Session(device, monitor, report, checkpointer, log, log_folder, until)
    return task.train(recipe, given, seed, session)


def _task(recipe: Recipe) -> type[Classification] | type[ClassicalTask]:
    task = task_of(recipe)
    if not issubclass(task, Classification | ClassicalTask):
        raise RecipeError(
            f"expected a recipe that trains a recogniser, found {recipe.model.name!r} on the "
            f"kind {recipe.data.kind!r}; it is run by `mescope train`"
        )
    task.check(recipe)
    return task


def load_recognizer(name_or_path: str | Path) -> tuple[TrainedRecognizer, Card]:
    """Return the recogniser of shipped weights or of a file, and its card.

    Raises:
        WeightsError: no such weights, damaged, or of a model that does not name clips.
        RecipeError: a plug-in's task trained it, and the plug-in was not loaded.
    """
    model, card = load(name_or_path)
    preparation = preparation_of(card)
    task: type[TrainingTask] = (
        TASKS.named(card.task) if card.task else task_for(card.model, preparation.data)
    )
    if not issubclass(task, Classification):
        raise WeightsError(
            f"{name_or_path}: expected weights of a task that names clips, found {card.task!r}"
        )
    return TrainedRecognizer(model, preparation, card.labels, task.predict), card


__getattr__ = renamed(__name__, {"learn": "mescope.training.recognizers.train_recognizer"})
