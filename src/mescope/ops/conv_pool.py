"""Convolution 3 x 3, ReLU, batch norm, and max pooling 3 x 3 by 3: the stem of small flow CNNs.

The four steps are one function because only one in nine of the normalised values survives the
pooling.  On the CPU a fused kernel never writes the others to memory: batch norm is a line per
filter, so the largest normalised value is the largest (or, under a negative slope, smallest)
plain one, and what normalisation sends back to all places is a line in their values.  With
PyTorch's four steps a training step takes 1.3 to 1.5 times as long of STSTNet, 1.1 to 1.45 of
the small CNN (32 and 256 maps, one thread).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mescope.ops.threads import run

Backend = Literal["auto", "reference", "numba"]

_IMAGES = 16  # images of a task
_POOL = 3
_KERNEL_TYPES = (torch.float32, torch.float64)


def conv_pool_reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running: tuple[Tensor, Tensor],
    *,
    padding: int,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """The definition, in PyTorch's own functions; arguments as :func:`conv_pool`."""
    a = F.relu(F.conv2d(x, weight, bias, padding=padding))
    y = F.batch_norm(a, *running, gamma, beta, training, momentum, eps)
    return F.max_pool2d(y, _POOL, _POOL, padding=1)


def conv_pool(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running: tuple[Tensor, Tensor],
    *,
    padding: int,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
    backend: Backend = "auto",
) -> Tensor:
    """Return max_pool(batch_norm(relu(conv(x)))).

    Args:
        x: images, (b, c, h, w).
        weight: of the convolution, (filters, c, 3, 3).
        bias: of the convolution, (filters,).
        gamma: slope of the norm, (filters,).
        beta: offset of the norm, (filters,).
        running: running mean and variance, (filters,); moved in place while training.
        padding: rows and columns of zeros around the image, 0 to 2.
        training: normalise by the batch (and move ``running``), else by ``running``.
        momentum: share of the batch in the new running values.
        eps: added to the variance.
        backend: ``auto`` takes the fused kernel in training on the CPU where no gradient of x
            is asked for, and the definition elsewhere; the others force one.

    Returns:
        (b, filters, h', w') with h' = (h + 2 padding - 3) // 3 + 1, and w' likewise.

    Raises:
        ValueError: ``numba`` is forced where it cannot be used.
    """
    fits = x.device.type == "cpu" and x.dtype == weight.dtype and x.dtype in _KERNEL_TYPES
    possible = training and not x.requires_grad and fits
    if backend == "reference" or (backend == "auto" and not (possible and _load())):
        return conv_pool_reference(
            x, weight, bias, gamma, beta, running,
            padding=padding, training=training, momentum=momentum, eps=eps,
        )  # fmt: skip
    if not possible or _load() is None:
        raise ValueError(
            "expected training on a CPU in float32 or float64, without a gradient of the "
            f"images, found training={training}, {x.dtype} on {x.device}; use backend='auto'"
        )
    pooled, mean, variance = _fused(x, weight, bias, gamma, beta, padding, eps)
    count = x.shape[0] * _side(x.shape[2], padding) * _side(x.shape[3], padding)
    with torch.no_grad():
        running[0].lerp_(mean, momentum)
        running[1].lerp_(variance * (count / (count - 1)), momentum)
    return pooled


@functools.cache
def _load() -> ModuleType | None:
    """Return the compiled kernels, or None where Numba is absent or cannot compile."""
    try:
        return importlib.import_module("mescope.ops.conv_pool_kernels")
    except ImportError:
        return None


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


_fused: Callable[..., tuple[Tensor, Tensor, Tensor]] = _Fused.apply


def _line(values: Tensor) -> Tensor:
    return values[None, :, None, None]
