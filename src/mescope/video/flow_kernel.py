"""Farnebäck's flow in a small patch against one reference, compiled.

The same arithmetic as ``cv2.calcOpticalFlowFarneback`` with one pyramid level and the
parameters of :mod:`mescope.video.flow` (single precision, double sums where OpenCV has them),
so that results agree to the last bit where tried.  It is faster because the reference is
expanded once per window and not once per frame, because the planes are laid out for vector
instructions, and because the last iteration is solved only where it is averaged.

Source: G. Farnebäck, SCIA 2003; rounding and border rules follow OpenCV (Apache-2.0), and a
test holds this file to it.  Compiled by Numba at first use; the result is kept beside this file
or in Numba's own cache folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from mescope.video.flow import ITERATIONS, POLY_N, POLY_SIGMA, WINDOW

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

PLANES = 5  # of the quadratic polynomial: y, x, yy, xx, xy; and of the normal equations
LEAST_SIDE = 10  # px: smaller patches are left to OpenCV
HALF = WINDOW // 2
BORDER = np.array([0.14, 0.14, 0.4472, 0.4472, 0.4472], dtype=np.float32)
# Per plane: sign of the second image's coefficient, factor of the sum, factor when alone.
JOIN = np.array(
    [[-1, 0.5, 0.5], [-1, 0.5, 0.5], [1, 0.5, 1], [1, 0.5, 1], [1, 0.25, 0.5]], dtype=np.float32
)
REGULAR = 1e-3  # keeps the 2 x 2 systems solvable, as in OpenCV

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile without the interpreter lock, lazily, and keep the machine code."""
    jitted: Function = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    return jitted


def _weights() -> tuple[F32, F32, F32, F64]:
    """Return g, x·g and x²·g for x = 0..n, and four entries of the inverse normal matrix.

    Products are rounded to single precision where OpenCV rounds them.
    """
    x = np.arange(-POLY_N, POLY_N + 1, dtype=np.float64)
    g = np.exp(-x * x / (2 * POLY_SIGMA**2)).astype(np.float32)
    g = (g.astype(np.float64) * (1.0 / g.astype(np.float64).sum())).astype(np.float32)
    weight = np.outer(g, g)  # rows y, columns x
    across = np.broadcast_to(x.astype(np.float32), weight.shape)
    xx = weight * across * across
    moments = [m.astype(np.float64).sum() for m in (weight, xx, xx * across * across)]
    one, two, four = moments
    mixed = float((xx * across.T * across.T).astype(np.float64).sum())
    # Basis 1, x, y, x², y², xy.
    normal = np.diag([one, two, two, four, four, mixed])
    normal[0, 3:5] = normal[3:5, 0] = two
    normal[3, 4] = normal[4, 3] = mixed
    inverse = np.linalg.inv(normal)
    entries = np.array([inverse[1, 1], inverse[0, 3], inverse[3, 3], inverse[5, 5]])
    half = np.arange(POLY_N + 1)
    g = g[POLY_N:]
    return g, (half * g).astype(np.float32), (half * half * g).astype(np.float32), entries


G, XG, XXG, INVERSE = _weights()


@compiled
def _smoothed(image: npt.NDArray[np.uint8], out: F32) -> None:
    """Blur with 1 2 1 in both directions, mirrored at the borders."""
    h, w = image.shape
    line = np.empty(w + 2, np.float32)
    for y in range(h):
        here = image[y]
        up, down = image[y - 1 if y > 0 else 1], image[y + 1 if y < h - 1 else h - 2]
        inner = line[1 : w + 1]
        for x in range(w):
            inner[x] = np.float32(2 * np.int32(here[x]) + np.int32(up[x]) + np.int32(down[x]))
        line[0], line[w + 1] = line[2], line[w - 1]
        left, right, target = line[0:w], line[2 : w + 2], out[y]
        for x in range(w):
            target[x] = (left[x] + right[x] + inner[x] + inner[x]) * np.float32(0.0625)


@compiled
def expand(image: npt.NDArray[np.uint8], out: F32) -> None:
    """Put the polynomial expansion of an (h, w) image into ``out``, (5, h, w) float32."""
    smooth = np.empty(image.shape, np.float32)
    _smoothed(image, smooth)
    expand_smooth(smooth, out)


