"""Learn to name the emotion of clips from the clips of training people, and nothing else.

What is measured on data (channel statistics, class weights, the scaling inside the classical
models) is measured here, on what :func:`learn` is handed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.errors import RecipeError
from mescope.evaluation.folds import Person
from mescope.models import MODELS, create_model
from mescope.models.ammsm import Ammsm
from mescope.models.merba import Merba, MerbaOutput
from mescope.models.outputs import EmotionOutput
from mescope.models.videomamba import VideoMamba
from mescope.models.weights import load
from mescope.samples.provenance import Origin
from mescope.training.ammsm_training import Step, Trainee, ammsm_loss
from mescope.training.augment import mixup, moved
from mescope.training.checkpoint import Keeper
from mescope.training.early_stopping import BestEpoch, split
from mescope.training.face_epochs import FaceEpochs
from mescope.training.fit import Batch, Report, fit, one_device
from mescope.training.logs import Log, logger
from mescope.training.losses import Mix, dgcm_loss, fine_weight
from mescope.training.recipe import FACES, ONSET_FLOW, ClipRecipe
from mescope.training.recognizer import Learned, Preparation
from mescope.training.schedules import decay_groups, schedule_of
from mescope.training.search import FoldSearch, held_out


class Recogniser(Protocol):
    """Something that has learned."""

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return one score for each input and class, (n, classes); the largest one is meant."""
        ...


Monitor = Callable[[int, Recogniser], None]
"""Called after every epoch with its number and what has been learned so far."""


def learn(
    recipe: ClipRecipe,
    inputs: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    seed: int,
    *,
    device: str = "cpu",
    monitor: Monitor | None = None,
    report: Report | None = None,
    keeper: Keeper | None = None,
    log: Log = "none",
    persons: Sequence[Person] = (),
    origins: Sequence[Origin] = (),
    until: int | None = None,
) -> Recogniser:
    """Train by a recipe.

    Args:
        recipe: model, epochs and the rest.
        inputs: of the training people only, (n, ...).
        labels: their classes, (n,), from 0.
        classes: their names, also of those without a training input.
        seed: decides every random draw; torch's own generator is left as it was.
        device: a torch device.
        monitor: may look, after every epoch; what it does cannot change what is learned.
        report: called after every batch.
        keeper: writes a checkpoint after every epoch and goes on from one; networks only.
        log: also write the loss of every epoch, in the keeper's folder.
        persons: whose inputs they are; needed by ``recipe.hold_out``.
        origins: what they are, for faces: originals have mirrored copies, macro-expressions a
            weight of their own.
        until: stop before this epoch, everything else being as for all of ``recipe.epochs``.

    Raises:
        ValueError: a label is none of the classes.
        RecipeError: the loss is no number, the weights to start from do not fit, there are
            too few people to hold any out, or the model cannot be trained so.
        WeightsError: no such model or weights, or an option it does not have.
    """
    unknown = sorted(set(labels.tolist()) - set(range(len(classes))))
    if unknown:
        raise ValueError(
            f"expected labels 0 to {len(classes) - 1} ({', '.join(classes)}), found {unknown}; "
            "take a label set that has those classes, or leave their clips out"
        )
    if recipe.model not in MODELS:
        from mescope.training.classical import build  # imports scikit-learn, which takes long

        simple = build(recipe.model, **recipe.options)
        simple.fit(inputs, labels)
        return _Classical(simple, len(classes))
    best: BestEpoch | FoldSearch | None = None
    if recipe.hold_out:
        fold = split(() if keeper else persons, len(labels), recipe.hold_out, seed)
        if recipe.search_population:
            fold = held_out(persons, recipe.hold_out, seed)
        kept, chosen = np.asarray(fold.train), np.asarray(fold.test)
        best = _chooser(recipe, seed, inputs[chosen], labels[chosen])
        inputs, labels = inputs[kept], labels[kept]
    with torch.random.fork_rng():
        return _Training(recipe, inputs, labels, classes, seed, device, origins).run(
            monitor, report, keeper, log, best, until or recipe.epochs
        )


def _chooser(
    recipe: ClipRecipe, seed: int, inputs: NDArray[np.float32], labels: NDArray[np.int64]
) -> BestEpoch | FoldSearch:
    """Return what is chosen on held-out people: ratios and alpha, or the epoch."""
    if recipe.search_population:
        return FoldSearch(recipe, seed, inputs, labels)
    return BestEpoch(inputs, labels)


