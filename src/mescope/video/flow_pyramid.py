"""Flow in patches of any size against one reference, and its strongest mean, compiled.

Patches with both sides from 64 px on have a pyramid in OpenCV: the flow of the image at half
size starts that of the full one.  Blurring and scaling are left to OpenCV.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from mescope.compiling import compiled
from mescope.video.flow import LEVELS, PYRAMID_SCALE
from mescope.video.flow_expand import F32, F64, PLANES, expand, expand_smooth
from mescope.video.flow_kernel import patch_flow, refine

LEAST_SIDE_OF_LEVEL = 32  # px: no level is smaller


class Pyramid:
    """A reference patch, expanded at every level, ready to be compared with many images."""

    def __init__(self, reference: npt.NDArray[np.uint8]) -> None:
        side, levels = min(reference.shape), 0
        while levels < LEVELS and side * PYRAMID_SCALE ** (levels + 1) >= LEAST_SIDE_OF_LEVEL:
            levels += 1
        self.coarse = [_level(reference, k) for k in range(levels, 0, -1)]
        self.full = np.empty((PLANES, *reference.shape), np.float32)
        expand(reference, self.full)

    def flow(self, image: npt.NDArray[np.uint8], out: F32, top: int, bottom: int) -> None:
        """Put the flow to ``image`` into ``out`` (2, h, w), right in rows ``top..bottom``."""
        if not self.coarse:
            patch_flow(self.full, image, out, top, bottom)
            return
        flow: F32 | None = None
        for i, first in enumerate(self.coarse):
            second = _level(image, len(self.coarse) - i)
            flow = _enlarged(flow, first.shape[1:])
            refine(first, second, flow, 0, flow.shape[1])
        second = np.empty_like(self.full)
        expand(image, second)
        out[:] = _enlarged(flow, image.shape)
        refine(self.full, second, out, top, bottom)


def _level(image: npt.NDArray[np.uint8], level: int) -> F32:
    """Return the expansion of an image at a coarser level."""
    scale = PYRAMID_SCALE**level
    sigma = (1 / scale - 1) * 0.5
    side = max(round(sigma * 5) | 1, 3)
    smooth = cv2.GaussianBlur(
        image.astype(np.float32), (side, side), sigmaX=sigma, sigmaY=sigma
    )
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    small = np.asarray(cv2.resize(smooth, size, interpolation=cv2.INTER_LINEAR), np.float32)
    out = np.empty((PLANES, *small.shape), np.float32)
    expand_smooth(small, out)
    return out


def _enlarged(flow: F32 | None, shape: tuple[int, ...]) -> F32:
    """Return the flow of the coarser level in pixels of this one; zeros at the coarsest."""
    if flow is None:
        return np.zeros((2, *shape), np.float32)
    size = (shape[1], shape[0])
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in flow]
    return np.asarray(np.stack(planes) * np.float32(1 / PYRAMID_SCALE), np.float32)


@compiled
def strongest_mean(
    flow: F32, top: int, bottom: int, left: int, right: int, skip: int, strength: F64
) -> tuple[float, float]:
    """Return the mean of a patch of ``flow`` (2, h, w) without its ``skip`` weakest vectors.

    ``strength`` is scratch space for at least as many values as the patch has.  Of equally
    strong vectors the later ones stay, as after a stable sort.
    """
    width = right - left
    n = (bottom - top) * width
    for y in range(top, bottom):
        row = (y - top) * width
        for x in range(left, right):
            u, v = np.float64(flow[0, y, x]), np.float64(flow[1, y, x])
            strength[row + x - left] = u * u + v * v
    least = -1.0 if skip == 0 else np.partition(strength[:n], skip)[skip]
    above = 0
    for i in range(n):
        above += strength[i] > least
    ties = n - skip - above
    sum_x, sum_y = 0.0, 0.0
    for i in range(n - 1, -1, -1):
        if strength[i] < least:
            continue
        if strength[i] == least:
            if ties == 0:
                continue
            ties -= 1
        sum_x += np.float64(flow[0, top + i // width, left + i % width])
        sum_y += np.float64(flow[1, top + i // width, left + i % width])
    return sum_x / (n - skip), sum_y / (n - skip)
