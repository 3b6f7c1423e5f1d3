"""Weights of several folds as one: their scores are averaged, never their parameters.

Leave-one-subject-out leaves as many weights as there were people, and for a recording of
somebody else none of them is the right one; their mean uses all.  What is averaged is what the
networks say of a window: scores after the sigmoid, and logits of the emotions.  Parameters of
networks that were trained apart must not be averaged: units of one stand in another order, or
with the other sign, in the next, so their mean is a network that computes nothing that any of
them learned.

The cost is that of the members: N of them take N times as long behind the measured motion, and
N times the memory (a published ME-TST+ has 67 MB).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mescope.models import weights
from mescope.models.card import Card
from mescope.models.fold_cards import Fold, described
from mescope.models.weight_files import Given, weight_files


class Loaded(NamedTuple):
    """A network that is ready, what it says about itself, its name, and its members.

    ``folds`` is empty where the weights are those of one file.
    """

    model: nn.Module
    card: Card
    name: str
    folds: tuple[Fold, ...]


class MeanOfFolds(nn.Module):
    """The mean of what several networks say: scores after the sigmoid, and logits.

    Args:
        members: spotting networks for the same windows.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, windows: Tensor) -> Any:
        """Return the mean outputs: (b, k) scores and (b, k, classes) logits."""
        outputs = [member(windows) for member in self.members]
        first = outputs[0]
        return type(first)(
            *(torch.stack(parts).mean(dim=0) for parts in zip(*outputs, strict=True))
        )


def load_folds(given: Given) -> Loaded:
    """Return shipped weights, those of a file, or the mean of several.

    Args:
        given: as for :func:`mescope.models.fold_cards.described`.

    Raises:
        WeightsError: a file that is damaged or of another kind, a folder without any, or two
            whose cards do not agree (the message names them and the entry).
    """
    card, name, folds = described(given)
    members = [weights.load(path)[0] for path in weight_files(given)]
    model = MeanOfFolds(members).eval() if folds else members[0]
    return Loaded(model, card, name, folds)