class _Training:
    """A network, what it is trained on, and how."""

    def __init__(
        self, recipe: ClipRecipe, inputs: NDArray[np.float32], labels: NDArray[np.int64],
        classes: Sequence[str], seed: int, device: str, origins: Sequence[Origin],
    ) -> None:  # fmt: skip
        torch.manual_seed(seed)
        self.recipe, self.seed, self.device = recipe, seed, device
        model = _model(recipe, classes).to(device)
        self.learned = Learned(model, Preparation.measure(recipe, inputs), classes)
        self.trained = _trained(recipe, model, seed)
        self.epochs: _Epochs | FaceEpochs
        if recipe.data == FACES:
            weights = class_weights(labels, len(classes)) if recipe.balanced else None
            self.epochs = FaceEpochs(
                recipe, self.learned, inputs, labels, seed, origins, weights
            )
        else:
            self.epochs = _Epochs(recipe, self.learned, inputs, labels, seed, self.trained)
        self.optimizer = torch.optim.AdamW(
            decay_groups(model, recipe.weight_decay), lr=recipe.learning_rate
        )
        if isinstance(self.trained, Trainee):
            follow = self.trained.follow
            self.optimizer.register_step_post_hook(lambda *_: follow())

    def run(
        self, monitor: Monitor | None, report: Report | None, keeper: Keeper | None, log: Log,
        best: BestEpoch | FoldSearch | None, until: int,
    ) -> Learned:  # fmt: skip
        """Train from the start, or from where the keeper's checkpoint stands."""
        recipe, model, learned = self.recipe, self.trained, self.learned
        first = keeper.restore(model, self.optimizer) if keeper else 0
        loggers = logger(log, keeper.path.parent) if keeper else []

        def look(epoch: int, entry: dict[str, float]) -> None:
            if keeper:
                keeper.keep(model, self.optimizer, entry)
            if best:
                best.look(epoch, learned)
            if monitor:
                monitor(epoch, learned)

        done = first * self.epochs.steps
        fit(
            model,
            self.optimizer,
            self.epochs.batches,
            self.epochs.loss,
            epochs=until,
            first=first,
            seed=self.seed,
            fabric=one_device(self.device, loggers=loggers, precision=recipe.precision),
            schedule=schedule_of(recipe, self.optimizer, self.epochs.steps, done),
            clip_norm=recipe.clip_norm,
            after_epoch=look,
            report=report and (lambda now, loss: report(done + now, loss)),
        )
        if best:
            best.restore(learned)
        return learned


def fresh_model(recipe: ClipRecipe, classes: int) -> nn.Module:
    """Return the network of a recipe; one for faces has the shape of the recipe's clips."""
    shape = {}
    if recipe.data == FACES:
        shape = {"frames": recipe.frames, "side": recipe.size, "channels": recipe.channels}
    return create_model(recipe.model, classes=classes, **recipe.options, **shape)


def _model(recipe: ClipRecipe, classes: Sequence[str]) -> nn.Module:
    """Return a fresh network, or the one of the recipe's weights.

    Raises:
        RecipeError: the weights saw real people, of whom one may be tested later, or are those
            of another model or of other classes.
    """
    fresh = fresh_model(recipe, len(classes))
    if not recipe.weights:
        return fresh
    model, card = load(recipe.weights)
    if not card.simulated:
        raise RecipeError(
            f"expected weights that saw simulated faces only, found {recipe.weights} trained "
            f"on {card.trained_on}: a person they know could be tested"
        )
    wanted, found = (recipe.model, tuple(classes)), (card.model, card.labels)
    if wanted != found or _config(fresh) != _config(model):
        raise RecipeError(
            f"expected weights of {wanted[0]} for {', '.join(classes)}, found "
            f"{recipe.weights} of {found[0]} for {', '.join(card.labels)}, or with other "
            "options; change the recipe"
        )
    return model


