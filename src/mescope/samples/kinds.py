"""All kinds of samples that come with mescope; a plug-in registers more in :data:`SAMPLES`."""

from __future__ import annotations

from typing import Any

from mescope.errors import WeightsError
from mescope.models.weights import Card
from mescope.ranges import check_fields, shown
from mescope.samples import (
    clip_kinds,
    face_kinds,
    frame_kinds,
    frame_recordings,
    peer_kinds,
    spotting_kinds,
)
from mescope.samples.base import SAMPLES, Prepared, SampleKind
from mescope.samples.preparation import Preparation

__all__ = [
    "SAMPLES", "Prepared", "SampleKind", "clip_kinds", "face_kinds", "frame_kinds",
    "frame_recordings", "peer_kinds", "preparation_of", "spotting_kinds",
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
        check_fields(found)
        sound = len(found.slope) == len(found.shift) > 0
    except (TypeError, ValueError, KeyError):
        sound = False
    if not sound:
        raise WeightsError(
            f"expected weights that name clips, found {card.model} with inputs "
            f"{shown(card.inputs) if card.inputs else 'of windows'}; `mescope models` tells "
            "them apart"
        )
    return found
