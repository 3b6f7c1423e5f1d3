"""Plain classification: one row of logits for each clip, and cross-entropy.

The task of every network that no other task is for, a plug-in's own too.  A family with a loss
of its own extends :class:`Classification` and says in ``models`` whose it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler

from mescope.errors import RecipeError
from mescope.evaluation.folds import Fold, Person
from mescope.models.card import read_card
from mescope.models.videomamba_import import IMPORTED
from mescope.models.weight_files import find
from mescope.models.weights import config_of, load
from mescope.samples.base import Expected
from mescope.samples.kinds import preparation_of
from mescope.samples.mapped_rows import take
from mescope.samples.preparation import Preparation
from mescope.samples.provenance import Origin
from mescope.training.checkpoint import Checkpointer
from mescope.training.early_stopping import BestEpoch, split
from mescope.training.fit import Batch, Report
from mescope.training.logs import Log
from mescope.training.loop import train_task
from mescope.training.losses import class_weights
from mescope.training.map_epochs import MapEpochs, simulated_beside
from mescope.training.recognizer import Recogniser, TrainedRecognizer
from mescope.training.schedules import decay_groups, schedule_of
from mescope.training.tables import (
    Augment,
    AugmentTable,
    Optim,
    OptimTable,
    Recipe,
    fitting,
)
from mescope.training.tasks.base import TASKS, LoopTask


class TrainingSet(NamedTuple):
    """What is learned from, all of one length n: the clips of training people only."""

    inputs: NDArray[Any]  # (n, ...), raw
    labels: NDArray[np.int64]  # (n,), from 0
    classes: Sequence[str]  # their names, also of those without a training input
    persons: Sequence[Person] = ()  # whose they are; needed by hold_out
    origins: Sequence[Origin] = ()  # what they are, for faces

    def take(self, items: Sequence[int]) -> TrainingSet:
        """Return some of it; nobody asks afterwards whose it is."""
        index = np.asarray(items)
        origins = [self.origins[i] for i in items] if self.origins else ()
        return TrainingSet(
            take(self.inputs, index), self.labels[index], self.classes, origins=origins
        )


@dataclass(frozen=True)
class Session:
    """How a training is run; nothing of it changes what is learned."""

    device: str = "cpu"
    monitor: Callable[[int, Recogniser], None] | None = None
    report: Report | None = None
    checkpointer: Checkpointer | None = None
    log: Log = "none"
    log_folder: Path | None = None  # by default that of the checkpointer
    until: int | None = None


class Chooser(Protocol):
    """What chooses on people held out: the epoch, or what a family searches for."""

    @property
    def joins(self) -> int | None:
        """Number of the epoch from which the people held out are learned from, too."""

    def look(self, epoch: int, recognizer: TrainedRecognizer) -> None:
        """Look at what has been learned by the end of an epoch."""

    def stops(self) -> bool:
        """Say whether there is nothing more to wait for."""

    def restore(self, recognizer: TrainedRecognizer) -> None:
        """Put back what was best."""

    def chosen(self) -> dict[str, Any]:
        """Return what was chosen, plain for JSON."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what a run that goes on has to know; see ``checkpoint.Companion``."""

    def put_back(
        self, tensors: dict[str, Tensor], values: dict[str, Any], recognizer: TrainedRecognizer
    ) -> None:
        """Take over what :meth:`state` returned."""


