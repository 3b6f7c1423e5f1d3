"""Which frames of an expression a clip model is shown: one of each of T equal segments.

In a test a clip may be looked at several times, in views: each takes another frame of every
segment, and the answers are averaged.

Source: the "sparse" sampling of VideoMamba's published code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mescope.errors import RecipeError


def middle(available: int, wanted: int) -> NDArray[np.int64]:
    """Return the frames (wanted,) shown in a test of one view: the middles of the segments.

    Frames count from 0; a clip shorter than ``wanted`` repeats some.

    >>> middle(17, 8).tolist(), middle(2, 8).tolist()
    ([1, 3, 5, 7, 9, 11, 13, 15], [0, 0, 0, 0, 0, 1, 1, 1])
    """
    shown: NDArray[np.int64] = views(available, wanted, 1)[0]
    return shown


def views(available: int, wanted: int, count: int) -> NDArray[np.int64]:
    """Return the frames (count, wanted) shown in a test of several views, in their order.

    View v of V takes the frame (v + 1) / (V + 1) into every segment, rounded down.  Segments
    shorter than (V + 1) / V frames have nothing to choose from: all views are the same then.

    >>> views(25, 4, 3).tolist()
    [[1, 7, 13, 19], [3, 9, 15, 21], [4, 10, 16, 22]]
    """
    if count < 1:
        raise RecipeError(f"expected 1 view or more, found {count}")
    edges, step = _edges(available, wanted)
    into = [int(step / (count + 1) * (view + 1)) for view in range(count)]
    frames = edges[:-1] + np.array(into, np.int64)[:, None]
    shown: NDArray[np.int64] = np.minimum(frames, available - 1)
    return shown


def draw(available: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the frames (wanted,) of a training draw: any of each segment, ends included."""
    edges, _ = _edges(available, wanted)
    return np.minimum(rng.integers(edges[:-1], edges[1:] + 1), available - 1)


def pool(
    available: int, wanted: int, draws: int, seed: int, count: int = 1
) -> NDArray[np.int64]:
    """Return what is kept of a clip: ``count`` views, then what training is shown, (k, wanted).

    Training takes, for every segment, that of any of the ``draws``: still one uniform draw
    each, out of a pool that fits into memory however long the expression is.  Without draws it
    is shown the middles, which are those of the one view, or stand behind several.
    """
    rng = np.random.default_rng([seed, available])
    learned = [draw(available, wanted, rng) for _ in range(draws)]
    if count > 1 and not draws:
        learned = [middle(available, wanted)]
    return np.stack([*views(available, wanted, count), *learned])


def _edges(available: int, wanted: int) -> tuple[NDArray[np.int64], float]:
    """Return the borders (wanted + 1,) of the segments, and their length."""
    if available < 1 or wanted < 1:
        raise RecipeError(f"expected 1 frame or more, found {wanted} of {available}")
    step = max(0.0, (available - 1) / wanted)
    return np.round(step * np.arange(wanted + 1)).astype(np.int64), step
