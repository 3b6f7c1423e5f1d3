"""Triton kernels of the selective scan; imported only by :mod:`mescope.ops.scan_triton`.

One program does a block of channels of one batch element and walks through time in chunks of
T steps.  Within a chunk all steps are there at once, as a tile (T, channels, states) in
registers, and the recurrence is an associative scan of the pairs (decay, gain) over its first
axis; between chunks a state is carried.  Steps past the end have delta 0: they change nothing.
Arguments are pointers and tensors of Triton, which reads no annotations but ``constexpr``.

The plan (one state kept a chunk, states recomputed on the way back) is that of the published
CUDA kernel (Gu and Dao 2023, section 3.3.2); the code is ours.
"""

from __future__ import annotations

import triton
import triton.language as tl

from mescope.ops.shared_triton_kernels import read, rows, tried

LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def _after(a1, x1, a2, x2):
    """Return the step that does first (a1, x1), then (a2, x2): h -> a h + x."""
    return a1 * a2, a2 * x1 + x2


@triton.jit
def _own(
    b,
    block,
    channels,
    states,
    BD: tl.constexpr,
    N: tl.constexpr,
):
    """Return channels and states of a block, and where (BD, N) of them lie in (d, n)."""
    c, n = block * BD + tl.arange(0, BD), tl.arange(0, N)
    there = (c < channels)[:, None] & (n < states)[None, :]
    return c, n, c[:, None] * states + n[None, :], there


@triton.jit
def _decay(step, rates):
    """Return exp(delta A), (T, BD, N)."""
    return tl.exp2(step[:, :, None] * (rates * LOG2E)[None, :, :])


@triton.jit
def _walk(decay, gain, state):
    """Return the states after every step of a chunk, (T, BD, N)."""
    since, local = tl.associative_scan((decay, gain), 0, _after)
    return since * state[None, :, :] + local


@triton.jit
def _retreat(decay, gain, grad):
    """The same from the last step to the first; ``decay`` is that of the step after."""
    until, local = tl.associative_scan((decay, gain), 0, _after, reverse=True)
    return until * grad[None, :, :] + local


@triton.jit
def _one_of(tile, which):
    """Return the row of a tile where ``which`` is true; what is not a number stays there."""
    return tl.sum(tl.where(which[:, None, None], tile, 0.0), 0)


