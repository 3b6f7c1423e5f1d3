"""Which frames of an expression a clip model is shown: one of each of T equal segments.

Source: the "sparse" sampling of VideoMamba's published code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mescope.errors import RecipeError


def middle(available: int, wanted: int) -> NDArray[np.int64]:
    """Return the frames (wanted,) shown in a test: the middles of the segments.

    Frames count from 0; a clip shorter than ``wanted`` repeats some.

    >>> middle(17, 8).tolist(), middle(2, 8).tolist()
    ([1, 3, 5, 7, 9, 11, 13, 15], [0, 0, 0, 0, 0, 1, 1, 1])
    """
    edges, step = _edges(available, wanted)
    return np.minimum(edges[:-1] + int(step / 2), available - 1)


def draw(available: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the frames (wanted,) of a training draw: any of each segment, ends included."""
    edges, _ = _edges(available, wanted)
    return np.minimum(rng.integers(edges[:-1], edges[1:] + 1), available - 1)


def pool(available: int, wanted: int, draws: int, seed: int) -> NDArray[np.int64]:
    """Return the middles and ``draws`` training draws of a clip, (1 + draws, wanted).

    Training then takes, for every segment, that of any draw: still one uniform draw each, out
    of a pool that fits into memory however long the expression is.
    """
    rng = np.random.default_rng([seed, available])
    drawn = [draw(available, wanted, rng) for _ in range(draws)]
    return np.stack([middle(available, wanted), *drawn])


def _edges(available: int, wanted: int) -> tuple[NDArray[np.int64], float]:
    """Return the borders (wanted + 1,) of the segments, and their length."""
    if available < 1 or wanted < 1:
        raise RecipeError(f"expected 1 frame or more, found {wanted} of {available}")
    step = max(0.0, (available - 1) / wanted)
    return np.round(step * np.arange(wanted + 1)).astype(np.int64), step
