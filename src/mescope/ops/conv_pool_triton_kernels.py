"""Triton kernels of the fused stem; imported only by :mod:`mescope.ops.conv_pool_triton`.

Windows of the pooling tile the answer of a filter, so a program takes W windows at a time and,
in turn, the K places (0 to 8) of all of them: an answer is a product of weights (F filters, J)
with J values around each place, the last of which is 1 and meets the bias.  The answer is used
and thrown away, also by ``backward``, which computes it again.

The last row and column of an answer may lie in no window: then there is one row or column of
windows more, which is not pooled but counts for the norm.

Contiguous x (b, c, h, w); weight (f, c, 3, 3); bias, gamma, beta (f,); pooled values
(b, f, h', w').  Sums are float32.
"""

from __future__ import annotations

import triton
import triton.language as tl

from mescope.ops.shared_triton_kernels import read, tried


@triton.jit
def _weights(weight, bias, f, j, filters, channels):
    """Return (F, J) weights of the filters, after the last of which the bias stands."""
    inside = (f < filters)[:, None] & (j < 9 * channels)[None, :]
    taps = read(weight, f[:, None] * 9 * channels + j[None, :], inside)
    last = (f < filters)[:, None] & (j == 9 * channels)[None, :]
    return taps + read(bias, f[:, None] + 0 * j[None, :], last)


