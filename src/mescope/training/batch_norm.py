"""Batch norm over a whole batch that is shared by several processes.

Each process normalises its share by mean and variance of all shares, so that several devices
learn what one learns.  Cards take PyTorch's ``SyncBatchNorm``, which CPUs have not; they take
:class:`SharedNorm`, the definition.  Nothing but the modules is exchanged: parameters, running
values and their names stay, and so does what evaluation computes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm


def over_processes(model: nn.Module, kind: str) -> nn.Module:
    """Return a model whose batch norms are taken over all processes of this training.

    Args:
        model: its modules are exchanged in place; an optimizer that holds its parameters stays
            right.
        kind: of the devices, ``cpu`` or ``cuda``.
    """
    if kind == "cuda":
        convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
        synced: nn.Module = convert(model)
        return synced
    if isinstance(model, _BatchNorm):
        return SharedNorm(model)
    for name, child in model.named_children():
        setattr(model, name, over_processes(child, kind))
    return model


class SharedNorm(_BatchNorm):
    """Batch norm by mean and variance of the inputs of all processes, with its gradients.

    Args:
        norm: whose parameters, running values and mode it takes over.
    """

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__(
            norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
        )
        self._parameters, self._buffers = norm._parameters, norm._buffers
        self.training = norm.training

    def _check_input_dim(self, input: Tensor) -> None:
        """Take what the norm before took: (b, channels, ...)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, channels, ...), normalised; values are summed in 32 bits or more."""
        if not (self.training or self.running_mean is None):
            return super().forward(x)
        wide = x.double() if x.dtype == torch.float64 else x.float()
        axes = [0, *range(2, x.ndim)]
        shape = [1, -1, *([1] * (x.ndim - 2))]
        here = wide.new_full((1,), x.numel() / x.shape[1])
        sums = _summed(torch.cat([wide.sum(axes), here]))
        count, mean = sums[-1].detach(), sums[:-1] / sums[-1].detach()
        apart = wide - mean.view(shape)
        variance = _summed(apart.square().sum(axes)) / count
        self._move(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        y = apart * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return y.to(x.dtype)

    @torch.no_grad()
    def _move(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running values towards those of a batch."""
        if not self.track_running_stats:
            return
        counted: Any = self.num_batches_tracked
        counted += 1
        share = 1 / float(counted) if self.momentum is None else self.momentum
        for running, new in ((self.running_mean, mean), (self.running_var, variance)):
            assert running is not None  # as values are tracked
            running.lerp_(new.to(running.dtype), share)


class _Sum(torch.autograd.Function):
    """The sum of what all processes have; a gradient is of what each of them did with it."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        """Return the sum, the same in all processes."""
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        """Return the sum of the gradients of all processes."""
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


def _summed(values: Tensor) -> Tensor:
    apply: Any = _Sum.apply
    total: Tensor = apply(values)
    return total
