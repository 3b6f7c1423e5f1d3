"""Choose the epoch by training people that were held out; test people have no say in it.

Nothing that selects sees a test person: what choosing on the test person would give is
the oracle column of :mod:`mescope.training.evaluate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mescope.errors import RecipeError
from mescope.evaluation.folds import Fold, Person, hold_out
from mescope.evaluation.recognition import count_classes, uf1
from mescope.training.recognizer import TrainedRecognizer


def split(persons: Sequence[Person], examples: int, share: float, seed: int) -> Fold:
    """Return which training inputs to learn from (``train``) and which to choose on (``test``).

    Raises:
        RecipeError: it is not known who is who, or nobody would be left to learn from.
    """
    if len(persons) != examples:
        raise RecipeError(
            f"hold_out needs to know whose inputs the {examples} are, found {len(persons)} "
            "names"
        )
    people = len(set(persons))
    if people < 2 or round(share * people) >= people:
        raise RecipeError(
            f"hold_out = {share:g} needs 2 training people or more and must leave one, found "
            f"{people}; lower it, or set it to 0"
        )
    return hold_out(persons, share, seed)


class BestEpoch:
    """Remembers the weights of the first epoch with the highest UF1 on held-out people.

    Args:
        inputs: of the people held out.
        labels: their classes.
        patience: training ends after so many epochs in which none was better; 0: never.
    """

    joins: int | None = None  # who chose among epochs is in none of them

    def __init__(
        self, inputs: NDArray[np.float32], labels: NDArray[np.int64], patience: int = 0
    ) -> None:
        self._inputs, self._labels, self._patience = inputs, labels, patience
        self.epoch, self.uf1, self._last = -1, -1.0, -1
        self._weights: dict[str, torch.Tensor] = {}

    def look(self, epoch: int, recognizer: TrainedRecognizer) -> None:
        """Score what has been recognizer by now."""
        found = recognizer.scores(self._inputs).argmax(1)
        names = recognizer.classes
        score = uf1(
            count_classes([names[i] for i in self._labels], [names[i] for i in found], names),
            "skip_gt",
        )
        self._last = epoch
        if score > self.uf1:
            self.epoch, self.uf1 = epoch, score
            state = recognizer.model.state_dict()
            self._weights = {name: tensor.clone() for name, tensor in state.items()}

    def stops(self) -> bool:
        """Say whether no epoch was better for as long as patience lasts."""
        return 0 < self._patience <= self._last - self.epoch

    def chosen(self) -> dict[str, Any]:
        """Return the ``epoch``, counted from 0, its ``uf1``, and the ``epochs`` trained."""
        return {"epoch": self.epoch, "uf1": self.uf1, "epochs": self._last + 1}

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return the best weights, and :meth:`chosen`."""
        return self._weights, self.chosen()

    def put_back(
        self, tensors: dict[str, torch.Tensor], values: dict[str, Any],
        recognizer: TrainedRecognizer,
    ) -> None:  # fmt: skip
        """Take over what was best so far."""
        device = next(recognizer.model.parameters()).device
        self._weights = {name: tensor.to(device) for name, tensor in tensors.items()}
        self.epoch, self.uf1 = int(values["epoch"]), float(values["uf1"])
        self._last = int(values["epochs"]) - 1

    def restore(self, recognizer: TrainedRecognizer) -> None:
        """Put the best weights back."""
        if self._weights:
            recognizer.model.load_state_dict(self._weights)
