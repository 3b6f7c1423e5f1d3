"""SOFTNet and MEAN: scores of single frames, from flow maps of rendered recordings.

Source: the papers of both (:mod:`mescope.models.softnet`, :mod:`mescope.models.mean`): squared
error towards pseudo-labels of 0 and 1 (:mod:`mescope.samples.pair_labels`), pairs without an
expression thinned out, 10 epochs.
Differences:
* Adam for both; SOFTNet's paper has plain gradient descent at the same rate of 0.0005.
* MEAN's two heads learn together, the naming head from the pairs from onset to apex; published
  is one after the other, with the streams held still, from onset-apex pairs.
* SOFTNet's copies of positive maps (mirrored, blurred, with noise) are not made.
* An epoch has a fixed number of batches; pairs without an expression are drawn anew for each.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler

import mescope
from mescope.errors import RecipeError
from mescope.evaluation.matching import Counts, match_kind
from mescope.events import Detection, Kind
from mescope.io.progress import Progress
from mescope.models.inference import score_frames
from mescope.models.mean import Mean
from mescope.models.weights import Card, config_of, save
from mescope.samples.checks import LearningRate, Number
from mescope.samples.frame_epochs import EMOTIONS, FrameEpochs, LearnedPairs
from mescope.samples.frame_kinds import FramePairs
from mescope.samples.frame_recordings import FrameRecording, RenderedFrames, frame_recordings
from mescope.samples.synthetic import Windows
from mescope.spotting.frame_scores import FrameRule, frame_intervals
from mescope.training.fit import Batch
from mescope.training.publish import card_figures
from mescope.training.rendered_calibration import RENDERED, TRAINED_ON
from mescope.training.tables import OptimTable, Recipe, TaskTable, fitting
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.me_tst import (
    SimulatedOptim,
    Source,
    SpottingTable,
    SpottingTask,
)

if TYPE_CHECKING:
    from mescope.motion.frame_maps import Method

FLOORS = tuple(round(0.05 * i, 2) for i in range(2, 18))


@dataclass(frozen=True, kw_only=True)
class FrameOptim(SimulatedOptim):
    """``[optim]`` of networks that score frames: Adam, a constant rate."""

    epochs: Number = 10
    steps: Number = 400
    batch_size: Number = 32
    learning_rate: LearningRate = 5e-4


@TASKS.register("frames")
class FrameSpotting(SpottingTask):
    """Trains SOFTNet or MEAN on maps of rendered recordings, some held out for the floor."""

    models: ClassVar[tuple[str, ...]] = ("softnet", "mean")
    kinds: ClassVar[tuple[str, ...]] = (RenderedFrames.kind,)
    optim_table: ClassVar[type[OptimTable]] = FrameOptim
    task_table: ClassVar[type[TaskTable]] = SpottingTable

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`; maps must be made as the model's paper makes them."""
        super().check(recipe)
        style = fitting(recipe.data, FramePairs, "[data]").style
        if style != recipe.model.name:
            raise RecipeError(
                f"the model {recipe.model.name!r} needs [data] style = {recipe.model.name!r}, "
                f"found {style!r}"
            )

    @classmethod
    def channels(cls, recipe: Recipe) -> int:
        """See :class:`SpottingTask`: maps of u, v and strain."""
        return 3

    @classmethod
    def made_up(cls, recipe: Recipe, count: int) -> Tensor:
        """See :class:`SpottingTask`."""
        side = int(config_of(cls.build(recipe, 0), {})["size"])
        return torch.randn(count, cls.channels(recipe), side, side)

    @classmethod
    def options(cls, recipe: Recipe, classes: int) -> dict[str, Any]:
        """See :class:`TrainingTask`."""
        own = {"classes": len(EMOTIONS)} if recipe.model.name == "mean" else {}
        return {**own, **recipe.model.options}

    @classmethod
    def collects(cls, recipe: Recipe) -> str:
        """See :class:`SpottingTask`."""
        wanted = fitting(recipe.data, RenderedFrames, "[data]")
        return f"{wanted.hours:g} hours of rendered recordings"

    @classmethod
    def collect(
        cls, recipe: Recipe, folder: Path, *, jobs: int = 1, progress: Progress | None = None
    ) -> list[Any]:
        """See :class:`SpottingTask`."""
        wanted = fitting(recipe.data, RenderedFrames, "[data]")
        return list(frame_recordings(wanted, recipe.seed, folder, jobs=jobs, progress=progress))

    @classmethod
    def source(cls, recipe: Recipe, measured: Sequence[Any], *, jobs: int = 1) -> Source:
        """See :class:`SpottingTask`; the recordings held out are left out."""
        wanted = fitting(recipe.data, RenderedFrames, "[data]")
        parts = [_pairs(one) for one in measured[: -wanted.held]]
        found = FrameEpochs(wanted.negative_ratio, recipe.seed, parts)
        if not found.positive:
            raise RecipeError(
                "expected rendered recordings with expressions of the kind that is learned, "
                "found none; raise 'hours' in the recipe"
            )
        return found

    @classmethod
    def publish(
        cls, model: nn.Module, recipe: Recipe, measured: Sequence[Any], path: Path
    ) -> Card:
        """See :class:`SpottingTask`; the floor is chosen on the recordings held out."""
        wanted = fitting(recipe.data, RenderedFrames, "[data]")
        held = cast("Sequence[FrameRecording]", measured[-wanted.held :])
        rule, scores = chosen_rule(model, wanted, held)
        return save(path, model, _card(model, recipe, wanted, rule, scores))

    def batches(self, epoch: int) -> Iterable[Batch]:
        """See :class:`LoopTask`."""
        number, data = next(self.data)
        if number != epoch:
            raise ValueError(f"expected the data of epoch {epoch}, found that of {number}")
        (maps,) = data.by_length.values()
        rng = np.random.default_rng((self.seed, epoch, 1))
        return itertools.islice(_shuffled(maps, self.optim.batch_size, rng), self.steps)

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Return the squared error of the scores, and of MEAN the cross-entropy beside it."""
        _, wanted, classes = batch
        spotting = F.mse_loss(output.spotting, wanted)
        if not isinstance(self.module, Mean):
            return spotting
        known = classes >= 0
        naming = (
            F.cross_entropy(output.emotion[known], classes[known])
            if known.any()
            else 0.0 * output.emotion.sum()
        )
        share = self.table.spotting_weight
        return share * spotting + (1 - share) * naming + 1e-3 * self.module.penalty()

    def schedule(self, done: int) -> LRScheduler | None:
        """See :class:`LoopTask`; the rate is constant."""
        return None


def _pairs(one: FrameRecording) -> LearnedPairs:
    which = np.flatnonzero(one.valid)
    return LearnedPairs(
        one.maps.__getitem__, which, one.labels()[which], one.classes(EMOTIONS)[which]
    )


def _shuffled(data: Windows, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches for ever, shuffled anew at every pass."""
    while True:
        order = rng.permutation(len(data.flow))
        for start in range(0, max(1, len(order) - size + 1), size):
            take = order[start : start + size]
            some = (data.flow[take].astype(np.float32), data.spotting[take], data.classes[take])
            yield tuple(torch.from_numpy(part) for part in some)


