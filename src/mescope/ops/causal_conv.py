"""Causal convolution of every channel by itself, of several sets of sequences in one call.

    y[t] = bias + sum over k of weight[k] x[t - (taps - 1) + k],     x = 0 before the start

The weights stand as in a ``Conv1d`` with ``groups`` = channels: the last one meets the present.
On a CPU the library's own depth-wise convolution wants channels before time, so two
transposes, and its backward is several times slower.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class _CausalConv(torch.autograd.Function):
    """A sum of shifted copies, added in place: no padding and no copy for each tap."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        w, last = weight[:, None, :, None], weight.shape[1] - 1
        y = torch.addcmul(bias[:, None, None], x, w[:, :, last])
        for late in range(1, min(last + 1, x.shape[2])):
            y[:, :, late:].addcmul_(x[:, :, :-late], w[:, :, last - late])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        w, last = weight[:, None, :, None], weight.shape[1] - 1
        gx, gw = grad * w[:, :, last], torch.zeros_like(weight)
        gw[:, last] = (grad * x).sum((1, 2))
        for late in range(1, min(last + 1, x.shape[2])):
            after = grad[:, :, late:]
            gx[:, :, :-late].addcmul_(after, w[:, :, last - late])
            gw[:, last - late] = (after * x[:, :, :-late]).sum((1, 2))
        return gx, gw, grad.sum((1, 2))


def causal_conv(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve along time; time steps count from 0.

    Args:
        x: (g, b, l, e), g sets of sequences.
        weight: (g, taps, e), one set each.
        bias: (g, e).

    Returns:
        (g, b, l, e).

    Raises:
        ValueError: shapes or types do not fit.
    """
    if x.dim() != 4 or weight.dim() != 3 or 0 in x.shape or 0 in weight.shape:
        raise ValueError(
            f"expected x (g, b, l, e) and weight (g, taps, e), nothing empty, found x "
            f"{tuple(x.shape)} and weight {tuple(weight.shape)}; add or remove dimensions"
        )
    sets, _, _, channels = x.shape
    if (weight.shape[0], weight.shape[2]) != (sets, channels) or bias.shape != (sets, channels):
        raise ValueError(
            f"expected weight ({sets}, taps, {channels}) and bias ({sets}, {channels}) for x "
            f"{tuple(x.shape)}, found {tuple(weight.shape)} and {tuple(bias.shape)}; stack one "
            "set of weights for each set of sequences"
        )
    if not x.dtype == weight.dtype == bias.dtype or not x.is_floating_point():
        raise ValueError(
            f"expected x, weight and bias of one floating type, found {x.dtype}, "
            f"{weight.dtype} and {bias.dtype}; cast them"
        )
    y: Tensor = _CausalConv.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return y
