"""Farnebäck's polynomial expansion of an image, compiled.

The same arithmetic as OpenCV's (single precision, double sums where OpenCV has them), so that
results agree to the last bit where tried.  Each inner loop stands in a function of its own,
whose arrays are promised not to overlap: so the compiler can make vector instructions of it.

Source: G. Farnebäck, SCIA 2003; rounding and border rules follow OpenCV (Apache-2.0), and a
test holds this file to it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mescope.compiling import Index, apart, compiled
from mescope.motion.flow import POLY_N, POLY_SIGMA

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

PLANES = 5  # of the quadratic polynomial: y, x, yy, xx, xy


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
I1, I03, I33, I5 = (float(entry) for entry in INVERSE)


@compiled
def expand(image: npt.NDArray[np.uint8], out: F32) -> None:
    """Put the polynomial expansion of an (h, w) image into ``out``, (5, h, w) float32."""
    h, w = image.shape
    smooth, line = np.empty((h, w), np.float32), np.empty(w + 2, np.float32)
    for y in range(h):
        _sum_rows(image, y - 1 if y > 0 else 1, y, y + 1 if y < h - 1 else h - 2, line)
        line[0], line[w + 1] = line[2], line[w - 1]
        _sum_columns(line, y, smooth)
    expand_smooth(smooth, out)


@compiled
def expand_smooth(smooth: F32, out: F32) -> None:
    """Do the same for an (h, w) float32 image that is smoothed already."""
    h, w = smooth.shape
    n = POLY_N
    m0, m1 = np.empty(w + 2 * n, np.float32), np.empty(w + 2 * n, np.float32)
    m2 = np.empty(w + 2 * n, np.float32)
    rows = np.empty(2 * n + 1, np.int64)
    for y in range(h):
        for k in range(2 * n + 1):
            rows[k] = min(max(y + k - n, 0), h - 1)
        _down(smooth, rows, m0, m1, m2)
        for i in range(n):
            m0[i], m1[i], m2[i] = m0[n], m1[n], m2[n]
            m0[n + w + i], m1[n + w + i], m2[n + w + i] = (
                m0[n + w - 1],
                m1[n + w - 1],
                m2[n + w - 1],
            )
        _across_even(m0, m2, y, out)
        _across_x(m0, y, out)
        _across_y(m1, y, out)


@apart
def _sum_rows(image: npt.NDArray[np.uint8], up: int, y: int, down: int, line: F32) -> None:
    """Weigh three rows 1 2 1."""
    for x in range(image.shape[1]):
        total = 2 * np.int32(image[y, x]) + np.int32(image[up, x]) + np.int32(image[down, x])
        line[Index(x + 1)] = np.float32(total)


@apart
def _sum_columns(line: F32, y: int, smooth: F32) -> None:
    """Weigh three columns 1 2 1."""
    for x in range(smooth.shape[1]):
        here = line[Index(x + 1)]
        smooth[y, x] = (line[x] + line[Index(x + 2)] + here + here) * np.float32(0.0625)


@apart
def _down(smooth: F32, rows: npt.NDArray[np.int64], m0: F32, m1: F32, m2: F32) -> None:
    """Put the vertical moments 0, 1 and 2 around one row into the padded ``m0``..``m2``."""
    n = POLY_N
    for x in range(smooth.shape[1]):
        s0 = smooth[Index(rows[n]), x] * G[0]
        s1, s2 = np.float32(0), np.float32(0)
        for k in range(1, n + 1):
            up, down = smooth[Index(rows[n - k]), x], smooth[Index(rows[n + k]), x]
            both = up + down
            s0 += G[k] * both
            s1 += XG[k] * (down - up)
            s2 += XXG[k] * both
        m0[Index(n + x)], m1[Index(n + x)], m2[Index(n + x)] = s0, s1, s2


@apart
def _across_even(m0: F32, m2: F32, y: int, out: F32) -> None:
    """Correlate along x in double precision: the coefficients of y² and x²."""
    n = POLY_N
    for x in range(out.shape[2]):
        s0 = np.float64(m0[Index(n + x)] * G[0])
        s4 = np.float64(m2[Index(n + x)] * G[0])
        s3 = 0.0
        for k in range(1, n + 1):
            both = np.float64(m0[Index(n + x + k)] + m0[Index(n + x - k)])
            s0 += both * np.float64(G[k])
            s3 += both * np.float64(XXG[k])
            s4 += np.float64((m2[Index(n + x + k)] + m2[Index(n + x - k)]) * G[k])
        out[2, y, x] = np.float32(s0 * I03 + s4 * I33)
        out[3, y, x] = np.float32(s0 * I03 + s3 * I33)


@apart
def _across_x(m0: F32, y: int, out: F32) -> None:
    """Do the same for the coefficient of x."""
    n = POLY_N
    for x in range(out.shape[2]):
        s1 = 0.0
        for k in range(1, n + 1):
            s1 += np.float64((m0[Index(n + x + k)] - m0[Index(n + x - k)]) * XG[k])
        out[1, y, x] = np.float32(s1 * I1)


@apart
def _across_y(m1: F32, y: int, out: F32) -> None:
    """Do the same for the coefficients of y and xy."""
    n = POLY_N
    for x in range(out.shape[2]):
        s2 = np.float64(m1[Index(n + x)] * G[0])
        s5 = 0.0
        for k in range(1, n + 1):
            s2 += np.float64((m1[Index(n + x + k)] + m1[Index(n + x - k)]) * G[k])
            s5 += np.float64((m1[Index(n + x + k)] - m1[Index(n + x - k)]) * XG[k])
        out[0, y, x] = np.float32(s2 * I1)
        out[4, y, x] = np.float32(s5 * I5)
