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

from mescope.ops import scan_cpu

Backend = Literal["auto", "reference", "numba"]

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
    for t in range(u.shape[1]):
        step = delta[:, t, :, None]
        h = torch.exp(step * A) * h + step * u[:, t, :, None] * B[:, t, None, :]
        outputs.append((h * C[:, t, None, :]).sum(-1))
    return torch.stack(outputs, 1) + D * u, h


def _fused_available() -> bool:
    return scan_cpu.load_kernels() is not None


# What torch.compiler.assume_constant_result does, which imports the whole compiler to do it:
# a second at every start of a program that compiles nothing.
_fused_available._dynamo_marked_constant = True  # type: ignore[attr-defined]


def backend_in_use(device: torch.device | str = "cpu") -> str:
    """What ``backend="auto"`` runs on this device: "numba" or "reference".

    "reference" on the CPU means that Numba is absent or cannot compile here; every other
    device uses the reference.  The first call compiles (or loads from the cache) a kernel.
    """
    return "numba" if torch.device(device).type == "cpu" and _fused_available() else "reference"


def _use_fused(u: Tensor, backend: str) -> bool:
    if backend not in ("auto", "reference", "numba"):
        raise ValueError(
            f"expected backend auto, reference or numba, found {backend!r}; choose one"
        )
    if backend == "reference":
        return False
    fused = u.device.type == "cpu" and _fused_available()
    if backend == "numba" and not fused:
        raise ValueError(
            f"expected a CPU tensor and a working Numba for backend 'numba', found u "
            f"{tuple(u.shape)} on {u.device}; use backend='auto'"
        )
    return fused


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
    beside half-precision u.  Everything is differentiable, once.

    backend: "auto" takes the fused Numba kernel on the CPU where Numba works, and the reference
    elsewhere (CUDA included; see :func:`backend_in_use`); the others force one.  The fused path
    uses a polynomial exp (about 2 ulp) and reorders sums over n, so it differs from the
    reference by rounding: below 1e-4 in float32 and 1e-9 in float64.

    Raises ValueError, naming shapes, for empty or unfitting shapes, mixed dtypes or devices.
    """
    _check_shapes(u, delta, A, B, C, D, initial_state)
    state = {} if initial_state is None else {"initial_state": initial_state}
    _check_types(u, {"delta": delta, "B": B, "C": C}, {"A": A, "D": D} | state)
    wide = torch.float64 if u.dtype == torch.float64 else torch.float32
    if initial_state is None:
        h = torch.zeros(u.shape[0], *A.shape, dtype=wide, device=u.device)
    else:
        h = initial_state.to(wide)
    dtype = u.dtype
    args = tuple(t.to(wide) for t in (u, delta, A, B, C, D))
    if _use_fused(u, backend):
        keep = torch.is_grad_enabled() and any(t.requires_grad for t in (*args, h))
        u, delta, A, B, C, D = args
        y, final, _ = scan_cpu.scan_cpu(u, delta, A[None], B, C, D[None], h, keep)
    else:
        u, delta, A, B, C, D = args
        y, final = selective_scan_reference(u, delta, A, B, C, D, h)
    y = y.to(dtype)
    return (y, final) if return_state else y


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
    wide = torch.float64 if u.dtype == torch.float64 else torch.float32
    if not (_use_fused(u, backend) and u.numel()):
        parts = zip(u, delta, A, B, C, D, strict=True)
        found = [selective_scan(*part, backend=backend) for part in parts]
        return torch.stack([torch.as_tensor(y) for y in found])
    _check_shapes(u[0], delta[0], A[0], B[0], C[0], D[0], None)
    _check_types(u, {"delta": delta, "B": B, "C": C}, {"A": A, "D": D})
    flat = [t.to(wide).flatten(0, 1) for t in (u, delta, B, C)]
    h = flat[0].new_zeros(len(flat[0]), *A.shape[1:])
    rates, skip = A.to(wide), D.to(wide)
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in (*flat, rates, skip))
    y, _, _ = scan_cpu.scan_cpu(flat[0], flat[1], rates, flat[2], flat[3], skip, h, keep)
    return torch.as_tensor(y).reshape(u.shape).to(u.dtype)
