"""What the modules of Triton kernels share; imported only by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import triton
import triton.language as tl


def tried(*key: str) -> Callable[[Any], Any]:
    """Let the card choose, once for every ``key``, how many warps share a program.

    The interpreter has no warps.
    """

    def chosen(kernel: Any) -> Any:
        if triton.knobs.runtime.interpret:
            return kernel
        configs = [triton.Config({}, num_warps=warps) for warps in (4, 8)]
        return triton.autotune(configs, key=list(key))(kernel)

    return chosen


@triton.jit
def rows(b, at, columns, length, width):
    """Return where steps ``at`` of b lie in (b, length, width), and which of them exist."""
    place = (b * length + at)[:, None] * width + columns[None, :]
    return place, ((at >= 0) & (at < length))[:, None] & (columns < width)[None, :]


@triton.jit
def read(source, place, there):
    """Return values in float32, 0 where none is there."""
    return tl.load(source + place, there, 0.0).to(tl.float32)
