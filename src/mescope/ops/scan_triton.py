"""The fused selective scan on a CUDA device, by Triton; for tests in its interpreter.

The kernels (:mod:`mescope.ops.scan_triton_kernels`) are imported at first use, never on import.
As on the CPU no tensor of shape (b, l, d, n) exists: when a gradient will be asked for, one
state every chunk is kept, from which backward recomputes.  Inputs may be float16, bfloat16 or
float32; the state and all sums are float32.

Blocks and chunks depend on the shape only.  How many warps share a program is tried out once
for every shape (``triton.autotune``) and may differ between machines, and with it the order in
which a block's sums are taken: on one machine equal input gives equal output.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from mescope.ops.kernel_loading import launch, power_of_two, triton_kernels

_TILE = (
    4096  # values of a (steps, channels, states) tile at most, where blocks are not narrower
)
_NARROWEST = 8  # channels of a block: memory is read in pieces of 32 bytes
_STEPS = 32


class Blocks(NamedTuple):
    """How a shape is cut: steps of a chunk, channels of a program, states (a power of two)."""

    steps: int
    channels: int
    states: int


def blocks(channels: int, states: int) -> Blocks:
    """Cut a shape.

    >>> blocks(768, 16), blocks(100, 64)
    (Blocks(steps=32, channels=8, states=16), Blocks(steps=16, channels=8, states=64))
    """
    n = power_of_two(states)
    steps = _STEPS if n <= _STEPS else _STEPS // 2
    wide = max(_NARROWEST, _TILE // (steps * n))
    return Blocks(steps, min(wide, power_of_two(channels), 64), n)


@torch.library.custom_op("mescope::scan_triton", mutates_args=())
def scan_triton(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return y (b, l, d), the final state (b, d, n) and kept states (b, chunks, d, n).

    A (g, d, n) and D (g, d) are g sets of parameters, the first for the first b / g batch
    elements and so on.  The state is float32.
    """
    batch, length, channels = u.shape
    cut = blocks(channels, A.shape[2])
    u, delta, A, B, C, D, h = (t.contiguous() for t in (u, delta, A, B, C, D, h))
    y = torch.empty_like(u)
    final = h.new_empty(h.shape, dtype=torch.float32)
    kept = final.new_empty(_kept_shape(u, A, keep))
    launch(
        triton_kernels("scan").forward, (batch, -(-channels // cut.channels)),
        u, delta, A, B, C, D, h, y, final, kept, length, channels, A.shape[2],
        batch // len(A), KEEP=keep, T=cut.steps, BD=cut.channels, N=cut.states,
    )  # fmt: skip
    return y, final, kept


def _kept_shape(u: Tensor, A: Tensor, keep: bool) -> tuple[int, ...]:
    batch, length, channels = u.shape
    steps = blocks(channels, A.shape[2]).steps
    return batch, -(-length // steps) if keep else 0, channels, A.shape[2]


@scan_triton.register_fake
def _(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    final = h.new_empty(h.shape, dtype=torch.float32)
    return u.new_empty(u.shape), final, final.new_empty(_kept_shape(u, A, keep))


_Grads = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


@torch.library.custom_op("mescope::scan_triton_backward", mutates_args=())
def scan_triton_backward(
    gy: Tensor, gfinal: Tensor, u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor,
    D: Tensor, kept: Tensor,
) -> _Grads:  # fmt: skip
    """Gradients of u, delta, A, B, C, D (in their dtypes) and the initial state (float32)."""
    batch, length, channels = u.shape
    sets, states = len(A), A.shape[2]
    cut = blocks(channels, states)
    count = -(-channels // cut.channels)
    inputs = [t.contiguous() for t in (gy, u, delta, A, B, C, D, kept, gfinal)]
    gu, gdelta = torch.empty_like(inputs[1]), torch.empty_like(inputs[2])
    gA, gh = (kept.new_empty(batch, channels, states) for _ in range(2))
    gD = kept.new_empty(batch, channels)
    gB, gC = (kept.new_empty(count, batch, length, states) for _ in range(2))
    launch(
        triton_kernels("scan").backward, (batch, count),
        *inputs, gu, gdelta, gA, gB, gC, gD, gh, length, channels, states, batch // sets,
        T=cut.steps, BD=cut.channels, N=cut.states,
    )  # fmt: skip
    gA, gD = (t.reshape(sets, batch // sets, *t.shape[1:]).sum(1) for t in (gA, gD))
    gB, gC = gB.sum(0), gC.sum(0)
    return gu, gdelta, gA.to(A.dtype), gB.to(B.dtype), gC.to(C.dtype), gD.to(D.dtype), gh


@scan_triton_backward.register_fake
def _(
    gy: Tensor, gfinal: Tensor, u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor,
    D: Tensor, kept: Tensor,
) -> _Grads:  # fmt: skip
    gu, gdelta, gA, gB, gC, gD = (t.new_empty(t.shape) for t in (u, delta, A, B, C, D))
    return gu, gdelta, gA, gB, gC, gD, gfinal.new_empty(gfinal.shape)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    if not inputs[-1]:
        return
    ctx.save_for_backward(*inputs[:6], output[2])
    ctx.mark_non_differentiable(output[2])


def _gradient(ctx: Any, gy: Tensor, gfinal: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    return (*scan_triton_backward(gy, gfinal, *ctx.saved_tensors), None)


scan_triton.register_autograd(_gradient, setup_context=_setup)
