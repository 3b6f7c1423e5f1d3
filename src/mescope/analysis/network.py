"""What a spotter gets of weights: a function that asks the network, and the constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mescope.spotting import Network

if TYPE_CHECKING:
    import torch

    from mescope.models.card import Card


def network_of(
    model: Callable[[], torch.nn.Module | None], card: Card, name: str, device: str = "cpu"
) -> Network:
    """Return what a spotter gets of weights; ``model`` returns the network when it is asked."""

    def score(shown: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        network: Any = model()  # first: a thread may still be importing torch
        from mescope.models.inference import score_frames, score_windows

        way = score_frames if card.look == "frames" else score_windows
        return way(network, shown, device=device)

    return Network(
        name=name,
        look=card.look,
        head=card.head,
        rule=card.proposals,
        score=score,
        model=card.model,
        labels=card.labels,
    )
