"""FeatRef: a label, and of every class whether it is the one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F

from mescope.models import featref
from mescope.models.featref import FeatRefOutput
from mescope.samples.checks import Ratio, not_negative
from mescope.training.fit import Batch
from mescope.training.tables import TaskTable, fitting
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.classification import Classification


@dataclass(frozen=True, kw_only=True)
class FeatRefTable(TaskTable):
    """``[task]`` of FeatRef; its paper's weight was not at hand, 1 is our reading."""

    proposals: Ratio = 1.0  # weight of the proposal loss, the label's having 1

    def __post_init__(self) -> None:
        not_negative(self, "proposals")


@TASKS.register("featref")
class FeatRefTask(Classification):
    """Trains by cross-entropy on the label and on each proposal."""

    models: ClassVar[tuple[str, ...]] = tuple(featref.PRESETS)
    weighs_inputs: ClassVar[bool] = False
    task_table: ClassVar[type[TaskTable]] = FeatRefTable

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Return the loss of the label and, of the refined network, that of its proposals.

        With ``balanced`` a class weighs as much in its proposal as in the label.
        """
        plain = super().loss(output, batch)
        if not isinstance(output, FeatRefOutput):
            return plain
        table = fitting(self.recipe.task, FeatRefTable, "[task]")
        true = batch[1]
        if true.dim() == 1:
            true = F.one_hot(true, len(self.classes))
        asked = output.proposals
        weights = self.class_weights(asked)
        proposals = F.binary_cross_entropy_with_logits(
            asked, true.to(asked), None if weights is None else weights.to(asked)
        )
        return plain + table.proposals * proposals
