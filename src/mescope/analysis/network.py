"""What a spotter gets of weights: a function that asks the network, and the constants."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mescope.spotting import Network

if TYPE_CHECKING:
    import torch

    from mescope.models.card import Card


def network_of(model: torch.nn.Module, card: Card, name: str, device: str = "cpu") -> Network:
    """Return what a spotter gets of weights."""
    from mescope.models.inference import score_frames, score_windows

    score = score_frames if card.look == "frames" else score_windows
    return Network(
        name=name,
        look=card.look,
        head=card.head,
        rule=card.proposals,
        score=partial(score, model, device=device),
        model=card.model,
        labels=card.labels,
    )
