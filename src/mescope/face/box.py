"""Boxes of pixels, the size of the face crop, and the two ways in which crops are made."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

Mode = Literal["clean", "as_published"]
"""``clean``: our corrections; ``as_published``: bug for bug.  Never mixed in one result."""

CROP_SIZE = 320
"""Side of the square face crop in px; all pixel constants below were written for it."""


class Box(NamedTuple):
    """Half-open pixel box: columns ``left..right``, rows ``top..bottom``."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Width in px, never negative."""
        return max(0, self.right - self.left)

    @property
    def height(self) -> int:
        """Height in px, never negative."""
        return max(0, self.bottom - self.top)

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    def holds(self, x: float, y: float) -> bool:
        """Say whether a point lies in the box."""
        return self.left <= x < self.right and self.top <= y < self.bottom


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union."""
    inner = Box(
        max(a.left, b.left),
        max(a.top, b.top),
        min(a.right, b.right),
        min(a.bottom, b.bottom),
    ).area
    return inner / max(1, a.area + b.area - inner)


def gap(a: Box, b: Box) -> float:
    """Return the distance of the centres in widths of ``b``."""
    dx, dy = a.left + a.right - b.left - b.right, a.top + a.bottom - b.top - b.bottom
    return float(np.hypot(dx, dy)) / 2 / max(1, b.width)
