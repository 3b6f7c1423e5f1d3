"""Triton kernels of the depth-wise convolution; imported only by ``ops/depthwise_conv_triton``.

One program makes a tile (T steps, BE channels) of one sequence.  The shifted tiles that it
reads lie in the first-level cache.  All tensors are contiguous: x, y (g b, l, e), weight
(g, taps, e), bias (g, e); ``batch`` is b.  Programs: (g b, blocks of T, blocks of BE).
"""

from __future__ import annotations

import triton
import triton.language as tl

from mescope.ops.shared_triton_kernels import read, rows, tried


@tried("channels", "T", "BE", "TAPS")
@triton.jit
def forward(
    x, weight, bias, y, batch, length, channels, ahead,
    BIASED: tl.constexpr, TAPS: tl.constexpr, T: tl.constexpr, BE: tl.constexpr,
):  # fmt: skip
    """Write y = bias + sum over taps of weight times x shifted."""
    s, t = tl.program_id(0).to(tl.int64), tl.program_id(1) * T + tl.arange(0, T)
    c, of = tl.program_id(2) * BE + tl.arange(0, BE), s // batch
    total = tl.zeros((T, BE), tl.float32)
    if BIASED:
        total += read(bias, of * channels + c, c < channels)[None, :]
    for k in tl.static_range(TAPS):
        place, there = rows(s, t + ahead - (TAPS - 1) + k, c, length, channels)
        tap = read(weight, (of * TAPS + k) * channels + c, c < channels)
        total += tap[None, :] * read(x, place, there)
    place, there = rows(s, t, c, length, channels)
    tl.store(y + place, total.to(y.dtype.element_ty), there)


@tried("channels", "T", "BE", "TAPS")
@triton.jit
def backward(
    gy, x, weight, gx, sums, batch, length, channels, ahead,
    TAPS: tl.constexpr, T: tl.constexpr, BE: tl.constexpr,
):  # fmt: skip
    """Write gx, and what the tile adds to the gradients of weight and, last, bias.

    sums (g b, blocks, taps + 1, e), float32: the caller adds them up, in one order.
    """
    s, block = tl.program_id(0).to(tl.int64), tl.program_id(1)
    c, t = tl.program_id(2) * BE + tl.arange(0, BE), block * T + tl.arange(0, T)
    of, exists = s // batch, c < channels
    place, there = rows(s, t, c, length, channels)
    here, total = read(gy, place, there), tl.zeros((T, BE), tl.float32)
    own = sums + (s * tl.num_programs(1) + block) * (TAPS + 1) * channels + c
    for k in tl.static_range(TAPS):
        shift = ahead - (TAPS - 1) + k
        source, inside = rows(s, t + shift, c, length, channels)
        tl.store(own + k * channels, tl.sum(here * read(x, source, inside), 0), exists)
        target, inside = rows(s, t - shift, c, length, channels)
        tap = read(weight, (of * TAPS + k) * channels + c, exists)
        total += tap[None, :] * read(gy, target, inside)
    tl.store(own + TAPS * channels, tl.sum(here, 0), exists)
    tl.store(gx + place, total.to(gx.dtype.element_ty), there)
