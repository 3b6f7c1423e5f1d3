"""The losses of ME-TST and of MERba's two heads, and class weights.

The ME-TST paper writes both losses but not how they are combined;
0.9 and 0.1, the balanced weights and the factor 6 are the published code's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from mescope.errors import RecipeError
from mescope.models import MeTstOutput
from mescope.models.merba import COARSE_OF_FULL, FINE_OF_FULL, FULL, MerbaOutput

SpottingLoss = Literal["squared", "cross-entropy"]
"""What a spotting score is held to: the square of its distance from the target, as published,
or the cross-entropy.

The gradient of the square passes a sigmoid that has died (a score below 0.001 on all frames)
some thousand times smaller, that of the cross-entropy whole.  The spotting trunk of ME-TST+ at
full size dies within its first ten steps, at any batch: a step of Adam at a twenty-fifth of the
published rate moves all its logits by one.
"""

SPOTTING_LOSSES: tuple[SpottingLoss, ...] = ("squared", "cross-entropy")

_LEAST = 1e-30  # of a score whose logarithm is taken: a logit of -69

Reduction = Literal["frames", "weights"]
"""What the weighted cross-entropy is divided by: see :func:`me_tst_loss`."""


def class_weights(counts: ArrayLike, neutral_factor: float = 1.0) -> NDArray[np.float64]:
    """Return the weight of every class from its number of examples, or frames.

    Balanced, ``all / (classes * count)``; 0 for a class without any (the published code of
    ME-TST fails).

    Args:
        counts: of every class.
        neutral_factor: on the last class, which is neutral in spotting; 0 switches
            feature-level synergy off.

    >>> class_weights([10, 2, 5, 3, 80], 6.0).round(3).tolist()
    [2.0, 10.0, 4.0, 6.667, 1.5]
    """
    given = np.asarray(counts, dtype=np.float64)
    weights = np.zeros_like(given)
    np.divide(given.sum(), len(given) * given, out=weights, where=given > 0)
    weights[-1] *= neutral_factor
    return weights


def me_tst_loss(
    output: MeTstOutput,
    spotting: Tensor,
    classes: Tensor,
    weights: Tensor,
    *,
    spotting_weight: float = 0.9,
    spotting_loss: SpottingLoss = "squared",
    reduction: Reduction = "frames",
) -> Tensor:
    """Return ``w * MSE(score, label) + (1 - w) * CE(logits, class)``, a scalar.

    Args:
        output: of the model, b windows of k frames.
        spotting: target score, (b, k), 0 or 1.
        classes: class of every frame, (b, k), integer.
        weights: weight of every class, (classes,).
        spotting_weight: w.
        spotting_loss: in place of the MSE, see :data:`SpottingLoss`.
        reduction: ``frames`` divides the summed cross-entropy by the number of frames, as the
            published code does by passing one-hot targets; ``weights`` divides by the sum of
            the frames' weights, PyTorch's rule for index targets.  Their ratio is the mean
            weight of a frame, 2 with the published weights.
    """
    regression = distances(output.spotting, spotting, spotting_loss).mean()
    summed = F.cross_entropy(
        output.emotion.flatten(0, 1), classes.flatten(), weight=weights, reduction="sum"
    )
    divisor = weights[classes].sum() if reduction == "weights" else classes.numel()
    return spotting_weight * regression + (1.0 - spotting_weight) * summed / divisor


def masked_me_tst_loss(
    output: MeTstOutput,
    spotting: Tensor,
    classes: Tensor,
    weights: Tensor,
    *,
    spotting_weight: float = 0.9,
    spotting_loss: SpottingLoss = "squared",
) -> Tensor:
    """Return :func:`me_tst_loss` over the frames whose targets are known, a scalar.

    A target below 0 is not known: such a frame has no part in that loss, nor in what its sum is
    divided by.  Without any known target a loss is 0.
    """
    seen, named = spotting >= 0, classes >= 0
    distance = distances(output.spotting, spotting, spotting_loss)[seen].sum()
    summed = F.cross_entropy(
        output.emotion[named], classes[named], weight=weights, reduction="sum"
    )
    regression = distance / seen.sum().clamp(min=1)
    recognition = summed / named.sum().clamp(min=1)
    return spotting_weight * regression + (1.0 - spotting_weight) * recognition


def distances(score: Tensor, target: Tensor, kind: SpottingLoss) -> Tensor:
    """Return how far scores in 0..1 are from their targets, of any one shape.

    The cross-entropy is of a score that a sigmoid made; above a logit of 16, where the score is
    1 in 32 bits, a target of 0 has no gradient.
    """
    if kind == "squared":
        return (score - target).square()
    # Halves cannot hold what a dead sigmoid gives.
    exact = score.to(torch.promote_types(score.dtype, torch.float32))
    yes, no = (torch.log(p.clamp(min=_LEAST)) for p in (exact, 1.0 - exact))
    return -(target * yes + (1.0 - target) * no)


Mix = Literal["sum", "convex"]
"""How the losses of MERba's heads are mixed: ``coarse + a * fine`` or
``(1 - a) * coarse + a * fine``; the paper does not say which."""

_MOST = 0.9  # of a in the convex mix: at 1 three of four coarse classes would get no gradient


def fine_weight(epoch: int, epochs: int, mix: Mix = "sum") -> float:
    """Return a: 0 in the first epoch, 1 in the last (0.9 in the convex mix), in a line.

    >>> [fine_weight(e, 3) for e in range(3)], fine_weight(2, 3, "convex")
    ([0.0, 0.5, 1.0], 0.9)
    """
    grown = epoch / max(1, epochs - 1)
    return min(grown, _MOST) if mix == "convex" else grown


def dgcm_loss(output: MerbaOutput, full: Tensor, a: float, mix: Mix = "sum") -> Tensor:
    """Return the loss of a coarse and a fine head of MERba's dual-granularity classification.

    Args:
        output: of the model, b clips.
        full: classes of ``mescope.models.merba.FULL``, (b,).
        a: weight of the fine head, see :func:`fine_weight`.
        mix: how the two are mixed.

    The fine loss is a mean over the clips whose true class is negative, 0 where there is none.
    """
    coarse = F.cross_entropy(output.coarse, full.new_tensor(COARSE_OF_FULL)[full])
    targets = full.new_tensor(FINE_OF_FULL)[full]
    negative = targets >= 0
    fine = output.fine.sum() * 0.0  # a gradient of exactly 0
    if negative.any():
        fine = F.cross_entropy(output.fine[negative], targets[negative])
    return ((1.0 - a) * coarse if mix == "convex" else coarse) + a * fine


def full_classes(classes: Sequence[str]) -> list[int]:
    """Return the index in ``FULL`` of every class of a data set.

    Raises:
        RecipeError: the classes are not the seven of the two heads.
    """
    if sorted(classes) != sorted(FULL):
        raise RecipeError(
            f"expected the classes {', '.join(FULL)} for two heads, found {list(classes)}; "
            "take the 7-class labels of DFME, or options = { dgcm = false }"
        )
    return [FULL.index(name) for name in classes]
