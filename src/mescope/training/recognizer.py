"""A trained recogniser: a network, what is done to its inputs, and the names of its classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mescope.moved import renamed
from mescope.samples.preparation import Preparation

Predict = Callable[[nn.Module, Tensor, Sequence[str]], Tensor]
"""A model, prepared inputs (n, ...) and the classes in; shares (n, classes) out."""


class Recogniser(Protocol):
    """Something that has learned."""

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return one score for each input and class, (n, classes); the largest one is meant."""
        ...


class TrainedRecognizer:
    """A network with the preparation of its inputs and the names of its classes.

    Args:
        model: the network.
        preparation: of raw inputs.
        classes: their names.
        predict: how the network's family is asked (``TrainingTask.predict``).

    Attributes:
        chosen: what people held out from training chose, such as the epoch; empty without any.
    """

    def __init__(
        self,
        model: nn.Module,
        preparation: Preparation,
        classes: Sequence[str],
        predict: Predict,
    ) -> None:
        self.model, self.prepare, self.classes = model, preparation, tuple(classes)
        self.chosen: dict[str, Any] = {}
        self._predict = predict

    def scores(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return shares of the classes, (n, classes); the network's mode is left as it was."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        device = tensors[0].device if tensors else torch.device("cpu")
        training, at_once = self.model.training, self.prepare.at_once
        self.model.eval()
        with torch.no_grad():
            found = []
            for start in range(0, len(inputs), at_once):
                answers = [
                    self._predict(self.model, asked.to(device), self.classes)
                    for asked in self.prepare.asked(inputs[start : start + at_once])
                ]
                found.append(torch.stack(answers).mean(0).cpu().numpy())
        self.model.train(training)
        return np.concatenate(found)


__getattr__ = renamed(
    __name__,
    {
        "Learned": "mescope.training.recognizer.TrainedRecognizer",
        "Preparation": "mescope.samples.preparation.Preparation",
        "load_learned": "mescope.training.recognizers.load_recognizer",
    },
)
