"""What a training step costs, measured on a few samples: memory, and time on this machine."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

GIB = 2**30
FEW, MORE = 2, 3
"""Samples of the two steps that are measured; what differs between them is a sample's share."""


LONG = 1.0
"""Seconds of a timed step after which no larger batch is tried."""


class LiveMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors made within it that are alive, and the most at once.

    What an operation takes and gives back within itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._see, out)
        return out

    def _see(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._known:
            size = storage.nbytes()
            self._known.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._gone, key, size)
        return tensor

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


class StepCost(NamedTuple):
    """Of one step of the optimizer; bytes and seconds.

    ``fixed`` are parameters, their gradients and Adam's two moments; ``sample`` is what one
    sample adds to the most that is alive at once, ``step`` what any batch takes beside it.
    """

    parameters: int
    fixed: int
    step: int
    sample: int
    seconds: float  # a sample

    def memory(self, batch: int) -> int:
        """Return the bytes of a step whose largest part has ``batch`` samples."""
        return self.fixed + self.step + self.sample * batch


def step_cost(
    module: nn.Module, inputs: Tensor, *, batch: int = MORE, precision: str = "32-true",
    device: str = "cpu",
) -> StepCost:  # fmt: skip
    """Measure steps of two and of three samples, and time larger ones; no parameter moves.

    The loss is the mean square of all outputs: every loss is small beside a network.

    Args:
        module: in training mode afterwards, its gradients unset.
        inputs: (3 or more, ...), as the network is given them.
        batch: samples of a step to come: so many are timed at once, or as many as take
            :data:`LONG` seconds.
        precision: of :data:`mescope.training.tables.PRECISIONS`.
        device: a torch device.

    Raises:
        ValueError: fewer samples.
    """
    if len(inputs) < MORE:
        raise ValueError(f"expected {MORE} samples or more to measure on, found {len(inputs)}")
    module = module.to(device).train()
    inputs = inputs.to(device)
    half = precision == "bf16-mixed"

    def halves() -> AbstractContextManager[Any]:
        kind = torch.device(device).type
        return torch.autocast(kind, dtype=torch.bfloat16) if half else nullcontext()

    peaks = {}
    for count in (FEW, MORE):  # the first of them also compiles
        with LiveMemory() as live:
            _step(module, inputs[:count], halves)
        peaks[count] = live.peak
    count, taken = MORE // 2, 0.0
    while count < batch and taken < LONG:
        count = min(2 * count + 1, max(batch, MORE))
        some = inputs[torch.arange(count) % len(inputs)]
        began = time.perf_counter()
        _step(module, some, halves)
        taken = time.perf_counter() - began
    sample = max(0, (peaks[MORE] - peaks[FEW]) // (MORE - FEW))
    learned = [p for p in module.parameters() if p.requires_grad]
    gradients = sum(p.numel() * p.element_size() for p in learned)
    return StepCost(
        parameters=sum(p.numel() for p in module.parameters()),
        fixed=sum(p.numel() * p.element_size() for p in module.parameters()) + 3 * gradients,
        step=max(0, peaks[FEW] - FEW * sample - gradients),
        sample=sample,
        seconds=taken / count,
    )


def _step(
    module: nn.Module, inputs: Tensor, halves: Callable[[], AbstractContextManager[Any]]
) -> None:
    with halves():
        out = module(inputs)
    several = out if isinstance(out, tuple) else (out,)
    floats = [t for t in several if isinstance(t, Tensor) and t.is_floating_point()]
    loss = torch.stack([t.float().square().mean() for t in floats]).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    if inputs.is_cuda:
        torch.cuda.synchronize()
    module.zero_grad(set_to_none=True)
