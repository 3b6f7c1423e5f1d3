"""What training AMMSM takes beside a loop: drawn sparsity, two losses, and a teacher.

In the first, adaptive, epochs every batch draws its ratios and its factor; afterwards the
model's own are used, which a search chose (:mod:`mescope.training.search`).  MESA is cited by
the paper without parameters: its form here is that of VSSD's recipe (Shi et al., 2024), with a
decay that fits so few steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from mescope.errors import RecipeError
from mescope.models.ammsm import Ammsm
from mescope.models.ammsm_config import Ratios, block_ratios
from mescope.moved import renamed

RATIOS = tuple(step / 10 for step in range(1, 9))
"""Shares of windows to drop that are tried."""

ALPHAS = (1.0, 4.0)
"""Range of the factor."""

TAUGHT_AFTER = 0.25
"""Share of the epochs after which the teacher has a say."""

_DRAWS = 17  # part of the seed, so that draws are not those of shuffling


class AmmsmTrainOutput(NamedTuple):
    """What the model made of a batch, and with what."""

    emotion: Tensor  # (b, classes), logits
    magnified: Tensor | None  # (b, channels, h, w); None without magnifier
    flow: Tensor  # as given
    alpha: float
    teacher: Tensor | None  # (b, classes), its logits; None while it has no say


def draw_ratios(rng: np.random.Generator, depths: Sequence[int]) -> Ratios:
    """Return ratios for one batch: one of :data:`RATIOS` for two blocks, ascending in a stage.

    Args:
        rng: draws.
        depths: blocks of every stage.
    """
    pairs = [sorted(rng.choice(RATIOS, -(-depth // 2)).tolist()) for depth in depths]
    return block_ratios(pairs, depths)


def magnifier_weight(epoch: int, epochs: int) -> float:
    """Return the weight of the magnifier's loss: 1 in the first epoch, towards 0 in the last.

    >>> [magnifier_weight(e, 100) for e in (0, 25, 70, 99)]
    [1.0, 0.75, 0.3, 0.01]
    """
    return (epochs - epoch) / epochs


def magnifier_loss(flow: Tensor, magnified: Tensor, alpha: float) -> Tensor:
    """Return the mean of ``|alpha * flow - magnified|``, a scalar."""
    return F.l1_loss(magnified, alpha * flow)


def ammsm_loss(
    output: AmmsmTrainOutput, targets: Tensor, epoch: int, epochs: int, mesa: float = 0.0,
    weights: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Return the loss of a batch, a scalar.

    Cross-entropy, plus that of the magnifier with falling weight, plus ``mesa`` times
    the cross-entropy against the teacher's shares.

    Args:
        output: from :class:`AmmsmTrainer`.
        targets: classes (b,), or shares of them (b, classes) under mixup.
        epoch: from 0.
        epochs: in all.
        mesa: weight of the teacher's say.
        weights: of the classes.
    """
    loss = F.cross_entropy(output.emotion, targets, weight=weights)
    if output.magnified is not None:
        magnified = magnifier_loss(output.flow, output.magnified, output.alpha)
        loss = loss + magnifier_weight(epoch, epochs) * magnified
    if output.teacher is not None:
        shares = output.teacher.softmax(-1)
        loss = loss + mesa * F.cross_entropy(output.emotion, shares)
    return loss


def decay(step: int) -> float:
    """Return the share of the teacher that stays at an update, from 0; at most 0.99.

    VSSD's 0.9999 would leave most of the first weights in the teacher of so short a
    training.

    >>> decay(0), decay(10**6)
    (0.1, 0.99)
    """
    return min(0.99, (1 + step) / (10 + step))


def arguments(model: Ammsm, inputs: Tensor) -> tuple[Tensor, ...]:
    """Return what AMMSM is called with for prepared inputs (n, ...), which are one tensor.

    With its spatial stream it gets flow, and the onset frame that follows it, in three equal
    channels.
    """
    if model.config.spatial:
        channels = model.config.channels
        return inputs[:, :channels], inputs[:, channels:].expand(-1, 3, -1, -1)
    return (inputs,)


class AmmsmTrainer(nn.Module):
    """AMMSM as the training loop sees it: one tensor in, an :class:`AmmsmTrainOutput` out.

    Its state holds the teacher beside the model, so that a checkpoint keeps both.

    Args:
        model: to train; shared, not copied.
        seed: decides, with the epoch's number, what is drawn.
        epochs: in all.
        adaptive_epochs: first ones, that draw ratios and factor for every batch.
        mesa: above 0 if there is a teacher.
        onset: inputs hold the onset frame after the flow.

    Raises:
        RecipeError: inputs have an onset frame that the model does not take, or lack one that
            it needs.
    """

    def __init__(
        self, model: Ammsm, seed: int, *, epochs: int, adaptive_epochs: int = 0,
        mesa: float = 0.0, onset: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if model.config.spatial != onset:
            raise RecipeError(
                "expected kind = 'flow-onset' for AMMSM with its spatial stream and other data "
                f"without, found spatial = {str(model.config.spatial).lower()}; change one of "
                "them"
            )
        self.model, self._seed = model, seed
        self._epochs, self._adaptive = epochs, adaptive_epochs
        self.teacher: AveragedModel | None = None
        if mesa:
            self.teacher = AveragedModel(model, avg_fn=_nearer, use_buffers=True)
            self.teacher.n_averaged += 1  # from the fresh weights on, which count as one
            self.teacher.eval().requires_grad_(False)
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Set the epoch, from 0: its draws do not depend on those before."""
        self._epoch, self._rng = epoch, np.random.default_rng((self._seed, epoch, _DRAWS))

    def train(self, mode: bool = True) -> AmmsmTrainer:
        """Set the mode of the model; the teacher stays in evaluation mode."""
        super().train(mode)
        if self.teacher is not None:
            self.teacher.eval()
        return self

    def forward(self, inputs: Tensor) -> AmmsmTrainOutput:
        """Return what the model makes of a batch, with what is drawn for it."""
        config = self.model.config
        given = arguments(self.model, inputs)
        ratios, alpha = None, None
        if self._epoch < self._adaptive:
            ratios = draw_ratios(self._rng, config.depths) if config.sparse else None
            alpha = float(self._rng.uniform(*ALPHAS)) if config.magnify else None
        output = self.model(*given, ratios=ratios, alpha=alpha)
        taught = None
        if self.teacher is not None and self._epoch >= TAUGHT_AFTER * self._epochs:
            # The averaged copy was made before a search changed the model's own values.
            own = config.default_ratios if ratios is None else ratios
            factor = config.alpha if alpha is None and config.magnify else alpha
            with torch.no_grad():
                taught = self.teacher(*given, ratios=own, alpha=factor).emotion
        return AmmsmTrainOutput(
            emotion=output.emotion,
            magnified=output.magnified if config.magnify else None,
            flow=given[0],
            alpha=config.alpha if alpha is None else alpha,
            teacher=taught,
        )

    def follow(self) -> None:
        """Move the teacher, running statistics too, towards the model; after every step."""
        if self.teacher is not None:
            self.teacher.update_parameters(self.model)


def _nearer(theirs: Tensor, mine: Tensor, updates: Tensor | int) -> Tensor:
    """Return a tensor of the teacher moved towards the model's; counts are copied."""
    if not theirs.is_floating_point():
        return mine
    return theirs.lerp(mine, 1.0 - decay(int(updates) - 1))


__getattr__ = renamed(
    __name__,
    {
        "Step": "mescope.training.ammsm_training.AmmsmTrainOutput",
        "Trainee": "mescope.training.ammsm_training.AmmsmTrainer",
    },
)
