"""The fused stem on a CPU: kernels of Numba, :mod:`mescope.ops.conv_pool_kernels`.

They are imported and compiled at first use, never on import.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mescope.ops.threads import run

_IMAGES = 16  # images of a task
_POOL = 3


def _side(length: int, padding: int) -> int:
    return length + 2 * padding - 2


def _cut(images: int) -> list[tuple[int, int, int, int]]:
    """Tasks (number, first image, last image + 1, unused), from the shape only."""
    edges = [*range(0, images, _IMAGES), images]
    return [(k, edges[k], edges[k + 1], 0) for k in range(len(edges) - 1)]


class _Fused(torch.autograd.Function):
    """Batch norm by the batch; returns pooled values, mean and (biased) variance."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, gamma: Tensor, beta: Tensor,
        padding: int, eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        kernel = importlib.import_module("mescope.ops.conv_pool_kernels").forward
        rows, columns = _side(x.shape[2], padding), _side(x.shape[3], padding)
        pitch, filters = columns + 2, len(weight)
        images = x.detach().contiguous()
        taps = torch.cat([weight.detach().flatten(1), bias.detach()[:, None]], 1).contiguous()
        shape = (len(x), filters, (rows - 1) // _POOL + 1, (columns - 1) // _POOL + 1)
        best, where = x.new_empty(shape), torch.empty(shape, dtype=torch.int32)
        tasks = _cut(len(x))
        moments = torch.zeros(len(tasks), filters, 2, dtype=torch.float64)
        arrays = [t.numpy() for t in (images, taps, gamma.detach() < 0, best, where, moments)]

        def task(k: int, first: int, last: int, _: int) -> None:
            xn, wn, low, bn, pn, mn = arrays
            kernel(xn, wn, padding, pitch, rows, low, bn, pn, mn[k], first, last)

        run(task, tasks, images.numel() * filters)
        count = len(x) * rows * columns
        sums = moments.sum(0) / count
        mean, variance = sums[:, 0], (sums[:, 1] - sums[:, 0] ** 2).clamp(min=0)
        scale = (variance + eps).rsqrt().to(x.dtype)
        mean, variance = mean.to(x.dtype), variance.to(x.dtype)
        hat = (best - _line(mean)) * _line(scale)
        ctx.save_for_backward(images, taps, hat, where, gamma.detach(), mean, scale)
        ctx.sizes = (padding, pitch, rows, count, weight.shape)
        ctx.mark_non_differentiable(mean, variance)
        return hat * _line(gamma.detach()) + _line(beta.detach()), mean, variance

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        kernel = importlib.import_module("mescope.ops.conv_pool_kernels").backward
        images, taps, hat, where, gamma, mean, scale = ctx.saved_tensors
        padding, pitch, rows, count, shape = ctx.sizes
        grad = grads[0].contiguous()
        to_beta, to_gamma = grad.sum((0, 2, 3)), (grad * hat).sum((0, 2, 3))
        factor = gamma * scale
        slope = -factor * to_gamma * scale / count
        flat = -factor * to_beta / count - slope * mean
        tasks = _cut(len(images))
        out = images.new_zeros(len(tasks), *taps.shape)
        chosen = (grad * _line(factor)).contiguous()
        arrays = [t.numpy() for t in (images, taps, chosen, where, flat, slope, out)]

        def task(k: int, first: int, last: int, _: int) -> None:
            xn, wn, gn, pn, fn, sn, on = arrays
            kernel(xn, wn, padding, pitch, rows, gn, pn, fn, sn, on[k], first, last)

        run(task, tasks, images.numel() * len(taps))
        total = out.sum(0)
        return None, total[:, :-1].reshape(shape), total[:, -1], to_gamma, to_beta, None, None


conv_pool_cpu: Callable[..., tuple[Tensor, Tensor, Tensor]] = _Fused.apply


def _line(values: Tensor) -> Tensor:
    return values[None, :, None, None]
