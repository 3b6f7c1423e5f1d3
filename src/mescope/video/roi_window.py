"""The flow of one window, fast: equal to :mod:`mescope.video.roi_flow_plain` to within 1e-4 px.

The reference's polynomials are computed once per window; tiny patches, whose borders overlap,
are left to OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mescope.video.face_crop import CroppedFace, cut, shifted
from mescope.video.faces import Grey
from mescope.video.flow import farneback
from mescope.video.flow_kernel import LEAST_SIDE
from mescope.video.flow_pyramid import Pyramid, strongest_mean
from mescope.video.regions import GLOBAL, Box, Mode, Placed, Region, place
from mescope.video.roi_flow_plain import MAX_FLOW, MAX_SHIFTS, STILL, WindowFlow


@dataclass
class _Patch:
    """One outer box with the regions in it, and room to work.

    ``inner`` holds for each region: its number, the rows and columns of its inner box within
    the patch, and how many of the weakest vectors are skipped.
    """

    outer: Box
    reference: Grey
    pyramid: Pyramid | None
    flow: npt.NDArray[np.float32]
    strength: npt.NDArray[np.float64]
    inner: list[tuple[int, int, int, int, int, int]]
    rows: tuple[int, int]

    @classmethod
    def of(cls, start: Grey, outer: Box, regions: list[tuple[int, Placed]]) -> _Patch:
        reference = np.ascontiguousarray(
            start[outer.top : outer.bottom, outer.left : outer.right]
        )
        h, w = reference.shape
        pyramid = Pyramid(reference) if min(h, w) >= LEAST_SIDE else None
        inner = []
        for number, region in regions:
            box, skip = region.inner, int(region.inner.area * (1 - region.percent))
            top, left = box.top - outer.top, box.left - outer.left
            skip = min(skip, box.area - 1)
            inner.append((number, top, top + box.height, left, left + box.width, skip))
        rows = (min(i[1] for i in inner), max(i[2] for i in inner))
        room = max(region.inner.area for _, region in regions)
        flow, strength = np.empty((2, h, w), np.float32), np.empty(room, np.float64)
        return cls(outer, reference, pyramid, flow, strength, inner, rows)

    def measure(self, crop: Grey, out: npt.NDArray[np.float64]) -> None:
        """Put each region's mean vector into its row of ``out`` (R, 2)."""
        outer = self.outer
        part = np.ascontiguousarray(crop[outer.top : outer.bottom, outer.left : outer.right])
        if self.pyramid is None:
            self.flow[:] = np.moveaxis(farneback(self.reference, part), 2, 0)
        else:
            self.pyramid.flow(part, self.flow, *self.rows)
        for number, top, bottom, left, right, skip in self.inner:
            out[number] = strongest_mean(
                self.flow, top, bottom, left, right, skip, self.strength
            )


def window_flow(
    frames: Sequence[Grey | None],
    reference: Grey,
    face: CroppedFace,
    regions: Sequence[Region],
    *,
    mode: Mode = "clean",
    he2024: bool = False,
) -> WindowFlow:
    """Return what :func:`~mescope.video.roi_flow_plain.plain_window_flow` returns, sooner."""
    nose = _patches(cut(reference, face.box), place(face.landmarks, (GLOBAL,), mode=mode))
    placed = place(face.landmarks, regions, mode=mode, he2024=he2024)
    patches = _patches(cut(reference, face.box), placed)
    empty = [j for j, region in enumerate(placed) if region.inner.area == 0]
    values = np.zeros((2 * len(placed), len(frames)), dtype=np.float32)
    motion, box, dropped = np.zeros((len(placed), 2)), face.box, 0
    for i, frame in enumerate(frames):
        if i == 0 or frame is None or frame is reference:
            continue
        box, crop, head = _follow(nose, frame, box, mode)
        for patch in patches:
            patch.measure(crop, motion)
        relative = motion - head
        relative[empty] = 0
        nonsense = ~np.all(np.abs(relative) <= MAX_FLOW, axis=1)
        dropped += int(nonsense.sum())
        relative[nonsense] = 0
        values[:, i] = relative.ravel()
    return WindowFlow(values, dropped)


def _patches(start: Grey, placed: Sequence[Placed]) -> list[_Patch]:
    """Group regions by outer box; boxes that are empty (as published only) are left out."""
    groups: dict[Box, list[tuple[int, Placed]]] = {}
    for j, region in enumerate(placed):
        if region.outer.area and region.inner.area:
            groups.setdefault(region.outer, []).append((j, region))
    return [_Patch.of(start, outer, members) for outer, members in groups.items()]


def _follow(
    nose: list[_Patch], frame: Grey, box: Box, mode: Mode
) -> tuple[Box, Grey, npt.NDArray[np.float64]]:
    """Move the crop after the head, as :func:`mescope.video.roi_flow_plain.follow` does."""
    head = np.zeros((1, 2))
    for attempt in range(MAX_SHIFTS + 1):
        crop = cut(frame, box)
        for patch in nose:
            patch.measure(crop, head)
        x, y = float(head[0, 0]), float(head[0, 1])
        if not (abs(x) <= MAX_FLOW and abs(y) <= MAX_FLOW):
            return box, crop, np.zeros(2)
        if attempt == MAX_SHIFTS or x * x + y * y <= STILL:
            break
        box = shifted(box, x, y, frame.shape, mode)
    return box, crop, head[0].copy()
