"""Learn to name the emotion of clips from the clips of training people, and nothing else.

What is measured on data (channel statistics, class weights, the scaling inside the classical
models) is measured here, on what :func:`learn` is handed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models import MODELS, create_model
from mescope.models.outputs import EmotionOutput
from mescope.training.augment import flip_flow
from mescope.training.fit import Batch, Report, fit, one_device
from mescope.training.recipe import ClipRecipe
from mescope.training.schedules import decay_groups, schedule_of

_AT_ONCE = 256  # inputs scored together


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
    classes: int,
    seed: int,
    *,
    device: str = "cpu",
    monitor: Monitor | None = None,
    report: Report | None = None,
) -> Recogniser:
    """Train by a recipe.

    Args:
        recipe: model, epochs and the rest.
        inputs: of the training people only, (n, ...).
        labels: their classes, (n,), from 0.
        classes: how many there are, also where some have no training input.
        seed: decides every random draw; torch's own generator is left as it was.
        device: a torch device.
        monitor: may look, after every epoch; what it does cannot change what is learned.
        report: called after every batch.

    Raises:
        RecipeError: the loss is no number.
        WeightsError: no such model, or an option it does not have.
    """
    if recipe.model not in MODELS:
        from mescope.training.classical import build  # imports scikit-learn, which takes long

        simple = build(recipe.model, **recipe.options)
        simple.fit(inputs, labels)
        return _Classical(simple, classes)
    with torch.random.fork_rng():
        return _train(recipe, inputs, labels, classes, seed, device, monitor, report)


def _train(
    recipe: ClipRecipe, inputs: NDArray[np.float32], labels: NDArray[np.int64], classes: int,
    seed: int, device: str, monitor: Monitor | None, report: Report | None,
) -> Recogniser:  # fmt: skip
    torch.manual_seed(seed)
    fabric = one_device(device)
    model = create_model(recipe.model, classes=classes, **recipe.options).to(fabric.device)
    learned = _Learned(model, recipe, inputs)
    x, y = learned.prepare(inputs), torch.from_numpy(labels)
    steps = -(-len(x) // recipe.batch_size)
    optimizer = torch.optim.AdamW(
        decay_groups(model, recipe.weight_decay), lr=recipe.learning_rate
    )
    weights = _class_weights(labels, classes) if recipe.balanced else None

    def batches(epoch: int) -> Iterator[Batch]:
        rng = np.random.default_rng((seed, epoch))
        order = torch.from_numpy(
            rng.permutation(len(x)) if recipe.shuffle else np.arange(len(x))
        )
        mirrored = torch.from_numpy(rng.random(len(x)) < 0.5) if recipe.flip else None
        for part in torch.split(order, recipe.batch_size):
            batch = x[part]
            if mirrored is not None:
                batch = torch.where(
                    mirrored[part, None, None, None], learned.mirror(batch), batch
                )
            yield batch, y[part]

    def loss(output: EmotionOutput, batch: Batch) -> Tensor:
        on = None if weights is None else weights.to(batch[1].device)
        return F.cross_entropy(output.emotion, batch[1], weight=on)

    def look(epoch: int, entry: dict[str, float]) -> None:
        if monitor:
            monitor(epoch, learned)

    fit(
        model,
        optimizer,
        batches,
        loss,
        epochs=recipe.epochs,
        seed=seed,
        fabric=fabric,
        schedule=schedule_of(recipe, optimizer, steps),
        clip_norm=recipe.clip_norm,
        after_epoch=look,
        report=report,
    )
    return learned


def _class_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """Return n / (classes * count) for each class, 0 for one without examples."""
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    weights = np.divide(len(labels), classes * counts, out=np.zeros(classes), where=counts > 0)
    return torch.as_tensor(weights, dtype=torch.float32)


class _Learned:
    """A network with what it does to its inputs: flow = scale * raw, then standardised."""

    def __init__(
        self, model: nn.Module, recipe: ClipRecipe, inputs: NDArray[np.float32]
    ) -> None:
        self.model = model
        self._grey = recipe.data == "flow28"
        self._flow = recipe.channels if recipe.data in ("flow28", "flow") else None
        inputs = self._chosen(inputs)
        axes = (0, *range(2, inputs.ndim))
        centre, spread = np.zeros(inputs.shape[1]), np.ones(inputs.shape[1])
        if recipe.standardise:
            centre = inputs.mean(axes, dtype=np.float64)
            spread = np.maximum(inputs.std(axes, dtype=np.float64), 1e-12)
        shape = (1, -1, *(1 for _ in axes[1:]))
        self._slope = torch.as_tensor(recipe.scale / spread, dtype=torch.float32).view(shape)
        shift = -recipe.scale * centre / spread
        self._shift = torch.as_tensor(shift, dtype=torch.float32).view(shape)

    def prepare(self, inputs: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(self._chosen(inputs)) * self._slope + self._shift

    def _chosen(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the channels that the recipe names."""
        return inputs if self._flow is None else inputs[:, : self._flow]

    def mirror(self, prepared: Tensor) -> Tensor:
        """Flip prepared flow maps; a grey map of u turns into 255 - u, its own negative."""
        raw = (prepared - self._shift) / self._slope
        turned = flip_flow(raw)
        if self._grey:
            turned[:, 0] += 255.0
        return turned * self._slope + self._shift

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        device = next(self.model.parameters()).device
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            parts = [
                self.model(part.to(device)).emotion.double().softmax(-1).cpu().numpy()
                for part in torch.split(self.prepare(inputs), _AT_ONCE)
            ]
        self.model.train(training)
        return np.concatenate(parts)


class _Classical:
    """A classical model whose training people may not show every class."""

    def __init__(self, model: Any, classes: int) -> None:
        self._model, self._classes = model, classes

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.zeros((len(inputs), self._classes))
        found[np.arange(len(inputs)), self._model.predict(inputs)] = 1.0
        return found
