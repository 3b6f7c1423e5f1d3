"""Bi-WOOF: orientations of flow, weighted by its magnitude and, block by block, by strain.

Paper   "Less is more: Micro-expression recognition from video using apex frame", Liong et al.,
        Signal Processing: Image Communication 2018, arXiv 1606.01721
Code    none was read
Input   onset-apex flow (n, 3, h, w): u, v and optical strain, zero motion being 0
Output  (n, bins * blocks * blocks)

The 0..255 maps that STSTNet's authors published cannot be used: their zero motion is unknown,
so the direction is not known.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray


def bi_woof(flow: NDArray[np.floating], blocks: int = 5, bins: int = 8) -> NDArray[np.float32]:
    """Return the weighted histograms of every clip.

    A block's histogram adds up the magnitudes of the vectors of each orientation (the first bin
    begins at 0, to the right; orientations go on as y grows, down), divided by the number of
    its pixels, and is then multiplied by the block's mean strain over that of the whole map.

    Args:
        flow: u, v and strain, (n, 3, h, w).
        blocks: rows and columns of blocks.
        bins: orientations.

    Raises:
        ValueError: another shape, or a map with fewer pixels than blocks along a side.
    """
    if flow.ndim != 4 or flow.shape[1] != 3 or min(flow.shape[2:]) < blocks:
        raise ValueError(
            f"expected flow (n, 3, h, w) of {blocks} px or more for {blocks} x {blocks} "
            f"blocks, found {flow.shape}"
        )
    u, v, strain = np.moveaxis(flow.astype(np.float64), 1, 0)
    magnitude = np.hypot(u, v)
    angle = np.arctan2(v, u) % (2 * np.pi)
    orientation = np.minimum((angle / (2 * np.pi) * bins).astype(np.int64), bins - 1)
    whole = strain.mean((1, 2))
    rows, columns = (np.linspace(0, n, blocks + 1).round().astype(int) for n in u.shape[1:])
    found = []
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            part = (slice(None), slice(top, bottom), slice(left, right))
            weight = np.divide(
                strain[part].mean((1, 2)), whole, out=np.zeros_like(whole), where=whole > 0
            )
            one = [
                (magnitude[part] * (orientation[part] == k)).mean((1, 2)) for k in range(bins)
            ]
            found.append(np.stack(one, 1) * weight[:, None])
    return np.concatenate(found, axis=1).astype(np.float32)
