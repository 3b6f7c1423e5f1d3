"""Dense optical flow between two grey images, and its reduction to one vector.

Flow is an (h, w, 2) float32 array of px, x (to the right) first, y (downwards) second: what is
at ``(x, y)`` of the first image is at ``(x + u, y + v)`` of the second.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Flow = npt.NDArray[np.float32]

PYRAMID_SCALE = 0.5
LEVELS = 3
WINDOW = 15
ITERATIONS = 5
POLY_N = 7
POLY_SIGMA = 1.5


def farneback(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Flow:
    """Return Farnebäck's flow from ``first`` to ``second`` (two (h, w) uint8 images).

    Source: G. Farnebäck, SCIA 2003, as OpenCV computes it, with the parameters of section 2.3
    of the ME-TST specification.  Images with a side under 64 px use one pyramid level.

    The result follows a change of brightness between the images as if it were motion: an
    exposure step within a window shows as flow wherever the image has a gradient.
    """
    return np.asarray(
        cv2.calcOpticalFlowFarneback(
            first,
            second,
            None,
            PYRAMID_SCALE,
            LEVELS,
            WINDOW,
            ITERATIONS,
            POLY_N,
            POLY_SIGMA,
            0,
        ),
        dtype=np.float32,
    )


def top_mean(patch: npt.NDArray[np.floating], share: float) -> npt.NDArray[np.float64]:
    """Return the mean vector of the strongest ``share`` (0 to 1) of a flow patch.

    Of n vectors the ``int(n * (1 - share))`` weakest are left out, and x and y of the others
    are averaged (section 2.3 of the ME-TST specification; the exact count, as ME-TST has it).

    >>> patch = np.stack([np.arange(1, 11), np.zeros(10)], axis=-1).reshape(2, 5, 2)
    >>> [float(v) for v in top_mean(patch, 0.3)]
    [9.0, 0.0]

    Raises
    ------
    ValueError
        The patch is empty.
    """
    vectors = patch.reshape(-1, 2).astype(np.float64)
    count = len(vectors)
    if count == 0:
        raise ValueError("top_mean needs at least one vector, got an empty patch")
    skip = min(int(count * (1 - share)), count - 1)
    if skip > 0:
        strength = np.einsum("ij,ij->i", vectors, vectors)
        vectors = vectors[np.argpartition(strength, skip)[skip:]]
    return np.asarray(vectors.mean(axis=0))
