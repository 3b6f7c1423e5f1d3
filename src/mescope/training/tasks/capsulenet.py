"""CapsuleNet: the capsule of the true class shall be long, all others short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models import capsulenet
from mescope.ranges import Whole
from mescope.training.fit import Batch
from mescope.training.tables import TaskTable, fitting
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.classification import Classification, logits

ABSENT = 0.5
"""Weight of the classes that are not there (Sabour et al. 2017, eq. 4)."""


@dataclass(frozen=True, kw_only=True)
class CapsuleTable(TaskTable):
    """``[task]`` of CapsuleNet; the defaults are those of its code."""

    longest: Whole = 0.99  # the true class costs nothing from this length on
    shortest: Whole = 0.01  # any other class up to this one


@TASKS.register("capsulenet")
class CapsuleNetTask(Classification):
    """Trains by the margin loss on lengths in place of cross-entropy on logits."""

    models: ClassVar[tuple[str, ...]] = tuple(capsulenet.PRESETS)
    weighs_inputs: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("apex",)
    task_table: ClassVar[type[TaskTable]] = CapsuleTable

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Return the margin loss (Sabour et al. 2017, eq. 4), a mean over the batch."""
        table = fitting(self.recipe.task, CapsuleTable, "[task]")
        lengths = logits(output)
        true = batch[1]
        if true.dim() == 1:
            true = F.one_hot(true, len(self.classes)).to(lengths)
        short = F.relu(table.longest - lengths).square()
        long = F.relu(lengths - table.shortest).square()
        cost = true * short + ABSENT * (1.0 - true) * long
        weights = self.class_weights(lengths)
        return (cost if weights is None else cost * weights.to(cost)).sum(1).mean()

    @classmethod
    def predict(cls, model: nn.Module, inputs: Tensor, classes: Sequence[str]) -> Tensor:
        """Return the lengths (n, classes) as shares of their sum."""
        lengths = logits(model(inputs)).double()
        return lengths / lengths.sum(-1, keepdim=True).clamp_min(1e-12)
