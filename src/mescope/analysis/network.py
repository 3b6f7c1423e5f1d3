"""What a spotter gets of weights: a function that asks the network, and the constants.

The network of the shipped weights is asked without PyTorch on a CPU
(:mod:`mescope.models.me_tst_numpy`), and read with it when somebody wants the network itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mescope.spotting import Network
from mescope.spotting.spotters import Score

if TYPE_CHECKING:
    import torch

    from mescope.models.card import Card
    from mescope.models.fold_cards import Fold
    from mescope.models.mean_of_folds import Loaded
    from mescope.models.weight_files import Given


@dataclass(frozen=True)
class Unread:
    """A network that is read with PyTorch when somebody wants it."""

    given: Given

    def read(self) -> torch.nn.Module:
        """Return it."""
        return _with_torch(self.given).model


class Weights(NamedTuple):
    """Weights as an analyzer takes them; ``score`` is None where the model is asked."""

    model: torch.nn.Module | Unread
    card: Card
    name: str
    folds: tuple[Fold, ...]
    score: Score | None = None


def read_weights(given: Given, device: str) -> Weights:
    """Return shipped weights, those of a file, or of several, for a device that is there.

    Raises:
        WeightsError: as :func:`mescope.models.mean_of_folds.load_folds`.
    """
    from mescope.models.fold_cards import described
    from mescope.models.me_tst_numpy import scorer
    from mescope.models.weight_files import weight_files

    if device == "cpu":
        card, name, folds = described(given)
        score = None if folds else scorer(weight_files(given)[0], card)
        if score is not None:
            return Weights(Unread(given), card, name, folds, score)
    found = _with_torch(given)
    return Weights(found.model.to(device), found.card, found.name, found.folds)


def _with_torch(given: Given) -> Loaded:
    from mescope.models.mean_of_folds import load_folds

    return load_folds(given)


def score_of(model: torch.nn.Module, card: Card, device: str = "cpu") -> Score:
    """Return the function that asks a network of PyTorch."""
    from mescope.models.inference import score_frames, score_windows

    score = score_frames if card.look == "frames" else score_windows
    return partial(score, model, device=device)


def network_of(score: Score, card: Card, name: str) -> Network:
    """Return what a spotter gets of weights."""
    return Network(
        name=name,
        look=card.look,
        head=card.head,
        rule=card.proposals,
        score=score,
        model=card.model,
        labels=card.labels,
    )
