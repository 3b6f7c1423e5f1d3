"""``mescope train --dry-run``: what a training would take, before it is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mescope.cli.console import explain, show_json, show_text
from mescope.errors import RecipeError

if TYPE_CHECKING:
    from torch import Tensor

    from mescope.cli.recordings import Source
    from mescope.samples.base import Expected
    from mescope.training.step_cost import StepCost
    from mescope.training.tables import LoopOptim, Recipe
    from mescope.training.tasks import Classification, LoopTask

_FEW = 4  # samples that stand for all
_SPREAD = 10.0  # of noise, in whatever unit: no time and no memory depends on it


def dry_run(recipe: Recipe, source: Source, device: str, *, as_json: bool) -> None:
    """Measure steps on noise and print what the whole training takes.

    No picture is opened and nothing is written.  The number of steps is that of all samples
    that the annotations of a data set promise; without one it is not known.

    Args:
        recipe: of a network.
        source: what would be learned from; may be none.
        device: on which the steps are measured.
        as_json: print JSON.

    Raises:
        RecipeError: the recipe trains no network, or the data are no data for it.
        DatasetError: the data set is not there or holds nothing for the recipe.
    """
    from mescope.models.recompute import recompute
    from mescope.training.step_cost import step_cost
    from mescope.training.tables import LoopOptim

    if not isinstance(recipe.optim, LoopOptim):
        raise RecipeError(
            f"expected a network, found {recipe.model.name!r}, which is fitted at once"
        )
    optim = recipe.optim
    task, inputs, each = _task(recipe, source, device)
    if optim.recompute:
        recompute(task.module)
    cost = step_cost(
        task.module, inputs, batch=-(-optim.batch_size // optim.accumulate),
        precision=optim.precision, device=device,
    )  # fmt: skip
    found = _figures(optim, cost, None if each is None else each * optim.epochs)
    if as_json:
        show_json({"recipe": recipe.name, "device": device, **found})
        return
    show_text(_words(recipe.name, found))
    explain(
        f"measured on noise on {device}, nothing was trained and no picture was opened; what "
        "an operation takes for itself is not counted, and a card is quicker than a CPU"
    )


def _task(recipe: Recipe, source: Source, device: str) -> tuple[LoopTask, Tensor, int | None]:
    """Return the task, noise as its module is given it, and the steps of an epoch if known."""
    import torch

    from mescope.cli.recordings import check_needs_none
    from mescope.training.tables import LoopOptim, fitting
    from mescope.training.tasks import Classification, task_of
    from mescope.training.tasks.me_tst import spotting_task

    family = task_of(recipe)
    if not family.names_clips:
        spotter = spotting_task(recipe)
        task = spotter(recipe, torch.device(device))
        if recipe.data.annotated:
            _tell_of_recordings(task, recipe, source)
        else:
            check_needs_none(recipe, source)
            task.learns_from(None)
        return task, spotter.made_up(recipe, _FEW), task.steps or None
    if not issubclass(family, Classification):
        raise RecipeError(f"expected a network that learns in steps, found {recipe.model.name}")
    given = _expected(recipe, source)
    each = None
    if given is not None:
        size = fitting(recipe.optim, LoopOptim, "[optim]").batch_size
        each = -(-family.an_epoch(recipe, given) // size)
    return (*_clips(family, recipe, given, device), each)


def _clips(
    family: type[Classification], recipe: Recipe, given: Expected | None, device: str
) -> tuple[LoopTask, Tensor]:
    import numpy as np

    from mescope.labels import classes_named
    from mescope.training.tasks.classification import TrainingSet

    rng = np.random.default_rng(recipe.seed)
    classes = given.classes if given else classes_named(recipe.labels)
    noise = rng.uniform(0, _SPREAD, (_FEW, *recipe.data.shape))
    labels = np.arange(_FEW) % len(classes)
    few = TrainingSet(noise.astype(np.float32), labels, classes)
    task = family(recipe, few, recipe.seed, device)
    shown = next(iter(task.batches(0)))[0]
    return task, shown.repeat(_FEW, *[1] * (shown.dim() - 1))[:_FEW]


def _expected(recipe: Recipe, source: Source) -> Expected | None:
    """Return what is known of the clips that would be learned from; None without data."""
    from mescope.datasets import open_dataset

    named = _named(source)
    if recipe.data.simulated:
        return recipe.data.expected(None, recipe.labels)
    if not named:
        return None
    data = open_dataset(str(source.dataset), source.root or "", choices=source.choices)
    if not isinstance(data, recipe.data.reads):
        raise RecipeError(
            f"{source.dataset} holds flow maps, and recipe {recipe.name} asks for "
            f"{recipe.data.kind!r}; give another data set"
        )
    return recipe.data.expected(data, recipe.labels)


def _tell_of_recordings(task: Any, recipe: Recipe, source: Source) -> None:
    """Tell a task of the recordings that it would learn from, if there are any."""
    from mescope.cli.recordings import measured, opened
    from mescope.samples.expected_recordings import expected_windows
    from mescope.samples.spotting_kinds import AnnotatedRecordings
    from mescope.training.looks import look_of
    from mescope.training.tables import fitting

    if source.features is None and not _named(source):
        return
    if source.features is not None:
        some = measured(recipe, source, 1).measured
    else:
        wanted = fitting(recipe.data, AnnotatedRecordings, "[data]")
        some = expected_windows(opened(recipe, source), wanted)
    task.learns_from(look_of(recipe).source(recipe, some))


def _named(source: Source) -> bool:
    """Say whether a data set is given.

    Raises:
        RecipeError: its name or its root is lacking.
    """
    if (source.dataset is None) != (source.root is None):
        raise RecipeError("expected --dataset and --root together, found one of them")
    return source.dataset is not None


def _figures(optim: LoopOptim, cost: StepCost, steps: int | None) -> dict[str, Any]:
    part = -(-optim.batch_size // optim.accumulate)
    step = cost.seconds * optim.batch_size
    return {
        "parameters": cost.parameters,
        "batch_size": optim.batch_size,
        "accumulate": optim.accumulate,
        "recompute": optim.recompute,
        "precision": optim.precision,
        "fixed_bytes": cost.fixed,
        "bytes_per_sample": cost.sample,
        "bytes": cost.memory(part),
        "steps": steps,
        "seconds_per_step": step,
        "hours": None if steps is None else steps * step / 3600,
    }


def _words(name: str, found: dict[str, Any]) -> str:
    from mescope.training.step_cost import GIB

    parts = "" if found["accumulate"] == 1 else f" in {found['accumulate']} parts"
    batch = f"{found['batch_size']}{parts}"
    lines = [
        f"{name}: {found['parameters']:,} parameters, {found['precision']}",
        f"memory: {found['bytes'] / GIB:.1f} GiB for a batch of {batch}: "
        f"{found['fixed_bytes'] / GIB:.2f} for parameters, gradients and Adam, "
        f"{found['bytes_per_sample'] / 2**20:.0f} MiB for each sample at once",
        f"time here: {found['seconds_per_step']:.1f} s a step"
        + (
            "; how many steps they are is known with a data set (--dataset, --root)"
            if found["steps"] is None
            else f", {found['steps']:,} steps, {found['hours']:.1f} hours"
        ),
    ]
    return "\n".join(lines) + "\n"