@tried("channels", "T", "BD", "N")
@triton.jit
def forward(
    u, delta, A, B, C, D, h, y, final, kept,
    length, channels, states, per,
    KEEP: tl.constexpr, T: tl.constexpr, BD: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    """Scan block ``program_id(1)`` of BD channels of batch element ``program_id(0)``.

    Contiguous u, delta, y (b, l, d); A (g, d, n); B, C (b, l, n); D (g, d); h, final (b, d, n);
    kept (b, chunks, d, n), the states before every chunk.  ``per`` batch elements share a set
    of A and D.
    """
    b, t = tl.program_id(0).to(tl.int64), tl.arange(0, T)
    c, n, own, there = _own(b, tl.program_id(1), channels, states, BD, N)
    of, size = b // per, channels * states
    rates = read(A, of * size + own, there)
    skip = read(D, of * channels + c, c < channels)
    state = read(h, b * size + own, there)
    chunks = tl.cdiv(length, T)
    for chunk in range(0, chunks):
        of_u, in_u = rows(b, chunk * T + t, c, length, channels)
        of_b, in_b = rows(b, chunk * T + t, n, length, states)
        value, step = read(u, of_u, in_u), read(delta, of_u, in_u)
        into, out = read(B, of_b, in_b), read(C, of_b, in_b)
        if KEEP:
            tl.store(kept + (b * chunks + chunk) * size + own, state, there)
        gain = (step * value)[:, :, None] * into[:, None, :]
        every = _walk(_decay(step, rates), gain, state)
        total = tl.sum(every * out[:, None, :], 2) + skip[None, :] * value
        tl.store(y + of_u, total.to(y.dtype.element_ty), in_u)
        state = _one_of(every, t == T - 1)
    tl.store(final + b * size + own, state, there)


@tried("channels", "T", "BD", "N")
@triton.jit
def backward(
    gy, u, delta, A, B, C, D, kept, gfinal,
    gu, gdelta, gA, gB, gC, gD, gh,
    length, channels, states, per,
    T: tl.constexpr, BD: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    """Go back through the same block: gradients of everything.

    gA (b, d, n) and gD (b, d) are sums over time only, gB and gC (blocks, b, l, n) over the
    channels of a block only: the caller adds them up, in one order, so that equal input gives
    equal gradients.
    """
    b, block, t = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.arange(0, T)
    c, n, own, there = _own(b, block, channels, states, BD, N)
    of, size = b // per, channels * states
    rates = read(A, of * size + own, there)
    skip = read(D, of * channels + c, c < channels)
    grad = read(gfinal, b * size + own, there)
    to_rates, to_skip = tl.zeros((BD, N), tl.float32), tl.zeros((BD,), tl.float32)
    chunks = tl.cdiv(length, T)
    for back in range(0, chunks):
        chunk = chunks - 1 - back
        of_u, in_u = rows(b, chunk * T + t, c, length, channels)
        value, step = read(u, of_u, in_u), read(delta, of_u, in_u)
        # Across the end of a chunk ``grad`` has the decay in it already.
        inside = in_u & ((t < T - 1) & (chunk * T + t + 1 < length))[:, None]
        following = read(delta, of_u + channels, inside)
        state = read(kept, (b * chunks + chunk) * size + own, there)
        grad, new_rates, new_skip = _chunk_back(
            gy, B, C, gu, gdelta, gB, gC, value, step, following, rates, skip, state, grad,
            b, block, chunk * T + t, c, n, length, channels, states,
        )  # fmt: skip
        to_rates += new_rates
        to_skip += new_skip
    tl.store(gh + b * size + own, grad, there)
    tl.store(gA + b * size + own, to_rates, there)
    tl.store(gD + b * channels + c, to_skip, c < channels)


@triton.jit
def _chunk_back(
    gy, B, C, gu, gdelta, gB, gC,
    value, step, following, rates, skip, state, grad,
    b, block, at, c, n, length, channels, states,
):  # fmt: skip
    """Write the gradients of a chunk; return dL/dh before it, and its share of gA and gD."""
    of_u, in_u = rows(b, at, c, length, channels)
    of_b, in_b = rows(b, at, n, length, states)
    to_y = read(gy, of_u, in_u)
    into, out = read(B, of_b, in_b), read(C, of_b, in_b)
    decay = _decay(step, rates)
    gain = (step * value)[:, :, None] * into[:, None, :]
    every = _walk(decay, gain, state)
    g = _retreat(_decay(following, rates), to_y[:, :, None] * out[:, None, :], grad)
    to_decay = g * (every - gain)  # dL / d log(decay), as every - gain is decay h[t - 1]
    to_gain = tl.sum(g * into[:, None, :], 2)
    to_step = value * to_gain + tl.sum(to_decay * rates[None, :, :], 2)
    to_value = step * to_gain + skip[None, :] * to_y
    tl.store(gdelta + of_u, to_step.to(gdelta.dtype.element_ty), in_u)
    tl.store(gu + of_u, to_value.to(gu.dtype.element_ty), in_u)
    of_g, in_g = rows(block * tl.num_programs(0) + b, at, n, length, states)
    tl.store(gB + of_g, tl.sum(g * (step * value)[:, :, None], 1), in_g)
    tl.store(gC + of_g, tl.sum(to_y[:, :, None] * every, 1), in_g)
    to_rates = tl.sum(to_decay * step[:, :, None], 0)
    return _one_of(decay * g, at % at.shape[0] == 0), to_rates, tl.sum(to_y * value, 0)
