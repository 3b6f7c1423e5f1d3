"""The state space without order on a CUDA device, by Triton; for tests in its interpreter.

Inputs may be float16, bfloat16 or float32; the state and all sums are float32.  Products of
float32 are three of TF32 each, about as exact as one of float32, or one of TF32 where PyTorch's
own products are (``torch.backends.cuda.matmul.allow_tf32``, off unless somebody turns it on);
beside halves they are one of TF32, into which a half fits as it is.

Three launches forward and five backward, one less each where all tokens are one stretch; plain
torch takes 8 and 16, with halves 12 and 20.  Kept for backward are the inputs and the states:
plain torch keeps x weighted, too, and with halves a copy of everything in float32.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from mescope.ops.kernel_loading import launch, power_of_two, triton_kernels

_TOKENS = 32  # of a tile
_STRETCH = 512  # tokens whose sum one program takes
_LEAST = 16  # side of a tile: tensor cores want as much
_CHANNELS, _STATES = (
    32,
    64,
)  # sides at most: larger ones leave the registers, compiled for sm_80


class Plan(NamedTuple):
    """What the kernels are given: sizes, constants, and how many programs share the work."""

    sizes: tuple[int, int, int, int]  # tokens, heads, channels of a head, states
    fixed: dict[str, Any]
    blocks: int  # of tokens
    across: int  # tiles of the channels of a head
    down: int  # tiles of the states


def plan(x: Tensor, states: int) -> Plan:
    """Cut x (b, l, h, p), by its shape only."""
    _, length, heads, width = x.shape
    P = min(max(power_of_two(width), _LEAST), _CHANNELS)
    N = min(max(power_of_two(states), _LEAST), _STATES)
    one = x.dtype != torch.float32 or torch.backends.cuda.matmul.allow_tf32
    fixed = {"PRECISION": "tf32" if one else "tf32x3", "T": _TOKENS, "N": N, "P": P}
    blocks, across, down = -(-length // _TOKENS), -(-width // P), -(-states // N)
    return Plan((length, heads, width, states), fixed, blocks, across, down)


def _sum(
    x: Tensor, B: Tensor, steps: tuple[Tensor, Tensor] | None, keep: Tensor | None
) -> Tensor:
    """Return sums of B x^T over tokens (b, h, n, p), by ``steps`` (dt and A) if there are."""
    cut = plan(x, B.shape[2])
    batch, length, heads, width = x.shape
    count = -(-length // _STRETCH)
    sums = x.new_empty(batch, count, heads, B.shape[2], width, dtype=torch.float32)
    dt, A = steps or (x, x)
    launch(
        triton_kernels("ssd").write, (batch, count, heads * cut.across * cut.down),
        x, dt, A, B, x if keep is None else keep, sums, *cut.sizes, _STRETCH,
        WEIGHTED=steps is not None, KEEP=keep is not None, **cut.fixed,
    )  # fmt: skip
    return sums.sum(1) if count > 1 else sums[:, 0]


@torch.library.custom_op("mescope::ssd_triton", mutates_args=())
def ssd_triton(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, keep: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return y (b, l, h, p) and the states (b, h, n, p), float32.

    Shapes as :func:`mescope.ops.ssd.noncausal_ssd` has them.
    """
    x, dt, A, B, C, D = (t.contiguous() for t in (x, dt, A, B, C, D))
    keep = None if keep is None else keep.contiguous()
    state = _sum(x, B, (dt, A), keep)
    cut = plan(x, B.shape[2])
    y = torch.empty_like(x)
    launch(
        triton_kernels("ssd").read_state, (len(x), cut.blocks, x.shape[2] * cut.across),
        x, C, D, state, y, *cut.sizes, **cut.fixed,
    )  # fmt: skip
    return y, state


@ssd_triton.register_fake
def _(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, keep: Tensor | None
) -> tuple[Tensor, Tensor]:
    state = x.new_empty(len(x), x.shape[2], B.shape[2], x.shape[3], dtype=torch.float32)
    return x.new_empty(x.shape), state


_Grads = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


@torch.library.custom_op("mescope::ssd_triton_backward", mutates_args=())
def ssd_triton_backward(
    gy: Tensor, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor,
    keep: Tensor | None, state: Tensor,
) -> _Grads:  # fmt: skip
    """Gradients of x, dt, B and C, in their dtypes, and of A and D (2, h), float32."""
    gy, x, dt, A, B, C, D = (t.contiguous() for t in (gy, x, dt, A, B, C, D))
    keep = None if keep is None else keep.contiguous()
    cut, kernels = plan(x, B.shape[2]), triton_kernels("ssd")
    gstate, kept = _sum(gy, C, None, None), x if keep is None else keep
    gx, gdt, gB, gC = (torch.empty_like(t) for t in (x, dt, B, C))
    sums = state.new_empty(len(x), cut.blocks, 2, len(A))
    launch(
        kernels.backward_values, (len(x), cut.blocks, len(A)),
        gy, x, dt, A, B, D, kept, gstate, gx, gdt, sums, *cut.sizes,
        KEEP=keep is not None, **cut.fixed,
    )  # fmt: skip
    launch(
        kernels.backward_maps, (len(x), cut.blocks, cut.down),
        gy, x, dt, A, kept, state, gstate, gB, gC, *cut.sizes,
        KEEP=keep is not None, **cut.fixed,
    )  # fmt: skip
    return gx, gdt, gB, gC, sums.sum((0, 1))


@ssd_triton_backward.register_fake
def _(
    gy: Tensor, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor,
    keep: Tensor | None, state: Tensor,
) -> _Grads:  # fmt: skip
    gx, gdt, gB, gC = (t.new_empty(t.shape) for t in (x, dt, B, C))
    return gx, gdt, gB, gC, state.new_empty(2, len(A))


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs, output[1])
    ctx.mark_non_differentiable(output[1])


def _gradient(ctx: Any, gy: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    gx, gdt, gB, gC, (gA, gD) = ssd_triton_backward(gy, *ctx.saved_tensors)
    A, D = ctx.saved_tensors[2], ctx.saved_tensors[5]
    return gx, gdt, gA.to(A.dtype), gB, gC, gD.to(D.dtype), None


ssd_triton.register_autograd(_gradient, setup_context=_setup)
