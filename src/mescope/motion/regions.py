"""The facial regions whose motion is measured, as data.

The five regions are those of the published code of ME-TST; the eighteen are those of the
published code of ME-TST+, which has them from He Yuhong's (MEGC2024).  ``_L`` and ``_R`` mean
left and right *in the image*.

All boxes are half-open pixel ranges in the face crop of 320 × 320 px (:data:`CROP_SIZE`), with
x to the right and y downwards.  Every region has an *outer* box, in which optical flow is
computed, and an *inner* box inside it, whose flow vectors are averaged.

Differences from the published code, in ``clean`` mode: outer boxes are intersected with the
crop on all sides, inner boxes are absolute and intersected with their outer box, and both brows
have the guard for low boxes.  ``as_published`` keeps the quirks (negative offsets wrap round as
they do in Python slices); a box that becomes empty by them is empty here too, and its motion
is (0, 0), as in the code of ME-TST+ (that of ME-TST divides by zero).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mescope.face.box import CROP_SIZE, Box, Mode

Shares = Literal["default", "he2024", "me-tst-plus"]
"""Which share of a region's vectors is averaged: see :data:`SHARES`."""

Reference = Literal["walk", "late"]
"""What a window does without a face in its first frame, as published.

``walk`` (ME-TST): the nearest frame with a face, three apart, supplies the reference image.
``late`` (ME-TST+, BoostingVRME): the next frame of the window is tried; nothing moves before.
"""

MIN_SIDE = 8
"""Smallest side of an outer box in clean mode, px; the flow needs some context."""


@dataclass(frozen=True, slots=True)
class Outer:
    """How the box handed to the flow is built: the hull of some landmarks, grown by margins.

    ``clamps`` names the sides that the published code clamps at 0 (``"y"``: rows, ``"x"``:
    columns).  ``strip`` marks the strips below the eyes, which have a rule of their own.
    """

    landmarks: tuple[int, ...]
    up: int = 0
    down: int = 0
    left: int = 0
    right: int = 0
    clamps: str = ""
    strip: bool = False


@dataclass(frozen=True, slots=True)
class Shrink:
    """An inner box: the outer box without margins.  ``brow``: the adaptive brow margins."""

    up: int = 10
    down: int = 10
    left: int = 10
    right: int = 10
    brow: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """An inner box: a rectangle around one landmark."""

    landmark: int
    up: int = 10
    down: int = 10
    left: int = 10
    right: int = 10


@dataclass(frozen=True, slots=True)
class Region:
    """One region: name, outer box (key of :data:`OUTER`), inner box, share that is averaged.

    ``percent`` is the share of strongest vectors that is averaged (0 to 1) by default; other
    shares stand in :data:`SHARES`.
    """

    name: str
    outer: str
    inner: Shrink | Around
    percent: float

    def share(self, shares: Shares = "default") -> float:
        """Return the share of strongest vectors that is averaged (0 to 1)."""
        return SHARES[shares].get(self.name, self.percent)


class Placed(NamedTuple):
    """A region on one face: outer and inner box in crop px, and the share that is averaged.

    ``inner`` is absolute (crop px).  Either box may be empty in ``as_published`` mode only.
    """

    name: str
    outer: Box
    inner: Box
    percent: float


OUTER: dict[str, Outer] = {
    "GLOBAL": Outer((29, 30), 13, 13, 13, 13),
    "BROW_L": Outer(tuple(range(17, 22)), 15, 5, 5, 0, clamps="xy"),
    "BROW_R": Outer(tuple(range(22, 27)), 15, 5, 0, 0, clamps="xy"),
    "MOUTH": Outer(tuple(range(48, 67)), 15, 10, 20, 20, clamps="x"),  # the code leaves 67 out
    "NOSE": Outer(tuple(range(30, 36)), 20, 5, 30, 30, clamps="x"),
    "LID_L": Outer(tuple(range(36, 42)), clamps="x", strip=True),
    "LID_R": Outer(tuple(range(42, 48)), clamps="x", strip=True),
}
"""The outer boxes by name."""

