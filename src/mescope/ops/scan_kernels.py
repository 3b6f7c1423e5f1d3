"""Numba kernels of the selective scan; imported only by :mod:`mescope.ops.scan_cpu`.

Each kernel does one *task*: one batch element and a range of channels.  All kernels release the
GIL and share nothing they write to, so tasks may run on any number of threads.

``expf``/``expd`` are polynomials because the C library's exp is a call, which keeps a loop from
being vectorised; they are within about 2 ulp of it, and keep NaN.  They are compiled without
reassociation, which their range reduction would not survive.  The scans themselves are compiled
with reassociation and fused multiply-add (sums over the state are split over vector lanes), but
without the "no NaN, no infinity" flags: a NaN in the input stays visible in the output.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

CHUNK = 32  # time steps between kept states; (CHUNK, n) twice should fit the first-level cache

_FLAGS = {"reassoc", "contract", "nsz", "arcp"}

_F = np.float32
_F_LO, _F_HI = _F(-87.0), _F(88.0)
_F_LOG2E, _F_MAGIC = _F(1.44269504088896341), _F(12582912.0)
_F_LN2_HI, _F_LN2_LO = _F(0.693359375), _F(-2.12194440e-4)
_F5, _F4, _F3 = _F(1.9875691500e-4), _F(1.3981999507e-3), _F(8.3334519073e-3)
_F2, _F1, _F0 = _F(4.1665795894e-2), _F(1.6666665459e-1), _F(5.0000001201e-1)
_F_ONE = _F(1.0)

_D_LO, _D_HI = -708.0, 709.0
_D_LOG2E, _D_MAGIC = 1.4426950408889634074, 6755399441055744.0
_D_LN2_HI, _D_LN2_LO = 6.93145751953125e-1, 1.42860682030941723212e-6


@njit(cache=True, inline="never", fastmath={"contract"})
def expf(x: Any) -> Any:
    """exp of a float32 (Cephes' polynomial, degree 7, on |r| <= ln 2 / 2)."""
    x = _F_LO if x < _F_LO else x
    x = _F_HI if x > _F_HI else x
    shifted = x * _F_LOG2E + _F_MAGIC  # its low bits hold the nearest integer
    k = shifted - _F_MAGIC
    r = x - k * _F_LN2_HI - k * _F_LN2_LO
    p = ((((_F5 * r + _F4) * r + _F3) * r + _F2) * r + _F1) * r + _F0
    p = p * (r * r) + r + _F_ONE
    return p * np.int32((np.float32(shifted).view(np.int32) + np.int32(127)) << 23).view(
        np.float32
    )


@njit(cache=True, inline="never", fastmath={"contract"})
def expd(x: Any) -> Any:
    """exp of a float64 (Taylor, degree 13, on |r| <= ln 2 / 2)."""
    x = _D_LO if x < _D_LO else x
    x = _D_HI if x > _D_HI else x
    shifted = x * _D_LOG2E + _D_MAGIC
    k = shifted - _D_MAGIC
    r = x - k * _D_LN2_HI - k * _D_LN2_LO
    p = (r / 13.0 + 1.0) * r / 12.0 + 1.0
    p = (p * r * (1 / 11.0) + 1.0) * r * (1 / 10.0) + 1.0
    p = (p * r * (1 / 9.0) + 1.0) * r * (1 / 8.0) + 1.0
    p = (p * r * (1 / 7.0) + 1.0) * r * (1 / 6.0) + 1.0
    p = (p * r * (1 / 5.0) + 1.0) * r * (1 / 4.0) + 1.0
    p = (p * r * (1 / 3.0) + 1.0) * r * 0.5 + 1.0
    p = p * r + 1.0
    return p * np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)


def _build(exp: Any) -> tuple[Any, Any]:
    """The forward and backward kernel for one precision."""

    @njit(cache=True, nogil=True, fastmath=_FLAGS)
    def forward(u, delta, A, B, C, D, h, y, kept, first, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        """u, delta, y (l, d); B, C (l, n); h (d, n) in place; kept (chunks or 0, d, n)."""
        length, n = B.shape
        for c in range(first, last):
            state = h[c]
            rates = A[c]
            for t in range(length):
                if t % CHUNK == 0 and kept.shape[0] > 0:
                    for i in range(n):
                        kept[t // CHUNK, c, i] = state[i]
                step = delta[t, c]
                gain = step * u[t, c]
                total = D[c] * u[t, c]
                for i in range(n):
                    s = exp(step * rates[i]) * state[i] + gain * B[t, i]
                    state[i] = s
                    total += s * C[t, i]
                y[t, c] = total

    @njit(cache=True, nogil=True, fastmath=_FLAGS)
    def backward(  # type: ignore[no-untyped-def]  # noqa: ANN202
        gy,
        u,
        delta,
        A,
        B,
        C,
        D,
        kept,
        g,
        gu,
        gdelta,
        gA,
        gB,
        gC,
        gD,
        first,
        last,  # noqa: ANN001
    ):
        """As forward; g (d, n) holds dL/dh[l] and becomes dL/dh[-1]; the rest is added to."""
        length, n = B.shape
        decay = np.empty((CHUNK, n), A.dtype)
        states = np.empty((CHUNK + 1, n), A.dtype)
        for c in range(first, last):
            rates = A[c]
            grad = g[c]
            grad_rates = gA[c]
            for chunk in range(kept.shape[0] - 1, -1, -1):
                start = chunk * CHUNK
                steps = min(CHUNK, length - start)
                for i in range(n):
                    states[0, i] = kept[chunk, c, i]
                for k in range(steps):
                    step = delta[start + k, c]
                    gain = step * u[start + k, c]
                    for i in range(n):
                        a = exp(step * rates[i])
                        decay[k, i] = a
                        states[k + 1, i] = a * states[k, i] + gain * B[start + k, i]
                for k in range(steps - 1, -1, -1):
                    t = start + k
                    step = delta[t, c]
                    value = u[t, c]
                    gain = step * value
                    out = gy[t, c]
                    into_gain = A.dtype.type(0)
                    into_step = A.dtype.type(0)
                    for i in range(n):
                        gh = grad[i] + out * C[t, i]
                        gC[t, i] += out * states[k + 1, i]
                        gB[t, i] += gh * gain
                        into_gain += gh * B[t, i]
                        gh = gh * decay[k, i]
                        w = gh * states[k, i]
                        into_step += w * rates[i]
                        grad_rates[i] += w * step
                        grad[i] = gh
                    gu[t, c] = step * into_gain + D[c] * out
                    gdelta[t, c] = value * into_gain + into_step
                    gD[c] += out * value

    return forward, backward


forward32, backward32 = _build(expf)
forward64, backward64 = _build(expd)
