"""SOFTNet and MEAN on recordings that people annotated.

Source: the papers of both (:mod:`mescope.training.tasks.frames`): every epoch goes once through
all pairs that share a frame with an expression of the kind that is learned, and through some
others; 10 epochs, one network for each kind.
Differences, beside those of :mod:`mescope.training.tasks.frames`:
* The distance of a pair is a constant of the recipe (``[data] half_s``) and not k_p: maps are
  then measured once for all folds, and no test person's expressions decide them.  k_p, by which
  scores are smoothed and intervals laid, comes from each fold's training people.
* Pairs with a frame without a face are not learned; expressions whose emotion has no class are
  spotted and not named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mescope.errors import RecipeError
from mescope.labels import OWN_SETS
from mescope.ranges import Whole
from mescope.samples.checks import LearningRate, Number, one_of
from mescope.samples.frame_epochs import FrameEpochs
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.training.tables import OptimTable, Recipe, TaskTable, fitting
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.frames import FrameSpotting
from mescope.training.tasks.me_tst import Source, SpottingOptim
from mescope.training.tasks.recordings import FoldTable


@dataclass(frozen=True, kw_only=True)
class RecordingFrameOptim(SpottingOptim):
    """``[optim]`` of networks that score frames, on recordings: Adam, a constant rate."""

    epochs: Number = 10
    batch_size: Number = 32
    learning_rate: LearningRate = 5e-4


@dataclass(frozen=True, kw_only=True)
class RecordingFrameTable(FoldTable):
    """``[task]`` of networks that score frames, on recordings: how scores become detections.

    Peaks of the smoothed scores above ``mean + share * (max - mean)`` and not below ``floor``
    are expressions, k_p to both sides.  With ``hold_out`` the floor is chosen on that share of
    the training people.
    """

    share: Whole = 0.55
    floor: Whole = 0.0


@TASKS.register("recording-frames")
class RecordingFrameSpotting(FrameSpotting):
    """Trains SOFTNet or MEAN on maps of annotated recordings."""

    kinds: ClassVar[tuple[str, ...]] = (AnnotatedFrames.kind,)
    optim_table: ClassVar[type[OptimTable]] = RecordingFrameOptim
    task_table: ClassVar[type[TaskTable]] = RecordingFrameTable

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`."""
        super().check(recipe)
        one_of("labels", recipe.labels, tuple(OWN_SETS))
        if fitting(recipe.task, RecordingFrameTable, "[task]").k_p_people == "everyone":
            raise RecipeError(
                'k_p_people = "everyone" lets test people decide the length of intervals; '
                "leave it out"
            )

    def learns_from(self, source: Source | None) -> None:
        """See :class:`SpottingTask`; an epoch is one pass over what ``source`` draws.

        Raises:
            RecipeError: there is no source.
        """
        if not isinstance(source, FrameEpochs):
            raise RecipeError(
                f"recipe {self.recipe.name} learns from recordings of people: give --dataset "
                "and --root"
            )
        self.steps = max(1, source.size // self.optim.batch_size)