GLOBAL = Region("GLOBAL", "GLOBAL", Shrink(15, 10, 5, 5), 0.7)
"""The nose bridge.  Its motion is the head's motion; it is no feature."""

REGIONS_18: tuple[Region, ...] = (
    Region("BROW_L", "BROW_L", Shrink(brow=True), 0.3),
    Region("BROW_L_20", "BROW_L", Around(20), 0.2),
    Region("BROW_L_19", "BROW_L", Around(19), 0.2),
    Region("BROW_L_18", "BROW_L", Around(18), 0.2),
    Region("BROW_R", "BROW_R", Shrink(brow=True), 0.3),
    Region("BROW_R_23", "BROW_R", Around(23), 0.2),
    Region("BROW_R_24", "BROW_R", Around(24), 0.2),
    Region("BROW_R_25", "BROW_R", Around(25), 0.2),
    Region("MOUTH", "MOUTH", Shrink(), 0.3),
    Region("MOUTH_48", "MOUTH", Around(48, right=20), 0.2),
    Region("MOUTH_54", "MOUTH", Around(54, left=20), 0.2),
    Region("MOUTH_51", "MOUTH", Around(51), 0.2),
    Region("MOUTH_57", "MOUTH", Around(57), 0.2),
    Region("MOUTH_62", "MOUTH", Around(62), 0.2),
    Region("NOSE_31", "NOSE", Around(31, up=20, down=5, left=20, right=10), 0.2),
    Region("NOSE_35", "NOSE", Around(35, up=20, down=5, left=10, right=20), 0.2),
    Region("LID_L", "LID_L", Shrink(5, 5, 5, 5), 0.3),
    Region("LID_R", "LID_R", Shrink(5, 5, 5, 5), 0.3),
)
"""The regions of ME-TST+, coarse and fine (36 channels: region-major, x then y)."""

_RIGHT_BROW = {"BROW_R_23": 0.3, "BROW_R_24": 0.3, "BROW_R_25": 0.3}

SHARES: dict[Shares, dict[str, float]] = {
    "default": {},
    "he2024": {"BROW_L": 0.2, **_RIGHT_BROW},
    "me-tst-plus": {**_RIGHT_BROW},
}
"""Name -> region -> share, where it is not the region's own.

``default``: alike on both sides; the five regions' are those of ME-TST.  ``he2024``: He
Yuhong's code.  ``me-tst-plus``: the code of ME-TST+ and BoostingVRME.  The latter two average
more of the right brow than of the left.
"""

REGIONS_5: tuple[Region, ...] = tuple(REGIONS_18[i] for i in (0, 4, 8, 14, 15))
"""The regions of ME-TST (10 channels)."""


def regions_named(names: Sequence[str]) -> tuple[Region, ...]:
    """Return regions by their names, in that order.

    Raises:
        KeyError: there is none of that name.
    """
    known = {region.name: region for region in REGIONS_18}
    return tuple(known[name] for name in names)


def place(
    landmarks: npt.ArrayLike,
    regions: Sequence[Region] = REGIONS_18,
    *,
    mode: Mode = "clean",
    shares: Shares = "default",
) -> tuple[Placed, ...]:
    """Put regions on a face.

    Args:
        landmarks: (68, 2) x, y in px of the face crop; rounded to whole pixels first.
        regions: Which regions, in which order.
        mode: See the module's header.
        shares: Which part of the vectors is averaged, a name of :data:`SHARES`.

    Returns:
        One :class:`Placed` per region, in the order given.
    """
    points = np.rint(np.asarray(landmarks, dtype=np.float64)).astype(np.int64)
    if points.shape != (68, 2):
        raise ValueError(f"landmarks must have shape (68, 2), got {points.shape}")
    placed = []
    for region in regions:
        outer = _outer(OUTER[region.outer], points, mode)
        inner = (_inner_published if mode == "as_published" else _inner)(region, points, outer)
        placed.append(Placed(region.name, outer, inner, region.share(shares)))
    return tuple(placed)


