"""Training of the spotting models, on windows of simulated, rendered or real recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from mescope.errors import OutputError
from mescope.io.devices import checked_devices
from mescope.training.checkpoint import Checkpointer, RunState
from mescope.training.fit import one_device
from mescope.training.logs import Log
from mescope.training.loop import train_task
from mescope.training.recipe import read_window_recipe
from mescope.training.several_devices import train_together
from mescope.training.tables import Recipe
from mescope.training.tasks.me_tst import Source, spotting_task

Report = Callable[[int, int, float], None]
"""Called after every batch with (batches done, batches in all, loss)."""


def train(
    recipe: Recipe | str | Path,
    out: str | Path,
    *,
    source: Source | None = None,
    resume: bool = True,
    device: str = "cpu",
    log: Log = "none",
    log_folder: Path | None = None,
    data: str = "",
    report: Report | None = None,
) -> tuple[torch.nn.Module, RunState]:
    """Train by a recipe, with a checkpoint after every epoch.

    Args:
        recipe: a recipe or its file.
        out: folder for ``checkpoint.safetensors`` and ``history.json``; made if absent.
        source: the data of every epoch; a recipe of simulated windows draws its own.
        resume: go on from a checkpoint in ``out``; without it one is an error, never lost.
        device: a torch device, or several with commas between them
            (:mod:`mescope.training.several_devices`).
        log: also write the loss of every epoch as ``csv``, for ``tensorboard`` or ``wandb``.
        log_folder: for it; ``logs`` in ``out`` by default.
        data: hash of what ``source`` is made from; a checkpoint of other data is refused.
        report: called after every batch.

    Returns:
        The trained model in eval mode, and the progress with its history.

    Raises:
        RecipeError: the recipe is wrong, the loss is not a number, or ``out`` holds another
            run.
        OutputError: ``out`` cannot be used.
        MescopeError: a device is not there.
    """
    if isinstance(recipe, str | Path):
        recipe = read_window_recipe(recipe)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error}") from error
    family = spotting_task(recipe)
    checkpointer = Checkpointer(folder, recipe, data=data)
    if checkpointer.path.exists() and not resume:
        raise OutputError(f"{checkpointer.path} exists; resume it, or choose another folder")
    devices = checked_devices(device)
    if len(devices) > 1:
        given = {"recipe": recipe, "out": folder, "source": source}
        more = {"log": log, "log_folder": log_folder, "data": data}
        train_together(devices, train, given | more, report)
    task = family(recipe, one_device(devices[0]).device)
    task.learns_from(source)
    total = task.epochs * task.steps
    first = checkpointer.restore(task.kept, task.optimizer)
    if first == task.epochs:
        task.finish()
        return task.module.eval(), checkpointer.progress
    with family.opened(recipe, first, source) as task.data:
        train_task(
            task, device=devices[0], checkpointer=checkpointer, log=log, log_folder=log_folder,
            report=report and (lambda done, loss: report(done, total, loss)),
        )  # fmt: skip
    return task.module.eval(), checkpointer.progress
