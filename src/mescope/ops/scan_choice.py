"""Which implementation of the selective scan runs on a device.

| backend | runs on | what it is |
|---|---|---|
| ``numba`` | CPU | fused kernels, :mod:`mescope.ops.scan_cpu` |
| ``triton`` | CUDA; the CPU if interpreted, for tests | fused, :mod:`mescope.ops.scan_triton` |
| ``mamba-ssm`` | CUDA | the published kernel, if installed and asked for |
| ``chunked`` | everything | plain torch, :mod:`mescope.ops.scan_chunked` |
| ``reference`` | everything | the definition, step by step |

``auto`` is what the environment variable ``MESCOPE_SCAN`` names, and without it the first of
``numba``, ``triton`` and ``chunked`` that the device, the dtype and the machine allow.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from mescope.ops import scan_cpu, scan_triton

Backend = Literal["auto", "numba", "triton", "mamba-ssm", "chunked", "reference"]

BACKENDS = ("auto", "numba", "triton", "mamba-ssm", "chunked", "reference")
ASKED = "MESCOPE_SCAN"


def backend_in_use(device: torch.device | str = "cpu") -> str:
    """What ``backend="auto"`` runs on this device in float32.

    "chunked" on the CPU means that Numba is absent or cannot compile here, and on CUDA the same
    of Triton.  The first call compiles (or loads from the cache) a kernel.
    """
    return choose(torch.device(device).type, torch.float32, "auto")


def choose(device: str, dtype: torch.dtype, backend: str) -> str:
    """Return the backend for tensors on a kind of device.

    Raises:
        ValueError: an unknown backend, or one that cannot run there; names what can.
    """
    if backend == "auto":
        backend = os.environ.get(ASKED, "auto")
    if backend not in BACKENDS:
        raise ValueError(
            f"expected a backend among {', '.join(BACKENDS)}, found {backend!r}; choose one"
        )
    if backend == "auto":
        fused = "numba" if device == "cpu" else "triton"
        return fused if _can(fused, device, dtype) else "chunked"
    if not _can(backend, device, dtype):
        able = [name for name in BACKENDS[1:] if _can(name, device, dtype)]
        raise ValueError(
            f"expected a backend that runs {dtype} on {device}, found {backend!r} "
            f"({_why_not(backend)}); choose auto or one of {', '.join(able)}"
        )
    return backend


def _can(backend: str, device: str, dtype: torch.dtype) -> bool:
    if backend == "numba":
        return device == "cpu" and _numba_works()
    if backend == "triton":  # float64 is for checking, not for speed
        return dtype != torch.float64 and _triton_works(device)
    if backend == "mamba-ssm":
        return device == "cuda" and dtype != torch.float64 and _mamba_ssm_there()
    return True


def _why_not(backend: str) -> str:
    reasons: dict[str, Callable[[], str]] = {"numba": scan_cpu.failure}
    reasons["triton"] = scan_triton.failure
    reasons["mamba-ssm"] = lambda: "" if _mamba_ssm_there() else "mamba_ssm is not installed"
    return reasons[backend]() or "it is for another device or dtype"


def _numba_works() -> bool:
    return scan_cpu.load_kernels() is not None


def _triton_works(device: str) -> bool:
    runs = device == "cuda" or (device == "cpu" and scan_triton.interpreted())
    return runs and scan_triton.load_kernels() is not None


@functools.cache
def _mamba_ssm_there() -> bool:
    return importlib.util.find_spec("mamba_ssm") is not None


def mamba_ssm_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> tuple[Tensor, Tensor]:
    """Run the published kernel: y (b, l, d) and the final state, which has no gradient."""
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    u, delta, B, C = (t.transpose(1, 2).contiguous() for t in (u, delta, B, C))
    y, state = selective_scan_fn(u, delta, A.float(), B, C, D.float(), return_last_state=True)
    return y.transpose(1, 2), state


# What torch.compiler.assume_constant_result does, which imports the whole compiler to do it:
# a second at every start of a program that compiles nothing.
choose._dynamo_marked_constant = True  # type: ignore[attr-defined]
