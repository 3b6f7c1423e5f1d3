"""Displacement fields on a grid, and picking pixels where they point."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.motion import UNITS, displacement_basis

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in px, half-open."""

QUIET = 1e-4  # an activation below this moves nothing by a thousandth of a pixel


@dataclass(frozen=True)
class Field:
    """The displacement of every unit on a grid: ``basis`` (units, h, w, 2), px."""

    left: float  # x of the first grid point
    top: float
    step: int
    basis: Floats

    @classmethod
    def around(cls, landmarks: Floats, box: Box, step: int) -> Field:
        """Sample the basis on a grid of ``step`` px over ``box`` (left, top, right, bottom)."""
        left, top, right, bottom = box
        x = np.arange(left, right, step) + (step - 1) / 2
        y = np.arange(top, bottom, step) + (step - 1) / 2
        gx, gy = np.meshgrid(x, y)
        points = np.column_stack([gx.ravel(), gy.ravel()])
        basis = displacement_basis(landmarks, points).astype(np.float32)
        return cls(float(x[0]), float(y[0]), step, basis.reshape(len(UNITS), len(y), len(x), 2))

    def mix(self, activation: Floats) -> Floats:
        """Return the displacement (h, w, 2) of all active units together."""
        active = np.flatnonzero(np.abs(activation) > QUIET)
        mixed = np.zeros(self.basis.shape[1:], np.float32)
        for unit in active:
            cv2.scaleAdd(self.basis[unit], float(activation[unit]), mixed, mixed)
        return mixed

    def sample(self, mixed: Floats, points: Floats) -> Floats:
        """Return the mixed field at points (h, w, 2)."""
        x = (points[..., 0] - np.float32(self.left)) / np.float32(self.step)
        y = (points[..., 1] - np.float32(self.top)) / np.float32(self.step)
        return np.asarray(
            cv2.remap(mixed, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        )


def pick(source: Picture, points: Floats) -> Picture:
    """Return the source at points (h, w, 2), bicubic."""
    picked = cv2.remap(source, points, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(picked, np.uint8)


def clip_box(box: NDArray[np.floating], size: tuple[int, int]) -> Box:
    """Return a box (4,) rounded to whole pixels and cut at the borders of the picture."""
    left, top, right, bottom = np.round(box).astype(int).tolist()
    return (max(0, left), max(0, top), min(size[0], right), min(size[1], bottom))
