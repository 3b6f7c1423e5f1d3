"""ME-TST and ME-TST+: spotting windows of simulated faces, or of rendered recordings.

Source: the ME-TST paper's training: Adam, OneCycle stepped every batch, MSE on the spotting
score and weighted cross-entropy on the class of every frame, inputs scaled by 0.9 to 1.1, last
epoch kept.  Difference: data from simulated faces is drawn anew for every epoch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from mescope.errors import RecipeError
from mescope.io.progress import Progress
from mescope.models.weights import Card
from mescope.motion.regions import REGIONS_18
from mescope.motion.windows import timing
from mescope.ranges import Whole
from mescope.samples.checks import LearningRate, Number, Ratio, positive, shares
from mescope.samples.rendered import Measured
from mescope.samples.rendered_windows import RenderedEpochs, held_out, measured_for
from mescope.samples.spotting_kinds import RenderedRecordings, SimulatedWindows
from mescope.samples.synthetic import Epoch, Windows, draw_epoch
from mescope.spotting.segments import channels as segment_channels
from mescope.training.fit import Batch
from mescope.training.losses import class_weights, me_tst_loss
from mescope.training.publish import publish
from mescope.training.rendered_calibration import publish_rendered
from mescope.training.tables import LoopOptim, OptimTable, Recipe, TaskTable, fitting
from mescope.training.tasks.base import TASKS, LoopTask, task_of

MODELS = (
    "me-tst", "me-tst-plus", "me-tst-plus-small", "boosting-vrme", "boosting-vrme-small",
)  # fmt: skip

Source = Callable[[int], Epoch]
"""Gives the data of an epoch by its number."""


@dataclass(frozen=True, kw_only=True)
class SpottingOptim(LoopOptim):
    """``[optim]`` of spotting models: Adam under a OneCycle schedule."""

    learning_rate: LearningRate = 3e-4  # maximum of the schedule


@dataclass(frozen=True, kw_only=True)
class SimulatedOptim(SpottingOptim):
    """``[optim]`` of spotting models on what is drawn or rendered, of which there is no end."""

    steps: Number = 50  # batches of an epoch

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "steps")


@dataclass(frozen=True, kw_only=True)
class RenderedOptim(SimulatedOptim):
    """``[optim]`` of spotting models on rendered recordings."""

    epochs: Number = 10
    steps: Number = 200
    batch_size: Number = 64
    learning_rate: LearningRate = 1.5e-3


@dataclass(frozen=True, kw_only=True)
class SpottingTable(TaskTable):
    """``[task]`` of spotting models."""

    spotting_weight: Whole = 0.9  # of the loss; recognition has the rest
    neutral_weight: Ratio = 6.0  # factor on the balanced weight of the neutral class

    def __post_init__(self) -> None:
        shares(self, "spotting_weight", whole=True)


@dataclass(frozen=True, kw_only=True)
class RenderedTable(SpottingTable):
    """``[task]`` of spotting models on rendered recordings."""

    neutral_weight: Ratio = 1.0


class SpottingTask(LoopTask):
    """Trains a spotting model on windows, a source giving those of every epoch.

    Args:
        recipe: of the model.
        device: a torch device.
    """

    models: ClassVar[tuple[str, ...]] = MODELS
    optim_table: ClassVar[type[OptimTable]] = SpottingOptim
    task_table: ClassVar[type[TaskTable]] = SpottingTable
    names_clips: ClassVar[bool] = False

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.seed = recipe, recipe.seed
        self.optim = fitting(recipe.optim, SpottingOptim, "[optim]")
        self.table = fitting(recipe.task, SpottingTable, "[task]")
        self.follow(self.optim)
        self.module = self.build(recipe, 0).to(device)
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=self.optim.learning_rate)
        self.steps, self.epochs = 0, self.optim.epochs
        self.data: Iterator[tuple[int, Epoch]] = iter(())
        self._weights = torch.empty(0)

    def learns_from(self, source: Source | None) -> None:
        """Be told what the run learns from, once, before it begins: it decides ``steps``."""
        self.steps = fitting(self.recipe.optim, SimulatedOptim, "[optim]").steps

    @classmethod
    def channels(cls, recipe: Recipe) -> int:
        """Return how many channels the recipe's data have."""
        return 2 * len(REGIONS_18)

    @classmethod
    def made_up(cls, recipe: Recipe, count: int) -> Tensor:
        """Return noise of the shape that the network is given: to measure what a step costs."""
        return torch.randn(count, cls.channels(recipe), timing(30.0).window)

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`."""
        super().check(recipe)
        stated, wanted = recipe.model.options.get("channels"), cls.channels(recipe)
        if stated not in (None, wanted):
            raise RecipeError(
                f"the data of {recipe.name} have {wanted} channels, [model.options] says "
                f"{stated}; leave channels out"
            )

    @classmethod
    def options(cls, recipe: Recipe, classes: int) -> dict[str, Any]:
        """See :class:`TrainingTask`: classes are the model's own, channels the data's."""
        return {"channels": cls.channels(recipe), **recipe.model.options}

    @classmethod
    def collects(cls, recipe: Recipe) -> str:
        """Return what has to be measured before training, in words, or nothing."""
        return ""

    @classmethod
    def collect(
        cls, recipe: Recipe, folder: Path, *, jobs: int = 1, progress: Progress | None = None
    ) -> list[Measured]:
        """Return the recordings that a recipe asks for; kept in the folder of the run."""
        return []

    @classmethod
    def source(
        cls, recipe: Recipe, measured: Sequence[Measured], *, jobs: int = 1
    ) -> Source | None:
        """Return what gives the data of every epoch; None if it is drawn ahead."""
        return None

    @classmethod
    def publish(
        cls, model: nn.Module, recipe: Recipe, measured: Sequence[Measured], path: Path
    ) -> Card:
        """Choose the threshold, score the model and write the weights.

        Raises:
            RecipeError: the task does not say how.
        """
        raise RecipeError(f"the task {cls.__name__} writes no weights")

    @classmethod
    @contextmanager
    def opened(
        cls, recipe: Recipe, first: int, source: Source | None
    ) -> Iterator[Iterator[tuple[int, Epoch]]]:
        """Give an iterator over the data of the epochs from ``first`` on.

        Raises:
            RecipeError: there is no source.
        """
        epochs = fitting(recipe.optim, SpottingOptim, "[optim]").epochs
        if source is None:
            raise RecipeError(
                f"recipe {recipe.name} learns from rendered recordings, which are measured "
                "first; run it with `mescope train`, or hand their source over"
            )
        yield ((epoch, source(epoch)) for epoch in range(first, epochs))

    def batches(self, epoch: int) -> Iterable[Batch]:
        """See :class:`LoopTask`."""
        data = self._weighed(epoch)
        size = self.optim.batch_size
        return itertools.islice(_batches(size, self.seed, epoch, data), self.steps)

    def _weighed(self, epoch: int) -> Epoch:
        """Return the data of an epoch; its classes decide their weights."""
        number, data = next(self.data)
        if number != epoch:
            raise ValueError(f"expected the data of epoch {epoch}, found that of {number}")
        weights = class_weights(data.class_counts(), self.table.neutral_weight)
        self._weights = torch.as_tensor(weights, dtype=torch.float32)
        return data

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """See :func:`mescope.training.losses.me_tst_loss`."""
        _, spotting, classes = batch
        weights = self._weights.to(spotting.device)
        share = self.table.spotting_weight
        return me_tst_loss(output, spotting, classes, weights, spotting_weight=share)

    def schedule(self, done: int) -> LRScheduler | None:
        """See :class:`LoopTask`."""
        total = self.epochs * self.steps
        return one_cycle(self.optimizer, self.optim.learning_rate, total, done)


@TASKS.register("spotting-simulated")
class SimulatedSpotting(SpottingTask):
    """Trains on windows of simulated faces, which are drawn one epoch ahead."""

    kinds: ClassVar[tuple[str, ...]] = (SimulatedWindows.kind,)
    optim_table: ClassVar[type[OptimTable]] = SimulatedOptim

    @classmethod
    @contextmanager
    def opened(
        cls, recipe: Recipe, first: int, source: Source | None
    ) -> Iterator[Iterator[tuple[int, Epoch]]]:
        """See :class:`SpottingTask`; without a source, another process draws."""
        if source is not None:
            with super().opened(recipe, first, source) as given:
                yield given
            return
        epochs = fitting(recipe.optim, SpottingOptim, "[optim]").epochs
        wanted = fitting(recipe.data, SimulatedWindows, "[data]")
        pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))

        def ahead() -> Iterator[tuple[int, Epoch]]:
            coming: Future[Epoch] | None = None
            for epoch in range(first, epochs):
                now = coming or pool.submit(draw_epoch, wanted, recipe.seed, epoch)
                data = now.result()
                coming = pool.submit(draw_epoch, wanted, recipe.seed, epoch + 1)
                yield epoch, data

        try:
            yield ahead()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    @classmethod
    def publish(
        cls, model: nn.Module, recipe: Recipe, measured: Sequence[Measured], path: Path
    ) -> Card:
        """See :class:`SpottingTask`; scored on simulated recordings no epoch has seen."""
        return publish(model, recipe, path)


@TASKS.register("spotting-rendered")
class RenderedSpotting(SpottingTask):
    """Trains on rendered, really measured recordings, some of them held out to calibrate."""

    kinds: ClassVar[tuple[str, ...]] = (RenderedRecordings.kind,)
    optim_table: ClassVar[type[OptimTable]] = RenderedOptim
    task_table: ClassVar[type[TaskTable]] = RenderedTable

    @classmethod
    def channels(cls, recipe: Recipe) -> int:
        """See :class:`SpottingTask`; candidates come with what surrounds them."""
        look = fitting(recipe.data, RenderedRecordings, "[data]").look
        return (
            segment_channels(len(REGIONS_18))
            if look == "candidates"
            else super().channels(recipe)
        )

    @classmethod
    def collects(cls, recipe: Recipe) -> str:
        """See :class:`SpottingTask`."""
        wanted = fitting(recipe.data, RenderedRecordings, "[data]")
        return f"{wanted.hours:g} hours of rendered recordings"

    @classmethod
    def collect(
        cls, recipe: Recipe, folder: Path, *, jobs: int = 1, progress: Progress | None = None
    ) -> list[Measured]:
        """See :class:`SpottingTask`."""
        wanted = fitting(recipe.data, RenderedRecordings, "[data]")
        return measured_for(wanted, recipe.seed, folder, jobs=jobs, progress=progress)

    @classmethod
    def source(cls, recipe: Recipe, measured: Sequence[Measured], *, jobs: int = 1) -> Source:
        """See :class:`SpottingTask`; the recordings held out are left out."""
        wanted = fitting(recipe.data, RenderedRecordings, "[data]")
        optim = fitting(recipe.optim, SimulatedOptim, "[optim]")
        learned = measured[: -len(held_out(wanted, measured))]
        most = optim.steps * optim.batch_size
        return RenderedEpochs(wanted, recipe.seed, learned, most=most, jobs=jobs)

    @classmethod
    def publish(
        cls, model: nn.Module, recipe: Recipe, measured: Sequence[Measured], path: Path
    ) -> Card:
        """See :class:`SpottingTask`; calibrated on the recordings held out."""
        wanted = fitting(recipe.data, RenderedRecordings, "[data]")
        return publish_rendered(model, recipe, held_out(wanted, measured), path)


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


def _batches(size: int, seed: int, epoch: int, data: Epoch) -> Iterator[Batch]:
    """Yield shuffled batches without end, each of one window length, scaled 0.9 to 1.1."""
    rng = np.random.default_rng((seed, epoch, 1))
    streams = [_stream(w, size, rng) for w in data.by_length.values()]
    sizes = np.array([len(w.flow) for w in data.by_length.values()], dtype=np.float64)
    if not sizes.any():
        raise RecipeError(
            f"expected windows with expressions in epoch {epoch}, found none; raise "
            "'recordings' or 'seconds' in the recipe"
        )
    while True:
        windows = next(streams[int(rng.choice(len(streams), p=sizes / sizes.sum()))])
        yield scaled_batch(windows, rng)


def scaled_batch(windows: Windows, rng: np.random.Generator) -> Batch:
    """Return windows as tensors, each scaled by a whole percentage from 90 to 110."""
    scale = rng.integers(90, 111, (len(windows.flow), 1, 1)) / 100
    return (
        torch.from_numpy(windows.flow * scale.astype(np.float32)),
        torch.from_numpy(windows.spotting),
        torch.from_numpy(windows.classes),
    )


def _stream(windows: Windows, size: int, rng: np.random.Generator) -> Iterator[Windows]:
    """Yield batches for ever, shuffled anew at every pass."""
    while True:
        order = rng.permutation(len(windows.flow))
        for start in range(0, max(1, len(order) - size + 1), size):
            take = order[start : start + size]
            yield Windows(windows.flow[take], windows.spotting[take], windows.classes[take])


def spotting_task(recipe: Recipe) -> type[SpottingTask]:
    """Return the task of a recipe that trains a spotting model.

    Raises:
        RecipeError: the recipe trains something else.
    """
    found = task_of(recipe)
    if not issubclass(found, SpottingTask):
        raise RecipeError(
            f"expected a recipe that trains a spotting model, found {recipe.model.name!r} on "
            f"the kind {recipe.data.kind!r}; recipes on clips are run by `mescope evaluate`"
        )
    return found
