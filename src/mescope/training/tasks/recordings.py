"""ME-TST, ME-TST+ and BoostingVRME on recordings that people annotated.

Source: the papers of ME-TST and ME-TST+ and the code of ME-TST: every epoch goes once through
all windows that hold an expression and ``negative_ratio`` times as many others.  Differences:
frames without a face and expressions without a class are not learned
(:mod:`mescope.samples.recording_targets`); as published, all are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from torch import Tensor

from mescope.errors import RecipeError
from mescope.labels import OWN_SETS
from mescope.ranges import Share, Within
from mescope.samples.checks import Number, one_of, shares
from mescope.samples.recording_targets import RecordingEpochs
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.samples.synthetic import Epoch
from mescope.training.fit import Batch
from mescope.training.losses import SPOTTING_LOSSES, SpottingLoss, masked_me_tst_loss
from mescope.training.tables import OptimTable, Recipe, TaskTable, fitting
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.me_tst import (
    Source,
    SpottingOptim,
    SpottingTable,
    SpottingTask,
    scaled_batch,
)


@dataclass(frozen=True, kw_only=True)
class RecordingOptim(SpottingOptim):
    """``[optim]`` of spotting models on annotated recordings; defaults as ME-TST+ states."""

    epochs: Number = 50
    batch_size: Number = 256


@dataclass(frozen=True, kw_only=True)
class FoldTable(SpottingTable):
    """What ``[task]`` of any network on annotated recordings says of the people of a fold.

    With ``hold_out`` a level is chosen on that share of the training people, who then are not
    learned from.
    """

    k_p: str = "mean"  # or "median" of the lengths of expressions
    k_p_people: str = "training"  # or "everyone", as published: test people too
    hold_out: Share = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("k_p", self.k_p, ("mean", "median"))
        one_of("k_p_people", self.k_p_people, ("training", "everyone"))
        shares(self, "hold_out")


@dataclass(frozen=True, kw_only=True)
class RecordingTable(FoldTable):
    """``[task]`` of spotting models on annotated recordings: how traces become detections.

    ``rule = "published"``: intervals of half length k_p around peaks above ``mean + level *
    (max - mean)``; ``"trace"``: their ends are read from the trace, and no peak lies below
    ``level``, unless ``hold_out`` has another one chosen.
    """

    spotting_loss: SpottingLoss = "squared"  # or "cross-entropy"
    rule: str = "published"
    level: Share = 0.55
    strategy: Annotated[int, Within(1, 2)] = 1  # of the first row; 1: neutral dropped

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("spotting_loss", self.spotting_loss, SPOTTING_LOSSES)
        one_of("rule", self.rule, ("published", "trace"))
        one_of("strategy", self.strategy, (1, 2))
        shares(self, "level")

    @property
    def strategies(self) -> tuple[int, ...]:
        """Return which strategies are read from the same traces, the chosen one first.

        0 is the only one where neutral had no part in training.
        """
        if self.neutral_weight == 0:
            return (0,)
        return (1, 2) if self.strategy == 1 else (2, 1)


@TASKS.register("spotting-recordings")
class RecordingSpotting(SpottingTask):
    """Trains on annotated recordings: all windows with an expression, others drawn."""

    kinds: ClassVar[tuple[str, ...]] = (AnnotatedRecordings.kind,)
    optim_table: ClassVar[type[OptimTable]] = RecordingOptim
    task_table: ClassVar[type[TaskTable]] = RecordingTable

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`."""
        super().check(recipe)
        data = fitting(recipe.data, AnnotatedRecordings, "[data]")
        table = fitting(recipe.task, RecordingTable, "[task]")
        one_of("labels", recipe.labels, tuple(OWN_SETS))
        if table.k_p_people == "everyone" and data.mode != "as_published":
            raise RecipeError(
                'k_p_people = "everyone" lets test people decide the length of intervals; it '
                'goes with [data] mode = "as_published" only'
            )
        if data.mode == "as_published" and table.spotting_loss != "squared":
            raise RecipeError(
                'expected spotting_loss = "squared" with [data] mode = "as_published", found '
                f"{table.spotting_loss!r}; leave one of them out"
            )
        if data.macro and table.rule == "published":
            raise RecipeError(
                "intervals of one length cannot tell macro- from micro-expressions; with [data]"
                ' macro = true take [task] rule = "trace"'
            )

    @classmethod
    def channels(cls, recipe: Recipe) -> int:
        """See :class:`SpottingTask`; the regions decide."""
        return 2 * len(fitting(recipe.data, AnnotatedRecordings, "[data]").region_names)

    @classmethod
    def options(cls, recipe: Recipe, classes: int) -> dict[str, Any]:
        """See :class:`TrainingTask`; as published, the network is too."""
        data = fitting(recipe.data, AnnotatedRecordings, "[data]")
        mode = {"mode": data.mode} if data.mode == "as_published" else {}
        return mode | super().options(recipe, classes)

    def learns_from(self, source: Source | None) -> None:
        """See :class:`SpottingTask`; an epoch is one pass over what ``source`` draws.

        Raises:
            RecipeError: there is no source.
        """
        if not isinstance(source, RecordingEpochs):
            raise RecipeError(
                f"recipe {self.recipe.name} learns from recordings of people: give --dataset "
                "and --root, or --features"
            )
        size = self.optim.batch_size
        self.steps = sum(-(-count // size) for count in source.sizes())

    def batches(self, epoch: int) -> Iterable[Batch]:
        """See :class:`LoopTask`: every window once, in shuffled batches of one length."""
        return self._pass(self._weighed(epoch), epoch)

    def _pass(self, data: Epoch, epoch: int) -> Iterator[Batch]:
        rng = np.random.default_rng((self.seed, epoch, 1))
        size = self.optim.batch_size
        parts = [
            (length, part)
            for length, windows in data.by_length.items()
            for part in np.split(
                rng.permutation(len(windows.flow)), range(size, len(windows.flow), size)
            )
            if len(part)
        ]
        for which in rng.permutation(len(parts)):
            length, part = parts[which]
            yield scaled_batch(data.by_length[length].take(part), rng)

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """See :func:`mescope.training.losses.masked_me_tst_loss`."""
        _, spotting, classes = batch
        weights = self._weights.to(spotting.device)
        table = fitting(self.recipe.task, RecordingTable, "[task]")
        return masked_me_tst_loss(
            output, spotting, classes, weights,
            spotting_weight=table.spotting_weight, spotting_loss=table.spotting_loss,
        )  # fmt: skip
