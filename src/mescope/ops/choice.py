"""Which implementation of an operation runs on a device.  It is said here and nowhere else.

| operation | backend | runs on | what it is |
|---|---|---|---|
| ``scan`` | ``numba`` | CPU | fused, :mod:`mescope.ops.scan_cpu` |
| | ``triton`` | CUDA | fused, :mod:`mescope.ops.scan_triton` |
| | ``mamba-ssm`` | CUDA | the published kernel, if installed and asked for |
| | ``chunked`` | everything | plain torch, :mod:`mescope.ops.scan_chunked` |
| | ``reference`` | everything | the definition, step by step |
| ``ssd`` | ``triton`` | CUDA | fused, :mod:`mescope.ops.ssd_triton` |
| | ``products`` | everything | plain torch, two matrix products |
| | ``reference`` | everything | the definition, token by token |
| ``depthwise-conv`` | ``triton`` | CUDA | fused, :mod:`mescope.ops.depthwise_conv_triton` |
| | ``shifts`` | everything | plain torch, a sum of shifted copies |
| | ``library`` | everything | ``conv1d`` with groups, summed in the published code's order |
| ``conv-pool`` | ``numba`` | CPU | fused, :mod:`mescope.ops.conv_pool_cpu` |
| | ``triton`` | CUDA | fused, :mod:`mescope.ops.conv_pool_triton` |
| | ``reference`` | everything | the definition, four functions of PyTorch |

``auto`` is what the environment variable ``MESCOPE_SCAN`` (``MESCOPE_SSD``,
``MESCOPE_DEPTHWISE_CONV``, ``MESCOPE_CONV_POOL``) names, and without it the first of a table
that device, dtype and machine allow.  Triton's kernels never take float64, and run on a CPU
only if they are asked for and interpreted, as in the tests.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch

from mescope.errors import MescopeError
from mescope.ops import scan_cpu
from mescope.ops.kernel_loading import failure, interpreted, load_kernels

_HALVES = (torch.float16, torch.bfloat16)


class Way(NamedTuple):
    """An implementation: whether it runs a dtype on a kind of device, and why it cannot."""

    can: Callable[[str, torch.dtype], bool]
    why_not: Callable[[], str]
    by_itself: tuple[str, ...] | None  # devices where auto may take it; None for all


def _triton(operation: str) -> Way:
    name = f"{operation}_triton_kernels"

    def can(device: str, dtype: torch.dtype) -> bool:
        runs = device == "cuda" or (device == "cpu" and interpreted())
        # float64 is for checking, not for speed
        return runs and dtype != torch.float64 and load_kernels(name) is not None

    return Way(can, lambda: failure(name), ("cuda",))


def _scan_numba(device: str, _: torch.dtype) -> bool:
    return device == "cpu" and scan_cpu.load_kernels() is not None


def _conv_pool_numba(device: str, dtype: torch.dtype) -> bool:
    fits = device == "cpu" and dtype not in _HALVES
    return fits and load_kernels("conv_pool_kernels") is not None


def _mamba_ssm(device: str, dtype: torch.dtype) -> bool:
    return device == "cuda" and dtype != torch.float64 and _mamba_ssm_there()


@functools.cache
def _mamba_ssm_there() -> bool:
    return importlib.util.find_spec("mamba_ssm") is not None


def _why_no_mamba_ssm() -> str:
    return "" if _mamba_ssm_there() else "mamba_ssm is not installed"


_PLAIN = Way(lambda *_: True, lambda: "", None)

OPERATIONS: Mapping[str, Mapping[str, Way]] = {
    "scan": {
        "numba": Way(_scan_numba, lambda: scan_cpu.failure(), ("cpu",)),
        "triton": _triton("scan"),
        "mamba-ssm": Way(_mamba_ssm, _why_no_mamba_ssm, ()),
        "chunked": _PLAIN,
        "reference": _PLAIN,
    },
    "ssd": {"triton": _triton("ssd"), "products": _PLAIN, "reference": _PLAIN},
    "depthwise-conv": {
        "triton": _triton("depthwise_conv"),
        "shifts": _PLAIN,
        "library": _PLAIN,
    },
    "conv-pool": {
        "numba": Way(_conv_pool_numba, lambda: failure("conv_pool_kernels"), ("cpu",)),
        "triton": _triton("conv_pool"),
        "reference": _PLAIN,
    },
}


def variable(operation: str) -> str:
    """Return the environment variable that names what auto takes.

    >>> variable("depthwise-conv")
    'MESCOPE_DEPTHWISE_CONV'
    """
    return "MESCOPE_" + operation.upper().replace("-", "_")


def backend_in_use(operation: str, device: torch.device | str = "cpu") -> str:
    """Return what ``backend="auto"`` runs on a device in float32.

    A plain backend means on the CPU that Numba is absent or cannot compile here, where there is
    a kernel of Numba at all, and on CUDA the same of Triton.  The first call compiles (or loads
    from the cache) a kernel.
    """
    return choose(operation, torch.device(device).type, torch.float32, "auto")


def why_slow(operation: str, device: str) -> str:
    """Say why no kernel that is made for a kind of device runs there; empty if one does."""
    ways = OPERATIONS[operation]
    made = [way for way in ways.values() if device in (way.by_itself or ())]
    if any(way.can(device, torch.float32) for way in made):
        return ""
    return "; ".join(filter(None, (way.why_not() for way in made)))


def choose(operation: str, device: str, dtype: torch.dtype, backend: str) -> str:
    """Return the backend for tensors on a kind of device.

    Raises:
        ValueError: an unknown backend, or one that cannot run there; names what can.
        MescopeError: the same of what the environment names.
    """
    ways = OPERATIONS[operation]
    asked = os.environ.get(variable(operation)) or "auto"
    if backend == "auto" and asked != "auto":
        try:
            return choose(operation, device, dtype, asked)
        except ValueError as error:
            raise MescopeError(f"{variable(operation)}={asked}: {error}") from None
    if backend == "auto":
        return next(
            name
            for name, way in ways.items()
            if (way.by_itself is None or device in way.by_itself) and way.can(device, dtype)
        )
    if backend not in ways:
        raise ValueError(
            f"expected a backend among {', '.join(['auto', *ways])} for {operation}, found "
            f"{backend!r}; choose one"
        )
    if not ways[backend].can(device, dtype):
        able = [name for name, way in ways.items() if way.can(device, dtype)]
        why = ways[backend].why_not() or "it is for another device or dtype"
        raise ValueError(
            f"expected a backend that runs {operation} in {dtype} on {device}, found "
            f"{backend!r} ({why}); choose auto or one of {', '.join(able)}"
        )
    return backend


# What torch.compiler.assume_constant_result does, which imports the whole compiler to do it:
# a second at every start of a program that compiles nothing.
choose._dynamo_marked_constant = True  # type: ignore[attr-defined]
