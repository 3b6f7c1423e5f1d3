"""Models without a network (:mod:`mescope.training.classical`): fitted, not looped over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mescope.errors import RecipeError
from mescope.samples.clip_kinds import ClipKind
from mescope.training.recognizer import Recogniser
from mescope.training.tables import Recipe, fitting
from mescope.training.tasks.base import TASKS, TrainingTask
from mescope.training.tasks.classification import Session, TrainingSet

NAMES = ("svm-flow", "svm-flow-rbf", "lbp-top-svm", "bi-woof-svm")
VIEWS = "svm-flow-rbf"
"""Takes u, v and strain of every extraction, of which it reads u and v."""


@TASKS.register("classical")
class ClassicalTask(TrainingTask):
    """Fits a descriptor and a support vector machine."""

    models: ClassVar[tuple[str, ...]] = NAMES
    kinds: ClassVar[tuple[str, ...]] = ("flow28", "flow", "clips")

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`; what is done to a network's inputs is refused."""
        super().check(recipe)
        data = recipe.data
        given = [
            name
            for name in ("standardise", "unit_flow", "both_sides", "canonical")
            if getattr(data, name, False)
        ]
        given += ["scale"] if getattr(data, "scale", 1.0) != 1.0 else []
        if given:
            raise RecipeError(
                f"{recipe.model.name} scales what it reads itself, found {', '.join(given)} in "
                "[data]; leave it out"
            )
        channels = getattr(data, "channels", 3)
        if recipe.model.name == VIEWS and channels not in (2, 3):
            raise RecipeError(
                f"{VIEWS} reads u and v of every extraction, expected [data] channels of 2 or "
                f"3, found {channels}; leave it out"
            )

    @classmethod
    def train(
        cls, recipe: Recipe, given: TrainingSet, seed: int, session: Session
    ) -> Recogniser:
        """Fit; there is nothing random in it.

        Raises:
            RecipeError: the samples are not what the descriptor wants.
        """
        from mescope.training.classical import build  # imports scikit-learn, which takes long

        if len(only := np.unique(given.labels)) == 1:  # a machine needs two classes
            return FittedModel(Constant(int(only[0])), len(given.classes), _all)
        model = build(recipe.model.name, **recipe.model.options)
        shown = fitting(recipe.data, ClipKind, "[data]").shown
        if recipe.model.name == VIEWS:
            shown = _all  # its views stand behind the channels of the first
        try:
            model.fit(shown(given.inputs), given.labels)
        except ValueError as error:
            raise RecipeError(f"{recipe.model.name}: {error}") from error
        return FittedModel(model, len(given.classes), shown)


def _all(inputs: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(inputs)


class Constant:
    """Names one class, whatever it is shown: all that people who show one can teach."""

    def __init__(self, only: int) -> None:
        self._only = only

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the class for each of the inputs."""
        return np.full(len(inputs), self._only, np.int64)


class FittedModel:
    """A classical model whose training people may not show every class.

    Args:
        model: fitted on what ``shown`` returns.
        classes: how many there are.
        shown: takes raw samples; returns what the recipe shows the model of them.
    """

    def __init__(
        self, model: Any, classes: int, shown: Callable[[NDArray[Any]], NDArray[Any]]
    ) -> None:
        self._model, self._classes, self._shown = model, classes, shown

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the classes' shares, (n, classes).

        Of a model that has none: 1 for the class that is named, 0 for the others.
        """
        found: NDArray[np.float64] = np.zeros((len(inputs), self._classes))
        inputs = self._shown(inputs)
        if hasattr(self._model, "shares"):
            found[:, self._model.classes] = self._model.shares(inputs)
            return found
        found[np.arange(len(inputs)), self._model.predict(inputs)] = 1.0
        return found
