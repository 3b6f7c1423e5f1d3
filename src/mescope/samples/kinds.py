"""All kinds of samples that come with mescope; a plug-in registers more in :data:`SAMPLES`."""

from __future__ import annotations

from typing import Any

import numpy as np

from mescope.errors import WeightsError
from mescope.models.weights import Card
from mescope.samples import clip_kinds, face_kinds, frame_recordings, spotting_kinds
from mescope.samples.base import SAMPLES, Prepared, SampleKind
from mescope.samples.preparation import Preparation

__all__ = [
    "SAMPLES", "Prepared", "SampleKind", "clip_kinds", "face_kinds", "frame_recordings",
    "preparation_of", "spotting_kinds",
]  # fmt: skip


def preparation_of(card: Card) -> Preparation:
    """Return what a card says about the samples that its weights are given.

    Raises:
        WeightsError: the card is not that of a model that names clips, or damaged.
    """
    try:
        entries: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in card.inputs.items()
        }
        kind = SAMPLES[entries["data"]]
        found = kind.preparation(**entries)
        sound = len(found.slope) == len(found.shift) > 0
        np.array([found.size, found.channels, *found.slope, *found.shift], np.float64)
    except (TypeError, ValueError, KeyError):
        sound = False
    if not sound:
        raise WeightsError(
            f"expected weights that name clips, found {card.model} with inputs "
            f"{card.inputs or 'of windows'}; `mescope models` tells them apart"
        )
    return found
