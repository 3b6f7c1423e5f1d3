"""The loss of ME-TST and its class weights.

Source: spec_metst section 4.3.  The paper writes both losses but not how they are combined;
0.9 and 0.1, the balanced weights and the factor 6 are the published code's.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from mescope.models import MeTstOutput

Reduction = Literal["frames", "weights"]
"""What the weighted cross-entropy is divided by: see :func:`me_tst_loss`."""


def class_weights(counts: ArrayLike, neutral_factor: float = 6.0) -> NDArray[np.float64]:
    """Return the weight of every class from its number of frames, neutral last.

    Balanced, ``frames / (classes * count)``, then neutral times ``neutral_factor``; 0 for the
    factor switches feature-level synergy off.  A class without frames gets weight 0 (the
    published code fails).

    >>> class_weights([10, 2, 5, 3, 80]).round(3).tolist()
    [2.0, 10.0, 4.0, 6.667, 1.5]
    """
    frames = np.asarray(counts, dtype=np.float64)
    weights = np.zeros_like(frames)
    np.divide(frames.sum(), len(frames) * frames, out=weights, where=frames > 0)
    weights[-1] *= neutral_factor
    return weights


def me_tst_loss(
    output: MeTstOutput,
    spotting: Tensor,
    classes: Tensor,
    weights: Tensor,
    *,
    spotting_weight: float = 0.9,
    reduction: Reduction = "frames",
) -> Tensor:
    """Return ``w * MSE(score, label) + (1 - w) * CE(logits, class)``, a scalar.

    Args:
        output: of the model, b windows of k frames.
        spotting: target score, (b, k), 0 or 1.
        classes: class of every frame, (b, k), integer.
        weights: weight of every class, (classes,).
        spotting_weight: w.
        reduction: ``frames`` divides the summed cross-entropy by the number of frames, as the
            published code does by passing one-hot targets; ``weights`` divides by the sum of
            the frames' weights, PyTorch's rule for index targets.  Their ratio is the mean
            weight of a frame, 2 with the published weights.
    """
    regression = F.mse_loss(output.spotting, spotting)
    summed = F.cross_entropy(
        output.emotion.flatten(0, 1), classes.flatten(), weight=weights, reduction="sum"
    )
    divisor = weights[classes].sum() if reduction == "weights" else classes.numel()
    return spotting_weight * regression + (1.0 - spotting_weight) * summed / divisor
