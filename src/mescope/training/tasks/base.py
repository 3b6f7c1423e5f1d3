"""What a training task is: all that one family of models does its own way."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from mescope.errors import RecipeError, WeightsError
from mescope.models import MODELS, create_model
from mescope.models.averaged import Averaged
from mescope.registry import Registry, suggestion
from mescope.training.fit import Batch
from mescope.training.tables import (
    AugmentTable,
    LoopOptim,
    OptimTable,
    Recipe,
    TaskTable,
    fitting,
)


class TrainingTask:
    """What a family of models is trained on, by which loss, and how it is asked afterwards.

    Attributes:
        models: names of the family's models; empty for a task that any model may have.
        kinds: of samples it learns from (:data:`mescope.samples.base.SAMPLES`).
        optim_table: the class of the recipe's ``[optim]``.
        augment_table: that of ``[augment]``.
        task_table: that of ``[task]``.
        names_clips: it trains recognisers, run by ``mescope evaluate``, and not spotters.
    """

    models: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[str, ...]] = ()
    optim_table: ClassVar[type[OptimTable]] = OptimTable
    augment_table: ClassVar[type[AugmentTable]] = AugmentTable
    task_table: ClassVar[type[TaskTable]] = TaskTable
    names_clips: ClassVar[bool] = True

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """Refuse a recipe whose tables do not go together.

        Raises:
            RecipeError: with the reason.
        """
        if recipe.data.kind not in cls.kinds:
            raise RecipeError(
                f"the model {recipe.model.name!r} learns from {', '.join(cls.kinds)}, found "
                f"kind = {recipe.data.kind!r}; change the data or the model"
            )
        fitting(recipe.optim, cls.optim_table, "[optim]")
        fitting(recipe.augment, cls.augment_table, "[augment]")
        fitting(recipe.task, cls.task_table, "[task]")

    @classmethod
    def options(cls, recipe: Recipe, classes: int) -> dict[str, Any]:
        """Return what a recipe's model is built with."""
        return {"classes": classes, **recipe.model.options}

    @classmethod
    def build(cls, recipe: Recipe, classes: int) -> nn.Module:
        """Return a recipe's model with fresh weights.

        Raises:
            WeightsError: no such model, or an option it does not have.
            RecipeError: the builder of a plug-in does not take the options.
        """
        name, options = recipe.model.name, cls.options(recipe, classes)
        if name not in MODELS:
            known = dict.fromkeys([*MODELS, *(m for t in TASKS.values() for m in t.models)])
            raise WeightsError(
                f"there is no model {name!r}; choose from {', '.join(known)}"
                f"{suggestion(name, known)}"
            )
        try:
            return create_model(name, **options)
        except TypeError as error:
            raise RecipeError(
                f"the model {name!r} cannot be built with "
                f"{', '.join(options)}: {error}; its builder must take classes and the options"
            ) from error


class LoopTask(TrainingTask, ABC):
    """A task that the one loop (:mod:`mescope.training.loop`) trains.

    Attributes:
        module: what the loop trains and checkpoints: the model, or a wrapper around it.
        optimizer: over the model's parameters.
        steps: batches of an epoch.
        epochs: in all.
        seed: decides, with the epoch's number, every random draw inside the model.
        clip_norm: longest gradient, 0 for any.
        precision: as Lightning Fabric names it.
        accumulate: parts in which a batch is computed.
        recompute: blocks compute twice instead of remembering.
        compiled: torch.compile makes code for the module before it is trained.
        average: share of the running mean of all steps that a step keeps; 0 for no mean.
    """

    module: nn.Module
    optimizer: torch.optim.Adam
    steps: int
    epochs: int
    seed: int
    clip_norm: float = 0.0
    precision: str = "32-true"
    accumulate: int = 1
    recompute: bool = False
    compiled: bool = False
    average: float = 0.0

    @functools.cached_property
    def kept(self) -> nn.Module:
        """Return what a checkpoint keeps: the module, with its mean if there is one."""
        return Averaged(self.module, self.average) if self.average else self.module

    def finish(self) -> None:
        """Make the module what was learned: the mean, if there is one."""
        if isinstance(self.kept, Averaged):
            self.kept.settle()

    def follow(self, optim: LoopOptim) -> None:
        """Train with the precision and within the memory that a recipe asks for."""
        self.precision, self.accumulate = optim.precision, optim.accumulate
        self.recompute, self.average = optim.recompute, optim.average
        self.compiled = optim.compiled

    @abstractmethod
    def batches(self, epoch: int) -> Iterable[Batch]:
        """Give the batches of an epoch; what the model is given comes first in each."""

    @abstractmethod
    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Return the loss of a batch, a scalar, from what the model made of it."""

    def steps_before(self, epoch: int) -> int:
        """Return the batches of all epochs before one."""
        return epoch * self.steps

    def after_step(self) -> None:
        """Follow the model after every step of the optimizer; nothing by default."""

    def schedule(self, done: int) -> LRScheduler | None:
        """Return the schedule of the learning rate, ``done`` batches in; None is constant."""
        return None


TASKS: Registry[type[TrainingTask]] = Registry("training task", "mescope.tasks", RecipeError)
"""Every task, by the name that ``[task] name`` asks for it."""


def task_for(model: str, kind: str) -> type[TrainingTask]:
    """Return the task of a model's family that learns from a kind of samples.

    Where the family has none for it, its first one is returned, whose ``check`` says so.  A
    model that no family has is trained by plain classification.
    """
    own = [task for task in TASKS.values() if model in task.models]
    own = own or [TASKS["classification"]]
    return next((task for task in own if kind in task.kinds), own[0])


def task_of(recipe: Recipe) -> type[TrainingTask]:
    """Return the task that a recipe names, or that of its model."""
    if recipe.task.name:
        return TASKS.named(recipe.task.name)
    return task_for(recipe.model.name, recipe.data.kind)


def name_of(task: type[TrainingTask]) -> str:
    """Return the name under which a task is registered."""
    return next(name for name, known in TASKS.items() if known is task)
