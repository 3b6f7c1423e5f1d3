"""The one training loop: what is trained, on what and by which loss are arguments.

Lightning Fabric moves tensors to the device, sets the precision, and, where it was launched on
several devices, gives every process its share of each batch and averages the gradients.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from mescope.errors import RecipeError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Batch = tuple[Tensor, ...]
"""What the model is given comes first; all tensors have the same length."""

Loss = Callable[[Any, Batch], Tensor]
"""The model's output and the batch in, a scalar out."""

Report = Callable[[int, float], None]
"""Called after every batch with the number of batches of this call so far, and the loss."""


def one_device(device: str = "cpu", **options: Any) -> Fabric:
    """Return Fabric for one process on ``cpu``, ``cuda``, ``cuda:1``, ``mps`` ...

    ``options`` go to Fabric, such as ``precision="bf16-mixed"`` or ``loggers=[...]``.
    """
    from lightning_fabric import Fabric  # takes seconds to import

    kind, _, number = device.partition(":")
    devices: Any = [int(number)] if number else 1
    return Fabric(accelerator=kind, devices=devices, **options)


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Callable[[int], Iterable[Batch]],
    loss: Loss,
    *,
    epochs: int,
    first: int = 0,
    seed: int = 0,
    fabric: Fabric | None = None,
    schedule: LRScheduler | None = None,
    clip_norm: float = 0.0,
    accumulate: int = 1,
    after_step: Callable[[], None] | None = None,
    after_epoch: Callable[[int, dict[str, float]], None] | None = None,
    report: Report | None = None,
    stop: Callable[[], bool] | None = None,
) -> None:
    """Train ``model`` in place from epoch ``first`` to ``epochs``; it ends in training mode.

    Args:
        model: any module.
        optimizer: over its parameters.
        batches: gives the batches of an epoch, from its number.  Several processes must be
            given the same batches: each takes its share.
        loss: a mean over the batch.
        epochs: number of the last epoch + 1.
        first: number of the first epoch, to go on where a run stopped.
        seed: decides, with the epoch's number, every random draw inside the model.
        fabric: device, precision, processes and loggers; one CPU if None.
        schedule: stepped after every batch.
        clip_norm: longest gradient of all parameters together; 0 for any.
        accumulate: parts in which a batch is computed one after the other, for their gradients
            only to be kept; a part counts by its length.
        after_step: called after every step of the optimizer.
        after_epoch: called with the epoch's number and its mean ``loss`` and ``seconds``.
        report: called after every batch.
        stop: asked before every epoch; no further one is trained once it says so.

    Raises:
        RecipeError: the loss is not a number.
    """
    fabric = fabric or one_device()
    module, stepper = fabric.setup(model, optimizer)
    done = 0
    for epoch in range(first, epochs):
        if stop and stop():
            break
        torch.manual_seed((seed * 1_000_003 + epoch) * 1_009 + fabric.global_rank)
        started = time.monotonic()
        module.train()
        losses: list[float] = []
        for batch in batches(epoch):
            stepper.zero_grad(set_to_none=True)
            value = _gradients(_share(batch, fabric), module, loss, fabric, accumulate)
            losses.append(_finite(value, epoch, len(losses)))
            if clip_norm:
                fabric.clip_gradients(module, stepper, max_norm=clip_norm)
            stepper.step()
            if after_step:
                after_step()
            if schedule is not None:
                schedule.step()
            done += 1
            if report:
                report(done, losses[-1])
        mean = sum(losses) / max(1, len(losses))
        entry = {"epoch": float(epoch), "loss": mean, "seconds": time.monotonic() - started}
        if fabric.loggers:
            fabric.log_dict(entry, step=epoch)
        if after_epoch:
            after_epoch(epoch, entry)


def _share(batch: Batch, fabric: Fabric) -> Batch:
    """Return this process's part of a batch, on its device."""
    if fabric.world_size > 1:
        batch = tuple(t[fabric.global_rank :: fabric.world_size] for t in batch)
    return tuple(t.to(fabric.device) for t in batch)


def _gradients(
    share: Batch, module: Any, loss: Loss, fabric: Fabric, accumulate: int
) -> Tensor:
    """Add the gradients of a batch up, part by part; return its loss."""
    total = torch.zeros((), device=fabric.device)
    parts = list(zip(*(t.tensor_split(min(accumulate, len(t))) for t in share), strict=True))
    for i, part in enumerate(parts):
        # Of several processes the gradients are averaged once, with the last part.
        with fabric.no_backward_sync(module, enabled=i + 1 < len(parts)):
            value = loss(module(part[0]), part) * (len(part[0]) / len(share[0]))
            fabric.backward(value)
        total = total + value.detach()
    return total


def _finite(loss: Tensor, epoch: int, step: int) -> float:
    value = float(loss.detach())
    if value != value or abs(value) == float("inf"):
        raise RecipeError(
            f"the loss is {value} in epoch {epoch}, batch {step}; lower learning_rate and "
            "resume from the last checkpoint"
        )
    return value
