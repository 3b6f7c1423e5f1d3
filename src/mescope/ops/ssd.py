"""State-space duality (SSD), causal as in Mamba-2 and non-causal as in VSSD.

A is one negative number per head h; B and C are shared by all heads.  Causal (Dao and Gu 2024,
arXiv 2405.21060):

    S[t] = exp(dt[t] A) S[t-1] + dt[t] B[t] x[t]^T,     y[t] = S[t]^T C[t] + D x[t]

Non-causal (Shi et al. 2024, arXiv 2407.18559): one state for the
whole map, read by every token, so tokens have no order:

    S = sum_j (dt[j] |A|) B[j] x[j]^T,                  y[i] = S^T C[i] + D x[i]

Letters for shapes: b batch, l tokens, h heads, p width of a head, n states,
q tokens of a chunk.
Differences from the published kernels: dt comes in already through softplus, there is no gate
and no group of B or C, and double precision is computed in double precision.  Under
torch.autocast the products are autocast's.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 64
"""Tokens of a chunk of the causal form; results depend on it by rounding only."""

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _check_shapes(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, **more: Tensor | None
) -> None:
    if x.dim() != 4 or B.dim() != 3 or 0 in (*x.shape, *B.shape):
        raise ValueError(
            f"expected x (b, l, h, p) and B (b, l, n) with nothing empty, found x "
            f"{tuple(x.shape)} and B {tuple(B.shape)}; reshape them, skip empty batches"
        )
    b, length, heads, width = x.shape
    states = B.shape[2]
    wanted: dict[str, tuple[Tensor | None, tuple[int, ...]]] = {
        "dt": (dt, (b, length, heads)),
        "A": (A, (heads,)),
        "B": (B, (b, length, states)),
        "C": (C, (b, length, states)),
        "D": (D, (heads,)),
        "initial_state": (more.get("initial_state"), (b, heads, states, width)),
        "keep": (more.get("keep"), (b, length)),
    }
    for name, (tensor, shape) in wanted.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(
                f"expected {name} of shape {shape} for x {tuple(x.shape)} and B "
                f"{tuple(B.shape)}, found {tuple(tensor.shape)}; reshape {name}"
            )


def _check_types(x: Tensor, same: dict[str, Tensor], free: dict[str, Tensor]) -> None:
    """``same`` must have x's dtype; ``free`` (parameters, steps, state) may be float32."""
    if x.dtype not in _FLOATS:
        raise ValueError(
            f"expected a floating x, found {x.dtype} of shape {tuple(x.shape)}; cast it"
        )
    for name, tensor in (same | free).items():
        allowed = {x.dtype} if name in same else {x.dtype, _wide(x)}
        if tensor.dtype not in allowed or tensor.device != x.device:
            raise ValueError(
                f"expected {name} {tuple(tensor.shape)} as {x.dtype} on {x.device} like x "
                f"{tuple(x.shape)}, found {tensor.dtype} on {tensor.device}; cast or move it"
            )