@compiled
def expand_smooth(smooth: F32, out: F32) -> None:
    """Do the same for an (h, w) float32 image that is smoothed already."""
    h, w = smooth.shape
    n = POLY_N
    rows = np.empty((3, w + 2 * n), np.float32)
    sums = np.empty((6, w), np.float64)
    for y in range(h):
        _down(smooth, y, rows)
        _across(rows, sums)
        o0, o1, o2, o3, o4 = out[0, y], out[1, y], out[2, y], out[3, y], out[4, y]
        s0, s1, s2, s3, s4, s5 = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
        for x in range(w):
            o0[x] = np.float32(s2[x] * INVERSE[0])
            o1[x] = np.float32(s1[x] * INVERSE[0])
            o2[x] = np.float32(s0[x] * INVERSE[1] + s4[x] * INVERSE[2])
            o3[x] = np.float32(s0[x] * INVERSE[1] + s3[x] * INVERSE[2])
            o4[x] = np.float32(s5[x] * INVERSE[3])


@compiled
def _down(smooth: F32, y: int, rows: F32) -> None:
    """Put the three vertical moments of row ``y`` into ``rows``, padded at both ends."""
    h, w = smooth.shape
    n = POLY_N
    r0, r1, r2 = rows[0, n : n + w], rows[1, n : n + w], rows[2, n : n + w]
    here = smooth[y]
    for x in range(w):
        r0[x] = here[x] * G[0]
        r1[x] = np.float32(0)
        r2[x] = np.float32(0)
    for k in range(1, n + 1):
        up, down = smooth[max(y - k, 0)], smooth[min(y + k, h - 1)]
        g, xg, xxg = G[k], XG[k], XXG[k]
        for x in range(w):
            both = up[x] + down[x]
            r0[x] += g * both
            r1[x] += xg * (down[x] - up[x])
            r2[x] += xxg * both
    for c in range(3):
        rows[c, :n] = rows[c, n]
        rows[c, n + w :] = rows[c, n + w - 1]


@compiled
def _across(rows: F32, sums: F64) -> None:
    """Correlate the three vertical moments with the weights along x: six moments in double."""
    n, w = POLY_N, sums.shape[1]
    s0, s1, s2, s3, s4, s5 = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    m0, m1, m2 = rows[0, n : n + w], rows[1, n : n + w], rows[2, n : n + w]
    for x in range(w):
        s0[x] = np.float64(m0[x] * G[0])
        s1[x] = 0.0
        s2[x] = np.float64(m1[x] * G[0])
        s3[x] = 0.0
        s4[x] = np.float64(m2[x] * G[0])
        s5[x] = 0.0
    for k in range(1, n + 1):
        g, xg = G[k], XG[k]
        wide_g, wide_xxg = np.float64(G[k]), np.float64(XXG[k])
        a0, a1, a2 = rows[0, n - k :], rows[1, n - k :], rows[2, n - k :]
        b0, b1, b2 = rows[0, n + k :], rows[1, n + k :], rows[2, n + k :]
        for x in range(w):
            both = np.float64(b0[x] + a0[x])
            s0[x] += both * wide_g
            s3[x] += both * wide_xxg
            s1[x] += np.float64((b0[x] - a0[x]) * xg)
            s2[x] += np.float64((b1[x] + a1[x]) * g)
            s5[x] += np.float64((b1[x] - a1[x]) * xg)
            s4[x] += np.float64((b2[x] + a2[x]) * g)


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
def _normal_equations(first: F32, second: F32, flow: F32, out: F32, fade: F32) -> None:
    """Build the matrices and right sides of every pixel for the flow so far."""
    h, w = flow.shape[1:]
    joint = np.empty((PLANES, w), np.float32)
    scale = np.empty(w, np.float32)
    for y in range(h):
        u, v = flow[0, y], flow[1, y]
        far = 0
        for x in range(w):
            far += (abs(u[x]) >= np.float32(1)) | (abs(v[x]) >= np.float32(1))
        if 0 < y < h - 1 and far == 0:
            for c in range(PLANES):
                _join_near(joint[c], first[c, y], second[c], y, u, v, JOIN[c])
            _join(joint, first, second, y, 0, u, v)
            _join(joint, first, second, y, w - 1, u, v)
        else:
            for x in range(w):
                _join(joint, first, second, y, x, u, v)
        down = _fade(y, h)
        for x in range(w):
            scale[x] = down * fade[x]
        _add_motion(joint[0], joint[2], joint[4], v, u)
        _add_motion(joint[1], joint[4], joint[3], v, u)
        for c in range(PLANES):
            row = joint[c]
            for x in range(w):
                row[x] *= scale[x]
        _row_of_equations(joint, out, y)


