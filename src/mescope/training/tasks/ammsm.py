"""AMMSM: drawn sparsity and magnification, the magnifier's loss, MESA, and the search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

from mescope.errors import RecipeError
from mescope.evaluation.folds import Fold
from mescope.models import ammsm
from mescope.models.ammsm import Ammsm
from mescope.ranges import Within
from mescope.samples.checks import Ratio, Some, not_negative
from mescope.samples.clip_kinds import OnsetFlow
from mescope.training.ammsm_training import AmmsmTrainer, ammsm_loss, arguments
from mescope.training.early_stopping import split
from mescope.training.fit import Batch
from mescope.training.search import LOG, FoldSearch, SearchLog, ammsm_of, held_out
from mescope.training.tables import Optim, Recipe, TaskTable, fitting
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.classification import (
    Chooser,
    Classification,
    Session,
    TrainingSet,
)

Searched = Annotated[int, Within(0, 10_000)]

SEARCHED_LEAST = 4
"""Candidates of a generation, of which a quarter are parents of the next."""


@dataclass(frozen=True, kw_only=True)
class AmmsmTable(TaskTable):
    """``[task]`` of AMMSM.

    The paper gives no sizes of the search; those of SparseViT (Chen et al., CVPR 2023), whose
    search it names, are the defaults.
    """

    adaptive_epochs: Some = 0  # first epochs, that draw ratios and alpha for every batch
    mesa: Ratio = 0.0  # weight of its averaged copy's say; 0 for none
    search_population: Searched = 0  # candidates of a generation, 0 for no search
    search_generations: Searched = 20  # after the first one

    def __post_init__(self) -> None:
        not_negative(self, "mesa", "adaptive_epochs", "search_population", "search_generations")


def table_of(recipe: Recipe) -> AmmsmTable:
    """Return the ``[task]`` of a recipe of AMMSM.

    Raises:
        RecipeError: it is of something else.
    """
    if not isinstance(recipe.task, AmmsmTable):
        raise RecipeError(
            f"expected a recipe of AMMSM to search for, found one of {recipe.model.name!r}"
        )
    return recipe.task


@TASKS.register("ammsm")
class AmmsmTask(Classification):
    """Trains AMMSM with what its training takes beside a loop."""

    models: ClassVar[tuple[str, ...]] = tuple(ammsm.PRESETS)
    weighs_inputs: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = (*Classification.kinds, OnsetFlow.kind)
    task_table: ClassVar[type[TaskTable]] = AmmsmTable
    module: AmmsmTrainer

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`."""
        super().check(recipe)
        table, optim = table_of(recipe), fitting(recipe.optim, Optim, "[optim]")
        if table.adaptive_epochs > optim.epochs:
            raise RecipeError(
                f"adaptive_epochs must be 0 to epochs = {optim.epochs}, got "
                f"{table.adaptive_epochs}"
            )
        if table.search_population and not (
            table.search_population >= SEARCHED_LEAST
            and optim.hold_out > 0
            and table.adaptive_epochs > 0
        ):
            raise RecipeError(
                f"a search needs search_population of {SEARCHED_LEAST} or more, "
                "search_generations of 0 or more, adaptive_epochs, and hold_out for people to "
                f"choose on, got {table.search_population}, {table.search_generations}, "
                f"{table.adaptive_epochs} and {optim.hold_out:g}"
            )

    def wrapped(self) -> nn.Module:
        """See :class:`Classification`."""
        table = table_of(self.recipe)
        trainer = AmmsmTrainer(
            ammsm_of(self.recognizer), self.seed, epochs=self.optim.epochs,
            adaptive_epochs=table.adaptive_epochs, mesa=table.mesa,
            onset=self.recipe.data.kind == OnsetFlow.kind,
        )  # fmt: skip
        return trainer.to(next(self.model.parameters()).device)

    def batches(self, epoch: int) -> Iterable[Batch]:
        """See :class:`LoopTask`."""
        self.module.begin(epoch)
        return super().batches(epoch)

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """See :func:`mescope.training.ammsm_training.ammsm_loss`."""
        labels, mesa = batch[1], table_of(self.recipe).mesa
        return ammsm_loss(
            output, labels, self.epoch, self.epochs, mesa, self.class_weights(labels)
        )

    def after_step(self) -> None:
        """Move MESA's averaged copy towards the model."""
        self.module.follow()

    @classmethod
    def predict(cls, model: nn.Module, inputs: Tensor, classes: Sequence[str]) -> Tensor:
        """See :class:`Classification`."""
        assert isinstance(model, Ammsm)
        emotion: Tensor = model(*arguments(model, inputs)).emotion
        return emotion.double().softmax(-1)

    @classmethod
    def hold_out(
        cls, recipe: Recipe, given: TrainingSet, seed: int, session: Session
    ) -> tuple[Fold, Chooser]:
        """See :class:`Classification`; with a search, the people choose ratios and alpha."""
        table = table_of(recipe)
        if not table.search_population:
            return super().hold_out(recipe, given, seed, session)
        share = fitting(recipe.optim, Optim, "[optim]").hold_out
        split(given.persons, len(given.labels), share, seed)
        fold = held_out(given.persons, share, seed)
        chosen = given.take(fold.test)
        log = None
        if session.checkpointer:
            identity = {"recipe": recipe.to_dict(), "seed": seed, "held_out": fold.test}
            log = SearchLog(session.checkpointer.path.with_name(LOG), identity)
        return fold, FoldSearch(
            seed, chosen.inputs, chosen.labels, after=table.adaptive_epochs,
            population=table.search_population, generations=table.search_generations, log=log,
        )  # fmt: skip
