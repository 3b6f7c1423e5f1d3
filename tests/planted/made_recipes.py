"""Recipes from keywords: each field stands in the table that has it."""

from __future__ import annotations

import tomllib

from mescope.training.flat_recipe import tables_of
from mescope.training.recipe import recipe_of, recipe_text


def flat_recipe(**fields):
    """A recipe; ``epochs=3`` is ``[optim] epochs``, ``data="flow"`` is ``[data] kind``."""
    return recipe_of(tables_of(fields))


def changed(recipe, **fields):
    """The recipe with other fields; None takes one away."""
    values = tomllib.loads(recipe_text(recipe))
    for name, value in tables_of(fields).items():
        if isinstance(value, dict):
            table = values.get(name, {}) | value
            values[name] = {k: v for k, v in table.items() if v is not None}
        else:
            values[name] = value
    return recipe_of(values)
