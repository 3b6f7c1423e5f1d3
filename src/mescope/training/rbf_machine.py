"""The bar: a support vector machine with a Gaussian kernel on canonical flow maps.

Maps are brought to :func:`mescope.models.canonical_flow.canonical_flow`.  Training faces are
learned with their mirror images; a test face is judged as it is and mirrored, both decisions
averaged.  The width of the kernel comes from the training maps: gamma is half of one over the
median squared distance of two of them.  Of several extractions the kernels are averaged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.special import softmax
from sklearn.svm import SVC

from mescope.models.canonical_flow import canonical_flow

Maps = NDArray[np.float64]
"""Of one extraction, one row for each map: (n, values)."""


class RbfMachine:
    """Fitted on maps (n, 3 views, h, w) and their labels; nothing in it is random.

    Args:
        C: cost of a training map on the wrong side.
        side: of the canonical maps, px.
        views: extractions, see :func:`mescope.models.canonical_flow.canonical_flow`.
    """

    def __init__(self, C: float, side: int, views: int) -> None:
        self._C, self._side, self._views = C, side, views
        self._known: list[Maps] = []
        self._gammas: list[float] = []
        self._machine: Any = None

    def fit(self, inputs: NDArray[np.floating], labels: NDArray[np.int64]) -> RbfMachine:
        """Learn from maps and their mirror images.

        Raises:
            ValueError: the maps do not suit ``side`` or ``views``.
        """
        views = self._seen(inputs)
        self._gammas = [_gamma(maps[: len(inputs)]) for maps in views]
        self._known = views
        self._machine = SVC(kernel="precomputed", C=self._C, class_weight="balanced")
        self._machine.fit(self._kernel(views), np.concatenate([labels, labels]))
        return self

    @property
    def classes(self) -> NDArray[np.int64]:
        """The labels learned, in the order of :meth:`shares`."""
        return np.asarray(self._machine.classes_, np.int64)

    def predict(self, inputs: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the label of each map (n,): that of the mean decision of map and mirror."""
        return np.asarray(self.classes[self.shares(inputs).argmax(1)], np.int64)

    def shares(self, inputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the softmax of the mean decisions, (n, labels); not calibrated.

        The decisions are scikit-learn's of one class against the rest: votes of pairs, and
        within a vote how sure they are.
        """
        decisions = self._machine.decision_function(self._kernel(self._seen(inputs)))
        mean = decisions.reshape(2, len(inputs), -1).mean(0)
        if mean.shape[1] == 1:
            mean = np.concatenate([-mean, mean], axis=1) / 2
        return np.asarray(softmax(mean, axis=1), np.float64)

    def _seen(self, inputs: NDArray[np.floating]) -> list[Maps]:
        """Return the maps of each view and, behind them, their mirror images, as rows."""
        maps = canonical_flow(inputs, self._side, self._views)
        mirrored = maps[..., ::-1].copy()
        mirrored[:, :, 0] *= -1.0  # a mirrored face moves the other way
        both = np.concatenate([maps, mirrored])
        return [both[:, view].reshape(len(both), -1) for view in range(self._views)]

    def _kernel(self, views: list[Maps]) -> NDArray[np.float64]:
        """Return how alike these maps and those learned from are, 0 to 1."""
        each = [
            np.exp(-gamma * _distances(maps, known))
            for gamma, maps, known in zip(self._gammas, views, self._known, strict=True)
        ]
        return np.asarray(np.mean(each, axis=0), np.float64)


def _distances(some: Maps, others: Maps) -> NDArray[np.float64]:
    """Return the squared distance of each to each."""
    found = (some**2).sum(1)[:, None] + (others**2).sum(1)[None] - 2.0 * some @ others.T
    return np.asarray(found.clip(0.0), np.float64)


def _gamma(maps: Maps) -> float:
    """Return half of one over the median squared distance of two maps; 1 for fewer."""
    middle = float(np.median(pdist(maps, "sqeuclidean"))) if len(maps) > 1 else 0.0
    return 0.5 / middle if middle > 0 else 1.0
