"""Smaller images and larger flow for a pyramid, compiled, as OpenCV makes them.

The same definitions as ``cv2.GaussianBlur`` on a float image (border reflected without its
last row) and ``cv2.resize`` with ``INTER_LINEAR`` (centres of pixels, border repeated).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from mescope.compiling import compiled
from mescope.motion.flow import LEVELS, PYRAMID_SCALE
from mescope.motion.flow_expand import F32


def _kernels() -> tuple[F32, npt.NDArray[np.int64]]:
    """Return the right halves of the blurs of levels 1, 2, ... (padded), and their lengths."""
    sigmas = [(1 / PYRAMID_SCALE**k - 1) * 0.5 for k in range(1, LEVELS + 1)]
    halves = [max(round(sigma * 5) | 1, 3) // 2 for sigma in sigmas]
    kernels = np.zeros((LEVELS, max(halves) + 1), np.float32)
    for row, sigma, half in zip(kernels, sigmas, halves, strict=True):
        row[: half + 1] = cv2.getGaussianKernel(2 * half + 1, sigma, cv2.CV_32F)[half:, 0]
    return kernels, np.array(halves, np.int64)


KERNELS, HALVES = _kernels()


@compiled
def smaller(image: npt.NDArray[np.uint8], kernel: F32, out: F32) -> None:
    """Blur an (h, w) image and put it into the smaller ``out``."""
    h, w = image.shape
    across, smooth = np.empty((h, w), np.float32), np.empty((h, w), np.float32)
    for y in range(h):
        for x in range(w):
            total = kernel[0] * np.float32(image[y, x])
            for k in range(1, len(kernel)):
                left, right = _reflected(x - k, w), _reflected(x + k, w)
                total += kernel[k] * (np.float32(image[y, left]) + np.float32(image[y, right]))
            across[y, x] = total
    for y in range(h):
        smooth[y] = kernel[0] * across[y]
        for k in range(1, len(kernel)):
            up, down = _reflected(y - k, h), _reflected(y + k, h)
            for x in range(w):
                smooth[y, x] += kernel[k] * (across[up, x] + across[down, x])
    resize(smooth, np.float32(1), out)


@compiled
def enlarge(flow: F32, out: F32) -> None:
    """Put the flow of a coarser level into ``out`` (2, h, w), in pixels of this one."""
    for plane in range(2):
        resize(flow[plane], np.float32(1 / PYRAMID_SCALE), out[plane])


@compiled
def resize(image: F32, factor: np.float32, out: F32) -> None:
    """Put the image, bilinearly resized and multiplied by ``factor``, into ``out``."""
    (h, w), (rows, columns) = image.shape, out.shape
    left, share = np.empty(columns, np.int64), np.empty(columns, np.float32)
    for x in range(columns):
        left[x], share[x] = _place(x, w / columns, w)
    for y in range(rows):
        top, part = _place(y, h / rows, h)
        below = min(top + 1, h - 1)
        for x in range(columns):
            a, b, s = left[x], min(left[x] + 1, w - 1), share[x]
            above = image[top, a] + (image[top, b] - image[top, a]) * s
            under = image[below, a] + (image[below, b] - image[below, a]) * s
            out[y, x] = (above + (under - above) * part) * factor


@compiled
def _place(i: int, scale: float, size: int) -> tuple[int, np.float32]:
    """Return the pixel left of the centre of pixel ``i``, and the share of the one right."""
    at = (i + 0.5) * scale - 0.5
    whole = int(np.floor(at))
    if whole < 0:
        return 0, np.float32(0)
    if whole >= size - 1:
        return size - 1, np.float32(0)
    return whole, np.float32(at - whole)


@compiled
def _reflected(i: int, size: int) -> int:
    i = -i if i < 0 else i
    return 2 * (size - 1) - i if i >= size else i
