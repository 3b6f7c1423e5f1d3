"""The selective scan of Mamba (Gu and Dao 2023, arXiv 2312.00752, section 3), one definition.

    h[t] = exp(delta[t] A) h[t-1] + (delta[t] u[t]) B[t],     y[t] = C[t] h[t] + D u[t]

A is diagonal per channel.  As in the published code, B is discretised by Euler's rule
(delta B) and not by the zero-order hold of the paper's equation 4.  Differences from the
published kernel: delta comes in already through softplus, there is no gate and no B or C per
channel, an initial state may be given, and double precision is computed in double precision.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from mescope.ops import scan_cpu, scan_triton
from mescope.ops.choice import backend_in_use, choose
from mescope.ops.precision import together
from mescope.ops.scan_chunked import scan_chunked
from mescope.ops.scan_mamba_ssm import mamba_ssm_scan

__all__ = [
    "Backend",
    "backend_in_use",
    "selective_scan",
    "selective_scan_reference",
    "selective_scans",
]

Backend = Literal["auto", "numba", "triton", "mamba-ssm", "chunked", "reference"]

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _check_shapes(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor | None
) -> None:
    if u.dim() != 3 or A.dim() != 2:
        raise ValueError(
            f"expected u (b, l, d) and A (d, n), found u {tuple(u.shape)} and A "
            f"{tuple(A.shape)}; add or remove dimensions"
        )
    b, length, d = u.shape
    n = A.shape[1]
    if 0 in (b, length, d, n):
        raise ValueError(
            f"expected no empty dimension, found u {tuple(u.shape)} and A {tuple(A.shape)}; "
            "skip empty batches"
        )
    wanted = {"delta": (delta, (b, length, d)), "A": (A, (d, n)), "D": (D, (d,))}
    wanted |= {"B": (B, (b, length, n)), "C": (C, (b, length, n))}
    if h is not None:
        wanted["initial_state"] = (h, (b, d, n))
    for name, (tensor, shape) in wanted.items():
        if tuple(tensor.shape) != shape:
            raise ValueError(
                f"expected {name} of shape {shape} for u {tuple(u.shape)} and A "
                f"{tuple(A.shape)}, found {tuple(tensor.shape)}; reshape {name}"
            )


def _check_types(u: Tensor, same: dict[str, Tensor], free: dict[str, Tensor]) -> None:
    """``same`` must have u's dtype; ``free`` (parameters, state) may also be float32."""
    if u.dtype not in _FLOATS:
        raise ValueError(
            f"expected a floating u, found {u.dtype} of shape {tuple(u.shape)}; cast it"
        )
    wide = torch.float64 if u.dtype == torch.float64 else torch.float32
    for name, tensor in (same | free).items():
        allowed = {u.dtype} if name in same else {u.dtype, wide}
        if tensor.dtype not in allowed:
            raise ValueError(
                f"expected {name} {tuple(tensor.shape)} as {u.dtype} like u {tuple(u.shape)}, "
                f"found {tensor.dtype}; cast it"
            )
        if tensor.device != u.device:
            raise ValueError(
                f"expected {name} {tuple(tensor.shape)} on {u.device} like u, found "
                f"{tensor.device}; move it"
            )