def _wide(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def ssd_reference(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """The causal definition, step by step: y (b, l, h, p) and the final state (b, h, n, p).

    All tensors of one dtype (float32 or float64), shapes as in :func:`ssd`.
    """
    outputs = []
    for t in range(x.shape[1]):
        step = dt[:, t, :, None, None]  # (b, h, 1, 1)
        fed = B[:, t, None, :, None] * x[:, t, :, None, :]
        state = torch.exp(step * A[:, None, None]) * state + step * fed
        outputs.append((C[:, t, None, :, None] * state).sum(2))
    return torch.stack(outputs, 1) + D[:, None] * x, state


def ssd(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    initial_state: Tensor | None = None,
    return_state: bool = False,
    chunk: int = CHUNK,
) -> Tensor | tuple[Tensor, Tensor]:
    """Run the causal SSD over tokens, which count from 0, chunk by chunk.

    Shapes: x (b, l, h, p); dt (b, l, h), positive (already through softplus); A (h,),
    negative; B, C (b, l, n); D (h,); initial_state (b, h, n, p), zero when absent.

    Within a chunk all tokens meet in one masked product; from chunk to chunk only the state is
    carried (arXiv 2405.21060, section 6).  A run may be split anywhere: feed the state that one
    part returns to the next one.

    Returns y (b, l, h, p) in x's dtype and, with ``return_state``, also the state after the
    last token (b, h, n, p).  Half precisions and float32 are computed, and the state kept, in
    float32, float64 in float64; dt, A, D and initial_state may be float32 beside a half x.
    Everything is differentiable.

    Raises ValueError, naming shapes, for empty or unfitting shapes, mixed dtypes or devices,
    and a chunk below 1.
    """
    _check_shapes(x, dt, A, B, C, D, initial_state=initial_state)
    given = {} if initial_state is None else {"initial_state": initial_state}
    _check_types(x, {"B": B, "C": C}, {"dt": dt, "A": A, "D": D} | given)
    if chunk < 1:
        raise ValueError(f"expected chunks of 1 token or more, found {chunk}")
    wide, dtype, length = _wide(x), x.dtype, x.shape[1]
    x, dt, A, B, C, D = (t.to(wide) for t in (x, dt, A, B, C, D))
    b, _, heads, width = x.shape
    state = x.new_zeros(b, heads, B.shape[2], width)
    if initial_state is not None:
        state = initial_state.to(wide)
    chunk = min(chunk, length)
    # Padding with dt = 0 neither decays nor feeds the state.
    fed, rate, b_cut, c_cut = (
        _cut(t, chunk) for t in (x * dt[..., None], dt * A, B, C)
    )  # (b, c, q, ...)
    y, state = _chunks(fed, rate, b_cut, c_cut, state)
    y = (y.flatten(1, 2)[:, :length] + D[:, None] * x).to(dtype)
    return (y, state) if return_state else y


def _cut(t: Tensor, chunk: int) -> Tensor:
    """Return (b, l, ...) as (b, chunks, chunk, ...), zeros after the end."""
    padded = F.pad(t, (0, 0) * (t.dim() - 2) + (0, -t.shape[1] % chunk))
    return padded.reshape(t.shape[0], -1, chunk, *t.shape[2:])


def _chunks(
    fed: Tensor, rate: Tensor, B: Tensor, C: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the outputs without D, (b, c, q, h, p), and the last state.

    fed (b, c, q, h, p) is dt x, rate (b, c, q, h) is dt A; B and C (b, c, q, n).
    """
    total = rate.cumsum(2).movedim(3, 2)  # (b, c, h, q), log decay since the chunk's start
    values = fed.movedim(3, 2)  # (b, c, h, q, p)
    q = total.shape[-1]
    later = torch.ones(q, q, dtype=torch.bool, device=fed.device).triu(1)
    # Filled before exp: there the difference is positive, and inf * 0 would poison gradients.
    between = (total[..., :, None] - total[..., None, :]).masked_fill(later, -torch.inf)
    pairs = (C @ B.transpose(-1, -2))[:, :, None] * between.exp()  # (b, c, h, q, q)
    inside = pairs @ values
    left = (total[..., -1:] - total).exp()[..., None]  # (b, c, h, q, 1)
    grown = B.transpose(-1, -2)[:, :, None] @ (left * values)  # (b, c, h, n, p)
    decay = total[..., -1].exp()[..., None, None]
    before = []
    for i in range(fed.shape[1]):
        before.append(state)
        state = decay[:, i] * state + grown[:, i]
    carried = C[:, :, None] @ torch.stack(before, 1)  # (b, c, h, q, p)
    y = inside + total.exp()[..., None] * carried
    return y.movedim(2, 3), state


def noncausal_ssd_reference(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, keep: Tensor | None
) -> Tensor:
    """The non-causal definition, token by token: y (b, l, h, p).

    All tensors of one dtype (float32 or float64), shapes as in :func:`noncausal_ssd`.
    """
    state = x.new_zeros(x.shape[0], x.shape[2], B.shape[2], x.shape[3])
    for j in range(x.shape[1]):
        weight = dt[:, j] * A.abs()  # (b, h)
        if keep is not None:
            weight = weight * keep[:, j, None]
        state = state + weight[..., None, None] * B[:, j, None, :, None] * x[:, j, :, None, :]
    outputs = [(C[:, i, None, :, None] * state).sum(2) for i in range(x.shape[1])]
    return torch.stack(outputs, 1) + D[:, None] * x


def noncausal_ssd(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    keep: Tensor | None = None,
) -> Tensor:
    """Let every token read one state that all tokens wrote, in two matrix products.

    Shapes: x (b, l, h, p); dt (b, l, h), positive; A (h,), negative; B, C (b, l, n); D (h,);
    keep (b, l), True for tokens that write the state, all when absent.  A token that is not
    kept still reads: its y is the state of the others.

    Returns y (b, l, h, p) in x's dtype.  Half precisions and float32 are computed in float32,
    float64 in float64; dt, A and D may be float32 beside a half x.  Everything but ``keep`` is
    differentiable.

    Raises ValueError, naming shapes, for empty or unfitting shapes, mixed dtypes or devices,
    and a ``keep`` that is not bool.
    """
    _check_shapes(x, dt, A, B, C, D, keep=keep)
    _check_types(x, {"B": B, "C": C}, {"dt": dt, "A": A, "D": D})
    wide, dtype = _wide(x), x.dtype
    x, dt, A, B, C, D = (t.to(wide) for t in (x, dt, A, B, C, D))
    weight = -dt * A  # (b, l, h)
    if keep is not None:
        if keep.dtype != torch.bool:
            raise ValueError(f"expected keep {tuple(keep.shape)} as bool, found {keep.dtype}")
        weight = weight * keep[..., None]
    # All heads share B and C: side by side they are one wide product.
    state = B.transpose(1, 2) @ (weight[..., None] * x).flatten(2)  # (b, n, h p)
    y = (C @ state).reshape(x.shape) + D[:, None] * x
    return y.to(dtype)
