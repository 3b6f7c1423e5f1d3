"""The fused selective scan on a CPU: one pass over time, forward and backward.

The kernels (:mod:`mescope.ops.scan_kernels`) are imported and compiled at first use, never on
import.  No tensor of shape (b, l, d, n) exists: forward keeps the running state, and, when a
gradient will be asked for, one state every ``CHUNK`` steps, from which backward recomputes.

Threads: plain Python threads over (batch element, channel range) tasks, at most
``torch.get_num_threads()``; the kernels release the GIL.  Numba's own parallel layers are not
used because they abort the process on concurrent calls (workqueue) or after a fork (GNU OpenMP).
How the work is cut depends on the shape only, so results do not depend on the thread count.
"""

from __future__ import annotations

import functools
import importlib
import os
import stat
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

CHUNK = 32  # equal to scan_kernels.CHUNK, which cannot be imported here without importing Numba
_TASKS = 16  # channel ranges at batch size one
_INLINE = 100_000  # below this many state updates a thread costs more than it saves
_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def _private_cache() -> Path | None:
    """A cache folder in the temporary folder that only this user can write, or None.

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


def _import_kernels() -> ModuleType:
    """Import the kernels; with nowhere to cache, retry in a private temporary folder."""
    import numba

    try:
        return importlib.import_module("mescope.ops.scan_kernels")
    except RuntimeError:  # "no locator available": read-only package and no home folder
        folder = _private_cache()
        if folder is None or numba.config.CACHE_DIR:
            raise
        numba.config.CACHE_DIR = str(folder)
        try:
            return importlib.import_module("mescope.ops.scan_kernels")
        finally:
            numba.config.CACHE_DIR = ""


@functools.cache
def load_kernels() -> ModuleType | None:
    """The compiled kernels, or None where Numba is absent or cannot compile (tried once)."""
    try:
        kernels = _import_kernels()
        from numba.core.errors import NumbaError
    except (ImportError, OSError, RuntimeError, AttributeError):
        return None
    one = torch.ones(1, 1).numpy()
    row = torch.ones(1).numpy()
    try:
        kernels.forward32(
            one, one, -one, one, one, row, one.copy(), one.copy(), one[None], 0, 1
        )
    except (NumbaError, OSError, RuntimeError):
        return None
    return kernels


def _cut(batch: int, channels: int) -> list[tuple[int, int, int, int]]:
    """Tasks (batch element, group, first channel, last channel + 1), from the shape only."""
    groups = min(channels, max(1, _TASKS // batch))
    edges = [channels * k // groups for k in range(groups + 1)]
    return [(b, k, edges[k], edges[k + 1]) for b in range(batch) for k in range(groups)]


def _run(task: Callable[..., None], tasks: list[tuple[int, int, int, int]], work: int) -> None:
    threads = min(torch.get_num_threads(), len(tasks))
    if threads == 1 or work < _INLINE:
        for item in tasks:
            task(*item)
        return
    key = (os.getpid(), threads)  # a forked child has no threads: it makes its own pool
    pool = _pools.get(key)
    if pool is None:
        pool = _pools.setdefault(key, ThreadPoolExecutor(threads, "mescope-scan"))
    share = -(-len(tasks) // threads)
    parts = [tasks[k : k + share] for k in range(0, len(tasks), share)]
    for done in [pool.submit(lambda part: [task(*i) for i in part], part) for part in parts]:
        done.result()


def _kernel(name: str, dtype: torch.dtype) -> Any:
    kernels = load_kernels()
    if kernels is None:
        raise RuntimeError(
            "the fused scan needs Numba, which is absent; use backend='reference'"
        )
    return getattr(kernels, name + ("64" if dtype == torch.float64 else "32"))


def _arrays(*tensors: Tensor) -> list[Any]:
    return [t.detach().contiguous().numpy() for t in tensors]


def _chunks(length: int, keep: bool) -> int:
    return -(-length // CHUNK) if keep else 0


@torch.library.custom_op("mescope::scan_cpu", mutates_args=())
def scan_cpu(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """y (b, l, d), final state (b, d, n), kept states (b, chunks, d, n); all of one dtype."""
    batch, length, channels = u.shape
    kernel = _kernel("forward", u.dtype)
    y = torch.empty_like(u, memory_format=torch.contiguous_format)
    state = h.clone(memory_format=torch.contiguous_format)
    kept = u.new_empty(batch, _chunks(length, keep), channels, A.shape[1])
    un, dn, an, bn, cn, skip = _arrays(u, delta, A, B, C, D)
    yn, sn, kn = y.numpy(), state.numpy(), kept.numpy()

    def task(b: int, _: int, first: int, last: int) -> None:
        kernel(un[b], dn[b], an, bn[b], cn[b], skip, sn[b], yn[b], kn[b], first, last)

    _run(task, _cut(batch, channels), u.numel() * A.shape[1])
    return y, state, kept


@scan_cpu.register_fake
def _(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    kept = u.new_empty(u.shape[0], _chunks(u.shape[1], keep), u.shape[2], A.shape[1])
    return u.new_empty(u.shape), h.new_empty(h.shape), kept


_Grads = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


@torch.library.custom_op("mescope::scan_cpu_backward", mutates_args=())
def scan_cpu_backward(
    gy: Tensor,
    gstate: Tensor,
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    kept: Tensor,
) -> _Grads:
    """Gradients of u, delta, A, B, C, D and the initial state."""
    batch, length, channels = u.shape
    kernel = _kernel("backward", u.dtype)
    tasks = _cut(batch, channels)
    groups = len(tasks) // batch
    g = gstate.clone(memory_format=torch.contiguous_format)
    gu, gdelta = (u.new_empty(u.shape) for _ in range(2))
    gA, gD = A.new_zeros(batch, *A.shape), D.new_zeros(batch, channels)
    gB, gC = (B.new_zeros(groups, *B.shape) for _ in range(2))
    on, un, dn, an, bn, cn, skip, kn = _arrays(gy, u, delta, A, B, C, D, kept)
    gn, gun, gdn, gan, gbn, gcn, gskip = (t.numpy() for t in (g, gu, gdelta, gA, gB, gC, gD))

    def task(b: int, k: int, first: int, last: int) -> None:
        inputs = (on[b], un[b], dn[b], an, bn[b], cn[b], skip, kn[b])
        outputs = (gn[b], gun[b], gdn[b], gan[b], gbn[k, b], gcn[k, b], gskip[b])
        kernel(*inputs, *outputs, first, last)

    _run(task, tasks, u.numel() * A.shape[1])
    return gu, gdelta, gA.sum(0), gB.sum(0), gC.sum(0), gD.sum(0), g


@scan_cpu_backward.register_fake
def _(
    gy: Tensor,
    gstate: Tensor,
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    kept: Tensor,
) -> _Grads:
    shapes = [t.new_empty(t.shape) for t in (u, delta, A, B, C, D, gstate)]
    return (shapes[0], shapes[1], shapes[2], shapes[3], shapes[4], shapes[5], shapes[6])


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    if not inputs[-1]:
        return
    ctx.save_for_backward(*inputs[:6], output[2])
    ctx.mark_non_differentiable(output[2])


def _gradient(ctx: Any, gy: Tensor, gstate: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    return (*scan_cpu_backward(gy, gstate, *ctx.saved_tensors), None)


scan_cpu.register_autograd(_gradient, setup_context=_setup)
