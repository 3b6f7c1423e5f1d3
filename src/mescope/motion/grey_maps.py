"""Flow maps as the authors of STSTNet published them: a close crop, and grey values for motion.

u, v and strain of a face are cut out as their maps show it and scaled to 0..255, each channel
of each clip by itself.  So the amount of motion is lost and zero motion is no fixed grey; what
is gained is that the 442 published maps of real micro-expressions can be used
(:mod:`mescope.datasets.flow28`).

Where their crop lies is not published.  Ours is read off the places that move most over all
maps, without their labels: the eyes are 16 px apart, and faces are squeezed to a square.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from mescope.face.aligned import ABOVE, MARGIN, SIDE

EYES_APART, EYE_ROW, TALL = 0.55, 0.27, 1.2
"""Distance between the eyes in widths of the crop, their centres' distance from the top in its
heights, and its height in widths."""


def cut_map(
    planes: npt.NDArray[np.floating], size: int, *, margin: float = MARGIN
) -> npt.NDArray[np.float32]:
    """Cut the close crop out of planes over an aligned face, and average it down.

    Args:
        planes: (c, h, h) over a crop of :func:`mescope.face.aligned.align`.
        size: side of the result, px.
        margin: that the face was aligned with.

    Returns:
        (c, size, size).

    Raises:
        ValueError: the aligned face has too few px.
    """
    full = planes.shape[-1]
    unit = full / (SIDE * (1 + 2 * margin))  # px between the eyes
    wide, high = round(unit / EYES_APART), round(TALL * unit / EYES_APART)
    if wide < size:
        raise ValueError(
            f"expected an aligned face in which {size} px or more are cut out, found {full} px "
            f"with {wide}; align it larger"
        )
    left = round((full - wide) / 2)
    top = round((ABOVE + margin * SIDE) * unit - EYE_ROW * high)
    inner = planes[:, top : top + high, left : left + wide]
    cut = [cv2.resize(plane, (size, size), interpolation=cv2.INTER_AREA) for plane in inner]
    return np.stack(cut).astype(np.float32)


def grey_maps(flow: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Scale each channel of flow maps (..., c, h, w) to 0..255 by itself; all alike gives 0.

    >>> grey_maps(np.array([[[[-1.0, 0.0, 3.0]]]])).tolist()
    [[[[0, 64, 255]]]]
    """
    low = flow.min((-2, -1), keepdims=True)
    span = flow.max((-2, -1), keepdims=True) - low
    scaled = (flow - low) / np.where(span > 0, span, 1.0)
    return np.asarray(np.rint(255.0 * scaled), np.uint8)
