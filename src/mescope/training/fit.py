"""The one training loop: what is trained, on what and by which loss are arguments.

Lightning Fabric moves tensors to the device, sets the precision, and, where a training has
several devices (:mod:`mescope.training.several_devices`), averages the gradients of their
processes, each of which has its share of every batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from mescope.errors import RecipeError
from mescope.training.batch_norm import over_processes

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Batch = tuple[Tensor, ...]
"""What the model is given comes first; all tensors have the same length."""

Loss = Callable[[Any, Batch], Tensor]
"""The model's output and the batch in, a scalar out."""

Report = Callable[[int, float], None]
"""Called after every batch with the number of batches of this call so far, and the loss."""


TF32 = "tf32"
"""The precision of 32 bits with products of 19 (8 of exponent, 10 of mantissa) on cards."""

_together: list[str] = []
"""The devices of all processes of the training that this process is one of."""


def begin_together(devices: Sequence[str], rank: int, meeting: Path) -> None:
    """Be one of several processes of a training; they meet at a file, not at a port."""
    cards = devices[0].startswith("cuda")
    if cards:
        torch.cuda.set_device(devices[rank])
    torch.distributed.init_process_group(
        "nccl" if cards else "gloo", init_method=meeting.absolute().as_uri(), rank=rank,
        world_size=len(devices),
    )  # fmt: skip
    _together[:] = devices


def is_first() -> bool:
    """Say whether this process is the one that writes: the only one, or the first."""
    return not _together or torch.distributed.get_rank() == 0


def one_device(device: str = "cpu", **options: Any) -> Fabric:
    """Return Fabric for this process on ``cpu``, ``cuda``, ``cuda:1``, ``mps`` ...

    ``options`` go to Fabric, such as ``precision="bf16-mixed"`` or ``loggers=[...]``.
    """
    from lightning_fabric import Fabric  # takes seconds to import

    if options.get("precision") == TF32:
        options["precision"] = "32-true"
    kind, _, number = device.partition(":")
    if not _together:
        devices: Any = [int(number)] if number and kind != "cpu" else 1
        return Fabric(accelerator=kind, devices=devices, **options)
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    cards: Any = [int(one.partition(":")[2]) for one in _together if ":" in one]
    fabric = Fabric(
        accelerator=kind, devices=cards or len(_together), plugins=[TorchElasticEnvironment()],
        # A loss may leave a part of a network out, such as one head of two.
        strategy=DDPStrategy(find_unused_parameters=True), **options,
    )  # fmt: skip
    fabric.launch()
    return fabric


@contextmanager
def products(precision: str) -> Iterator[None]:
    """Let cards multiply in TF32 if that is the precision, and in whole 32 bits if it is not.

    PyTorch by itself takes TF32 for convolutions and not for products of matrices.
    """
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = cuda.allow_tf32, cudnn.allow_tf32
    cuda.allow_tf32 = cudnn.allow_tf32 = precision == TF32
    try:
        yield
    finally:
        cuda.allow_tf32, cudnn.allow_tf32 = before


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
    compiled: bool = False,
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
        compiled: let ``torch.compile`` make code for the model first.
        after_step: called after every step of the optimizer.
        after_epoch: called with the epoch's number and its mean ``loss`` and ``seconds``.
        report: called after every batch.
        stop: asked before every epoch; no further one is trained once it says so.

    Raises:
        RecipeError: the loss is not a number.
    """
    fabric = fabric or one_device()
    module, stepper = fabric.setup(_given(model, fabric, compiled), optimizer)
    done = 0
    for epoch in range(first, epochs):
        if stop and fabric.broadcast(stop()):
            break
        torch.manual_seed((seed * 1_000_003 + epoch) * 1_009 + fabric.global_rank)
        started = time.monotonic()
        module.train()
        losses: list[float] = []
        for batch in batches(epoch):
            stepper.zero_grad(set_to_none=True)
            parts = min(accumulate, max(1, len(batch[0]) // fabric.world_size))
            value = _gradients(*_share(batch, fabric), module, loss, fabric, parts)
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


def _given(model: nn.Module, fabric: Fabric, compiled: bool) -> Any:
    """Return what is trained: the model, with batch norms over all processes."""
    if fabric.world_size > 1:
        model = over_processes(model, fabric.device.type)
    return torch.compile(model) if compiled else model


def _share(batch: Batch, fabric: Fabric) -> tuple[Batch, float]:
    """Return this process's part of a batch, on its device, and what it counts in the mean.

    A process for which nothing is left takes a sample that counts nothing: gradients are
    averaged over all processes, and the others would wait for it.
    """
    if fabric.world_size == 1:
        return tuple(t.to(fabric.device) for t in batch), 1.0
    own = tuple(t[fabric.global_rank :: fabric.world_size] for t in batch)
    weight = len(own[0]) * fabric.world_size / len(batch[0])
    given = own if weight else tuple(t[:1] for t in batch)
    return tuple(t.to(fabric.device) for t in given), weight


def _gradients(
    share: Batch, weight: float, module: Any, loss: Loss, fabric: Fabric, count: int
) -> Tensor:
    """Add the gradients of a batch up, part by part; return its loss over all processes."""
    total = torch.zeros((), device=fabric.device)
    # As many in every process, also where shares differ by one: they sum batch norms together.
    parts = list(zip(*(t.tensor_split(count) for t in share), strict=True))
    for i, part in enumerate(parts):
        # Of several processes the gradients are averaged once, with the last part.
        with fabric.no_backward_sync(module, enabled=i + 1 < len(parts)):
            counts = weight * len(part[0]) / len(share[0])
            value = loss(module(part[0]), part) * counts
            fabric.backward(value)
        total = total + value.detach()
    if fabric.world_size > 1:
        total = torch.as_tensor(fabric.all_reduce(total, reduce_op="mean"))
    return total


def _finite(loss: Tensor, epoch: int, step: int) -> float:
    value = float(loss.detach())
    if value != value or abs(value) == float("inf"):
        raise RecipeError(
            f"the loss is {value} in epoch {epoch}, batch {step}; lower learning_rate and "
            "resume from the last checkpoint"
        )
    return value
