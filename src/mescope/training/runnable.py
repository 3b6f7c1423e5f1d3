"""Can it be run?  A recipe is looked at whole before anything is drawn or trained.

Its tables are checked where it is read; here its model is built (on the ``meta`` device, so it
takes no memory), its labels looked up, its weights found, and the model's input compared with
the samples.  What only the data can say, the data says when it is read.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from mescope.errors import MescopeError, RecipeError
from mescope.labels import class_counts
from mescope.models import MODELS
from mescope.models.sizes import bounded
from mescope.models.weights import find, read_card
from mescope.registry import suggestion
from mescope.training.tables import Recipe
from mescope.training.tasks import LoopTask, TrainingTask, task_of
from mescope.training.tasks.classical import ClassicalTask


def check_runnable(recipe: Recipe, source: str = "recipe") -> None:
    """Refuse a recipe that cannot be run, whatever the data.

    Raises:
        RecipeError: an unknown model, label set or weights, options it does not have, or
            samples of another size than the model takes.
    """
    task = task_of(recipe)
    known = class_counts()
    if task.names_clips and recipe.labels not in known:
        raise RecipeError(
            f"{source}: there is no label set {recipe.labels!r}; choose from "
            f"{', '.join(sorted(known))}{suggestion(recipe.labels, known)}"
        )
    try:
        if recipe.model.weights:
            read_card(find(recipe.model.weights))
        module = _built(task, recipe, known.get(recipe.labels, 3))
    except MescopeError as error:
        raise RecipeError(f"{source}: {error}") from error
    if module is not None and task.names_clips:
        _check_shape(recipe, module, source)


def _built(task: type[TrainingTask], recipe: Recipe, classes: int) -> nn.Module | None:
    """Return a recipe's network without memory of its own; None of a classical model."""
    name = recipe.model.name
    if issubclass(task, ClassicalTask):
        from mescope.training.classical import build  # imports scikit-learn, which takes long

        build(name, **recipe.model.options)
    if not issubclass(task, LoopTask):
        return None
    ours = name not in MODELS or MODELS[name].__module__.startswith("mescope.")
    where: AbstractContextManager[Any] = (
        torch.device("meta") if ours else torch.random.fork_rng(devices=[])
    )
    with bounded(), where:
        return task.build(recipe, classes)


def _check_shape(recipe: Recipe, module: nn.Module, source: str) -> None:
    """Compare what the network takes with what samples are."""
    config, data = getattr(module, "config", None), recipe.data
    taken = {
        "size": getattr(config, "size", getattr(config, "side", None)),
        "channels": getattr(config, "channels", None),
    }
    for what, wanted in taken.items():
        found = getattr(data, what, None)
        if wanted is not None and found is not None and wanted != found:
            raise RecipeError(
                f"{source}: the model {recipe.model.name!r} takes samples of the {what} "
                f"{wanted}, [data] {what} is {found}; change one of them"
            )
    least, given = getattr(config, "channels_least", 1), getattr(data, "channels", None)
    if given is not None and given < least:
        raise RecipeError(
            f"{source}: the model {recipe.model.name!r} takes samples of {least} channels or "
            f"more, [data] channels is {given}; change it"
        )