Heard = tuple[FrameRecording, NDArray[np.float64], NDArray[np.float64] | None]
"""A recording, the scores of its frames, and the logits of a network that names."""


def chosen_rule(
    model: nn.Module, wanted: RenderedFrames, held: Sequence[FrameRecording]
) -> tuple[FrameRule, dict[str, float]]:
    """Return the rule whose floor is best (pooled F1) on recordings held out, and figures."""
    heard = [_heard(model, one) for one in held]
    kind: Kind = "micro" if wanted.expressions == "micro" else "macro"
    rule = FrameRule(half_s=wanted.half_s, kind=kind, flow=cast("Method", wanted.flow))
    tried = []
    for floor in FLOORS:
        rule = replace(rule, floor=floor)
        counts = [match_kind(_shown(h, rule), h[0].expressions, kind).counts for h in heard]
        tried.append((rule, sum(counts, Counts())))
    rule, pooled = max(tried, key=lambda pair: pair[1].f1)
    both = [(_shown(h, rule), h[0].expressions) for h in heard]
    minutes = sum(one.frames / one.rate for one in held) / 60
    return rule, card_figures(both, pooled, minutes, RENDERED)


def _heard(model: nn.Module, one: FrameRecording) -> Heard:
    scores = np.full(one.frames, np.nan)
    at = np.flatnonzero(one.valid)
    scores[at], named = score_frames(model, one.maps[one.valid].astype(np.float32))
    if not named.shape[1]:
        return one, scores, None
    logits = np.full((one.frames, named.shape[1]), np.nan)
    logits[at] = named
    return one, scores, logits


def _shown(heard: Heard, rule: FrameRule) -> list[Detection]:
    one, scores, logits = heard
    every, floor = frame_intervals(scores, one.rate, rule, logits, EMOTIONS)
    return [d for d in every if d.score >= floor]


def _card(
    model: nn.Module,
    recipe: Recipe,
    wanted: RenderedFrames,
    rule: FrameRule,
    scores: dict[str, float],
) -> Card:
    rate = 30.0
    return Card(
        model=recipe.model.name,
        config=dataclasses.asdict(cast("Any", model.config)),
        regions=(),
        window=rule.frames(rate),
        rate=rate,
        labels=EMOTIONS if recipe.model.name == "mean" else (),
        look="frames",
        head="face",
        recipe=json.dumps(recipe.to_dict(), sort_keys=True),
        trained_on=TRAINED_ON,
        simulated=True,
        scores=scores,
        proposals=dataclasses.asdict(rule),
        licence="Apache-2.0",
        version=mescope.__version__,
        notes=recipe.notes,
    )
