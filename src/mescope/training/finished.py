"""What the folder of a training holds: another run, a part of this one, or all of it."""

from __future__ import annotations

from pathlib import Path

from mescope.errors import OutputError, RecipeError, WeightsError
from mescope.io.json_text import json_value
from mescope.models.weights import Card, load
from mescope.training.checkpoint import CHECKPOINT, check_checkpoint
from mescope.training.flat_recipe import with_tables
from mescope.training.recipe import recipe_of
from mescope.training.tables import Recipe


def check_folder_of(recipe: Recipe, folder: Path) -> bool:
    """Refuse a folder whose run is another one, before anything is drawn or read.

    Returns:
        Whether it holds a checkpoint of this run.

    Raises:
        RecipeError: the checkpoint is another recipe's, or damaged.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return False
    check_checkpoint(path, recipe)
    return True


def finished_weights(path: Path, recipe: Recipe) -> Card | None:
    """Return the card of weights that this recipe has made already; None where there are none.

    Raises:
        OutputError: the file is something else, or damaged; it is kept.
    """
    if not path.exists():
        return None
    try:
        _, card = load(path)
        made_by = recipe_of(with_tables(json_value(card.recipe)), path.name)
    except (WeightsError, RecipeError, ValueError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{path} exists already and is kept: {error}; delete it, or choose another folder "
            "with -o"
        ) from error
    if made_by != recipe:
        raise OutputError(
            f"{path} exists already and is kept: another recipe made it; choose another folder "
            "with -o"
        )
    return card
