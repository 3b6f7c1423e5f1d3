"""The depth-wise convolution on a CUDA device, by Triton; for tests in its interpreter.

One launch forward and two backward; the sum of shifted copies takes as many forward as there
are taps, and 4 taps + 1 or 2 backward, half of them over all of x.  Inputs may be float16,
bfloat16 or float32; sums are float32 and rounded once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mescope.ops.kernel_loading import launch, power_of_two, triton_kernels

_CHANNELS = (8, 64)  # of a tile: memory is read in pieces of 32 bytes
_TILE = 2048  # values of a tile at most


def tile(length: int, channels: int) -> tuple[int, int]:
    """Return steps and channels of a tile.

    >>> tile(3137, 768), tile(49, 256), tile(5, 3)
    ((32, 64), (32, 64), (8, 8))
    """
    wide = min(max(power_of_two(channels), _CHANNELS[0]), _CHANNELS[1])
    return min(power_of_two(length), _TILE // wide), wide


def _launch(x: Tensor, taps: int) -> tuple[tuple[int, int, int], dict[str, Any]]:
    """Return how many programs, and their constants."""
    sets, batch, length, channels = x.shape
    steps, wide = tile(length, channels)
    grid = (sets * batch, -(-length // steps), -(-channels // wide))
    return grid, {"TAPS": taps, "T": steps, "BE": wide}


@torch.library.custom_op("mescope::depthwise_conv_triton", mutates_args=())
def depthwise_conv_triton(x: Tensor, weight: Tensor, bias: Tensor | None, ahead: int) -> Tensor:
    """Return y (g, b, l, e); shapes as :func:`mescope.ops.depthwise_conv.depthwise_conv`."""
    x, weight = x.contiguous(), weight.contiguous()
    y = torch.empty_like(x)
    grid, fixed = _launch(x, weight.shape[1])
    launch(
        triton_kernels("depthwise_conv").forward, grid,
        x, weight, weight if bias is None else bias.contiguous(), y, *x.shape[1:], ahead,
        BIASED=bias is not None, **fixed,
    )  # fmt: skip
    return y


@depthwise_conv_triton.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None, ahead: int) -> Tensor:
    return x.new_empty(x.shape)


@torch.library.custom_op("mescope::depthwise_conv_triton_backward", mutates_args=())
def depthwise_conv_triton_backward(
    gy: Tensor, x: Tensor, weight: Tensor, ahead: int
) -> tuple[Tensor, Tensor]:
    """Gradients of x, and of weight and bias (g, taps + 1, e), float32."""
    gy, x, weight = (t.contiguous() for t in (gy, x, weight))
    gx = torch.empty_like(x)
    taps = weight.shape[1]
    grid, fixed = _launch(x, taps)
    sums = x.new_empty(*grid[:2], taps + 1, x.shape[3], dtype=torch.float32)
    launch(
        triton_kernels("depthwise_conv").backward, grid,
        gy, x, weight, gx, sums, *x.shape[1:], ahead, **fixed,
    )  # fmt: skip
    return gx, sums.reshape(len(x), -1, *sums.shape[2:]).sum(1)


@depthwise_conv_triton_backward.register_fake
def _(gy: Tensor, x: Tensor, weight: Tensor, ahead: int) -> tuple[Tensor, Tensor]:
    sets, taps, channels = weight.shape
    sums = x.new_empty(sets, taps + 1, channels, dtype=torch.float32)
    return x.new_empty(x.shape), sums


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias, ctx.ahead = inputs
    ctx.biased = bias is not None
    ctx.save_for_backward(x, weight)


def _gradient(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    gx, sums = depthwise_conv_triton_backward(gy, x, weight, ctx.ahead)
    to_weight, to_bias = sums[:, :-1].to(weight.dtype), sums[:, -1].to(weight.dtype)
    return gx, to_weight, to_bias if ctx.biased else None, None


depthwise_conv_triton.register_autograd(_gradient, setup_context=_setup)
