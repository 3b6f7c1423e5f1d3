"""Numba kernels of :mod:`mescope.ops.conv_pool`; imported only by it.

One plane is one filter's answer to one image.  It is computed into a buffer that stays in the
first-level cache, used, and thrown away, also by the backward pass, which computes it again:
that costs less than writing it to memory and reading it back.

Layout: an image is copied into a padded buffer whose rows are ``pitch`` values apart, with one
row more below; a plane has the same pitch, of which the last two columns hold no answer and
are kept 0, so that every loop runs over the whole plane in one go.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mescope.compiling import apart, reordered, reordered_apart

Array = npt.NDArray[Any]  # float32 or float64; all arrays of one call alike


@apart
def _add_taps(x: Array, y: Array, z: Array, w: Array, m: int, n: int, out: Array) -> None:
    """Add one channel's nine taps, ``w[m:m + 9]``, to the first n values of ``out``.

    x, y, z are the channel from its first, second and third row on: given as offsets instead,
    the compiler would have to allow for negative ones and could not use vectors.
    """
    w0, w1, w2 = w[m], w[m + 1], w[m + 2]
    w3, w4, w5 = w[m + 3], w[m + 4], w[m + 5]
    w6, w7, w8 = w[m + 6], w[m + 7], w[m + 8]
    for p in range(n):
        out[p] += (
            w0 * x[p] + w1 * x[p + 1] + w2 * x[p + 2]
            + w3 * y[p] + w4 * y[p + 1] + w5 * y[p + 2]
            + w6 * z[p] + w7 * z[p + 1] + w8 * z[p + 2]
        )  # fmt: skip


@reordered_apart
def plane(x: Array, w: Array, rows: int, pitch: int, out: Array) -> None:
    """Write relu(conv(x) + bias) of one filter, ``w`` being its taps and then its bias."""
    n = rows * pitch
    channels = x.shape[0]
    out[:n] = w[9 * channels]
    for c in range(channels):
        _add_taps(x[c], x[c, pitch:], x[c, 2 * pitch :], w, 9 * c, n, out)
    for p in range(n):
        out[p] = max(out[p], x.dtype.type(0))
    for r in range(rows):
        out[r * pitch + pitch - 2] = 0
        out[r * pitch + pitch - 1] = 0


@reordered
def _moments(a: Array, n: int) -> tuple[Any, Any]:
    total, squares = a.dtype.type(0), a.dtype.type(0)
    for p in range(n):
        total += a[p]
        squares += a[p] * a[p]
    return total, squares


@reordered
def _pool(a: Array, rows: int, pitch: int, low: bool, best: Array, where: Array) -> None:
    """Take the largest (``low``: the smallest) of every 3 x 3 window; the first one wins."""
    sign = a.dtype.type(-1) if low else a.dtype.type(1)
    columns = pitch - 2
    for i in range(best.shape[0]):
        for j in range(best.shape[1]):
            at = max(3 * i - 1, 0) * pitch + max(3 * j - 1, 0)
            top = sign * a[at]
            for r in range(max(3 * i - 1, 0), min(3 * i + 2, rows)):
                for q in range(max(3 * j - 1, 0), min(3 * j + 2, columns)):
                    value = sign * a[r * pitch + q]
                    if value > top:
                        top, at = value, r * pitch + q
            best[i, j] = sign * top
            where[i, j] = at


@reordered
def _pad(x: Array, padding: int, pitch: int, out: Array) -> None:
    """Copy an image (c, h, w) into the middle of ``out`` (c, values), which is 0 elsewhere."""
    for c in range(x.shape[0]):
        for r in range(x.shape[1]):
            start = (r + padding) * pitch + padding
            for q in range(x.shape[2]):
                out[c, start + q] = x[c, r, q]


@reordered
def forward(
    x: Array, w: Array, padding: int, pitch: int, rows: int, low: Array,
    best: Array, where: Array, moments: Array, first: int, last: int,
) -> None:  # fmt: skip
    """Pool every plane of images ``first`` to ``last`` and add up sums and squares.

    x (b, c, h, w); w (filters, 9 c + 1); low (filters,) bool; best and where
    (b, filters, h, w); moments (filters, 2), double.
    """
    a = np.empty(rows * pitch, x.dtype)
    image = np.zeros((x.shape[1], (rows + 3) * pitch), x.dtype)
    for b in range(first, last):
        _pad(x[b], padding, pitch, image)
        for f in range(w.shape[0]):
            plane(image, w[f], rows, pitch, a)
            total, squares = _moments(a, rows * pitch)
            moments[f, 0] += total
            moments[f, 1] += squares
            _pool(a, rows, pitch, low[f], best[b, f], where[b, f])


@apart
def _slope(a: Array, n: int, flat: Any, slope: Any, out: Array) -> None:
    for p in range(n):
        out[p] = flat + slope * a[p] if a[p] > 0 else a.dtype.type(0)


@reordered_apart
def _gather(x: Array, g: Array, pitch: int, n: int, out: Array) -> None:
    """Add to ``out`` the products of the plane's gradient with every tap's input."""
    zero = x.dtype.type(0)
    for c in range(x.shape[0]):
        for i in range(3):
            row = x[c, i * pitch :]
            s0, s1, s2 = zero, zero, zero
            for p in range(n):
                s0 += g[p] * row[p]
                s1 += g[p] * row[p + 1]
                s2 += g[p] * row[p + 2]
            m = 9 * c + 3 * i
            out[m] += s0
            out[m + 1] += s1
            out[m + 2] += s2
    total = zero
    for p in range(n):
        total += g[p]
    out[9 * x.shape[0]] += total


@reordered
def backward(
    x: Array, w: Array, padding: int, pitch: int, rows: int, grad: Array, where: Array,
    flat: Array, slope: Array, out: Array, first: int, last: int,
) -> None:  # fmt: skip
    """Add to ``out`` (filters, 9 c + 1) the gradient of w over images ``first`` to ``last``.

    grad (b, filters, h, w) reaches the chosen places; flat and slope (filters,) give what
    normalisation sends to every place that is not 0: flat + slope * answer.
    """
    n = rows * pitch
    a, g = np.empty(n, x.dtype), np.empty(n, x.dtype)
    image = np.zeros((x.shape[1], (rows + 3) * pitch), x.dtype)
    for b in range(first, last):
        _pad(x[b], padding, pitch, image)
        for f in range(w.shape[0]):
            plane(image, w[f], rows, pitch, a)
            _slope(a, n, flat[f], slope[f], g)
            for i in range(grad.shape[2]):
                for j in range(grad.shape[3]):
                    p = where[b, f, i, j]
                    if a[p] > 0:
                        g[p] += grad[b, f, i, j]
            _gather(image, g, pitch, n, out[f])
