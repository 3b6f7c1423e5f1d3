"""Numba kernels of the selective scan; imported only by :mod:`mescope.ops.scan_cpu`.

Each kernel does one *task*: some batch elements and a range of channels.  Tasks share nothing
they write to, so they may run on any number of threads.

Work is laid out for vector instructions: the innermost loop runs over ``LANES`` neighbouring
channels, so that no sum goes across a vector, and ``CHUNK`` time steps of those channels are
copied together, so that memory is read in rows.  Exponentials are taken to the base 2 (the
rates are scaled once) by a polynomial, because the C library's exp is a call, which keeps a
loop from being vectorised.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba.extending import overload
from numba.types import float64

from mescope.compiling import reordered, reordered_apart

Array = npt.NDArray[Any]  # float32 or float64; all arrays of one call alike

CHUNK = 32  # time steps between kept states
LANES = 16  # channels side by side

LOG2E, LN2 = 1.4426950408889634, 0.6931471805599453
_F = np.float32
_F_LO, _F_HI, _F_MAGIC = _F(-126), _F(127), _F(12582912.0)
_D_LO, _D_HI, _D_MAGIC = -1022.0, 1023.0, 6755399441055744.0


def _series(degree: int) -> list[float]:
    """Polynomial of 2**r on -0.5..0.5 by Chebyshev interpolation, lowest power first."""
    fitted = np.polynomial.Chebyshev.interpolate(np.exp2, degree, domain=[-0.5, 0.5])
    return [float(c) for c in fitted.convert(kind=np.polynomial.Polynomial).coef]


_F0, _F1, _F2, _F3, _F4, _F5, _F6 = (_F(c) for c in _series(6))


def exp2(x: Any) -> Any:
    """2**x within about 2 units in the last place, of the normal range; NaN stays NaN."""
    return np.exp2(x)


# Reordered sums would undo the rounding by a large constant.
@overload(exp2, jit_options={"fastmath": {"contract"}})  # type: ignore[untyped-decorator]
def _choose(x: Any) -> Any:
    return _exp2_double if x == float64 else _exp2_single


def _exp2_single(x: Any) -> Any:
    x = _F_LO if x < _F_LO else x
    x = _F_HI if x > _F_HI else x
    shifted = x + _F_MAGIC  # its low bits hold the nearest integer
    r = x - (shifted - _F_MAGIC)
    p = (((((_F6 * r + _F5) * r + _F4) * r + _F3) * r + _F2) * r + _F1) * r + _F0
    bits = np.float32(p).view(np.int32) + (np.float32(shifted).view(np.int32) << np.int32(23))
    return np.int32(bits).view(np.float32)


def _exp2_double(x: Any) -> Any:
    x = _D_LO if x < _D_LO else x
    x = _D_HI if x > _D_HI else x
    shifted = x + _D_MAGIC
    r = (x - (shifted - _D_MAGIC)) * LN2
    p = 1.0  # Taylor's series to degree 13
    p = (p * r * (1 / 13.0) + 1.0) * r * (1 / 12.0) + 1.0
    p = (p * r * (1 / 11.0) + 1.0) * r * (1 / 10.0) + 1.0
    p = (p * r * (1 / 9.0) + 1.0) * r * (1 / 8.0) + 1.0
    p = (p * r * (1 / 7.0) + 1.0) * r * (1 / 6.0) + 1.0
    p = (p * r * (1 / 5.0) + 1.0) * r * (1 / 4.0) + 1.0
    p = (p * r * (1 / 3.0) + 1.0) * r * 0.5 + 1.0
    p = p * r + 1.0
    bits = np.float64(p).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
    return np.int64(bits).view(np.float64)


@reordered
def forward(
    u: Array, delta: Array, A: Array, B: Array, C: Array, D: Array, h: Array,
    y: Array, kept: Array, start: int, stop: int, first: int, last: int,
) -> None:  # fmt: skip
    """Scan channels ``first..last`` of batch elements ``start..stop``.

    u, delta, y (b, l, d); A (g, d, n); h (b, d, n), in place; B, C (b, l, n); D (g, d); kept
    (b, chunks or 0, n, d) gets the state before every chunk.  The first b / g batch elements
    have the first of the g sets of parameters, and so on.
    """
    per = u.shape[0] // A.shape[0]
    for b in range(start, stop):
        of = b // per
        _scan(u[b], delta[b], A[of], B[b], C[b], D[of], h[b], y[b], kept[b], first, last)


@reordered
def backward(
    gy: Array, u: Array, delta: Array, A: Array, B: Array, C: Array, D: Array, kept: Array,
    g: Array, gu: Array, gdelta: Array, gA: Array, gD: Array, gB: Array, gC: Array,
    start: int, stop: int, first: int, last: int,
) -> None:  # fmt: skip
    """Go back through channels ``first..last`` of batch elements ``start..stop``.

    g (b, d, n) holds dL/dh[l] and becomes dL/dh[-1]; gu and gdelta are written; gA (b, d, n),
    gD (b, d), gB and gC (b, l, n) added to; the rest as in :func:`forward`.
    """
    per = u.shape[0] // A.shape[0]
    for b in range(start, stop):
        of = b // per
        _scan_back(
            gy[b], u[b], delta[b], A[of], B[b], C[b], D[of], kept[b],
            g[b], gu[b], gdelta[b], gA[b], gD[b], gB[b], gC[b], first, last,
        )  # fmt: skip


@reordered
def _scan(
    u: Array, delta: Array, A: Array, B: Array, C: Array, D: Array, h: Array,
    y: Array, kept: Array, first: int, last: int,
) -> None:  # fmt: skip
    length, n = B.shape
    blocks = (last - first + LANES - 1) // LANES
    value, step = np.zeros((CHUNK, LANES), u.dtype), np.zeros((CHUNK, LANES), u.dtype)
    gain, total = np.zeros((CHUNK, LANES), u.dtype), np.zeros((CHUNK, LANES), u.dtype)
    rates, state = np.zeros((blocks, n, LANES), u.dtype), np.zeros((blocks, n, LANES), u.dtype)
    _into_lanes(A, LOG2E, rates, first, last)
    _into_lanes(h, 1.0, state, first, last)
    for start in range(0, length, CHUNK):
        stop = min(start + CHUNK, length)
        for block in range(blocks):
            low = first + block * LANES
            high = min(low + LANES, last)
            if kept.shape[0] > 0:
                _copy(state[block], kept[start // CHUNK], low, high)
            _read(u, delta, start, stop, low, high, value, step, gain)
            _walk(step, gain, rates[block], state[block], B, C, start, stop, total)
            _write(total, value, D, start, stop, low, high, y)
    _out_of_lanes(state, h, first, last)


@reordered
def _scan_back(
    gy: Array, u: Array, delta: Array, A: Array, B: Array, C: Array, D: Array, kept: Array,
    g: Array, gu: Array, gdelta: Array, gA: Array, gD: Array, gB: Array, gC: Array,
    first: int, last: int,
) -> None:  # fmt: skip
    length, n = B.shape
    blocks = (last - first + LANES - 1) // LANES
    value, step = np.zeros((CHUNK, LANES), u.dtype), np.zeros((CHUNK, LANES), u.dtype)
    gain, out = np.zeros((CHUNK, LANES), u.dtype), np.zeros((CHUNK, LANES), u.dtype)
    to_gain, to_step = np.zeros((CHUNK, LANES), u.dtype), np.zeros((CHUNK, LANES), u.dtype)
    states, state = np.zeros((CHUNK + 1, n, LANES), u.dtype), np.zeros((n, LANES), u.dtype)
    rates, grad = np.zeros((blocks, n, LANES), u.dtype), np.zeros((blocks, n, LANES), u.dtype)
    grad_rates = np.zeros((blocks, n, LANES), u.dtype)
    _into_lanes(A, LOG2E, rates, first, last)
    _into_lanes(g, 1.0, grad, first, last)
    for chunk in range(kept.shape[0] - 1, -1, -1):
        start, stop = chunk * CHUNK, min((chunk + 1) * CHUNK, length)
        for block in range(blocks):
            low = first + block * LANES
            high = min(low + LANES, last)
            _restore(kept[chunk], low, high, state)
            _read(u, delta, start, stop, low, high, value, step, gain)
            _replay(step, gain, rates[block], state, B, start, stop, states)
            _read_one(gy, start, stop, low, high, out)
            _retreat(
                step, gain, rates[block], states, B, C, start, stop, out,
                grad[block], grad_rates[block], to_gain, to_step, gB, gC,
            )  # fmt: skip
            _give(value, step, out, to_gain, to_step, D, start, stop, low, high, gu, gdelta, gD)
    _out_of_lanes(grad, g, first, last)
    _add_out_of_lanes(grad_rates, gA, first, last)


@reordered_apart
def _into_lanes(source: Array, factor: float, lanes: Array, first: int, last: int) -> None:
    for c in range(first, last):
        block, q = divmod(c - first, LANES)
        for i in range(source.shape[1]):
            lanes[block, i, q] = source[c, i] * factor


@reordered_apart
def _out_of_lanes(lanes: Array, target: Array, first: int, last: int) -> None:
    for c in range(first, last):
        block, q = divmod(c - first, LANES)
        for i in range(target.shape[1]):
            target[c, i] = lanes[block, i, q]


@reordered_apart
def _add_out_of_lanes(lanes: Array, target: Array, first: int, last: int) -> None:
    for c in range(first, last):
        block, q = divmod(c - first, LANES)
        for i in range(target.shape[1]):
            target[c, i] += lanes[block, i, q]


@reordered_apart
def _copy(state: Array, kept: Array, low: int, high: int) -> None:
    for i in range(state.shape[0]):
        for q in range(high - low):
            kept[i, low + q] = state[i, q]


@reordered_apart
def _restore(kept: Array, low: int, high: int, state: Array) -> None:
    state[:] = 0
    for i in range(state.shape[0]):
        for q in range(high - low):
            state[i, q] = kept[i, low + q]


@reordered_apart
def _read(
    u: Array, delta: Array, start: int, stop: int, low: int, high: int,
    value: Array, step: Array, gain: Array,
) -> None:  # fmt: skip
    for k in range(stop - start):
        for q in range(high - low):
            value[k, q] = u[start + k, low + q]
            step[k, q] = delta[start + k, low + q]
            gain[k, q] = step[k, q] * value[k, q]
        for q in range(high - low, LANES):  # what the block before left there
            value[k, q] = step[k, q] = gain[k, q] = 0


@reordered_apart
def _read_one(source: Array, start: int, stop: int, low: int, high: int, out: Array) -> None:
    for k in range(stop - start):
        for q in range(high - low):
            out[k, q] = source[start + k, low + q]
        for q in range(high - low, LANES):
            out[k, q] = 0


@reordered_apart
def _write(
    total: Array, value: Array, D: Array, start: int, stop: int, low: int, high: int, y: Array
) -> None:
    for k in range(stop - start):
        for q in range(high - low):
            y[start + k, low + q] = total[k, q] + D[low + q] * value[k, q]


@reordered_apart
def _walk(
    step: Array, gain: Array, rates: Array, state: Array, B: Array, C: Array,
    start: int, stop: int, total: Array,
) -> None:  # fmt: skip
    """Take one block of channels from ``start`` to ``stop``; ``total`` becomes C h."""
    for k in range(stop - start):
        for q in range(LANES):
            total[k, q] = 0
        for i in range(rates.shape[0]):
            into, out = B[start + k, i], C[start + k, i]
            for q in range(LANES):
                s = exp2(step[k, q] * rates[i, q]) * state[i, q] + gain[k, q] * into
                state[i, q] = s
                total[k, q] += s * out


@reordered_apart
def _replay(
    step: Array, gain: Array, rates: Array, state: Array, B: Array,
    start: int, stop: int, states: Array,
) -> None:  # fmt: skip
    """Do the same, and remember the state before the first and after every step."""
    states[0] = state
    for k in range(stop - start):
        for i in range(rates.shape[0]):
            into = B[start + k, i]
            for q in range(LANES):
                s = exp2(step[k, q] * rates[i, q]) * state[i, q] + gain[k, q] * into
                state[i, q] = s
                states[k + 1, i, q] = s


@reordered_apart
def _retreat(
    step: Array, gain: Array, rates: Array, states: Array, B: Array, C: Array,
    start: int, stop: int, out: Array, grad: Array, grad_rates: Array,
    to_gain: Array, to_step: Array, gB: Array, gC: Array,
) -> None:  # fmt: skip
    """Take dL/dh of one block of channels from ``stop`` back to ``start``."""
    for k in range(stop - start - 1, -1, -1):
        for q in range(LANES):
            to_gain[k, q] = to_step[k, q] = 0
        for i in range(rates.shape[0]):
            into, to_out = B[start + k, i], C[start + k, i]
            to_b, to_c = rates.dtype.type(0), rates.dtype.type(0)
            for q in range(LANES):
                g = grad[i, q] + out[k, q] * to_out
                to_c += out[k, q] * states[k + 1, i, q]
                to_b += g * gain[k, q]
                to_gain[k, q] += g * into
                g *= exp2(step[k, q] * rates[i, q])
                w = g * states[k, i, q]
                to_step[k, q] += w * rates[i, q]
                grad_rates[i, q] += w * step[k, q]
                grad[i, q] = g
            gB[start + k, i] += to_b
            gC[start + k, i] += to_c


@reordered_apart
def _give(
    value: Array, step: Array, out: Array, to_gain: Array, to_step: Array, D: Array,
    start: int, stop: int, low: int, high: int, gu: Array, gdelta: Array, gD: Array,
) -> None:  # fmt: skip
    """Turn what was summed over the state into the gradients of u, delta and D."""
    ln2 = D.dtype.type(LN2)  # the rates were scaled by 1 / ln 2
    for k in range(stop - start):
        for q in range(high - low):
            t, c = start + k, low + q
            gu[t, c] = step[k, q] * to_gain[k, q] + D[c] * out[k, q]
            gdelta[t, c] = value[k, q] * to_gain[k, q] + ln2 * to_step[k, q]
            gD[c] += out[k, q] * value[k, q]
