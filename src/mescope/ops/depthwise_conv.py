"""Convolution along time of every channel by itself, of several sets of sequences in one call.

    y[t] = bias + sum over k of weight[k] x[t + ahead - (taps - 1) + k],     x = 0 outside

The weights stand as in a ``Conv1d`` with ``groups`` = channels; with ``ahead`` = 0, the causal
convolution, the last one meets the present.  On a CPU the library's own depth-wise convolution
wants channels before time, so two transposes, and its backward is several times slower; it is
there as the plain way, and sums in the order in which published networks were computed.  Which
implementation runs where is said in :mod:`mescope.ops.choice`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from mescope.ops.choice import choose
from mescope.ops.depthwise_conv_triton import depthwise_conv_triton
from mescope.ops.precision import together

Backend = Literal["auto", "triton", "shifts", "library"]


class _DepthwiseConv(torch.autograd.Function):
    """A sum of shifted copies, added in place: no padding and no copy for each tap."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, ahead: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.ahead, ctx.biased = ahead, bias is not None
        w, now = weight[:, None, :, None], weight.shape[1] - 1 - ahead
        now_w = w[:, :, now]
        y = x * now_w if bias is None else torch.addcmul(bias[:, None, None], x, now_w)
        for k, to, of in _shifts(weight.shape[1], ahead, x.shape[2]):
            y[:, :, to].addcmul_(x[:, :, of], w[:, :, k])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        w, now = weight[:, None, :, None], weight.shape[1] - 1 - ctx.ahead
        gx, gw = grad * w[:, :, now], torch.zeros_like(weight)
        gw[:, now] = (grad * x).sum((1, 2))
        for k, to, of in _shifts(weight.shape[1], ctx.ahead, x.shape[2]):
            gx[:, :, of].addcmul_(grad[:, :, to], w[:, :, k])
            gw[:, k] = (grad[:, :, to] * x[:, :, of]).sum((1, 2))
        return gx, gw, grad.sum((1, 2)) if ctx.biased else None, None


def _shifts(taps: int, ahead: int, length: int) -> Iterator[tuple[int, slice, slice]]:
    """Give every tap but the present one, the steps it adds to, and those it reads."""
    for k in range(taps):
        late = taps - 1 - ahead - k
        if 0 < late < length:
            yield k, slice(late, None), slice(None, -late)
        elif 0 < -late < length:
            yield k, slice(None, late), slice(-late, None)


def _by_library(x: Tensor, weight: Tensor, bias: Tensor | None, ahead: int) -> Tensor:
    """Convolve with zeros on both sides and cut, as Mamba's plain code does."""
    sets, batch, length, channels = x.shape
    taps = weight.shape[1]
    y = F.conv1d(
        x.permute(1, 0, 3, 2).reshape(batch, sets * channels, length),
        weight.transpose(1, 2).reshape(sets * channels, 1, taps),
        None if bias is None else bias.reshape(-1),
        padding=taps - 1,
        groups=sets * channels,
    )[..., ahead : ahead + length]
    return y.reshape(batch, sets, channels, length).permute(1, 0, 3, 2)


def depthwise_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    ahead: int = 0,
    backend: Backend = "auto",
) -> Tensor:
    """Convolve along time; time steps count from 0.

    Args:
        x: (g, b, l, e), g sets of sequences.
        weight: (g, taps, e), one set each.
        bias: (g, e), or none.
        ahead: how many of the taps look past the present step; 0 is causal.
        backend: one of :mod:`mescope.ops.choice`.

    Returns:
        (g, b, l, e); under torch.autocast in the widest of the dtypes.

    Raises:
        ValueError: shapes or types do not fit, or the backend cannot run here.
    """
    if x.dim() != 4 or weight.dim() != 3 or 0 in x.shape or 0 in weight.shape:
        raise ValueError(
            f"expected x (g, b, l, e) and weight (g, taps, e), nothing empty, found x "
            f"{tuple(x.shape)} and weight {tuple(weight.shape)}; add or remove dimensions"
        )
    sets, _, _, channels = x.shape
    last = weight.new_zeros(sets, channels) if bias is None else bias
    if (weight.shape[0], weight.shape[2]) != (sets, channels) or last.shape != (sets, channels):
        raise ValueError(
            f"expected weight ({sets}, taps, {channels}) and bias ({sets}, {channels}) for x "
            f"{tuple(x.shape)}, found {tuple(weight.shape)} and {tuple(last.shape)}; stack one "
            "set of weights for each set of sequences"
        )
    x, weight, last = together(x, weight, last)
    if not x.dtype == weight.dtype == last.dtype or not x.is_floating_point():
        raise ValueError(
            f"expected x, weight and bias of one floating type, found {x.dtype}, "
            f"{weight.dtype} and {last.dtype}; cast them"
        )
    if not 0 <= ahead < weight.shape[1]:
        raise ValueError(f"expected ahead in 0..{weight.shape[1] - 1}, found {ahead}")
    given = None if bias is None else last
    chosen = choose("depthwise-conv", x.device.type, x.dtype, backend)
    if chosen == "triton":
        return torch.as_tensor(depthwise_conv_triton(x, weight, given, ahead))
    if chosen == "library":
        return _by_library(x, weight, given, ahead)
    y: Tensor = _DepthwiseConv.apply(x, weight, given, ahead)  # type: ignore[no-untyped-call]
    return y
