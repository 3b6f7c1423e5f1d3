"""How sure a pooled score is: resampling people.

Clips of one person are alike, so people are drawn and not clips:
2,000 resamples, the 2.5th and 97.5th percentile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000


def resampled(
    per_person: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.int64]:
    """Return sums of counts over people drawn with replacement, as many as there are.

    Args:
        per_person: (people, ...); counts that add, such as hits, false alarms and misses, or a
            confusion matrix for each seed.
        resamples: how often people are drawn.
        seed: equal seeds draw equally.

    Returns:
        (resamples, ...)

    Raises:
        ValueError: there are no people.
    """
    table = np.asarray(per_person, dtype=np.int64)
    if not len(table):
        raise ValueError("a bootstrap needs at least one person")
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(table), np.full(len(table), 1 / len(table)), size=resamples)
    # Sums of counts are exact in float64, whose product is many times faster than of integers.
    sums = weights.astype(np.float64) @ table.reshape(len(table), -1).astype(np.float64)
    return sums.astype(np.int64).reshape(resamples, *table.shape[1:])


def middle(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """Return the 2.5th and the 97.5th percentile."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def interval(
    per_person: Sequence[Sequence[int]],
    score: Callable[[NDArray[np.int64]], float],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % interval of a score of summed counts.

    Args:
        per_person: (people, counts); counts that add, such as hits, false alarms and misses.
        score: of one row of summed counts.
        resamples: how often people are drawn with replacement.
        seed: equal seeds give equal intervals.

    Raises:
        ValueError: there are no people.
    """
    sums = resampled(per_person, resamples=resamples, seed=seed)
    return middle([score(row) for row in sums])
