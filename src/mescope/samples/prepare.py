"""From what a user has (a data set, published flow maps) to the examples a recipe asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np

from mescope.datasets.base import Dataset
from mescope.datasets.flow28 import FlowMaps
from mescope.errors import RecipeError
from mescope.face.nasal_crop import Smoothing
from mescope.facs import Table
from mescope.samples.clip_samples import (
    Prepared,
    Progress,
    clip_examples,
    flow_examples,
    grey_map_examples,
    onset_flow_examples,
)
from mescope.samples.examples import Examples
from mescope.samples.face_clips import FaceClips, face_examples
from mescope.samples.rsmix.plan import Settings
from mescope.synthesis.flow_maps import CLASSES, draw_flow_maps
from mescope.training.recipe import FACES, ONSET_FLOW, SIMULATED, ClipRecipe

Data = Examples | FlowMaps | Dataset

_MAKERS: dict[str, Callable[..., Prepared]] = {
    "flow28": grey_map_examples,
    "flow": flow_examples,
    ONSET_FLOW: onset_flow_examples,
    "clips": clip_examples,
}


def prepare(
    recipe: ClipRecipe,
    data: Data,
    *,
    cache: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Return the examples that ``recipe.data`` names, and what was odd on the way.

    Args:
        recipe: says which kind, label set and size.
        data: a data set's records, published flow maps, or examples, which pass unchanged.
        cache: folder for what is computed from pictures.
        jobs: threads for it; one per core by default.
        progress: called with clips done and clips in all.

    Raises:
        RecipeError: the recipe asks for something else than ``data`` holds.
        DatasetError: no clip can be used.
    """
    if isinstance(data, Examples):
        _check(recipe, data.kind)
        return Prepared(data, ())
    if isinstance(data, FlowMaps):
        _check(recipe, "flow28")
        return Prepared(map_examples(data), data.problems)
    if recipe.data == SIMULATED:
        raise RecipeError(
            f"recipe {recipe.name} draws simulated maps and is run by `mescope train`; to "
            "score on people, write data = 'flow28' and its weights into another"
        )
    if recipe.data == FACES:
        found = face_examples(
            data, asked_faces(recipe), labels=recipe.labels, cache=cache, jobs=jobs,
            progress=progress,
        )  # fmt: skip
        return Prepared(found.examples, (*data.problems, *found.problems))
    make = _MAKERS[recipe.data]
    made = make(
        data, labels=recipe.labels, size=recipe.size, cache=cache, jobs=jobs, progress=progress
    )
    return Prepared(made.examples, (*data.problems, *made.problems))


def asked_faces(recipe: ClipRecipe) -> FaceClips:
    """Return what a recipe wants to be cut out of recordings."""
    settings = Settings(
        table=cast(Table, recipe.au_table), smoothing=cast(Smoothing, recipe.smoothing)
    )
    return FaceClips(
        frames=recipe.frames, size=recipe.size, channels=recipe.channels, draws=recipe.draws,
        macro=recipe.macro, mixes=recipe.rsmix, controls=recipe.control,
        macro_others=recipe.macro_others, settings=settings,
    )  # fmt: skip


def map_examples(maps: FlowMaps) -> Examples:
    """Return published maps as examples: channels u, v, strain; grey values 0 to 255."""
    classes = ("negative", "positive", "surprise")
    return Examples(
        kind="flow28",
        inputs=np.ascontiguousarray(maps.flow.transpose(0, 3, 1, 2), dtype=np.float32),
        labels=np.array([classes.index(name) for name in maps.labels], dtype=np.int64),
        classes=classes,
        persons=maps.persons,
        names=maps.clips,
    )


def simulated_examples(recipe: ClipRecipe, seed: int | tuple[int, ...]) -> Examples:
    """Draw the simulated maps of a recipe; every one counts as a person of its own."""
    drawn = draw_flow_maps(recipe.maps, seed)
    return Examples(
        kind=SIMULATED,
        inputs=drawn.maps.astype(np.float32),
        labels=drawn.labels,
        classes=CLASSES,
        persons=tuple(("simulated", str(i)) for i in range(recipe.maps)),
        names=("map",) * recipe.maps,
    )


def _check(recipe: ClipRecipe, found: str) -> None:
    if recipe.data != found:
        raise RecipeError(
            f"recipe {recipe.name}: expected data for {recipe.data!r}, found {found!r}; give "
            f"another data set, or write data = {found!r} into the recipe"
        )
