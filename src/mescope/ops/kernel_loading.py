"""Modules of kernels, imported at first use: what compiles them may be absent or broken.

Triton's are launched here, too.
"""

from __future__ import annotations

import functools
import importlib
import math
import os
from types import ModuleType
from typing import Any

import torch
from torch import Tensor


@functools.cache
def _load(name: str) -> tuple[ModuleType | None, str]:
    try:
        return importlib.import_module(f"mescope.ops.{name}"), ""
    except Exception as error:  # noqa: BLE001  # a broken compiler must not break what works without
        return None, f"{type(error).__name__}: {error}".splitlines()[0]


def load_kernels(name: str) -> ModuleType | None:
    """Return a module of ``mescope.ops``, or None where it cannot be imported (tried once)."""
    return _load(name)[0]


def failure(name: str) -> str:
    """Say why a module cannot be imported; empty where it can."""
    return _load(name)[1]


def triton_kernels(operation: str) -> ModuleType:
    """Return the Triton kernels of an operation.

    Raises:
        RuntimeError: Triton is absent or cannot be imported.
    """
    name = f"{operation}_triton_kernels"
    kernels = load_kernels(name)
    if kernels is None:
        raise RuntimeError(
            f"backend 'triton' needs Triton ({failure(name)}); pip install 'mescope[gpu]', or "
            "use another backend"
        )
    return kernels


def launch(
    kernel: Any, programs: tuple[int, ...], first: Tensor, *others: Any, **fixed: Any
) -> None:
    """Launch a kernel of Triton on the device of its first tensor.

    Triton launches on the current device, which is another one under ``--device cuda:1``.
    """
    with torch.cuda.device_of(first):  # type: ignore[no-untyped-call]
        kernel[programs](first, *others, **fixed)


def interpreted() -> bool:
    """Say whether Triton interprets its kernels (TRITON_INTERPRET=1), which any device can."""
    return os.environ.get("TRITON_INTERPRET", "0") == "1"


def power_of_two(number: int) -> int:
    """Return the least power of two that is not below a number, as Triton wants its tiles.

    >>> [power_of_two(n) for n in (1, 2, 3, 64, 65)]
    [1, 2, 4, 64, 128]
    """
    return 1 << math.ceil(math.log2(number)) if number > 1 else 1