def selective_scan_reference(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor
) -> tuple[Tensor, Tensor]:
    """The definition, step by step: y (b, l, d) and the final state (b, d, n).

    All tensors of one dtype (float32 or float64), shapes as in :func:`selective_scan`.
    """
    outputs = []
    # unbind, not an index for every step: the gradient of each is as long as the whole
    steps, values = delta[..., None].unbind(1), u[..., None].unbind(1)
    into, out = B[:, :, None].unbind(1), C[:, :, None].unbind(1)
    for step, x, b, c in zip(steps, values, into, out, strict=True):
        h = torch.exp(step * A) * h + step * x * b
        outputs.append((h * c).sum(-1))
    return torch.stack(outputs, 1) + D * u, h


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    initial_state: Tensor | None = None,
    return_state: bool = False,
    backend: Backend = "auto",
) -> Tensor | tuple[Tensor, Tensor]:
    """Run the scan over time; time steps count from 0.

    Shapes: u, delta (b, l, d); A (d, n), negative; B, C (b, l, n); D (d,);
    initial_state (b, d, n), zero when absent.  delta is positive (already through softplus).

    Returns y (b, l, d) in u's dtype and, with ``return_state``, also the state after the last
    step (b, d, n).  Half precisions and float32 are computed and the state is kept in float32,
    float64 in float64.  delta, B and C have u's dtype; A, D and initial_state may be float32
    beside half-precision u.  Under torch.autocast u, delta, B and C may differ, and all are
    taken in the widest of their dtypes.  Everything is differentiable, once.

    backend: one of :mod:`mescope.ops.choice`.  The fused paths reorder sums over n (and
    the CPU's has a polynomial exp, about 2 ulp), so they differ from the reference by rounding:
    below 1e-4 in float32 and 1e-9 in float64.  "mamba-ssm" takes no initial state and gives the
    final state no gradient.

    Raises ValueError, naming shapes, for empty or unfitting shapes, mixed dtypes or devices.
    """
    u, delta, B, C = together(u, delta, B, C)
    _check_shapes(u, delta, A, B, C, D, initial_state)
    state = {} if initial_state is None else {"initial_state": initial_state}
    _check_types(u, {"delta": delta, "B": B, "C": C}, {"A": A, "D": D} | state)
    if initial_state is None:
        h = torch.zeros(u.shape[0], *A.shape, dtype=_wide(u), device=u.device)
    else:
        h = initial_state.to(_wide(u))
    chosen = choose("scan", u.device.type, u.dtype, backend)
    if chosen == "mamba-ssm":
        if initial_state is not None:
            raise ValueError(
                "expected no initial_state for backend 'mamba-ssm', which starts at zero; "
                "choose another backend"
            )
        y, final = mamba_ssm_scan(u, delta, A, B, C, D)
    elif chosen in ("numba", "triton"):
        y, final = _fused(chosen, (u, delta, A[None], B, C, D[None], h))
    else:
        plain = scan_chunked if chosen == "chunked" else selective_scan_reference
        args = [t.to(_wide(u)) for t in (u, delta, A, B, C, D, h)]
        y, final = plain(*args)
    y = y.to(u.dtype)
    return (y, final) if return_state else y


def _wide(u: Tensor) -> torch.dtype:
    """Return the dtype of the state."""
    return torch.float64 if u.dtype == torch.float64 else torch.float32


def _fused(chosen: str, args: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Scan with sets of parameters A (g, d, n) and D (g, d) by the chosen kernels."""
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in args)
    if chosen == "triton":  # reads half precision itself
        y, final, _ = scan_triton.scan_triton(*args, keep)
    else:
        u, delta, A, B, C, D, h = (t.to(_wide(args[0])) for t in args)
        y, final, _ = scan_cpu.scan_cpu(u, delta, A, B, C, D, h, keep)
    return y, final


def selective_scans(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    backend: Backend = "auto",
) -> Tensor:
    """Run g independent scans, each with parameters of its own, in one call.

    Shapes: u, delta (g, b, l, d); A (g, d, n); B, C (g, b, l, n); D (g, d).  Returns
    y (g, b, l, d), what :func:`selective_scan` gives for each of the g, stacked.

    Raises ValueError as :func:`selective_scan` does, and where the g differ.
    """
    if u.dim() != 4 or A.dim() != 3 or u.shape[0] != A.shape[0]:
        raise ValueError(
            f"expected u (g, b, l, d) and A (g, d, n), found u {tuple(u.shape)} and A "
            f"{tuple(A.shape)}; add or remove dimensions"
        )
    if {len(t) for t in (delta, B, C, D)} != {len(u)}:
        raise ValueError(
            f"expected {len(u)} sets of delta, B, C and D, found "
            f"{[len(t) for t in (delta, B, C, D)]}; stack as many as u has"
        )
    u, delta, B, C = together(u, delta, B, C)
    chosen = choose("scan", u.device.type, u.dtype, backend)
    if chosen not in ("numba", "triton") or not u.numel():
        parts = zip(u, delta, A, B, C, D, strict=True)
        found = [selective_scan(*part, backend=backend) for part in parts]
        return torch.stack([torch.as_tensor(y) for y in found])
    _check_shapes(u[0], delta[0], A[0], B[0], C[0], D[0], None)
    _check_types(u, {"delta": delta, "B": B, "C": C}, {"A": A, "D": D})
    x, step, into, out = (t.flatten(0, 1) for t in (u, delta, B, C))
    h = x.new_zeros(len(x), *A.shape[1:], dtype=_wide(u))
    y, _ = _fused(chosen, (x, step, A, into, out, D, h))
    return torch.as_tensor(y).reshape(u.shape).to(u.dtype)
