"""From what a user has (a data set, published flow maps) to the examples a recipe asks for."""

from __future__ import annotations

from pathlib import Path

from mescope.datasets.base import Dataset
from mescope.datasets.flow28 import FlowMaps
from mescope.errors import RecipeError
from mescope.io.progress import Progress
from mescope.samples.base import Prepared, SampleKind
from mescope.samples.examples import Examples

Data = Examples | FlowMaps | Dataset


def prepare(
    wanted: SampleKind,
    data: Data,
    *,
    labels: str,
    cache: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Return the samples that a recipe's ``[data]`` asks for, and what was odd on the way.

    Args:
        wanted: the table of a recipe.
        data: a data set's records, published flow maps, or examples, which pass unchanged.
        labels: a label set of :mod:`mescope.labels`.
        cache: folder for what is computed from pictures.
        jobs: threads for it; one per core by default.
        progress: called with clips done and clips in all.

    Raises:
        RecipeError: the recipe asks for something else than ``data`` holds.
        DatasetError: no clip can be used.
    """
    if isinstance(data, Examples):
        _check(wanted, data.kind)
        return Prepared(data, ())
    if not isinstance(data, wanted.reads):
        _check(wanted, "flow28")
    if wanted.simulated:
        raise RecipeError(
            f"samples of the kind {wanted.kind!r} are simulated, and a recipe on them is run "
            "by `mescope train`; to score on people, write kind = 'flow28' and its weights "
            "into another"
        )
    made = wanted.examples(data, labels=labels, cache=cache, jobs=jobs, progress=progress)
    return Prepared(made.examples, (*data.problems, *made.problems))


def _check(wanted: SampleKind, found: str) -> None:
    if wanted.kind != found:
        raise RecipeError(
            f"expected data for {wanted.kind!r}, found {found!r}; give another data set, or "
            f"write kind = {found!r} into the recipe"
        )
