"""A canvas in face coordinates, with the few strokes that the drawn faces need."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.drawn import Traits

Floats = NDArray[np.float32]
Points = NDArray[np.float64]


class Painter:
    """A float canvas in face coordinates.

    ``place`` maps plan coordinates to canvas pixels: a rotation, a scale and a shift.
    """

    def __init__(
        self, traits: Traits, size: tuple[int, int], unit: float, centre: Points, seed: int
    ) -> None:
        width, height = size
        self.traits, self.unit, self.centre = traits, unit, centre
        self.rng = np.random.default_rng([0x7061696E, seed])
        cos, sin = np.cos(traits.tilt), np.sin(traits.tilt)
        self.turn = np.array([[cos, -sin], [sin, cos]])
        x = (np.arange(width, dtype=np.float32) - np.float32(centre[0])) / np.float32(unit)
        y = (np.arange(height, dtype=np.float32) - np.float32(centre[1])) / np.float32(unit)
        gx, gy = np.meshgrid(x, y)
        self.u = (gx * cos + gy * sin).astype(np.float32)
        self.v = (-gx * sin + gy * cos).astype(np.float32)
        self.canvas = np.zeros((height, width, 3), np.float32)

    def place(self, plan: Points) -> Points:
        """Return canvas pixels (n, 2) of plan points (n, 2)."""
        return np.asarray(plan @ self.turn.T * self.unit + self.centre, np.float64)

    def mask(self, plan: Points, soft: float) -> Floats:
        """Return a filled polygon as 0..1, its edge blurred by ``soft`` plan units."""
        mask = np.zeros(self.u.shape, np.uint8)
        fixed = np.round(self.place(plan) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
        return self._soften(mask, soft)

    def strokes(self, lines: list[Points], width: float, soft: float) -> Floats:
        """Return polylines as 0..1, ``width`` and ``soft`` in plan units."""
        mask = np.zeros(self.u.shape, np.uint8)
        fixed = [np.round(self.place(line) * 16).astype(np.int32) for line in lines]
        thick = max(1, round(width * self.unit))
        cv2.polylines(mask, fixed, False, 255, thick, cv2.LINE_AA, 4)
        return self._soften(mask, soft)

    def _soften(self, mask: NDArray[np.uint8], soft: float) -> Floats:
        sigma = soft * self.unit
        out = np.zeros(mask.shape, np.float32)
        window = _window(mask, margin=round(3.5 * sigma) + 1)
        part = mask[window]
        if part.size:
            blurred = part if sigma < 0.3 else cv2.GaussianBlur(part, (0, 0), sigma)
            out[window] = np.asarray(blurred, np.float32) / np.float32(255)
        return out

    def lay(
        self, colour: NDArray[np.float64] | Floats, mask: Floats, strength: float = 1.0
    ) -> None:
        """Lay a colour (3,) or a picture (h, w, 3) over the canvas where the mask says."""
        window = _window(mask)
        paint = np.asarray(colour, np.float32)
        if paint.ndim == 3:
            paint = paint[window]
        canvas = self.canvas[window]
        canvas += (mask[window] * np.float32(strength))[..., None] * (paint - canvas)

    def shade(self, amount: Floats) -> None:
        """Multiply the canvas by ``amount`` (h, w)."""
        self.canvas *= amount[..., None]

    def bump(self, x: float, y: float, sx: float, sy: float) -> Floats:
        """Return a Gaussian hill of height 1 at a plan point."""
        hill = np.zeros(self.u.shape, np.float32)
        across, down = self.place(np.array([[x, y]]))[0]
        reach = 5 * max(sx, sy) * self.unit  # beyond it the hill is lower than 4e-6
        rows = slice(max(0, int(down - reach)), max(0, int(down + reach) + 1))
        columns = slice(max(0, int(across - reach)), max(0, int(across + reach) + 1))
        u = (self.u[rows, columns] - np.float32(x)) / np.float32(sx)
        v = (self.v[rows, columns] - np.float32(y)) / np.float32(sy)
        hill[rows, columns] = np.exp(-0.5 * (u * u + v * v))
        return hill

    def grain(self, size: float) -> Floats:
        """Return smooth noise (h, w), variance 1, with blobs ``size`` plan units wide."""
        height, width = self.u.shape
        step = max(1.0, size * self.unit / 2)
        small = self.rng.standard_normal((int(height / step) + 3, int(width / step) + 3))
        noise = cv2.resize(
            small.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        return np.asarray(noise / noise.std(), np.float32)


def _window(mask: NDArray[np.generic], margin: int = 0) -> tuple[slice, slice]:
    """Return the smallest window that holds all but zeros, widened by ``margin`` px."""
    spans = []
    for axis in (1, 0):
        filled = np.flatnonzero(mask.any(axis=axis))
        if not len(filled):
            return slice(0, 0), slice(0, 0)
        spans.append(slice(max(0, int(filled[0]) - margin), int(filled[-1]) + 1 + margin))
    return spans[0], spans[1]


def curve(points: Points, count: int = 24) -> Points:
    """Return a smooth curve (count, 2) through a few points (Catmull-Rom)."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    where = np.linspace(0, len(points) - 1 - 1e-9, count)
    i, t = where.astype(int), (where % 1)[:, None]
    p0, p1, p2, p3 = (padded[i + k] for k in range(4))
    return np.asarray(
        0.5
        * (
            2 * p1
            + (p2 - p0) * t
            + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
            + (3 * p1 - p0 - 3 * p2 + p3) * t**3
        )
    )


def closed_curve(upper: Points, lower: Points) -> Points:
    """Return the outline made of two curves that share their ends."""
    return np.vstack([curve(upper), curve(lower)[::-1]])
