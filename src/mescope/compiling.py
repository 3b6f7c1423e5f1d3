"""How kernels are compiled: without the interpreter lock, at first use, kept on disk.

Imported by kernels only, because it imports Numba.

``apart`` adds a promise that the compiler cannot find out: no two array arguments overlap.
Without it LLVM guards every loop by comparing the bounds of all arrays in it, gives up beyond
eight comparisons and leaves the loop scalar; with it such a loop becomes vector instructions.
The promise is about arguments, so what must be known to be apart is passed as arguments, not
cut out of one array inside.
"""

from __future__ import annotations

import functools
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core.compiler import Compiler

Function = TypeVar("Function", bound=Callable[..., Any])

Index = np.uint64
"""Unsigned, so that no code is compiled for negative indices, which would break up a vector."""

REORDERED = frozenset({"reassoc", "contract", "nsz", "arcp"})
"""Sums may be reordered and multiply-adds fused; NaN and infinity stay what they are."""


class _Apart(Compiler):  # type: ignore[misc]  # Numba has no types
    """Numba's own pipeline with the flag that its parallel loops use."""

    def define_pipelines(self) -> Any:
        self.state.flags.noalias = True
        return super().define_pipelines()


def compiled(function: Function) -> Function:
    """Compile ``function`` lazily, with strict arithmetic."""
    return _jit(function, error_model="numpy")


def apart(function: Function) -> Function:
    """Do the same for a function whose array arguments never overlap."""
    return _jit(function, error_model="numpy", pipeline_class=_Apart, forceinline=True)


def reordered(function: Function) -> Function:
    """Like :func:`compiled`, with :data:`REORDERED` arithmetic."""
    return _jit(function, fastmath=set(REORDERED))


def reordered_apart(function: Function) -> Function:
    """Like :func:`apart`, with :data:`REORDERED` arithmetic."""
    return _jit(function, fastmath=set(REORDERED), pipeline_class=_Apart)


def _jit(function: Function, **options: Any) -> Function:
    try:
        jitted: Function = numba.njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:  # "no locator available": read-only package and no home folder
        folder = _private_cache()
        if folder is None or numba.config.CACHE_DIR:
            return _uncached(function, options)
        numba.config.CACHE_DIR = str(folder)
        try:
            jitted = numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:
            return _uncached(function, options)
        finally:
            numba.config.CACHE_DIR = ""
    return jitted


def _uncached(function: Function, options: dict[str, Any]) -> Function:
    """Compile anew in every process, which costs seconds but needs no disk."""
    jitted: Function = numba.njit(nogil=True, **options)(function)
    return jitted


@functools.cache
def _private_cache() -> Path | None:
    """Return a folder among the temporary files that only this user can write, or None.

    Numba's cache is pickled code: a folder that another user could have made is refused.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"mescope-numba-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    owned = not hasattr(os, "getuid") or (found.st_uid == user and not found.st_mode & 0o022)
    return folder if stat.S_ISDIR(found.st_mode) and owned else None