def _hull(rule: Outer, points: npt.NDArray[np.int64]) -> Box:
    """Return the unclamped outer box."""
    own = points[list(rule.landmarks)]
    x0, y0 = (int(v) for v in own.min(axis=0))
    x1, y1 = (int(v) for v in own.max(axis=0))
    if rule.strip:
        height, middle = (x1 - x0) / 2, (y0 + y1) / 2
        return Box(x0, int(middle + height / 2), x1, int(middle + 3 * height / 2))
    return Box(x0 - rule.left, y0 - rule.up, x1 + rule.right, y1 + rule.down)


def _outer(rule: Outer, points: npt.NDArray[np.int64], mode: Mode) -> Box:
    box = _hull(rule, points)
    if mode == "clean":
        left, right = _fit(box.left, box.right, 0, CROP_SIZE, MIN_SIDE)
        top, bottom = _fit(box.top, box.bottom, 0, CROP_SIZE, MIN_SIDE)
        return Box(left, top, right, bottom)
    left = max(0, box.left) if "x" in rule.clamps else box.left
    top = max(0, box.top) if "y" in rule.clamps else box.top
    x, y = slice(left, box.right).indices(CROP_SIZE), slice(top, box.bottom).indices(CROP_SIZE)
    return Box(x[0], y[0], x[1], y[1])


def _fit(first: int, last: int, low: int, high: int, least: int) -> tuple[int, int]:
    """Return ``first..last`` cut to ``low..high``, at least ``least`` long if there is room."""
    least = min(least, high - low)
    first = min(max(first, low), high - least)
    return first, max(min(last, high), first + least)


def _margins(region: Region, rule: Shrink, hull_top: int, outer: Box, mode: Mode) -> Shrink:
    """Return the margins of an inner box; a brow near the border gets smaller ones."""
    if not rule.brow:
        return rule
    up = max(0, 10 + min(0, hull_top))
    guarded = mode == "clean" or region.outer == "BROW_L"  # the code forgot the other brow
    down = 4 if guarded and outer.height - 3 < 10 + up else rule.down
    return Shrink(up, down, rule.left, rule.right)


def _inner(region: Region, points: npt.NDArray[np.int64], outer: Box) -> Box:
    if isinstance(region.inner, Around):
        rule, (x, y) = region.inner, points[region.inner.landmark]
        box = Box(int(x) - rule.left, int(y) - rule.up, int(x) + rule.right, int(y) + rule.down)
    else:
        top = _hull(OUTER[region.outer], points).top
        m = _margins(region, region.inner, top, outer, "clean")
        box = Box(
            outer.left + m.left, outer.top + m.up, outer.right - m.right, outer.bottom - m.down
        )
    left, right = _fit(box.left, box.right, outer.left, outer.right, 1)
    top, bottom = _fit(box.top, box.bottom, outer.top, outer.bottom, 1)
    return Box(left, top, right, bottom)


def _inner_published(region: Region, points: npt.NDArray[np.int64], outer: Box) -> Box:
    """Return the inner box as slices of the outer one, wrapping as Python slices do."""
    hull = _hull(OUTER[region.outer], points)
    if isinstance(region.inner, Around):
        rule, (x, y) = region.inner, points[region.inner.landmark]
        # The nose offsets ignore that the crop was clamped.
        from_x = int(x) - (hull.left if region.outer == "NOSE" else outer.left)
        from_y = int(y) - outer.top
        cols = slice(from_x - rule.left, from_x + rule.right)
        rows = slice(from_y - rule.up, from_y + rule.down)
    else:
        m = _margins(region, region.inner, hull.top, outer, "as_published")
        cols, rows = slice(m.left, -m.right), slice(m.up, -m.down)
    a, b, _ = cols.indices(outer.width)
    c, d, _ = rows.indices(outer.height)
    return Box(outer.left + a, outer.top + c, outer.left + max(a, b), outer.top + max(c, d))
