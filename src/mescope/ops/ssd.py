"""State-space duality (SSD) without order, as VSSD has it.

A is one negative number per head h; B and C are shared by all heads.  One state for the whole
map is read by every token, so tokens have no order (Shi et al. 2024, arXiv 2407.18559, after
Dao and Gu 2024, arXiv 2405.21060):

    S = sum_j (dt[j] |A|) B[j] x[j]^T,                  y[i] = S^T C[i] + D x[i]

Which implementation runs where is said in :mod:`mescope.ops.choice`.

Letters for shapes: b batch, l tokens, h heads, p width of a head, n states.
Differences from the published kernels: dt comes in already through softplus, there is no gate
and no group of B or C, and double precision is computed in double precision.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from mescope.ops.choice import choose
from mescope.ops.ssd_triton import ssd_triton

Backend = Literal["auto", "triton", "products", "reference"]

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _check_shapes(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, keep: Tensor | None
) -> None:
    if x.dim() != 4 or B.dim() != 3 or 0 in (*x.shape, *B.shape):
        raise ValueError(
            f"expected x (b, l, h, p) and B (b, l, n) with nothing empty, found x "
            f"{tuple(x.shape)} and B {tuple(B.shape)}; reshape them, skip empty batches"
        )
    b, length, heads, _ = x.shape
    states = B.shape[2]
    wanted: dict[str, tuple[Tensor | None, tuple[int, ...]]] = {
        "dt": (dt, (b, length, heads)),
        "A": (A, (heads,)),
        "B": (B, (b, length, states)),
        "C": (C, (b, length, states)),
        "D": (D, (heads,)),
        "keep": (keep, (b, length)),
    }
    for name, (tensor, shape) in wanted.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ValueError(
                f"expected {name} of shape {shape} for x {tuple(x.shape)} and B "
                f"{tuple(B.shape)}, found {tuple(tensor.shape)}; reshape {name}"
            )


def _check_types(x: Tensor, same: dict[str, Tensor], free: dict[str, Tensor]) -> None:
    """``same`` must have x's dtype; ``free`` (parameters and steps) may be float32."""
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


def noncausal_ssd_reference(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, keep: Tensor | None
) -> Tensor:
    """The definition, token by token: y (b, l, h, p).

    All tensors of one dtype (float32 or float64), shapes as in :func:`noncausal_ssd`.
    """
    state = x.new_zeros(x.shape[0], x.shape[2], B.shape[2], x.shape[3])
    # unbind, not an index for every token: the gradient of each is as long as the whole
    kept = [None] * x.shape[1] if keep is None else keep[..., None].unbind(1)
    tokens = zip(dt.unbind(1), kept, B.unbind(1), x.unbind(1), strict=True)
    for step, share, b, value in tokens:
        weight = step * A.abs()  # (b, h)
        if share is not None:
            weight = weight * share
        state = state + weight[..., None, None] * b[:, None, :, None] * value[:, :, None, :]
    outputs = [(c[:, None, :, None] * state).sum(2) for c in C.unbind(1)]
    return torch.stack(outputs, 1) + D[:, None] * x


def noncausal_ssd_products(
    x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, keep: Tensor | None
) -> Tensor:
    """The same by two matrix products, which under torch.autocast are autocast's.

    All heads share B and C: side by side they are one wide product.
    """
    weight = -dt * A  # (b, l, h)
    if keep is not None:
        weight = weight * keep[..., None]
    state = B.transpose(1, 2) @ (weight[..., None] * x).flatten(2)  # (b, n, h p)
    return (C @ state).reshape(x.shape) + D[:, None] * x


def noncausal_ssd(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    keep: Tensor | None = None,
    backend: Backend = "auto",
) -> Tensor:
    """Let every token read one state that all tokens wrote.

    Shapes: x (b, l, h, p); dt (b, l, h), positive; A (h,), negative; B, C (b, l, n); D (h,);
    keep (b, l), True for tokens that write the state, all when absent.  A token that is not
    kept still reads: its y is the state of the others.

    Returns y (b, l, h, p) in x's dtype.  Half precisions and float32 are computed in float32,
    float64 in float64; dt, A and D may be float32 beside a half x.  Everything but ``keep`` is
    differentiable.

    backend: one of :mod:`mescope.ops.choice`.

    Raises ValueError, naming shapes, for empty or unfitting shapes, mixed dtypes or devices,
    a ``keep`` that is not bool, and a backend that cannot run here.
    """
    _check_shapes(x, dt, A, B, C, D, keep)
    _check_types(x, {"B": B, "C": C}, {"dt": dt, "A": A, "D": D})
    if keep is not None and keep.dtype != torch.bool:
        raise ValueError(f"expected keep {tuple(keep.shape)} as bool, found {keep.dtype}")
    chosen = choose("ssd", x.device.type, x.dtype, backend)
    if chosen == "triton":  # reads half precision itself
        y, _ = ssd_triton(x, dt, A, B, C, D, keep)
        return torch.as_tensor(y)
    plain = noncausal_ssd_products if chosen == "products" else noncausal_ssd_reference
    wide, dtype = _wide(x), x.dtype
    x, dt, A, B, C, D = (t.to(wide) for t in (x, dt, A, B, C, D))
    return plain(x, dt, A, B, C, D, keep).to(dtype)