@compiled
def _join(joint: F32, first: F32, second: F32, y: int, x: int, u: F32, v: F32) -> None:
    """Join the polynomial of a pixel with the one its flow leads to in the second image."""
    h, w = second.shape[1:]
    fx, fy = np.float32(x) + u[x], np.float32(y) + v[x]
    bx, by = np.floor(fx), np.floor(fy)
    if not (bx >= 0 and by >= 0 and bx < w - 1 and by < h - 1):
        for c in range(PLANES):
            joint[c, x] = first[c, y, x] * JOIN[c, 2]
        return
    one = np.float32(1)
    fx, fy = fx - bx, fy - by
    ix, iy = np.uint32(bx), np.uint32(by)
    jx, jy = np.uint32(bx + one), np.uint32(by + one)
    a00, a01, a10, a11 = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    for c in range(PLANES):
        p = second[c]
        there = a00 * p[iy, ix] + a01 * p[iy, jx] + a10 * p[jy, ix] + a11 * p[jy, jx]
        joint[c, x] = (first[c, y, x] + JOIN[c, 0] * there) * JOIN[c, 1]


@compiled
def _join_near(joint: F32, first: F32, second: F32, y: int, u: F32, v: F32, how: F32) -> None:
    """Do the same for one plane of the inner pixels of an inner row with flow below 1 px.

    Nine fixed neighbours, with zero weights where they are not meant: no address depends on
    data and one array is written, so that the compiler makes vector instructions of it.
    """
    h, w = second.shape
    one, zero = np.float32(1), np.float32(0)
    last, float_y = np.float32(h - 1), np.float32(y)
    sign, both, alone = how[0], how[1], how[2]
    p0, p1, p2 = second[y - 1, : w - 2], second[y - 1, 1 : w - 1], second[y - 1, 2:]
    p3, p4, p5 = second[y, : w - 2], second[y, 1 : w - 1], second[y, 2:]
    p6, p7, p8 = second[y + 1, : w - 2], second[y + 1, 1 : w - 1], second[y + 1, 2:]
    target, own, dx, dy = joint[1 : w - 1], first[1 : w - 1], u[1 : w - 1], v[1 : w - 1]
    for x in range(w - 2):
        float_x = np.float32(np.int32(x) + np.int32(1))
        fx, fy = float_x + dx[x], float_y + dy[x]
        bx, by = np.floor(fx), np.floor(fy)
        fx, fy = fx - bx, fy - by
        low_x, low_y = bx < float_x, by < float_y
        gx, gy = one - fx, one - fy
        x0, x1, x2 = gx if low_x else zero, fx if low_x else gx, zero if low_x else fx
        y0, y1, y2 = gy if low_y else zero, fy if low_y else gy, zero if low_y else fy
        there = x0 * y0 * p0[x] + x1 * y0 * p1[x] + x2 * y0 * p2[x] + x0 * y1 * p3[x]
        there = there + x1 * y1 * p4[x] + x2 * y1 * p5[x]
        there = there + x0 * y2 * p6[x] + x1 * y2 * p7[x] + x2 * y2 * p8[x]
        target[x] = (own[x] + sign * there) * both if by < last else own[x] * alone


@compiled
def _add_motion(side: F32, along_y: F32, along_x: F32, v: F32, u: F32) -> None:
    for x in range(len(side)):
        side[x] += along_y[x] * v[x] + along_x[x] * u[x]


@compiled
def _row_of_equations(joint: F32, out: F32, y: int) -> None:
    r2, r3, r4, r5, r6 = joint[0], joint[1], joint[2], joint[3], joint[4]
    o0, o1, o2, o3, o4 = out[0, y], out[1, y], out[2, y], out[3, y], out[4, y]
    w = len(r2)
    for x in range(w):
        o0[x] = r4[x] * r4[x] + r6[x] * r6[x]
    for x in range(w):
        o1[x] = (r4[x] + r5[x]) * r6[x]
    for x in range(w):
        o2[x] = r5[x] * r5[x] + r6[x] * r6[x]
    for x in range(w):
        o3[x] = r4[x] * r2[x] + r6[x] * r3[x]
    for x in range(w):
        o4[x] = r6[x] * r2[x] + r5[x] * r3[x]