def _trained(recipe: ClipRecipe, model: nn.Module, seed: int) -> nn.Module:
    """Return what the loop trains: the model, or AMMSM with what its training takes.

    Raises:
        RecipeError: the recipe asks for what only AMMSM has, or mixes labels of two heads.
    """
    if isinstance(model, Ammsm):
        return Trainee(model, recipe, seed).to(next(model.parameters()).device)
    if recipe.adaptive_epochs or recipe.mesa or recipe.data == ONSET_FLOW:
        raise RecipeError(
            f"adaptive_epochs, mesa and data = {ONSET_FLOW!r} are for AMMSM, found them with "
            f"{recipe.model!r}; leave them out"
        )
    if (recipe.data == FACES) != isinstance(model, VideoMamba):
        raise RecipeError(
            f"data = {FACES!r} is for VideoMamba and it for nothing else, found "
            f"{recipe.data!r} with {recipe.model!r}"
        )
    if recipe.mixup and isinstance(model, Merba) and model.config.dgcm:
        raise RecipeError("mixup is for models of one head, found two; leave one out")
    return model


def _config(model: nn.Module) -> dict[str, Any]:
    """Return the config of a model without its dropout, which has no weights."""
    config: Any = model.config
    return {k: v for k, v in dataclasses.asdict(config).items() if not k.startswith("drop")}


class _Epochs:
    """Shuffled, mirrored batches of every epoch, and the loss that belongs to the model."""

    def __init__(
        self, recipe: ClipRecipe, learned: Learned, inputs: NDArray[np.float32],
        labels: NDArray[np.int64], seed: int, trained: nn.Module,
    ) -> None:  # fmt: skip
        self._trained = trained
        self._recipe, self._learned, self._seed, self._epoch = recipe, learned, seed, 0
        self._inputs, self._labels = learned.prepare(inputs), torch.from_numpy(labels)
        self._weights = None
        if recipe.balanced:
            self._weights = class_weights(labels, len(learned.classes))
        self.steps = len(self._parts(torch.arange(len(labels))))

    def batches(self, epoch: int) -> Iterator[Batch]:
        self._epoch = epoch
        if isinstance(self._trained, Trainee):
            self._trained.begin(epoch)
        rng, n = np.random.default_rng((self._seed, epoch)), len(self._labels)
        order = torch.from_numpy(rng.permutation(n) if self._recipe.shuffle else np.arange(n))
        mirrored = torch.from_numpy(rng.random(n) < 0.5)
        for part in self._parts(order):
            batch = self._inputs[part]
            if self._recipe.flip:
                turned = self._learned.prepare.mirror(batch)
                batch = torch.where(mirrored[part, None, None, None], turned, batch)
            if reach := self._recipe.shift:
                places = rng.integers(-reach, reach + 1, (len(part), 2))
                batch = moved(batch, torch.from_numpy(places))
            labels = self._labels[part]
            if self._recipe.mixup:
                share = float(rng.beta(self._recipe.mixup, self._recipe.mixup))
                partners = torch.from_numpy(rng.permutation(len(part)))
                classes = len(self._learned.classes)
                batch, labels = mixup(batch, labels, classes, share, partners)
            yield batch, labels

    def loss(self, output: EmotionOutput | MerbaOutput | Step, batch: Batch) -> Tensor:
        labels = batch[1]
        if isinstance(output, MerbaOutput):
            full = labels.new_tensor(self._learned.full)[labels]
            mix = cast(Mix, self._recipe.dgcm_mix)
            return dgcm_loss(
                output, full, fine_weight(self._epoch, self._recipe.epochs, mix), mix
            )
        weights = None if self._weights is None else self._weights.to(labels.device)
        if isinstance(output, Step):
            return ammsm_loss(output, labels, self._epoch, self._recipe, weights)
        return F.cross_entropy(output.emotion, labels, weight=weights)

    def _parts(self, order: Tensor) -> list[Tensor]:
        """Cut into batches; a single input left over is dropped, it has no batch statistics."""
        parts = list(torch.split(order, self._recipe.batch_size))
        return parts[:-1] if len(parts) > 1 and len(parts[-1]) == 1 else parts


def class_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """Return n / (classes * count) for each class, 0 for one without examples."""
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    weights = np.divide(len(labels), classes * counts, out=np.zeros(classes), where=counts > 0)
    return torch.as_tensor(weights, dtype=torch.float32)


class _Classical:
    """A classical model whose training people may not show every class."""

    def __init__(self, model: Any, classes: int) -> None:
        self._model, self._classes = model, classes

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.zeros((len(inputs), self._classes))
        found[np.arange(len(inputs)), self._model.predict(inputs)] = 1.0
        return found
