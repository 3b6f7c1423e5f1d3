"""AMMSM so small that a test trains it in a second, and clips with three kinds of motion."""

from __future__ import annotations

import numpy as np
from made_recipes import flat_recipe

CLASSES = ("negative", "positive", "surprise")
SIDE = 12
TINY = {
    "size": SIDE, "dim": 8, "heads": [1, 1, 2, 2], "states": 4, "windows": [2, 2, 1, 1],
    "magnifier_width": 4, "magnifier_levels": 2, "spatial": False,
}  # fmt: skip
PERSONS = tuple(("casme2", f"s{i // 2}") for i in range(16))


def recipe_of(options=None, **changes):
    """A recipe of a few short epochs; ``options`` over TINY."""
    values = {
        "name": "tiny", "model": "ammsm-s28", "data": "flow28", "epochs": 4, "batch_size": 8,
        "learning_rate": 1e-3, "size": SIDE, "channels": 2, "adaptive_epochs": 3, "seeds": 1,
    }  # fmt: skip
    if changes.get("data") == "flow-onset":
        del values["channels"]  # they are two
    return flat_recipe(**(values | changes), options=TINY | (options or {}))


def flows(n=16, seed=0, channels=3):
    """Motion of the upper, the lower or the left half, and the class that it is."""
    rng = np.random.default_rng(seed)
    inputs = 0.1 * rng.standard_normal((n, channels, SIDE, SIDE)).astype(np.float32)
    labels = (np.arange(n) % 3).astype(np.int64)
    half = SIDE // 2
    for x, label in zip(inputs, labels, strict=True):
        if label == 0:
            x[1, :half] -= 1.0
        elif label == 1:
            x[1, half:] += 1.0
        else:
            x[0, :, :half] -= 1.0
    return inputs, labels
