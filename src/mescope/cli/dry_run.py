"""``mescope train --dry-run``: what a training would take, before it is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mescope.cli.console import explain, show_json, show_text
from mescope.errors import RecipeError

if TYPE_CHECKING:
    from torch import Tensor

    from mescope.samples.examples import Examples
    from mescope.training.step_cost import StepCost
    from mescope.training.tables import LoopOptim, Recipe
    from mescope.training.tasks import LoopTask

_FEW = 4  # samples that stand for all


def dry_run(recipe: Recipe, examples: Examples | None, device: str, *, as_json: bool) -> None:
    """Measure steps on a few samples and print what the whole training takes.

    Args:
        recipe: of a network.
        examples: what a recogniser would learn from; spotters are shown noise of their shape.
        device: on which the steps are measured.
        as_json: print JSON.

    Raises:
        RecipeError: the recipe trains no network.
    """
    from mescope.models.recompute import recompute
    from mescope.training.step_cost import step_cost
    from mescope.training.tables import LoopOptim

    if not isinstance(recipe.optim, LoopOptim):
        raise RecipeError(
            f"expected a network, found {recipe.model.name!r}, which is fitted at once"
        )
    optim = recipe.optim
    task, inputs = _task(recipe, examples, device)
    if optim.recompute:
        recompute(task.module)
    cost = step_cost(
        task.module, inputs, batch=-(-optim.batch_size // optim.accumulate),
        precision=optim.precision, device=device,
    )  # fmt: skip
    found = _figures(optim, cost, _steps(optim, examples))
    if as_json:
        show_json({"recipe": recipe.name, "device": device, **found})
        return
    show_text(_words(recipe.name, found))
    explain(
        f"measured on a few samples on {device}, nothing was trained; what an operation takes "
        "for itself is not counted, and a card is quicker than a CPU"
    )


def _task(recipe: Recipe, examples: Examples | None, device: str) -> tuple[LoopTask, Tensor]:
    """Return the task, and inputs as its module is given them."""
    import torch

    from mescope.training.tasks import Classification, task_of
    from mescope.training.tasks.classification import TrainingSet
    from mescope.training.tasks.me_tst import spotting_task

    family = task_of(recipe)
    if not family.names_clips:
        spotter = spotting_task(recipe)
        return spotter(recipe, torch.device(device)), spotter.made_up(recipe, _FEW)
    if not issubclass(family, Classification):
        raise RecipeError(f"expected a network that learns in steps, found {recipe.model.name}")
    if examples is None:
        raise RecipeError(
            f"recipe {recipe.name} is trained on clips of people: give --dataset and --root"
        )
    few = [i % len(examples) for i in range(_FEW)]
    inputs, labels = examples.take(few)
    origins = [examples.origins[i] for i in few] if examples.origins else []
    given = TrainingSet(inputs, labels, examples.classes, origins=origins)
    task = family(recipe, given, recipe.seed, device)
    shown = next(iter(task.batches(0)))[0]
    return task, shown.repeat(_FEW, *[1] * (shown.dim() - 1))[:_FEW]


def _steps(optim: LoopOptim, examples: Examples | None) -> int | None:
    """Return the steps of the whole training; None where data must be measured first."""
    each = getattr(optim, "steps", None)
    if each is None and examples is not None:
        each = -(-len(examples) // optim.batch_size)
    return None if each is None else each * optim.epochs


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
            ", the number of steps is known once the recordings are measured"
            if found["steps"] is None
            else f", {found['steps']:,} steps, {found['hours']:.1f} hours"
        ),
    ]
    return "\n".join(lines) + "\n"
