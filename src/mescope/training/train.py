"""Training of the spotting models, on windows from simulated faces.

Source: section 4 of the ME-TST specification: Adam, OneCycle stepped every batch, MSE on the
spotting score and weighted cross-entropy on the class of every frame, inputs scaled by 0.9 to
1.1, last epoch kept.  Difference: data from simulated faces is drawn anew for every epoch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from mescope.errors import OutputError, RecipeError
from mescope.models import create_model
from mescope.models.me_tst import MeTstOutput
from mescope.samples.synthetic import Epoch, Windows, draw_epoch
from mescope.training.checkpoint import Keeper, Progress
from mescope.training.fit import Batch, fit, one_device
from mescope.training.logs import Log, logger
from mescope.training.losses import class_weights, me_tst_loss
from mescope.training.recipe import Recipe, SpottingRecipe, read_window_recipe

Report = Callable[[int, int, float], None]
"""Called after every batch with (batches done, batches in all, loss)."""


Source = Callable[[int], Epoch]
"""Gives the data of an epoch by its number."""


def train(
    recipe: SpottingRecipe | str | Path,
    out: str | Path,
    *,
    source: Source | None = None,
    resume: bool = True,
    device: str = "cpu",
    log: Log = "none",
    report: Report | None = None,
) -> tuple[torch.nn.Module, Progress]:
    """Train by a recipe, with a checkpoint after every epoch.

    Args:
        recipe: a recipe or its file.
        out: folder for ``checkpoint.safetensors`` and ``history.json``; made if absent.
        source: the data of every epoch; a recipe of simulated windows draws its own.
        resume: go on from a checkpoint in ``out``; without it one is an error, never lost.
        device: a torch device.
        log: also write the loss of every epoch as ``csv`` or for ``tensorboard``, in ``out``.
        report: called after every batch.

    Returns:
        The trained model in eval mode, and the progress with its history.

    Raises:
        RecipeError: the recipe is wrong, or the loss is no number.
        OutputError: ``out`` cannot be used.
    """
    if isinstance(recipe, str | Path):
        recipe = read_window_recipe(recipe)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error}") from error
    fabric = one_device(device, loggers=logger(log, folder))
    torch.manual_seed(recipe.seed)
    model = create_model(recipe.model, **recipe.options).to(fabric.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    keeper = Keeper(folder, recipe)
    if keeper.path.exists() and not resume:
        raise OutputError(f"{keeper.path} exists; resume it, or choose another folder")
    first = keeper.restore(model, optimizer)
    start, total = first * recipe.steps, recipe.epochs * recipe.steps
    if start == total:
        return model.eval(), keeper.progress
    with _epochs(recipe, first, source) as epochs:
        data = _WindowEpochs(recipe, epochs)
        fit(
            model,
            optimizer,
            data.batches,
            data.loss,
            epochs=recipe.epochs,
            first=first,
            seed=recipe.seed,
            fabric=fabric,
            schedule=one_cycle(optimizer, recipe.learning_rate, total, done=start),
            after_epoch=lambda _, entry: keeper.keep(model, optimizer, entry),
            report=report and (lambda done, loss: report(start + done, total, loss)),
        )
    return model.eval(), keeper.progress


class _WindowEpochs:
    """Batches of every epoch, drawn anew, and the loss with the epoch's class weights."""

    def __init__(self, recipe: SpottingRecipe, epochs: Iterator[tuple[int, Epoch]]) -> None:
        self._recipe, self._epochs = recipe, epochs
        self._weights = torch.empty(0)

    def batches(self, epoch: int) -> Iterator[Batch]:
        number, data = next(self._epochs)
        if number != epoch:
            raise ValueError(f"expected the data of epoch {epoch}, found that of {number}")
        weights = class_weights(data.class_counts(), self._recipe.neutral_weight)
        self._weights = torch.as_tensor(weights, dtype=torch.float32)
        return itertools.islice(_batches(self._recipe, epoch, data), self._recipe.steps)

    def loss(self, output: MeTstOutput, batch: Batch) -> Tensor:
        _, spotting, classes = batch
        weights = self._weights.to(spotting.device)
        share = self._recipe.spotting_weight
        return me_tst_loss(output, spotting, classes, weights, spotting_weight=share)


def one_cycle(
    optimizer: torch.optim.Optimizer, peak: float, total: int, done: int = 0
) -> OneCycleLR:
    """Return PyTorch's OneCycle schedule with its defaults, ``done`` of ``total`` steps in.

    The rate starts at peak/25, reaches the peak after 30 % of the steps and ends at peak/25e4.
    """
    if done:
        for group in optimizer.param_groups:  # what the scheduler insists on to resume
            group.update(
                initial_lr=peak / 25, max_lr=peak, min_lr=peak / 25e4,
                base_momentum=0.85, max_momentum=0.95,
            )  # fmt: skip
    return OneCycleLR(optimizer, max_lr=peak, total_steps=total, last_epoch=done - 1)


def _batches(recipe: SpottingRecipe, epoch: int, data: Epoch) -> Iterator[Batch]:
    """Yield ``recipe.steps`` shuffled batches, each of one window length, scaled 0.9 to 1.1."""
    rng = np.random.default_rng((recipe.seed, epoch, 1))
    streams = [_stream(w, recipe.batch_size, rng) for w in data.by_length.values()]
    sizes = np.array([len(w.flow) for w in data.by_length.values()], dtype=np.float64)
    if not sizes.any():
        raise RecipeError(
            f"expected windows with expressions in epoch {epoch}, found none; raise "
            "'recordings' or 'seconds' in the recipe"
        )
    for _ in range(recipe.steps):
        flow, spotting, classes = next(
            streams[int(rng.choice(len(streams), p=sizes / sizes.sum()))]
        )
        scale = rng.integers(90, 111, (len(flow), 1, 1)) / 100
        yield (
            torch.from_numpy(flow * scale.astype(np.float32)),
            torch.from_numpy(spotting),
            torch.from_numpy(classes),
        )


def _stream(windows: Windows, size: int, rng: np.random.Generator) -> Iterator[Windows]:
    """Yield batches for ever, shuffled anew at every pass."""
    while True:
        order = rng.permutation(len(windows.flow))
        for start in range(0, max(1, len(order) - size + 1), size):
            take = order[start : start + size]
            yield Windows(windows.flow[take], windows.spotting[take], windows.classes[take])


@contextmanager
def _epochs(
    recipe: SpottingRecipe, first: int, source: Source | None
) -> Iterator[Iterator[tuple[int, Epoch]]]:
    """Give an iterator over epochs; simulated ones are drawn one ahead in another process."""
    if source is not None:
        yield ((epoch, source(epoch)) for epoch in range(first, recipe.epochs))
        return
    if not isinstance(recipe, Recipe):
        raise RecipeError(
            f"recipe {recipe.name} learns from rendered recordings, which are measured first; "
            "run it with `mescope train`, or hand their source over"
        )
    pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))

    def ahead() -> Iterator[tuple[int, Epoch]]:
        coming: Future[Epoch] | None = None
        for epoch in range(first, recipe.epochs):
            data = (coming or pool.submit(draw_epoch, recipe, epoch)).result()
            coming = pool.submit(draw_epoch, recipe, epoch + 1)
            yield epoch, data

    try:
        yield ahead()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
