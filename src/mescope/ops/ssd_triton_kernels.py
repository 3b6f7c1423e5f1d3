"""Triton kernels of the state space without order; imported only by ``ops/ssd_triton.py``.

A state (n, p) of a head and a batch element is a sum over tokens.  ``write`` takes the sum over
a stretch of them and ``read_state`` gives every token its share.  The gradient of the state is
a sum over tokens like the state itself, so ``write`` makes it as well; from it
``backward_values`` takes the gradients of x, dt, A and D, head by head, and ``backward_maps``
those of B and C, which are sums over heads.  Weights of tokens are made where they are used: no
weighted copy of x exists.

States and channels of a head are walked through in tiles of N and P; PRECISION is that of
``tl.dot``.  All tensors are contiguous: x, y (b, l, h, p); dt (b, l, h); A, D (h,);
B, C (b, l, n); keep (b, l); states (b, h, n, p).
"""

from __future__ import annotations

import triton
import triton.language as tl

from mescope.ops.shared_triton_kernels import read, tried


@triton.jit
def _tile(source, b, h, n, c, heads, states, width):
    """Return states n and channels c of a head from (b, h, n, p)."""
    there = (n < states)[:, None] & (c < width)[None, :]
    start = source + (b * heads + h) * states * width
    return read(start, n[:, None] * width + c[None, :], there)


@triton.jit
def _places(at, h, c, length, heads, width):
    """Return where tokens and channels of a head lie in (l, h, p), which exist."""
    there = (at < length)[:, None] & (c < width)[None, :]
    return (at * heads + h)[:, None] * width + c[None, :], there


@triton.jit
def _values(source, b, at, h, c, length, heads, width):
    """Return tokens and channels of a head from (b, l, h, p)."""
    place, there = _places(at, h, c, length, heads, width)
    return read(source + b * length * heads * width, place, there)


@triton.jit
def _cells(at, n, length, states):
    """Return where tokens and states lie in (l, n), which exist."""
    return at[:, None] * states + n[None, :], (at < length)[:, None] & (n < states)[None, :]


@triton.jit
def _map(source, b, at, n, length, states):
    """Return tokens and states from (b, l, n)."""
    place, there = _cells(at, n, length, states)
    return read(source + b * length * states, place, there)


@triton.jit
def _writes(keep, b, at, length, KEEP: tl.constexpr):
    """Return which tokens write the state."""
    written = at < length
    if KEEP:
        written = tl.load(keep + b * length + at, written, 0) != 0
    return written


@triton.jit
def _weights(dt, A, keep, b, at, h, length, heads, KEEP: tl.constexpr):
    """Return dt of tokens that write, 0 of others, and A of the head."""
    written = _writes(keep, b, at, length, KEEP)
    return read(dt, (b * length + at) * heads + h, written), tl.load(A + h).to(tl.float32)


