"""Farnebäck's flow in a small patch against one reference, compiled.

The same arithmetic as ``cv2.calcOpticalFlowFarneback`` with one pyramid level and the
parameters of :mod:`mescope.motion.flow` (single precision, double sums where OpenCV has them),
so that results agree to the last bit where tried.  It is faster because the reference is
expanded once per window and not once per frame, because the planes are laid out for vector
instructions, and because the last iteration is solved only where it is averaged.

Source: G. Farnebäck, SCIA 2003; rounding and border rules follow OpenCV (Apache-2.0), and a
test holds this file to it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mescope.compiling import Index, apart, compiled
from mescope.motion.flow import ITERATIONS, WINDOW
from mescope.motion.flow_expand import F32, F64

LEAST_SIDE = 10  # px: smaller patches are left to OpenCV
HALF = WINDOW // 2
BORDER = np.array([0.14, 0.14, 0.4472, 0.4472, 0.4472], dtype=np.float32)
# Per plane: sign of the second image's coefficient, factor of the sum, factor when alone.
JOIN = np.array(
    [[-1, 0.5, 0.5], [-1, 0.5, 0.5], [1, 0.5, 1], [1, 0.5, 1], [1, 0.25, 0.5]], dtype=np.float32
)
REGULAR = 1e-3  # keeps the 2 x 2 systems solvable, as in OpenCV


@compiled
def refine(first: F32, second: F32, flow: F32, top: int, bottom: int) -> None:
    """Improve ``flow`` between two expanded images; right in rows ``top..bottom`` only."""
    h, w = flow.shape[1:]
    fade = np.empty(w, np.float32)
    for x in range(w):
        fade[x] = _fade(x, w)
    m0, m1, m2 = (
        np.empty((h, w), np.float32),
        np.empty((h, w), np.float32),
        np.empty((h, w), np.float32),
    )
    m3, m4 = np.empty((h, w), np.float32), np.empty((h, w), np.float32)
    for i in range(ITERATIONS):
        low, high = (top, bottom) if i == ITERATIONS - 1 else (0, h)
        _normal_equations(first, second, flow, fade, min(high + HALF, h), m0, m1, m2, m3, m4)
        _solve(m0, m1, m2, m3, m4, flow, low, high)


@compiled
def _fade(i: int, size: int) -> np.float32:
    """Return the weight of a row or column near the border."""
    weight = np.float32(1)
    if i < len(BORDER):
        weight *= BORDER[i]
    if i >= size - len(BORDER):
        weight *= BORDER[size - 1 - i]
    return weight


@compiled
def _normal_equations(
    first: F32, second: F32, flow: F32, fade: F32, rows: int,
    m0: F32, m1: F32, m2: F32, m3: F32, m4: F32,
) -> None:  # fmt: skip
    """Build the matrices and right sides of the first ``rows`` rows for the flow so far."""
    h, w = flow.shape[1:]
    j0, j1, j2 = np.empty(w, np.float32), np.empty(w, np.float32), np.empty(w, np.float32)
    j3, j4 = np.empty(w, np.float32), np.empty(w, np.float32)
    x0, x1, x2 = np.empty(w, np.float32), np.empty(w, np.float32), np.empty(w, np.float32)
    y0, y1, y2 = np.empty(w, np.float32), np.empty(w, np.float32), np.empty(w, np.float32)
    far = np.empty(w, np.uint8)
    for y in range(rows):
        ox = _offset(flow, 0, y)
        oy = _offset(flow, 1, y)
        low, high = max(1 - ox, 0), min(w - 1 - ox, w)
        if not (0 < y + oy < h - 1 and high > low):
            low, high = 0, 0  # no neighbourhood of this row lies inside
        _shares(flow, y, ox, oy, h, x0, x1, x2, y0, y1, y2, far)
        _blend(second, y, oy, ox, low, high, x0, x1, x2, y0, y1, y2, first, j0, j1, j2, j3, j4)
        for x in range(w):
            if far[x] or x < low or x >= high:
                _join(first, second, y, x, flow[0, y, x], flow[1, y, x], j0, j1, j2, j3, j4)
        _equations(j0, j1, j2, j3, j4, flow, _fade(y, h), fade, y, m0, m1, m2, m3, m4)


@apart
def _offset(flow: F32, plane: int, y: int) -> int:
    """Guess by how many whole pixels a row moved."""
    w = flow.shape[2]
    total = 0.0
    for x in range(0, w, 4):
        total += flow[plane, y, x]
    mean = total / ((w + 3) // 4)
    return round(mean) if abs(mean) < w else 0  # 0 for NaN, too


@apart
def _shares(
    flow: F32, y: int, ox: int, oy: int, h: int,
    x0: F32, x1: F32, x2: F32, y0: F32, y1: F32, y2: F32, far: npt.NDArray[np.uint8],
) -> None:  # fmt: skip
    """Share each pixel's weight among three columns and rows around its place plus (ox, oy).

    ``far`` says whose flow leads elsewhere.
    """
    one, zero = np.float32(1), np.float32(0)
    float_y = np.float32(y)
    for x in range(flow.shape[2]):
        fx, fy = np.float32(np.int32(x)) + flow[0, y, x], float_y + flow[1, y, x]
        bx, by = np.floor(fx), np.floor(fy)
        fx, fy = fx - bx, fy - by
        right, below = bx - np.float32(np.int32(x + ox)), by - np.float32(np.int32(y + oy))
        here_x, here_y = right == zero, below == zero
        far[x] = (not here_x and right != -one) or (not here_y and below != -one)
        gx, gy = one - fx, one - fy
        x0[x], x1[x], x2[x] = (
            zero if here_x else gx,
            gx if here_x else fx,
            fx if here_x else zero,
        )
        y0[x], y1[x], y2[x] = (
            zero if here_y else gy,
            gy if here_y else fy,
            fy if here_y else zero,
        )


@apart
def _blend(
    second: F32, y: int, oy: int, ox: int, low: int, high: int,
    x0: F32, x1: F32, x2: F32, y0: F32, y1: F32, y2: F32, first: F32,
    j0: F32, j1: F32, j2: F32, j3: F32, j4: F32,
) -> None:  # fmt: skip
    """Join all planes of a row with the nine neighbours in the second image that count.

    No address depends on data, so that the compiler makes vector instructions of it; all
    planes share the weights of the neighbours.
    """
    a, b, c = Index(y + oy - 1), Index(y + oy), Index(y + oy + 1)
    for x in range(low, high):
        i = Index(x)
        p, q, r = Index(x + ox - 1), Index(x + ox), Index(x + ox + 1)
        u, v, z = x0[i], x1[i], x2[i]
        w0, w1, w2 = u * y0[i], v * y0[i], z * y0[i]
        w3, w4, w5 = u * y1[i], v * y1[i], z * y1[i]
        w6, w7, w8 = u * y2[i], v * y2[i], z * y2[i]
        there = w0 * second[0, a, p] + w1 * second[0, a, q] + w2 * second[0, a, r]
        there = there + (w3 * second[0, b, p] + w4 * second[0, b, q] + w5 * second[0, b, r])
        there = there + (w6 * second[0, c, p] + w7 * second[0, c, q] + w8 * second[0, c, r])
        j0[i] = (first[0, y, i] - there) * JOIN[0, 1]
        there = w0 * second[1, a, p] + w1 * second[1, a, q] + w2 * second[1, a, r]
        there = there + (w3 * second[1, b, p] + w4 * second[1, b, q] + w5 * second[1, b, r])
        there = there + (w6 * second[1, c, p] + w7 * second[1, c, q] + w8 * second[1, c, r])
        j1[i] = (first[1, y, i] - there) * JOIN[1, 1]
        there = w0 * second[2, a, p] + w1 * second[2, a, q] + w2 * second[2, a, r]
        there = there + (w3 * second[2, b, p] + w4 * second[2, b, q] + w5 * second[2, b, r])
        there = there + (w6 * second[2, c, p] + w7 * second[2, c, q] + w8 * second[2, c, r])
        j2[i] = (first[2, y, i] + there) * JOIN[2, 1]
        there = w0 * second[3, a, p] + w1 * second[3, a, q] + w2 * second[3, a, r]
        there = there + (w3 * second[3, b, p] + w4 * second[3, b, q] + w5 * second[3, b, r])
        there = there + (w6 * second[3, c, p] + w7 * second[3, c, q] + w8 * second[3, c, r])
        j3[i] = (first[3, y, i] + there) * JOIN[3, 1]
        there = w0 * second[4, a, p] + w1 * second[4, a, q] + w2 * second[4, a, r]
        there = there + (w3 * second[4, b, p] + w4 * second[4, b, q] + w5 * second[4, b, r])
        there = there + (w6 * second[4, c, p] + w7 * second[4, c, q] + w8 * second[4, c, r])
        j4[i] = (first[4, y, i] + there) * JOIN[4, 1]


@apart
def _join(
    first: F32, second: F32, y: int, x: int, u: np.float32, v: np.float32,
    j0: F32, j1: F32, j2: F32, j3: F32, j4: F32,
) -> None:  # fmt: skip
    """Join the polynomial of one pixel with the one its flow leads to in the second image."""
    h, w = second.shape[1:]
    fx, fy = np.float32(x) + u, np.float32(y) + v
    bx, by = np.floor(fx), np.floor(fy)
    if not (bx >= 0 and by >= 0 and bx < w - 1 and by < h - 1):
        j0[x], j1[x] = first[0, y, x] * JOIN[0, 2], first[1, y, x] * JOIN[1, 2]
        j2[x], j3[x] = first[2, y, x] * JOIN[2, 2], first[3, y, x] * JOIN[3, 2]
        j4[x] = first[4, y, x] * JOIN[4, 2]
        return
    one = np.float32(1)
    fx, fy = fx - bx, fy - by
    i, j = Index(by), Index(bx)
    a, b, c, d = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    j0[x] = (first[0, y, x] + JOIN[0, 0] * _four(second, 0, i, j, a, b, c, d)) * JOIN[0, 1]
    j1[x] = (first[1, y, x] + JOIN[1, 0] * _four(second, 1, i, j, a, b, c, d)) * JOIN[1, 1]
    j2[x] = (first[2, y, x] + JOIN[2, 0] * _four(second, 2, i, j, a, b, c, d)) * JOIN[2, 1]
    j3[x] = (first[3, y, x] + JOIN[3, 0] * _four(second, 3, i, j, a, b, c, d)) * JOIN[3, 1]
    j4[x] = (first[4, y, x] + JOIN[4, 0] * _four(second, 4, i, j, a, b, c, d)) * JOIN[4, 1]


@compiled
def _four(
    p: F32, plane: int, i: Index, j: Index,
    a: np.float32, b: np.float32, c: np.float32, d: np.float32,
) -> np.float32:  # fmt: skip
    below, right = i + Index(1), j + Index(1)
    there = a * p[plane, i, j] + b * p[plane, i, right]
    there = there + c * p[plane, below, j] + d * p[plane, below, right]
    return np.float32(there)


@apart
def _equations(
    j0: F32, j1: F32, j2: F32, j3: F32, j4: F32, flow: F32, down: np.float32, fade: F32, y: int,
    m0: F32, m1: F32, m2: F32, m3: F32, m4: F32,
) -> None:  # fmt: skip
    """Add what the flow so far explains, fade towards the border, and multiply out."""
    for x in range(flow.shape[2]):
        u, v, scale = flow[0, y, x], flow[1, y, x], down * fade[x]
        r2 = (j0[x] + (j2[x] * v + j4[x] * u)) * scale
        r3 = (j1[x] + (j4[x] * v + j3[x] * u)) * scale
        r4, r5, r6 = j2[x] * scale, j3[x] * scale, j4[x] * scale
        m0[y, x] = r4 * r4 + r6 * r6
        m1[y, x] = (r4 + r5) * r6
        m2[y, x] = r5 * r5 + r6 * r6
        m3[y, x] = r4 * r2 + r6 * r3
        m4[y, x] = r6 * r2 + r5 * r3


@compiled
def _solve(
    m0: F32, m1: F32, m2: F32, m3: F32, m4: F32, flow: F32, top: int, bottom: int
) -> None:
    """Average the equations over the window and solve them in rows ``top..bottom``."""
    h, w = m0.shape
    m, room = HALF, w + 2 * HALF + 1
    c0, c1, c2 = np.zeros(room), np.zeros(room), np.zeros(room)  # sums over rows, padded
    c3, c4 = np.zeros(room), np.zeros(room)
    b0, b1, b2, b3, b4 = np.empty(w), np.empty(w), np.empty(w), np.empty(w), np.empty(w)
    _begin(m0, m1, m2, m3, m4, c0, c1, c2, c3, c4)
    for y in range(1, m):
        _add(m0, m1, m2, m3, m4, min(y, h - 1), c0, c1, c2, c3, c4)
    for y in range(bottom):
        leaving, coming = max(y - m - 1, 0), min(y + m, h - 1)
        _exchange(m0, m1, m2, m3, m4, coming, leaving, c0, c1, c2, c3, c4)
        if y >= top:
            _box_sums(c0, c1, c2, c3, c4, b0, b1, b2, b3, b4)
            _solve_row(b0, b1, b2, b3, b4, y, flow)


@apart
def _begin(
    m0: F32, m1: F32, m2: F32, m3: F32, m4: F32, c0: F64, c1: F64, c2: F64, c3: F64, c4: F64
) -> None:
    """Start the column sums with the first row, as often as the window has rows above it."""
    left, times = HALF + 1, np.float32(HALF + 2)
    for x in range(m0.shape[1]):
        c0[Index(left + x)] = np.float64(m0[0, x] * times)
        c1[Index(left + x)] = np.float64(m1[0, x] * times)
        c2[Index(left + x)] = np.float64(m2[0, x] * times)
        c3[Index(left + x)] = np.float64(m3[0, x] * times)
        c4[Index(left + x)] = np.float64(m4[0, x] * times)


@apart
def _add(
    m0: F32, m1: F32, m2: F32, m3: F32, m4: F32, y: int,
    c0: F64, c1: F64, c2: F64, c3: F64, c4: F64,
) -> None:  # fmt: skip
    left = HALF + 1
    for x in range(m0.shape[1]):
        c0[Index(left + x)] += np.float64(m0[y, x])
        c1[Index(left + x)] += np.float64(m1[y, x])
        c2[Index(left + x)] += np.float64(m2[y, x])
        c3[Index(left + x)] += np.float64(m3[y, x])
        c4[Index(left + x)] += np.float64(m4[y, x])


@apart
def _exchange(
    m0: F32, m1: F32, m2: F32, m3: F32, m4: F32, coming: int, leaving: int,
    c0: F64, c1: F64, c2: F64, c3: F64, c4: F64,
) -> None:  # fmt: skip
    left = HALF + 1
    for x in range(m0.shape[1]):
        c0[Index(left + x)] += np.float64(m0[coming, x] - m0[leaving, x])
        c1[Index(left + x)] += np.float64(m1[coming, x] - m1[leaving, x])
        c2[Index(left + x)] += np.float64(m2[coming, x] - m2[leaving, x])
        c3[Index(left + x)] += np.float64(m3[coming, x] - m3[leaving, x])
        c4[Index(left + x)] += np.float64(m4[coming, x] - m4[leaving, x])


@apart
def _box_sums(
    c0: F64, c1: F64, c2: F64, c3: F64, c4: F64, b0: F64, b1: F64, b2: F64, b3: F64, b4: F64
) -> None:
    """Sum the columns over the window, the border values repeated."""
    m, left, w = HALF, HALF + 1, len(b0)
    for x in range(left):
        c0[x], c1[x], c2[x], c3[x], c4[x] = c0[left], c1[left], c2[left], c3[left], c4[left]
    end = left + w - 1
    for x in range(end + 1, end + 1 + m):
        c0[x], c1[x], c2[x], c3[x], c4[x] = c0[end], c1[end], c2[end], c3[end], c4[end]
    s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
    for x in range(2 * m + 1):
        s0 += c0[x]
        s1 += c1[x]
        s2 += c2[x]
        s3 += c3[x]
        s4 += c4[x]
    for x in range(w):
        far = Index(x + 2 * m + 1)
        s0 += c0[far] - c0[x]
        s1 += c1[far] - c1[x]
        s2 += c2[far] - c2[x]
        s3 += c3[far] - c3[x]
        s4 += c4[far] - c4[x]
        b0[x], b1[x], b2[x], b3[x], b4[x] = s0, s1, s2, s3, s4


@apart
def _solve_row(b0: F64, b1: F64, b2: F64, b3: F64, b4: F64, y: int, flow: F32) -> None:
    scale = 1.0 / (WINDOW * WINDOW)
    for x in range(len(b0)):
        g11, g12, g22 = b0[x] * scale, b1[x] * scale, b2[x] * scale
        h1, h2 = b3[x] * scale, b4[x] * scale
        inverse = 1.0 / (g11 * g22 - g12 * g12 + REGULAR)
        flow[0, y, x] = np.float32((g11 * h2 - g12 * h1) * inverse)
        flow[1, y, x] = np.float32((g22 * h1 - g12 * h2) * inverse)