@triton.jit
def _around(x, b, j, r, q, padding, channels, height, width):
    """Return (J, W) values of image b around the places r, q of an answer; 1 for the bias."""
    row = r[None, :] + (j % 9 // 3)[:, None] - padding
    column = q[None, :] + (j % 3)[:, None] - padding
    there = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    there &= (j < 9 * channels)[:, None]
    place = (b * channels + (j // 9)[:, None]) * height * width + row * width + column
    return tl.where((j == 9 * channels)[:, None], 1.0, read(x, place, there))


@triton.jit
def _answer(
    x, weight, bias, b, f, r, q, padding, filters, channels, height, width,
    F: tl.constexpr, J: tl.constexpr, W: tl.constexpr,
):  # fmt: skip
    """Return relu(conv(x) + bias), (F, W), of places r, q."""
    total = tl.zeros((F, W), tl.float32)
    for part in range(0, tl.cdiv(9 * channels + 1, J)):
        j = part * J + tl.arange(0, J)
        taps = _weights(weight, bias, f, j, filters, channels)
        values = _around(x, b, j, r, q, padding, channels, height, width)
        total = tl.dot(taps, values, total, input_precision="tf32x3")
    return tl.maximum(total, 0.0)


@triton.jit
def _window(block, rows, columns, W: tl.constexpr):
    """Return row and column of W windows, and where they lie among pooled values, if there."""
    w, across = block * W + tl.arange(0, W), (columns + 3) // 3
    down, right = (rows + 2) // 3, (columns + 2) // 3
    i, j = w // across, w % across
    return i, j, i * right + j, (i < down) & (j < right)


@tried("filters", "channels", "rows", "columns")
@triton.jit
def forward(
    x, weight, bias, gamma, best, where, stats,
    padding, filters, channels, height, width, rows, columns,
    F: tl.constexpr, J: tl.constexpr, W: tl.constexpr,
):  # fmt: skip
    """Pool the answers of an image: programs (b, blocks of F filters).

    best and where (b, f, h', w'): the largest value (under a negative gamma the smallest) and
    its place in the window, the first of equals.  stats (b, f, 2): mean of the answer, and sum
    of squared differences from it.  ``rows`` and ``columns`` are those of an answer.
    """
    b, f = tl.program_id(0).to(tl.int64), tl.program_id(1) * F + tl.arange(0, F)
    low = read(gamma, f, f < filters) < 0
    sign = tl.where(low, -1.0, 1.0)[:, None]
    size = ((rows + 2) // 3) * ((columns + 2) // 3)
    count = tl.zeros((W,), tl.float32)
    mean, spread = tl.zeros((F, W), tl.float32), tl.zeros((F, W), tl.float32)
    for block in range(0, tl.cdiv(((rows + 3) // 3) * ((columns + 3) // 3), W)):
        i, j, at, pooled = _window(block, rows, columns, W)
        top = tl.full((F, W), float("-inf"), tl.float32)
        place = tl.zeros((F, W), tl.int32)
        for k in range(0, 9):
            r, q = 3 * i - 1 + k // 3, 3 * j - 1 + k % 3
            inside = (r >= 0) & (r < rows) & (q >= 0) & (q < columns)
            a = _answer(
                x, weight, bias, b, f, r, q, padding, filters, channels, height, width, F, J, W
            )
            larger = inside[None, :] & (sign * a > top)
            top, place = tl.where(larger, sign * a, top), tl.where(larger, k, place)
            count += tl.where(inside, 1.0, 0.0)
            change = tl.where(inside[None, :], a - mean, 0.0)
            mean += change / tl.maximum(count, 1.0)[None, :]
            spread += change * (a - mean)
        to, there = (b * filters + f)[:, None] * size + at[None, :], (f < filters)[:, None]
        tl.store(best + to, sign * top, there & pooled[None, :])
        tl.store(where + to, place.to(tl.int8), there & pooled[None, :])
    middle = tl.sum(mean * count[None, :], 1) / (rows * columns)
    apart = mean - middle[:, None]
    spread += apart * apart * count[None, :]
    own = stats + (b * filters + f) * 2
    tl.store(own, middle, f < filters)
    tl.store(own + 1, tl.sum(spread, 1), f < filters)


@triton.jit
def _norm(stats, f, images, filters, answers, B: tl.constexpr):
    """Return mean and biased variance of one filter over all images, alike in all programs."""
    total = tl.zeros((B,), tl.float32)
    for start in range(0, images, B):
        b = start + tl.arange(0, B)
        total += read(stats, (b * filters + f) * 2, b < images)
    mean = tl.sum(total, 0) / images
    total = tl.zeros((B,), tl.float32)
    for start in range(0, images, B):
        b = start + tl.arange(0, B)
        apart = read(stats, (b * filters + f) * 2, b < images) - mean
        spread = read(stats, (b * filters + f) * 2 + 1, b < images)
        total += tl.where(b < images, spread + apart * apart * answers, 0.0)
    return mean, tl.sum(total, 0) / images / answers


@triton.jit
def normalise(
    best, stats, gamma, beta, y, mean, variance, scale, eps, images, filters, size, answers,
    B: tl.constexpr, V: tl.constexpr,
):  # fmt: skip
    """Turn best into (best - mean) / deviation in place, and write y; programs (b, f).

    mean, variance, scale (1 / deviation) are (f,); ``size`` is the number of values of a pooled
    map, ``answers`` that before pooling.
    """
    b, f = tl.program_id(0).to(tl.int64), tl.program_id(1)
    middle, spread = _norm(stats, f, images, filters, answers, B)
    factor = 1.0 / tl.sqrt_rn(spread + eps)
    slope, offset = tl.load(gamma + f).to(tl.float32), tl.load(beta + f).to(tl.float32)
    for start in range(0, size, V):
        at = start + tl.arange(0, V)
        place, there = (b * filters + f) * size + at, at < size
        hat = (read(best, place, there) - middle) * factor
        tl.store(best + place, hat, there)
        tl.store(y + place, (hat * slope + offset).to(y.dtype.element_ty), there)
    if b == 0:
        tl.store(mean + f, middle)
        tl.store(variance + f, spread)
        tl.store(scale + f, factor)


@tried("filters", "channels", "rows", "columns")
@triton.jit
def backward(
    grad, x, weight, bias, hat, where, gamma, mean, scale, sums, shares,
    images, padding, filters, channels, height, width, rows, columns,
    F: tl.constexpr, J: tl.constexpr, W: tl.constexpr,
):  # fmt: skip
    """Write an image's share of the gradients of weight and bias, (b, f, 9 c + 1).

    What comes back through the norm is a line in the answer; its two sums, of grad and of
    grad hat, are given as ``sums`` (2, f).  Programs: (b, blocks of F filters, parts of J).
    """
    b, f = tl.program_id(0).to(tl.int64), tl.program_id(1) * F + tl.arange(0, F)
    own, there = tl.program_id(2) * J + tl.arange(0, J), f < filters
    size = ((rows + 2) // 3) * ((columns + 2) // 3)
    factor = read(gamma, f, there) * read(scale, f, there)
    slope = -factor * read(sums, filters + f, there) * read(scale, f, there)
    slope = slope / (rows * columns) / images
    flat = -factor * read(sums, f, there) / (rows * columns) / images
    flat = (flat - slope * read(mean, f, there))[:, None]
    total = tl.zeros((F, J), tl.float32)
    for block in range(0, tl.cdiv(((rows + 3) // 3) * ((columns + 3) // 3), W)):
        i, j, at, pooled = _window(block, rows, columns, W)
        to, seen = (
            (b * filters + f)[:, None] * size + at[None, :],
            there[:, None] & pooled[None, :],
        )
        chosen = read(grad, to, seen) * factor[:, None]
        place = tl.load(where + to, seen, -1).to(tl.int32)
        for k in range(0, 9):
            r, q = 3 * i - 1 + k // 3, 3 * j - 1 + k % 3
            inside = (r >= 0) & (r < rows) & (q >= 0) & (q < columns)
            a = _answer(
                x, weight, bias, b, f, r, q, padding, filters, channels, height, width, F, J, W
            )
            g = flat + slope[:, None] * a + tl.where(place == k, chosen, 0.0)
            g = tl.where((a > 0) & inside[None, :], g, 0.0)
            values = _around(x, b, own, r, q, padding, channels, height, width)
            total = tl.dot(g, tl.trans(values), total, input_precision="tf32x3")
    wide = 9 * channels + 1
    to = (b * filters + f)[:, None] * wide + own[None, :]
    tl.store(shares + to, total, there[:, None] & (own < wide)[None, :])