@compiled
def _solve(matrices: F32, flow: F32, top: int, bottom: int) -> None:
    """Average the equations over the window and solve them in rows ``top..bottom``."""
    h, w = flow.shape[1:]
    m = HALF
    scale = 1.0 / (WINDOW * WINDOW)
    columns = np.empty((PLANES, w + 2 * m + 1), np.float64)  # sums over rows, padded
    boxes = np.empty((PLANES, w), np.float64)
    left = m + 1
    for c in range(PLANES):
        for x in range(w):
            columns[c, left + x] = np.float64(matrices[c, 0, x] * np.float32(m + 2))
        for y in range(1, m):
            for x in range(w):
                columns[c, left + x] += np.float64(matrices[c, min(y, h - 1), x])
    for y in range(bottom):
        leaving, coming = max(y - m - 1, 0), min(y + m, h - 1)
        for c in range(PLANES):
            for x in range(w):
                columns[c, left + x] += np.float64(
                    matrices[c, coming, x] - matrices[c, leaving, x]
                )
        if y < top:
            continue
        _box_sums(columns, boxes, w)
        for x in range(w):
            g11, g12, g22 = boxes[0, x] * scale, boxes[1, x] * scale, boxes[2, x] * scale
            h1, h2 = boxes[3, x] * scale, boxes[4, x] * scale
            inverse = 1.0 / (g11 * g22 - g12 * g12 + REGULAR)
            flow[0, y, x] = np.float32((g11 * h2 - g12 * h1) * inverse)
            flow[1, y, x] = np.float32((g22 * h1 - g12 * h2) * inverse)


@compiled
def _box_sums(columns: F64, boxes: F64, w: int) -> None:
    """Sum each row of ``columns`` over the window, the border values repeated."""
    m, left = HALF, HALF + 1
    for c in range(PLANES):
        for x in range(left):
            columns[c, x] = columns[c, left]
        for x in range(m):
            columns[c, left + w + x] = columns[c, left + w - 1]
    s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
    for x in range(2 * m + 1):
        s0 += columns[0, x]
        s1 += columns[1, x]
        s2 += columns[2, x]
        s3 += columns[3, x]
        s4 += columns[4, x]
    for x in range(w):
        s0 += columns[0, x + 2 * m + 1] - columns[0, x]
        s1 += columns[1, x + 2 * m + 1] - columns[1, x]
        s2 += columns[2, x + 2 * m + 1] - columns[2, x]
        s3 += columns[3, x + 2 * m + 1] - columns[3, x]
        s4 += columns[4, x + 2 * m + 1] - columns[4, x]
        boxes[0, x], boxes[1, x], boxes[2, x] = s0, s1, s2
        boxes[3, x], boxes[4, x] = s3, s4


@compiled
def patch_flow(
    first: F32, image: npt.NDArray[np.uint8], flow: F32, top: int, bottom: int
) -> None:
    """Put the flow from an expanded reference to ``image`` into ``flow``.

    ``first`` (5, h, w) float32 is what :func:`expand` makes of the reference; ``image`` (h, w)
    uint8; ``flow`` (2, h, w) float32, x then y, is right in rows ``top..bottom`` only.
    """
    h, w = image.shape
    second = np.empty((PLANES, h, w), np.float32)
    expand(image, second)
    flow[:] = np.float32(0)
    refine(first, second, flow, top, bottom)


@compiled
def refine(first: F32, second: F32, flow: F32, top: int, bottom: int) -> None:
    """Improve ``flow`` between two expanded images; right in rows ``top..bottom`` only."""
    h, w = flow.shape[1:]
    fade = np.empty(w, np.float32)
    for x in range(w):
        fade[x] = _fade(x, w)
    matrices = np.empty((PLANES, h, w), np.float32)
    for i in range(ITERATIONS):
        _normal_equations(first, second, flow, matrices, fade)
        if i == ITERATIONS - 1:
            _solve(matrices, flow, top, bottom)
        else:
            _solve(matrices, flow, 0, h)
