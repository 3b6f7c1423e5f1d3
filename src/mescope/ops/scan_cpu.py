"""The fused selective scan on a CPU: one pass over time, forward and backward.

The kernels (:mod:`mescope.ops.scan_kernels`) are imported and compiled at first use, never on
import.  No tensor of shape (b, l, d, n) exists: forward keeps the running state, and, when a
gradient will be asked for, one state every ``CHUNK`` steps, from which backward recomputes.

Tasks are (batch elements, channel range), cut by the shape only, so that results do not depend
on the number of threads (:mod:`mescope.ops.threads`).  A task is one call of a kernel: short
sequences, such as windows of 49 tokens, take less time than a call each would.
"""

from __future__ import annotations

import functools
import importlib
import itertools
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from mescope.ops.threads import run

CHUNK = 32  # equal to scan_kernels.CHUNK, which cannot be imported here without importing Numba
_TASKS = 16  # so many where there is enough to cut
_ROW = 128  # channels: narrower tasks visit every page of memory too often


@functools.cache
def _load() -> tuple[ModuleType | None, str]:
    """Return the compiled kernels, or None and why Numba cannot give them (tried once)."""
    one, row = torch.ones(1, 1, 1).numpy(), torch.ones(1, 1).numpy()
    try:
        kernels = importlib.import_module("mescope.ops.scan_kernels")
        out = (one.copy(), one.copy(), one[None])
        kernels.forward(one, one, -one, one, one, row, *out, 0, 1, 0, 1)
    except Exception as error:  # noqa: BLE001  # whatever Numba raises, the reference still works
        return None, f"{type(error).__name__}: {error}".splitlines()[0]
    return kernels, ""


def load_kernels() -> ModuleType | None:
    """Return the compiled kernels, or None where Numba is absent or cannot compile."""
    return _load()[0]


def failure() -> str:
    """Say why there are no compiled kernels; empty where there are."""
    return _load()[1]


def _cut(batch: int, channels: int) -> list[tuple[int, int, int, int]]:
    """Tasks (first batch element, last + 1, channel range, ranges), from the shape only."""
    pieces = max(channels // _ROW, min(2, channels // (_ROW // 2)))
    ranges = max(1, min(pieces, _TASKS // batch))
    spans = min(batch, _TASKS)
    edges = [batch * k // spans for k in range(spans + 1)]
    return [
        (start, stop, k, ranges)
        for start, stop in itertools.pairwise(edges)
        for k in range(ranges)
    ]


def _kernels() -> ModuleType:
    kernels = load_kernels()
    if kernels is None:
        raise RuntimeError(f"the fused scan needs Numba ({failure()}); use backend='reference'")
    return kernels


def _arrays(*tensors: Tensor) -> list[Any]:
    return [t.detach().contiguous().numpy() for t in tensors]


def _chunks(length: int, keep: bool) -> int:
    return -(-length // CHUNK) if keep else 0


def scan_cpu(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return y (b, l, d), the final state (b, d, n) and kept states (b, chunks, n, d).

    A (g, d, n) and D (g, d) are g sets of parameters, the first for the first b / g batch
    elements and so on.

    An operator of torch is called only where gradients, a compiler or a tensor without values
    ask for one: the first call of any such operator imports the compiler, which takes a second
    that a program that only predicts need not wait.
    """
    if keep or torch.compiler.is_compiling() or type(u) is not Tensor:
        found: tuple[Tensor, Tensor, Tensor] = _operator(u, delta, A, B, C, D, h, keep)
        return found
    return _scan(u, delta, A, B, C, D, h, keep)


def _scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    batch, length, channels = u.shape
    kernel = _kernels().forward
    y = torch.empty_like(u, memory_format=torch.contiguous_format)
    state = h.clone(memory_format=torch.contiguous_format)
    kept = u.new_empty(batch, _chunks(length, keep), A.shape[2], channels)
    inputs = _arrays(u, delta, A, B, C, D)
    outputs = (state.numpy(), y.numpy(), kept.numpy())

    def task(start: int, stop: int, k: int, ranges: int) -> None:
        first, last = channels * k // ranges, channels * (k + 1) // ranges
        kernel(*inputs, *outputs, start, stop, first, last)

    run(task, _cut(batch, channels), u.numel() * A.shape[2])
    return y, state, kept


_operator = torch.library.custom_op("mescope::scan_cpu", _scan, mutates_args=())


@_operator.register_fake
def _(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    kept = u.new_empty(u.shape[0], _chunks(u.shape[1], keep), A.shape[2], u.shape[2])
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
    batch, _, channels = u.shape
    sets = len(A)
    kernel = _kernels().backward
    tasks = _cut(batch, channels)
    groups = tasks[0][3]
    g = gstate.clone(memory_format=torch.contiguous_format)
    gu, gdelta = (u.new_empty(u.shape) for _ in range(2))
    gA, gD = A.new_zeros(batch, *A.shape[1:]), D.new_zeros(batch, channels)
    gB, gC = (B.new_zeros(groups, *B.shape) for _ in range(2))
    inputs = _arrays(gy, u, delta, A, B, C, D, kept)
    found = [t.numpy() for t in (g, gu, gdelta, gA, gD)]
    to_b, to_c = gB.numpy(), gC.numpy()

    def task(start: int, stop: int, k: int, ranges: int) -> None:
        first, last = channels * k // ranges, channels * (k + 1) // ranges
        kernel(*inputs, *found, to_b[k], to_c[k], start, stop, first, last)

    run(task, tasks, u.numel() * A.shape[2])
    gA, gD = (t.reshape(sets, batch // sets, *t.shape[1:]).sum(1) for t in (gA, gD))
    return gu, gdelta, gA, gB.sum(0), gC.sum(0), gD, g


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


_operator.register_autograd(_gradient, setup_context=_setup)
