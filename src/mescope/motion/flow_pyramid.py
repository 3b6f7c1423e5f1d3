"""Flow in patches of any size against one reference, and its strongest means, compiled.

Patches with both sides from 64 px on have a pyramid in OpenCV: the flow of the image at half
size starts that of the full one.  All patches of a frame are measured in one call, so that the
interpreter lock, which dlib holds while it finds landmarks, is needed once a frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mescope.compiling import compiled
from mescope.face.box import Box
from mescope.motion.flow import LEVELS, PYRAMID_SCALE
from mescope.motion.flow_expand import F32, PLANES, expand, expand_smooth
from mescope.motion.flow_kernel import refine
from mescope.motion.flow_levels import HALVES, KERNELS, enlarge, smaller
from mescope.motion.flow_strongest import strongest_mean

LEAST_SIDE_OF_LEVEL = 32  # px: no level is smaller

I64 = npt.NDArray[np.int64]


class Patches:
    """Patches of a reference image, expanded at every level, to be compared with many images.

    ``boxes`` (P, 4): top, left, height and width in the image; ``levels`` (m, 4): patch, level,
    height and width, coarsest first; ``planes``: their expansions one after the other.
    """

    def __init__(self, reference: npt.NDArray[np.uint8], outers: Sequence[Box]) -> None:
        boxes = [(box.top, box.left, box.height, box.width) for box in outers]
        self.boxes: I64 = np.array(boxes, np.int64).reshape(-1, 4)
        levels = [
            (p, k, round(h * PYRAMID_SCALE**k), round(w * PYRAMID_SCALE**k))
            for p, (_, _, h, w) in enumerate(boxes)
            for k in range(_coarsest(min(h, w)), -1, -1)
        ]
        self.levels: I64 = np.array(levels, np.int64).reshape(-1, 4)
        size = PLANES * int((self.levels[:, 2] * self.levels[:, 3]).sum())
        self.planes: F32 = np.empty(size, np.float32)
        _expand_all(np.ascontiguousarray(reference), self.boxes, self.levels, self.planes)

    def measure(
        self, image: npt.NDArray[np.uint8], regions: I64, out: npt.NDArray[np.float64]
    ) -> None:
        """Put the mean motion of regions into their rows of ``out`` (R, 2), px.

        ``regions`` (m, 7), in the order of their patches: patch, row of ``out``, first row and
        row behind the last within the patch, columns likewise, and how many of the weakest
        vectors are left out.
        """
        _measure(image, self.boxes, self.levels, self.planes, regions, out)


def patch_flow(reference: npt.NDArray[np.uint8], image: npt.NDArray[np.uint8]) -> F32:
    """Return the flow (2, h, w) px between two images, of at least ``LEAST_SIDE`` px a side."""
    h, w = reference.shape
    patches = Patches(reference, [Box(0, 0, w, h)])
    flow = np.empty((2, h, w), np.float32)
    _flow(image, patches.levels, patches.planes, 0, 0, flow, 0, h)
    return flow


def _coarsest(side: int) -> int:
    """Return the number of levels above the full one."""
    levels = 0
    while levels < LEVELS and side * PYRAMID_SCALE ** (levels + 1) >= LEAST_SIDE_OF_LEVEL:
        levels += 1
    return levels


@compiled
def _expand_all(image: npt.NDArray[np.uint8], boxes: I64, levels: I64, planes: F32) -> None:
    """Expand every patch at every level."""
    start = 0
    for i in range(len(levels)):
        patch, level, h, w = levels[i]
        top, left, full_h, full_w = boxes[patch]
        part = image[top : top + full_h, left : left + full_w].copy()
        _level(part, level, planes[start : start + PLANES * h * w].reshape((PLANES, h, w)))
        start += PLANES * h * w


@compiled
def _level(part: npt.NDArray[np.uint8], level: int, out: F32) -> None:
    """Put the expansion of a patch at one level into ``out`` (5, h, w)."""
    if level == 0:
        expand(part, out)
        return
    small = np.empty(out.shape[1:], np.float32)
    half = HALVES[level - 1]
    smaller(part, KERNELS[level - 1, : half + 1], small)
    expand_smooth(small, out)


@compiled
def _measure(
    image: npt.NDArray[np.uint8], boxes: I64, levels: I64, planes: F32, regions: I64,
    out: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """See :meth:`Patches.measure`."""
    at, first, start = 0, 0, 0  # region, level and place in the planes at which a patch begins
    for patch in range(len(boxes)):
        top, left, h, w = boxes[patch]
        low, high, end = h, 0, at
        while end < len(regions) and regions[end, 0] == patch:
            low, high = min(low, regions[end, 2]), max(high, regions[end, 3])
            end += 1
        flow = np.empty((2, h, w), np.float32)
        part = image[top : top + h, left : left + w].copy()
        first, start = _flow(part, levels, planes, first, start, flow, low, high)
        strength = np.empty(h * w)
        for i in range(at, end):
            row, y0, y1, x0, x1, skip = regions[i, 1:]
            x, y = strongest_mean(flow, y0, y1, x0, x1, skip, strength)
            out[row, 0], out[row, 1] = x, y
        at = end


@compiled
def _flow(
    part: npt.NDArray[np.uint8], levels: I64, planes: F32, first: int, start: int,
    out: F32, top: int, bottom: int,
) -> tuple[int, int]:  # fmt: skip
    """Put the flow of one patch into ``out`` (2, h, w), right in rows ``top..bottom``.

    Its levels begin at row ``first`` of ``levels`` and at ``start`` in ``planes``; returns
    where those of the next patch do.
    """
    coarse = np.zeros((2, 0, 0), np.float32)  # no flow yet
    while True:
        _, level, h, w = levels[first]
        reference = planes[start : start + PLANES * h * w].reshape((PLANES, h, w))
        second = np.empty((PLANES, h, w), np.float32)
        _level(part, level, second)
        first, start = first + 1, start + PLANES * h * w
        flow = out if level == 0 else np.empty((2, h, w), np.float32)
        if coarse.size:
            enlarge(coarse, flow)
        else:
            flow[:] = np.float32(0)
        if level == 0:
            refine(reference, second, out, top, bottom)
            return first, start
        refine(reference, second, flow, 0, h)
        coarse = flow
