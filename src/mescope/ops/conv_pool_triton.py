"""The fused stem on a CUDA device, by Triton; for tests in its interpreter.

Two launches forward and six backward, and of the maps only the pooled ones are kept: the
normalised values in float32 and, a byte each, where they came from.  Inputs may be float16,
bfloat16 or float32; all sums are float32, and taken around the mean, image by image.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mescope.ops.kernel_loading import launch, power_of_two, triton_kernels

_LEAST = 16  # sides of a tile that is multiplied
_TAPS = 32  # inputs of a product at a time
_WINDOWS = 64  # pooled values at a time
_IMAGES, _VALUES = 256, 128  # read at once by the norm


def _sides(x: Tensor, padding: int) -> tuple[int, int]:
    """Return rows and columns of an answer."""
    return x.shape[2] + 2 * padding - 2, x.shape[3] + 2 * padding - 2


def _pooled(x: Tensor, weight: Tensor, padding: int) -> tuple[int, int, int, int]:
    rows, columns = _sides(x, padding)
    return len(x), len(weight), (rows + 2) // 3, (columns + 2) // 3


def _sizes(x: Tensor, weight: Tensor, padding: int) -> tuple[int, ...]:
    return (padding, len(weight), *x.shape[1:], *_sides(x, padding))


def _tiles(weight: Tensor) -> dict[str, int]:
    return {"F": min(max(power_of_two(len(weight)), _LEAST), 32), "J": _TAPS, "W": _WINDOWS}


_Made = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


@torch.library.custom_op("mescope::conv_pool_triton", mutates_args=())
def conv_pool_triton(
    x: Tensor, weight: Tensor, bias: Tensor, gamma: Tensor, beta: Tensor, padding: int,
    eps: float,
) -> _Made:  # fmt: skip
    """Normalise by the batch.

    Returns pooled values, as x, and in float32 mean, biased variance and 1 / deviation
    (filters,); then the pooled values before slope and offset, and their places in windows.
    """
    x, weight, bias, gamma, beta = (t.contiguous() for t in (x, weight, bias, gamma, beta))
    kernels, fixed = triton_kernels("conv_pool"), _tiles(weight)
    shape, (rows, columns) = _pooled(x, weight, padding), _sides(x, padding)
    y, hat = x.new_empty(shape), x.new_empty(shape, dtype=torch.float32)
    where, stats = hat.new_empty(shape, dtype=torch.int8), hat.new_empty(*shape[:2], 2)
    mean, variance, scale = (hat.new_empty(len(weight)) for _ in range(3))
    launch(
        kernels.forward, (len(x), -(-len(weight) // fixed["F"])),
        x, weight, bias, gamma, hat, where, stats, *_sizes(x, weight, padding), **fixed,
    )  # fmt: skip
    launch(
        kernels.normalise, shape[:2],
        hat, stats, gamma, beta, y, mean, variance, scale, eps, *shape[:2],
        shape[2] * shape[3], rows * columns, B=_IMAGES, V=_VALUES,
    )  # fmt: skip
    return y, mean, variance, scale, hat, where


@conv_pool_triton.register_fake
def _(
    x: Tensor, weight: Tensor, bias: Tensor, gamma: Tensor, beta: Tensor, padding: int,
    eps: float,
) -> _Made:  # fmt: skip
    shape = _pooled(x, weight, padding)
    hat = x.new_empty(shape, dtype=torch.float32)
    mean, variance, scale = (hat.new_empty(len(weight)) for _ in range(3))
    return (
        x.new_empty(shape),
        mean,
        variance,
        scale,
        hat,
        hat.new_empty(shape, dtype=torch.int8),
    )


@torch.library.custom_op("mescope::conv_pool_triton_backward", mutates_args=())
def conv_pool_triton_backward(
    grad: Tensor, x: Tensor, weight: Tensor, bias: Tensor, gamma: Tensor, mean: Tensor,
    scale: Tensor, hat: Tensor, where: Tensor, padding: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Gradients of weight and bias (filters, 9 c + 1), of beta and gamma (2, filters)."""
    grad, x, weight, bias, gamma = (t.contiguous() for t in (grad, x, weight, bias, gamma))
    fixed, filters, taps = _tiles(weight), len(weight), weight[0].numel() + 1
    wide = grad.float()
    sums = torch.stack([wide.sum((0, 2, 3)), (wide * hat).sum((0, 2, 3))])
    shares = hat.new_empty(len(x), filters, taps)
    programs = (len(x), -(-filters // fixed["F"]), -(-taps // fixed["J"]))
    launch(
        triton_kernels("conv_pool").backward, programs,
        grad, x, weight, bias, hat, where, gamma, mean, scale, sums, shares, len(x),
        *_sizes(x, weight, padding), **fixed,
    )  # fmt: skip
    return shares.sum(0), sums


@conv_pool_triton_backward.register_fake
def _(
    grad: Tensor, x: Tensor, weight: Tensor, bias: Tensor, gamma: Tensor, mean: Tensor,
    scale: Tensor, hat: Tensor, where: Tensor, padding: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    filters = len(weight)
    return hat.new_empty(filters, weight[0].numel() + 1), hat.new_empty(2, filters)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: _Made) -> None:
    x, weight, bias, gamma, beta, ctx.padding, _ = inputs
    _, mean, variance, scale, hat, where = output
    ctx.save_for_backward(x, weight, bias, gamma, mean, scale, hat, where)
    ctx.offset = beta.dtype
    ctx.mark_non_differentiable(mean, variance, scale, hat, where)


def _gradient(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    _, weight, bias, gamma, *_ = ctx.saved_tensors
    total, sums = conv_pool_triton_backward(grad, *ctx.saved_tensors, ctx.padding)
    to_weight = total[:, :-1].reshape(weight.shape).to(weight.dtype)
    to_bias, to_gamma = total[:, -1].to(bias.dtype), sums[1].to(gamma.dtype)
    return None, to_weight, to_bias, to_gamma, sums[0].to(ctx.offset), None, None


conv_pool_triton.register_autograd(_gradient, setup_context=_setup)
