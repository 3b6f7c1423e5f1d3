"""MERba: plain classification, or its coarse and fine head (DGCM) for seven classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from torch import Tensor, nn

from mescope.errors import RecipeError
from mescope.models import merba
from mescope.models.merba import Merba, MerbaOutput
from mescope.samples.checks import one_of
from mescope.training.fit import Batch
from mescope.training.losses import Mix, dgcm_loss, fine_weight, full_classes
from mescope.training.tables import Augment, Optim, Recipe, TaskTable, fitting
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.classification import Classification, TrainingSet


@dataclass(frozen=True, kw_only=True)
class MerbaTable(TaskTable):
    """``[task]`` of MERba."""

    dgcm_mix: str = "sum"  # of its two heads: sum or convex

    def __post_init__(self) -> None:
        one_of("dgcm_mix", self.dgcm_mix, ("sum", "convex"))


@TASKS.register("merba")
class MerbaTask(Classification):
    """Trains MERba, with one head or with two."""

    models: ClassVar[tuple[str, ...]] = tuple(merba.PRESETS)
    task_table: ClassVar[type[TaskTable]] = MerbaTable

    def __init__(self, recipe: Recipe, given: TrainingSet, seed: int, device: str) -> None:
        super().__init__(recipe, given, seed, device)
        self._full = full_classes(given.classes) if two_heads(self.model) else None

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`; the paper has neither for two heads."""
        super().check(recipe)
        preset = merba.PRESETS.get(recipe.model.name)
        if not recipe.model.options.get("dgcm", preset is not None and preset.dgcm):
            return
        for name, given in (
            ("mixup", fitting(recipe.augment, Augment, "[augment]").mixup),
            ("balanced", fitting(recipe.optim, Optim, "[optim]").balanced),
        ):
            if given:
                raise RecipeError(
                    f"{name} is for models of one head, found two in {recipe.model.name!r}; "
                    f"leave {name} out, or set [model] options.dgcm = false"
                )

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Return the loss of one head, or that of two, of which the fine one grows."""
        if self._full is None:
            return super().loss(output, batch)
        labels, table = batch[1], fitting(self.recipe.task, MerbaTable, "[task]")
        mix = cast(Mix, table.dgcm_mix)
        full = labels.new_tensor(self._full)[labels]
        return dgcm_loss(output, full, fine_weight(self.epoch, self.epochs, mix), mix)

    @classmethod
    def predict(cls, model: nn.Module, inputs: Tensor, classes: Sequence[str]) -> Tensor:
        """See :class:`Classification`; two heads give shares of all seven classes."""
        if not two_heads(model):
            return super().predict(model, inputs, classes)
        output: MerbaOutput = model(inputs)
        return output.scores().double()[:, full_classes(classes)]


def two_heads(model: nn.Module) -> bool:
    """Say whether a model of MERba has a coarse and a fine head."""
    return isinstance(model, Merba) and model.config.dgcm
