"""What flow maps of clips are brought to before a kernel, or a network that asks, sees them.

Source  ours; the measurement is in ``docs/benchmarks/3db-flow28.md``
Code    none was read
Input   onset-apex flow (n, 3 views, h, w): u, v and strain of one or several extractions of the
        same clips one after the other, any unit, the zero of motion known or not
Output  (n, views, 2, side, side): u and v, without unit

Of each map the median is subtracted, which is most often the motion of the head or the grey of
no motion; its root mean square becomes 1, as the amount of motion differs from person to person
and is lost in published maps anyway; and pixels are averaged down.  Strain is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHANNELS = 3
"""Of each extraction: u, v and strain."""


def canonical_flow(
    flow: NDArray[np.floating], side: int = 14, views: int = 1
) -> NDArray[np.float64]:
    """Return u and v of every clip: median 0, root mean square 1, averaged down.

    Args:
        flow: (n, 3 views or more, h, w); channels behind those of the views are not used.
        side: of the result; h and w must be multiples of it.
        views: extractions whose maps stand behind one another.

    Returns:
        (n, views, 2, side, side); a map without any motion is 0.

    Raises:
        ValueError: fewer channels than the views have, or maps that cannot be averaged so.
    """
    if flow.ndim != 4 or flow.shape[1] < CHANNELS * views:
        raise ValueError(
            f"expected flow maps (n, {CHANNELS * views}, h, w), u, v and strain of {views} "
            f"extractions, found {flow.shape}; give the second with --choice second=FILE"
        )
    if flow.shape[2] % side or flow.shape[3] % side:
        raise ValueError(
            f"expected maps whose sides are multiples of {side}, found {flow.shape[2:]}; "
            "change the size of the maps or `side`"
        )
    n, _, h, w = flow.shape
    used = flow[:, : CHANNELS * views].reshape(n, views, CHANNELS, h, w)[:, :, :2]
    cells = unit_maps(used).reshape(n, views, 2, side, h // side, side, w // side)
    return np.asarray(cells.mean(axis=(4, 6)), np.float64)


def unit_maps(maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return maps (..., h, w), each with median 0 and root mean square 1; a flat one is 0.

    The result is the same for every unit and zero that a map may have.
    """
    moving = maps.astype(np.float64)
    moving -= np.median(moving, axis=(-2, -1), keepdims=True)
    size = np.sqrt((moving**2).mean(axis=(-2, -1), keepdims=True))
    np.divide(moving, size, out=moving, where=size > 0)
    return moving
