"""The checksum of weights: over the card and every tensor, whichever library holds them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.models.card import Card, entries_of
from mescope.models.headers import Shape, words_of


def checksum(
    card: Card,
    tensors: Mapping[str, NDArray[Any]],
    shapes: Mapping[str, Shape] | None = None,
) -> str:
    """Return the SHA-256 of a card (without its checksum) and of all tensors by name.

    Args:
        card: of the weights.
        tensors: their values, or their bytes as uint8.
        shapes: types and sizes where ``tensors`` are bytes; their own if None.
    """
    digest = hashlib.sha256()
    bare = entries_of(dataclasses.replace(card, sha256=""))
    digest.update(json.dumps(bare, sort_keys=True).encode())
    for name in sorted(tensors):
        values = tensors[name]
        shape = shapes[name] if shapes else (str(values.dtype), values.shape)
        digest.update(f"\n{name} {words_of(shape)}\n".encode())
        digest.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).tobytes())
    return digest.hexdigest()
