"""How the learning rate goes, and which weights decay."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from mescope.training.tables import Optim

WARM_UP, COOL_DOWN = 5, 10  # epochs
START, FLOOR = 1e-6, 5e-6  # rates

_FREE = ("A_log", "D", "gamma", "class_token", "space", "time")
"""Last parts of names that do not decay: state-space rates and skips, layer scales, and the
class token and positions of VideoMamba."""


def schedule_of(
    optim: Optim,
    optimizer: Optimizer,
    steps: int,
    done: int = 0,
    place: Callable[[int], float] = float,
) -> LRScheduler | None:
    """Return the schedule of ``[optim]``; None stands for a constant rate.

    Args:
        optim: peak, epochs and kind of the schedule.
        optimizer: whose rate it sets.
        steps: batches of an epoch.
        done: batches that were done before.
        place: where a batch stands on the way of ``epochs * steps``, if later epochs have
            other numbers of batches.
    """
    if optim.schedule == "constant" or not optim.epochs:
        return None
    peak = optim.learning_rate
    for group in optimizer.param_groups:  # what the scheduler insists on to go on
        group["initial_lr"] = peak
    if optim.schedule == "cosine":
        total = optim.epochs * steps
        return LambdaLR(optimizer, lambda step: cosine(place(step) / total), done - 1)
    if optim.schedule == "warm-up-cosine":
        return LambdaLR(
            optimizer,
            lambda step: warm_up_cosine(place(step) / steps, optim.epochs, peak) / peak,
            done - 1,
        )
    return LambdaLR(
        optimizer,
        lambda step: warm_up(place(step) / steps, optim.epochs, peak) / peak,
        done - 1,
    )


def cosine(share: float) -> float:
    """Return the share of the peak rate after a share of the steps.

    >>> cosine(0.0), round(cosine(0.5), 6), cosine(1.0)
    (1.0, 0.5, 0.0)
    """
    return 0.5 * (1 + math.cos(math.pi * share))


def warm_up(epoch: float, epochs: int, peak: float) -> float:
    """Return MERba's learning rate at a (fractional) epoch.

    Up from 1e-6 in 5 epochs, along a cosine that began at epoch 0, and constant at 5e-6 for the
    last 10.  Shorter runs keep these shares of 70 epochs.  Source: the MERba paper's
    training details.

    >>> warm_up(0, 70, 5e-4), warm_up(69, 70, 5e-4)
    (1e-06, 5e-06)
    """
    shrink = min(1.0, epochs / 70)
    rise, end = WARM_UP * shrink, epochs - COOL_DOWN * shrink
    if epoch < rise:
        return START + (peak - START) * epoch / rise
    if epoch >= end:
        return FLOOR
    return FLOOR + 0.5 * (peak - FLOOR) * (1 + math.cos(math.pi * epoch / end))


def warm_up_cosine(epoch: float, epochs: int, peak: float) -> float:
    """Return VideoMamba's learning rate at a (fractional) epoch.

    Up from 1e-6 in 5 epochs (a tenth of runs shorter than 50), then along a cosine down to
    1e-6, as VideoMamba's published fine-tuning recipe does.

    >>> warm_up_cosine(0, 100, 1e-4), warm_up_cosine(5, 100, 1e-4)
    (1e-06, 0.0001)
    >>> warm_up_cosine(100, 100, 1e-4)
    1e-06
    """
    rise = min(float(WARM_UP), epochs / 10)
    if epoch < rise:
        return START + (peak - START) * epoch / rise
    return START + (peak - START) * cosine(min(1.0, (epoch - rise) / (epochs - rise)))


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return parameter groups: what decays, and what does not.

    Biases, parameters of one dimension (norms among them), layer scales, A and D of state
    spaces do not.
    """
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, parameter in model.named_parameters():
        last = name.rpartition(".")[2]
        free = parameter.ndim <= 1 or last.endswith("bias") or last in _FREE
        groups[not free].append(parameter)
    decays = {True: weight_decay, False: 0.0}
    return [{"params": g, "weight_decay": decays[k]} for k, g in groups.items() if g]
