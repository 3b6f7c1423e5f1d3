"""The flow of one window, fast: :mod:`mescope.motion.roi_flow_plain` to within 1e-4 px.

The reference's polynomials are computed once per window; tiny patches, whose borders overlap,
are left to OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mescope.face.box import Box, Mode
from mescope.face.crop import CroppedFace, cut, shifted
from mescope.face.detector import Grey
from mescope.motion.flow import farneback
from mescope.motion.flow_kernel import LEAST_SIDE
from mescope.motion.flow_pyramid import Patches
from mescope.motion.flow_strongest import strongest_mean
from mescope.motion.regions import GLOBAL, Placed, Region, Shares, place
from mescope.motion.roi_flow_plain import MAX_FLOW, MAX_SHIFTS, STILL, WindowFlow


class _Regions:
    """Regions on a reference crop, ready to be measured in many crops.

    Patches too small for the compiled flow, whose borders overlap, are left to OpenCV.
    """

    def __init__(self, start: Grey, placed: Sequence[Placed]) -> None:
        groups: dict[Box, list[tuple[int, ...]]] = {}
        for number, region in enumerate(placed):
            if region.outer.area and region.inner.area:  # empty as published only
                groups.setdefault(region.outer, []).append((number, *_within(region)))
        compiled = [o for o in groups if min(o.width, o.height) >= LEAST_SIDE]
        rows = [(p, *row) for p, outer in enumerate(compiled) for row in groups[outer]]
        self.patches = Patches(start, compiled)
        self.rows = np.array(rows, np.int64).reshape(-1, 7)
        self.small = [
            (np.ascontiguousarray(_part(start, outer)), outer, rows)
            for outer, rows in groups.items() if outer not in compiled
        ]  # fmt: skip

    def measure(self, crop: Grey, out: npt.NDArray[np.float64]) -> None:
        """Put each region's mean vector into its row of ``out`` (R, 2)."""
        self.patches.measure(crop, self.rows, out)
        for reference, outer, rows in self.small:
            flow = farneback(reference, np.ascontiguousarray(_part(crop, outer)))
            planes = np.ascontiguousarray(np.moveaxis(flow, 2, 0))
            for number, top, bottom, left, right, skip in rows:
                room = np.empty(outer.area)
                out[number] = strongest_mean(planes, top, bottom, left, right, skip, room)


def _within(region: Placed) -> tuple[int, ...]:
    """Return rows and columns of the inner box in the outer one, and how many are left out."""
    box, outer = region.inner, region.outer
    top, left = box.top - outer.top, box.left - outer.left
    skip = min(int(box.area * (1 - region.percent)), box.area - 1)
    return top, top + box.height, left, left + box.width, skip


def _part(image: Grey, box: Box) -> Grey:
    return image[box.top : box.bottom, box.left : box.right]


def window_flow(
    frames: Sequence[Grey | None],
    reference: Grey,
    face: CroppedFace,
    regions: Sequence[Region],
    *,
    mode: Mode = "clean",
    shares: Shares = "default",
    spared: Sequence[int] = (),
) -> WindowFlow:
    """Return what :func:`~mescope.motion.roi_flow_plain.plain_window_flow` returns, sooner."""
    start = cut(reference, face.box)
    nose = _Regions(start, place(face.landmarks, (GLOBAL,), mode=mode))
    placed = place(face.landmarks, regions, mode=mode, shares=shares)
    face_regions = _Regions(start, placed)
    empty = [j for j, region in enumerate(placed) if region.inner.area == 0]
    values = np.zeros((2 * len(placed), len(frames)), dtype=np.float32)
    motion, box, dropped = np.zeros((len(placed), 2)), face.box, 0
    for i, frame in enumerate(frames):
        if i == 0 or frame is None or frame is reference:
            continue
        box, crop, head = _follow(nose, frame, box, mode)
        if i in spared:
            continue
        face_regions.measure(crop, motion)
        relative = motion - head
        relative[empty] = 0
        nonsense = ~np.all(np.abs(relative) <= MAX_FLOW, axis=1)
        dropped += int(nonsense.sum())
        relative[nonsense] = 0
        values[:, i] = relative.ravel()
    return WindowFlow(values, dropped)


def _follow(
    nose: _Regions, frame: Grey, box: Box, mode: Mode
) -> tuple[Box, Grey, npt.NDArray[np.float64]]:
    """Move the crop after the head, as :func:`mescope.motion.roi_flow_plain.follow` does."""
    head = np.zeros((1, 2))
    for attempt in range(MAX_SHIFTS + 1):
        crop = cut(frame, box)
        nose.measure(crop, head)
        x, y = float(head[0, 0]), float(head[0, 1])
        if not (abs(x) <= MAX_FLOW and abs(y) <= MAX_FLOW):
            return box, crop, np.zeros(2)
        if attempt == MAX_SHIFTS or x * x + y * y <= STILL:
            break
        box = shifted(box, x, y, frame.shape, mode)
    return box, crop, head[0].copy()
