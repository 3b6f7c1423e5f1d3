"""Recipes of version 0.1.0 were flat; this says how they look now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mescope.errors import RecipeError

MOVED = {
    "model": "model.name",
    "options": "model.options",
    "weights": "model.weights",
    "data": "data.kind",
} | {
    name: f"{table}.{name}"
    for table, names in {
        "data": (
            "size", "frames", "draws", "channels", "difference", "scale", "standardise",
            "unit_flow", "macro", "macro_others", "macro_weight", "rsmix", "control", "maps",
            "recordings", "seconds", "micro_per_minute", "macro_per_minute", "negative_ratio",
            "look", "hours", "staged", "held_out",
        ),
        "optim": (
            "epochs", "steps", "batch_size", "learning_rate", "weight_decay", "schedule",
            "clip_norm", "hold_out", "patience", "shuffle", "balanced", "precision",
        ),
        "augment": ("flip", "shift", "mixup"),
        "task": (
            "dgcm_mix", "adaptive_epochs", "mesa", "search_population", "search_generations",
            "spotting_weight", "neutral_weight",
        ),
    }.items()
    for name in names
}  # fmt: skip
"""Where a key of a flat recipe stands now: table, then key."""

GONE = ("au_table", "smoothing")
"""Keys of flat recipes that no recipe used."""


def tables_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a flat recipe in their tables, without those that went.

    >>> tables_of({"name": "a", "model": "htnet", "data": "flow28", "epochs": 3})["optim"]
    {'epochs': 3}
    """
    found: dict[str, Any] = {}
    for key, value in values.items():
        table, _, name = MOVED.get(key, key).rpartition(".")
        if key in GONE:
            continue
        if table:
            found.setdefault(table, {})[name] = value
        else:
            found[key] = value
    return found


def with_tables(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's values in tables: those of old cards and reports are flat."""
    return dict(values) if isinstance(values.get("model"), dict) else tables_of(values)


def refuse_flat(values: Mapping[str, Any], source: str) -> None:
    """Refuse a recipe as version 0.1.0 wrote them.

    Raises:
        RecipeError: with the places where its keys stand now.
    """
    if not isinstance(values.get("model"), str) and not isinstance(values.get("data"), str):
        return
    flat = [key for key in values if key in MOVED and not isinstance(values[key], dict)]
    found = tables_of({key: values[key] for key in flat})
    new = ", ".join(f"[{table}] {' '.join(keys)}" for table, keys in found.items())
    raise RecipeError(
        f"{source} is flat, as version 0.1.0 had recipes; its keys now stand in tables, a line "
        f"such as [model] before them: {new}"
        + (", [model.options] for options" if "options" in values else "")
    )
