"""Boxes of pixels, the size of the face crop, and the two ways in which crops are made."""

from __future__ import annotations

from typing import Literal, NamedTuple

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