class _Choosing:
    """A chooser as the companion of a checkpoint."""

    def __init__(self, chooser: Chooser, recognizer: TrainedRecognizer) -> None:
        self._chooser, self._recognizer = chooser, recognizer

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return self._chooser.state()

    def put_back(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        self._chooser.put_back(tensors, values, self._recognizer)


class Epochs(Protocol):
    """The batches of every epoch."""

    steps: int

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Give the batches of an epoch."""


@TASKS.register("classification")
class Classification(LoopTask):
    """Trains a network to name clips.

    Args:
        recipe: of the network.
        given: what is learned from.
        seed: decides every random draw.
        device: a torch device.
    """

    kinds: ClassVar[tuple[str, ...]] = ("flow28", "flow", "clips", "synthetic-maps")
    optim_table: ClassVar[type[OptimTable]] = Optim
    augment_table: ClassVar[type[AugmentTable]] = Augment
    weighs_inputs: ClassVar[bool] = True  # whether the loss lets inputs count for less

    def __init__(self, recipe: Recipe, given: TrainingSet, seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self.recipe, self.seed, self.classes = recipe, seed, tuple(given.classes)
        self.optim, self.epoch = fitting(recipe.optim, Optim, "[optim]"), 0
        self.model = self.start(recipe, given.classes).to(device)
        self.recognizer = TrainedRecognizer(
            self.model, self._preparation(given.inputs), given.classes, self.predict
        )
        self.weights: Tensor | None = None
        if self.optim.balanced:
            counts = np.bincount(given.labels, minlength=len(given.classes))
            self.weights = torch.as_tensor(class_weights(counts), dtype=torch.float32)
        self.module = self.wrapped()
        self.samples = self.samples_of(given)
        self.optimizer = torch.optim.AdamW(
            decay_groups(self.model, self.optim.weight_decay), lr=self.optim.learning_rate
        )
        self.steps, self.epochs = self.samples.steps, self.optim.epochs
        self.clip_norm = self.optim.clip_norm
        self._joined: tuple[int, Epochs] | None = None
        self.follow(self.optim)

    def _preparation(self, inputs: NDArray[Any]) -> Preparation:
        """Return what is done to inputs; what the card says for weights asked as they are."""
        if self.optim.epochs:
            return self.recipe.data.measure(inputs)
        found = preparation_of(read_card(find(self.recipe.model.weights)))
        views = getattr(
            self.recipe.data, "views", 1
        )  # of the samples that they are asked about
        return dataclasses.replace(found, views=views)

    def join(self, everyone: TrainingSet, epoch: int) -> None:
        """Learn from more people from an epoch on; inputs are scaled as before."""
        self._joined = epoch, self.samples_of(everyone)

    @classmethod
    def check(cls, recipe: Recipe) -> None:
        """See :class:`TrainingTask`."""
        super().check(recipe)
        augment = recipe.augment
        if isinstance(augment, Augment) and not recipe.data.flow_maps:
            names = ("flip", "shift", "turn", "zoom")
            given = [name for name in names if getattr(augment, name)]
            if given:
                raise RecipeError(
                    f"{' and '.join(given)} are for flow maps, got kind = "
                    f"{recipe.data.kind!r}; leave them out"
                )
        if isinstance(augment, Augment) and augment.simulated:
            cls._check_beside(recipe)
        cls._check_learns(recipe)

    @classmethod
    def _check_learns(cls, recipe: Recipe) -> None:
        """Refuse 0 epochs but for weights that exist, with nothing to choose on."""
        optim = recipe.optim
        if not isinstance(optim, Optim) or optim.epochs:
            return
        if not recipe.model.weights or optim.hold_out:
            raise RecipeError(
                "[optim] epochs = 0 asks weights as they are: expected [model] weights and no "
                f"hold_out, found weights = {recipe.model.weights!r} and hold_out = "
                f"{optim.hold_out:g}; name weights, or learn for an epoch or more"
            )

    @classmethod
    def _check_beside(cls, recipe: Recipe) -> None:
        """Refuse simulated inputs beside real ones where none are alike, or no loss is."""
        like = recipe.data.simulated_like(1, 0)
        if like is None or not cls.weighs_inputs:
            raise RecipeError(
                f"[augment] simulated is for published flow maps (kind = 'flow28', 28 px) and "
                f"models that learn by plain cross-entropy, found kind = {recipe.data.kind!r} "
                f"and {recipe.model.name!r}; leave it out"
            )

    @classmethod
    def start(cls, recipe: Recipe, classes: Sequence[str]) -> nn.Module:
        """Return a fresh network, with the recipe's weights if it names any.

        Dropout is the recipe's, whatever that of the weights was.

        Raises:
            RecipeError: the weights saw real people, of whom one may be tested later, or are
                those of another model or of other classes.
        """
        fresh = cls.build(recipe, len(classes))
        if not recipe.model.weights:
            return fresh
        model, card = load(recipe.model.weights)
        if not card.simulated and card.recipe != IMPORTED:
            raise RecipeError(
                f"expected weights that saw simulated faces only, found {recipe.model.weights} "
                f"trained on {card.trained_on}: a person they know could be tested"
            )
        ours = _learned(config_of(fresh, cls.options(recipe, len(classes))))
        theirs = _learned(config_of(model, card.config))
        others = sorted(k for k in ours | theirs if ours.get(k) != theirs.get(k))
        wanted, found = (recipe.model.name, tuple(classes)), (card.model, card.labels)
        if wanted != found or others:
            raise RecipeError(
                f"expected weights of {wanted[0]} for {', '.join(classes)}, found "
                f"{recipe.model.weights} of {found[0]} for {', '.join(card.labels)}, or with "
                f"other options ({', '.join(others) or 'none'}); change the recipe"
            )
        fresh.load_state_dict(model.state_dict())
        return fresh

    def wrapped(self) -> nn.Module:
        """Return what the loop trains; the model itself by default."""
        return self.model

    def samples_of(self, given: TrainingSet) -> Epochs:
        """Return the batches of every epoch over what is learned from."""
        augment = fitting(self.recipe.augment, Augment, "[augment]")
        beside = None
        if augment.simulated:
            beside = simulated_beside(self.recipe.data, given.classes, self.seed)
        return MapEpochs(
            self.optim, augment, self.recognizer.prepare, given.inputs, given.labels,
            len(given.classes), self.seed, beside,
        )  # fmt: skip

    @classmethod
    def an_epoch(cls, recipe: Recipe, given: Expected) -> int:
        """Return how many samples an epoch shows of those that are expected."""
        return len(given.labels)

    def batches(self, epoch: int) -> Iterable[Batch]:
        """See :class:`LoopTask`."""
        self.epoch = epoch
        if self._joined and epoch >= self._joined[0]:
            return self._joined[1].batches(epoch)
        return self.samples.batches(epoch)

    def steps_before(self, epoch: int) -> int:
        """See :class:`LoopTask`."""
        if self._joined and epoch > self._joined[0]:
            first, later = self._joined
            return first * self.steps + (epoch - first) * later.steps
        return epoch * self.steps

    def place(self, step: int) -> float:
        """Return where a batch stands, in batches of the first epochs."""
        if self._joined:
            first, later = self._joined
            more = step - first * self.steps
            if more > 0:
                return first * self.steps + more * self.steps / later.steps
        return float(step)

    def loss(self, output: Any, batch: Batch) -> Tensor:
        """Return the cross-entropy; a batch is inputs, labels, and what is beside them.

        That is what each input counts in the mean, (b,), where simulated ones count less.
        """
        weight = self.class_weights(batch[1])
        if len(batch) == 2:
            return F.cross_entropy(logits(output), batch[1], weight=weight)
        each = F.cross_entropy(logits(output), batch[1], weight=weight, reduction="none")
        counts = batch[2] if weight is None else batch[2] * weight[batch[1]]
        return (each * batch[2]).sum() / counts.sum()

    def class_weights(self, like: Tensor) -> Tensor | None:
        """Return the weight of every class on the device of a tensor; None without any."""
        return None if self.weights is None else self.weights.to(like.device)

    def schedule(self, done: int) -> LRScheduler | None:
        """See :class:`LoopTask`."""
        return schedule_of(self.optim, self.optimizer, self.steps, done, self.place)

    @classmethod
    def predict(cls, model: nn.Module, inputs: Tensor, classes: Sequence[str]) -> Tensor:
        """Return shares of the classes (n, classes) for prepared inputs (n, ...)."""
        return logits(model(inputs)).double().softmax(-1)

    @classmethod
    def hold_out(
        cls, recipe: Recipe, given: TrainingSet, seed: int, session: Session
    ) -> tuple[Fold, Chooser]:
        """Return who is held out of training, and what chooses on them.

        Raises:
            RecipeError: there are too few people, or it is not known who is who.
        """
        optim = fitting(recipe.optim, Optim, "[optim]")
        fold = split(given.persons, len(given.labels), optim.hold_out, seed)
        chosen = given.take(fold.test)
        return fold, BestEpoch(chosen.inputs, chosen.labels, optim.patience)

    @classmethod
    def train(
        cls, recipe: Recipe, given: TrainingSet, seed: int, session: Session
    ) -> Recogniser:
        """Train, from the start or from where the session's checkpoint stands."""
        best: Chooser | None = None
        everyone = given
        if fitting(recipe.optim, Optim, "[optim]").hold_out:
            fold, best = cls.hold_out(recipe, given, seed, session)
            given = given.take(fold.train)
        with torch.random.fork_rng():
            task = cls(recipe, given, seed, session.device)
            recognizer = task.recognizer
            if best and best.joins is not None:
                task.join(everyone, best.joins)
            if best and session.checkpointer:
                session.checkpointer.companions["chooser"] = _Choosing(best, recognizer)

            def look(epoch: int) -> None:
                if best:
                    best.look(epoch, recognizer)
                if session.monitor:
                    session.monitor(epoch, recognizer)

            train_task(
                task, device=session.device, until=session.until,
                checkpointer=session.checkpointer, log=session.log,
                log_folder=session.log_folder, after_epoch=look, report=session.report,
                stop=best.stops if best else None,
            )  # fmt: skip
            if best:
                best.restore(recognizer)
                recognizer.chosen = best.chosen()
        return recognizer


def logits(output: Any) -> Tensor:
    """Return the logits (n, classes) of what a network returns: them, or a tuple of them."""
    found: Tensor = getattr(output, "emotion", output)
    return found


DROPOUT = ("drop", "drop_path", "dropout", "dropout_head", "head_drop")
"""Options of dropout in all models; not AMMSM's ``dropped``, which decides what is computed."""


def _learned(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config without its dropout, which has no weights and no part in answers."""
    return {k: v for k, v in config.items() if k not in DROPOUT}
