"""VideoMamba, or any network of whole clips, on faces out of long recordings.

A macro-expression weighs what the recipe says, mirrored copies stand beside their originals.
Source: the RSMix paper's training of VideoMamba.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F

from mescope.errors import RecipeError
from mescope.models import videomamba
from mescope.samples.base import Expected
from mescope.samples.face_kinds import Faces
from mescope.training.face_epochs import FaceEpochs, shown
from mescope.training.fit import Batch
from mescope.training.tables import AugmentTable, Optim, Recipe, fitting
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.classification import Classification, Epochs, TrainingSet, logits


@dataclass(frozen=True, kw_only=True)
class FaceAugment(AugmentTable):
    """``[augment]`` of faces."""

    flip: bool = False  # one mirrored copy of every original beside it


@TASKS.register("faces")
class FaceTask(Classification):
    """Trains on faces, which decide the model's shape."""

    models: ClassVar[tuple[str, ...]] = tuple(videomamba.PRESETS)
    kinds: ClassVar[tuple[str, ...]] = (Faces.kind,)
    augment_table: ClassVar[type[AugmentTable]] = FaceAugment

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`."""
        super().check(recipe)
        shapes = sorted({"frames", "side", "channels"} & recipe.model.options.keys())
        if shapes:
            raise RecipeError(
                f"with kind = {Faces.kind!r}, frames, size and channels of [data] decide the "
                f"model's {', '.join(shapes)}; take it out of the options"
            )
        if fitting(recipe.optim, Optim, "[optim]").hold_out:
            raise RecipeError(f"kind = {Faces.kind!r} needs no hold_out; leave it out")

    @classmethod
    def options(cls, recipe: Recipe, classes: int) -> dict[str, Any]:
        """See :class:`TrainingTask`; the shape is that of the recipe's clips."""
        faces = fitting(recipe.data, Faces, "[data]")
        shape = {"frames": faces.frames, "side": faces.size, "channels": faces.channels}
        return super().options(recipe, classes) | shape

    def samples_of(self, given: TrainingSet) -> Epochs:
        """See :class:`Classification`."""
        return FaceEpochs(
            self.optim, fitting(self.recipe.data, Faces, "[data]"),
            fitting(self.recipe.augment, FaceAugment, "[augment]").flip,
            self.recognizer.prepare, given.inputs, given.labels, given.origins, self.seed,
        )  # fmt: skip

    @classmethod
    def an_epoch(cls, recipe: Recipe, given: Expected) -> int:
        """See :class:`Classification`: with ``flip`` originals are there twice."""
        flip = fitting(recipe.augment, FaceAugment, "[augment]").flip
        return len(shown(len(given.labels), given.origins, flip=flip))

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Return the mean of the cross-entropy, weighted by clip and by class."""
        _, labels, shares = batch
        return weighted_mean(output, labels, shares, self.class_weights(labels))


def weighted_mean(
    output: Any, labels: Tensor, shares: Tensor, classes: Tensor | None = None
) -> Tensor:
    """Return the mean of the cross-entropy, every clip weighing its share.

    Args:
        output: of the network.
        labels: (b,).
        shares: weight of every clip, (b,).
        classes: weight of every class.
    """
    weights = shares if classes is None else shares * classes.to(shares)[labels]
    each = F.cross_entropy(logits(output).float(), labels, reduction="none")
    return (each * weights).sum() / weights.sum()
