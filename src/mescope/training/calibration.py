"""Make scores mean what they say: of what scores 0.8, four in five should be right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mescope.errors import RecipeError


def fit_logistic(
    features: NDArray[np.floating], right: NDArray[np.bool_]
) -> tuple[tuple[float, ...], float]:
    """Return the slopes and the offset of a logistic curve, none of the slopes below 0.

    Args:
        features: (m, c), such as the logit of a score; more of each must mean no less.
        right: (m,) whether each was right.

    Raises:
        RecipeError: all were right or all were wrong, so that nothing can be fitted.

    Source: Platt 1999, with the logit in place of a margin and next to no regularisation.
    """
    if right.all() or not right.any():
        raise RecipeError(
            f"expected right and wrong candidates to calibrate on, found {int(right.sum())} "
            f"right of {len(right)}; render more hours or train longer"
        )
    fitted = LogisticRegression(C=1e3).fit(features, right)
    slopes = tuple(max(float(slope), 0.0) for slope in fitted.coef_[0])
    return slopes, float(fitted.intercept_[0])


def reliability(
    scores: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 10
) -> list[tuple[float, float, int]]:
    """Return (mean score, share that was right, how many) of every bin that has scores.

    >>> reliability(np.array([0.1, 0.9, 0.9]), np.array([False, True, False]), bins=2)
    [(0.1, 0.0, 1), (0.9, 0.5, 2)]
    """
    which = np.minimum((np.asarray(scores) * bins).astype(int), bins - 1)
    return [
        (float(scores[which == b].mean()), float(right[which == b].mean()), int(n))
        for b in range(bins)
        if (n := (which == b).sum())
    ]