@tried("width", "states", "T", "N", "P")
@triton.jit
def write(
    x, dt, A, B, keep, state,
    length, heads, width, states, stretch,
    WEIGHTED: tl.constexpr, KEEP: tl.constexpr, PRECISION: tl.constexpr,
    T: tl.constexpr, N: tl.constexpr, P: tl.constexpr,
):  # fmt: skip
    """Sum B x^T over ``stretch`` tokens, by -dt A if they are WEIGHTED.

    ``state`` is (b, stretches, h, n, p).  Programs: (b, stretches, h tiles).
    """
    b, along, of = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    across, down = tl.cdiv(width, P), tl.cdiv(states, N)
    h, c = of // (across * down), of % across * P + tl.arange(0, P)
    n = of // across % down * N + tl.arange(0, N)
    total = tl.zeros((N, P), tl.float32)
    for block in range(0, stretch // T):
        at = along * stretch + block * T + tl.arange(0, T)
        into = _map(B, b, at, n, length, states)
        value = _values(x, b, at, h, c, length, heads, width)
        if WEIGHTED:
            steps, rate = _weights(dt, A, keep, b, at, h, length, heads, KEEP)
            value *= (-rate * steps)[:, None]
        total = tl.dot(tl.trans(into), value, total, input_precision=PRECISION)
    one = b * tl.num_programs(1) + along
    start = state + (one * heads + h) * states * width
    there = (n < states)[:, None] & (c < width)[None, :]
    tl.store(start + n[:, None] * width + c[None, :], total, there)


@triton.jit
def _share(
    maps, state, b, at, h, c, length, heads, width, states,
    PRECISION: tl.constexpr, T: tl.constexpr, N: tl.constexpr, P: tl.constexpr,
):  # fmt: skip
    """Return what tokens read of a state, (T, P): their rows of ``maps`` times it."""
    total = tl.zeros((T, P), tl.float32)
    for tile in range(0, tl.cdiv(states, N)):
        n = tile * N + tl.arange(0, N)
        whole = _tile(state, b, h, n, c, heads, states, width)
        rows_of = _map(maps, b, at, n, length, states)
        total = tl.dot(rows_of, whole, total, input_precision=PRECISION)
    return total


@tried("width", "states", "T", "N", "P")
@triton.jit
def read_state(
    x, C, D, state, y,
    length, heads, width, states,
    PRECISION: tl.constexpr, T: tl.constexpr, N: tl.constexpr, P: tl.constexpr,
):  # fmt: skip
    """Write y = C state + D x.  Programs: (b, blocks of T tokens, h tiles of P channels)."""
    b, at = tl.program_id(0).to(tl.int64), tl.program_id(1) * T + tl.arange(0, T)
    across = tl.cdiv(width, P)
    h, c = tl.program_id(2) // across, tl.program_id(2) % across * P + tl.arange(0, P)
    value = _values(x, b, at, h, c, length, heads, width)
    total = _share(C, state, b, at, h, c, length, heads, width, states, PRECISION, T, N, P)
    total += tl.load(D + h).to(tl.float32) * value
    place, there = _places(at, h, c, length, heads, width)
    tl.store(y + b * length * heads * width + place, total.to(y.dtype.element_ty), there)


@tried("width", "states", "T", "N", "P")
@triton.jit
def backward_values(
    gy, x, dt, A, B, D, keep, gstate, gx, gdt, sums,
    length, heads, width, states,
    KEEP: tl.constexpr, PRECISION: tl.constexpr,
    T: tl.constexpr, N: tl.constexpr, P: tl.constexpr,
):  # fmt: skip
    """Write gx and gdt.  Programs: (b, blocks of T tokens, h).

    sums (b, blocks, 2, h) are shares of the gradients of A and D: the caller adds them up, in
    one order.
    """
    b, block, h = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    at = block * T + tl.arange(0, T)
    steps, rate = _weights(dt, A, keep, b, at, h, length, heads, KEEP)
    weight, skip = -rate * steps, tl.load(D + h).to(tl.float32)
    to_weight, to_skip = tl.zeros((T,), tl.float32), tl.zeros((T,), tl.float32)
    for part in range(0, tl.cdiv(width, P)):
        c = part * P + tl.arange(0, P)
        share = _share(B, gstate, b, at, h, c, length, heads, width, states, PRECISION, T, N, P)
        value = _values(x, b, at, h, c, length, heads, width)
        to_y = _values(gy, b, at, h, c, length, heads, width)
        to_value = weight[:, None] * share + skip * to_y
        place, there = _places(at, h, c, length, heads, width)
        to_x = gx + b * length * heads * width
        tl.store(to_x + place, to_value.to(gx.dtype.element_ty), there)
        to_weight += tl.sum(share * value, 1)
        to_skip += tl.sum(to_y * value, 1)
    written = _writes(keep, b, at, length, KEEP)
    to_steps = tl.where(written, -rate * to_weight, 0.0).to(gdt.dtype.element_ty)
    tl.store(gdt + (b * length + at) * heads + h, to_steps, at < length)
    of = sums + (b * tl.num_programs(1) + block) * 2 * heads + h
    tl.store(of, tl.sum(-steps * to_weight, 0))
    tl.store(of + heads, tl.sum(to_skip, 0))


@tried("width", "states", "T", "N", "P")
@triton.jit
def backward_maps(
    gy, x, dt, A, keep, state, gstate, gB, gC,
    length, heads, width, states,
    KEEP: tl.constexpr, PRECISION: tl.constexpr,
    T: tl.constexpr, N: tl.constexpr, P: tl.constexpr,
):  # fmt: skip
    """Write gB and gC.  Programs: (b, blocks of T tokens, tiles of N states)."""
    b, at = tl.program_id(0).to(tl.int64), tl.program_id(1) * T + tl.arange(0, T)
    n = tl.program_id(2) * N + tl.arange(0, N)
    to_into, to_out = tl.zeros((T, N), tl.float32), tl.zeros((T, N), tl.float32)
    for h in range(0, heads):
        steps, rate = _weights(dt, A, keep, b, at, h, length, heads, KEEP)
        for part in range(0, tl.cdiv(width, P)):
            c = part * P + tl.arange(0, P)
            value = _values(x, b, at, h, c, length, heads, width)
            to_y = _values(gy, b, at, h, c, length, heads, width)
            value *= (-rate * steps)[:, None]
            whole = _tile(state, b, h, n, c, heads, states, width)
            to_whole = _tile(gstate, b, h, n, c, heads, states, width)
            to_into = tl.dot(value, tl.trans(to_whole), to_into, input_precision=PRECISION)
            to_out = tl.dot(to_y, tl.trans(whole), to_out, input_precision=PRECISION)
    place, there = _cells(at, n, length, states)
    of = b * length * states
    tl.store(gB + of + place, to_into.to(gB.dtype.element_ty), there)
    tl.store(gC + of + place, to_out.to(gC.dtype.element_ty), there)
