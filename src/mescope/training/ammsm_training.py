"""What training AMMSM takes beside a loop: drawn sparsity, two losses, and a teacher.

Source: spec_ammsm sections 2.11 and 4.1, S7 to S9 and S11.  In the first, adaptive, epochs
every batch draws its ratios and its factor; afterwards the model's own are used, which a search
chose (:mod:`mescope.training.search`).  MESA is cited by the paper without parameters: its form
here is that of VSSD's recipe, with a decay that fits so few steps.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.errors import RecipeError
from mescope.models.ammsm import Ammsm
from mescope.models.ammsm_config import Ratios, block_ratios
from mescope.training.recipe import ONSET_FLOW, ClipRecipe
from mescope.training.recognizer import arguments

RATIOS = tuple(step / 10 for step in range(1, 9))
"""Shares of windows to drop that are tried."""

ALPHAS = (1.0, 4.0)
"""Range of the factor."""

TAUGHT_AFTER = 0.25
"""Share of the epochs after which the teacher has a say."""

_DRAWS = 17  # part of the seed, so that draws are not those of shuffling


class Step(NamedTuple):
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
    step: Step, targets: Tensor, epoch: int, recipe: ClipRecipe, weights: Tensor | None = None
) -> Tensor:
    """Return the loss of a batch, a scalar.

    Cross-entropy, plus that of the magnifier with falling weight, plus ``recipe.mesa`` times
    the cross-entropy against the teacher's shares.

    Args:
        step: from :class:`Trainee`.
        targets: classes (b,), or shares of them (b, classes) under mixup.
        epoch: from 0.
        recipe: says how many epochs there are.
        weights: of the classes.
    """
    loss = F.cross_entropy(step.emotion, targets, weight=weights)
    if step.magnified is not None:
        magnified = magnifier_loss(step.flow, step.magnified, step.alpha)
        loss = loss + magnifier_weight(epoch, recipe.epochs) * magnified
    if step.teacher is not None:
        shares = step.teacher.softmax(-1)
        loss = loss + recipe.mesa * F.cross_entropy(step.emotion, shares)
    return loss


def decay(step: int) -> float:
    """Return the share of the teacher that stays at an update, from 0; at most 0.99.

    VSSD's 0.9999 would leave most of the first weights in the teacher of so short a training
    (spec_ammsm S11).

    >>> decay(0), decay(10**6)
    (0.1, 0.99)
    """
    return min(0.99, (1 + step) / (10 + step))


class Trainee(nn.Module):
    """AMMSM as the training loop sees it: one tensor in, a :class:`Step` out.

    Its state holds the teacher beside the model, so that a checkpoint keeps both.

    Args:
        model: to train; shared, not copied.
        recipe: of the training.
        seed: decides, with the epoch's number, what is drawn.

    Raises:
        RecipeError: the recipe's data have an onset frame that the model does not take, or lack
            one that it needs.
    """

    steps: Tensor

    def __init__(self, model: Ammsm, recipe: ClipRecipe, seed: int) -> None:
        super().__init__()
        if model.config.spatial != (recipe.data == ONSET_FLOW):
            raise RecipeError(
                f"expected data = {ONSET_FLOW!r} for AMMSM with its spatial stream and other "
                f"data without, found {recipe.data!r} and spatial = "
                f"{str(model.config.spatial).lower()}; change one of them"
            )
        self.model, self._recipe, self._seed = model, recipe, seed
        self.teacher: Ammsm | None = None
        if recipe.mesa:
            self.teacher = copy.deepcopy(model).eval().requires_grad_(False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Set the epoch, from 0: its draws do not depend on those before."""
        self._epoch, self._rng = epoch, np.random.default_rng((self._seed, epoch, _DRAWS))

    def train(self, mode: bool = True) -> Trainee:
        """Set the mode of the model; the teacher stays in evaluation mode."""
        super().train(mode)
        if self.teacher is not None:
            self.teacher.eval()
        return self

    def forward(self, inputs: Tensor) -> Step:
        """Return what the model makes of a batch, with what is drawn for it."""
        config = self.model.config
        given = arguments(self.model, inputs)
        ratios, alpha = None, None
        if self._epoch < self._recipe.adaptive_epochs:
            ratios = draw_ratios(self._rng, config.depths) if config.sparse else None
            alpha = float(self._rng.uniform(*ALPHAS)) if config.magnify else None
        output = self.model(*given, ratios=ratios, alpha=alpha)
        taught = None
        if self.teacher is not None and self._epoch >= TAUGHT_AFTER * self._recipe.epochs:
            with torch.no_grad():
                taught = self.teacher(*given, ratios=ratios, alpha=alpha).emotion
        return Step(
            emotion=output.emotion,
            magnified=output.magnified if config.magnify else None,
            flow=given[0],
            alpha=config.alpha if alpha is None else alpha,
            teacher=taught,
        )

    @torch.no_grad()
    def follow(self) -> None:
        """Move the teacher, running statistics too, towards the model; after every step."""
        if self.teacher is None:
            return
        share = decay(int(self.steps))
        mine = self.model.state_dict()
        for name, theirs in self.teacher.state_dict().items():
            if theirs.is_floating_point():
                theirs.lerp_(mine[name], 1.0 - share)
            else:  # counts of batches
                theirs.copy_(mine[name])
        self.steps += 1
