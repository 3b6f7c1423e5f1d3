"""The batches of an epoch over flow maps and clips: shuffled, mirrored, turned, mixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mescope.errors import RecipeError
from mescope.samples.augment import mixup, moved, turned
from mescope.samples.base import SampleKind
from mescope.samples.examples import Examples
from mescope.samples.mapped_rows import in_file
from mescope.samples.preparation import Preparation
from mescope.training.fit import Batch
from mescope.training.tables import Augment, Optim

POOL = 6000
"""Simulated inputs to draw from: some thirteen times as many as the composite has real ones."""


@lru_cache(maxsize=2)
def _drawn(kind: SampleKind, seed: int) -> Examples | None:
    return kind.simulated_like(POOL, seed)


def simulated_beside(kind: SampleKind, classes: Sequence[str], seed: int) -> Examples | None:
    """Return simulated inputs like those of a kind, their labels indices into ``classes``.

    Raises:
        RecipeError: they have other classes.
    """
    found = _drawn(kind, seed)
    if found is None:
        return None
    if set(found.classes) != set(classes):
        raise RecipeError(
            f"[augment] simulated: expected the classes {', '.join(found.classes)}, found "
            f"{', '.join(classes)}; leave it out, or change `labels`"
        )
    index = np.array([classes.index(name) for name in found.classes])
    return replace(found, labels=index[found.labels], classes=tuple(classes))


class MapEpochs:
    """Batches of inputs (b, ...) and labels (b,), or shares of the classes under mixup.

    With simulated inputs beside the real ones a batch has as many of them as of real ones, in
    any order, and a third tensor: what each input counts in the loss, (b,).

    Args:
        optim: batch size (of real inputs), and whether to shuffle.
        augment: what is done to inputs.
        preparation: of raw inputs.
        inputs: raw, (n, ...).
        labels: their classes, (n,).
        classes: how many there are.
        seed: decides, with the epoch's number, every draw.
        beside: simulated inputs to draw from, raw, with the same classes.
    """

    def __init__(
        self, optim: Optim, augment: Augment, preparation: Preparation,
        inputs: NDArray[np.float32], labels: NDArray[np.int64], classes: int, seed: int,
        beside: Examples | None = None,
    ) -> None:  # fmt: skip
        self._optim, self._augment, self._prepare = optim, augment, preparation
        self._lazy = in_file(inputs)  # prepared with every batch: together they are too large
        self._inputs: Any = inputs if self._lazy else preparation(inputs)
        self._labels = torch.from_numpy(labels)
        self._classes, self._seed = classes, seed
        self._beside: tuple[Tensor, Tensor] | None = None
        if beside is not None:
            self._beside = preparation(beside.inputs), torch.from_numpy(beside.labels)
        self.steps = len(self._parts(torch.arange(len(labels))))

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch."""
        augment, n = self._augment, len(self._labels)
        rng = np.random.default_rng((self._seed, epoch))
        order = torch.from_numpy(rng.permutation(n) if self._optim.shuffle else np.arange(n))
        mirrored = torch.from_numpy(rng.random(n) < 0.5)
        for part in self._parts(order):
            batch = self._inputs[part.numpy() if self._lazy else part]
            if self._lazy:
                batch = self._prepare(batch)
            whole: Batch = batch, self._labels[part]
            turned_over = mirrored[part]
            if self._beside is not None:
                whole, turned_over = self._joined(whole, turned_over, rng)
            batch = self._augmented(whole[0], turned_over, rng)
            labels = whole[1]
            if augment.mixup:
                share = float(rng.beta(augment.mixup, augment.mixup))
                partners = torch.from_numpy(rng.permutation(len(part)))
                batch, labels = mixup(batch, labels, self._classes, share, partners)
            yield (batch, labels, *whole[2:])

    def _joined(
        self, real: Batch, mirrored: Tensor, rng: np.random.Generator
    ) -> tuple[Batch, Tensor]:
        """Put as many simulated inputs among the real ones; also say which to mirror.

        The order is drawn, so that parts of a batch (``accumulate``, several devices) have
        some of both.
        """
        assert self._beside is not None
        count = len(mirrored)
        drawn = torch.from_numpy(rng.integers(len(self._beside[1]), size=count))
        order = torch.from_numpy(rng.permutation(2 * count))
        flips = torch.from_numpy(rng.random(count) < 0.5)
        counts = torch.ones(2 * count)
        counts[count:] = self._augment.simulated
        both = [
            torch.cat([ours, theirs[drawn]])[order]
            for ours, theirs in zip(real, self._beside, strict=True)
        ]
        return (*both, counts[order]), torch.cat([mirrored, flips])[order]

    def _augmented(self, batch: Tensor, mirrored: Tensor, rng: np.random.Generator) -> Tensor:
        """Return inputs of which some are mirrored, and all turned, enlarged and moved."""
        augment, count = self._augment, len(batch)
        if augment.flip:
            over = self._prepare.mirror(batch)
            batch = torch.where(mirrored[:, None, None, None], over, batch)
        if augment.turn or augment.zoom:
            turns = np.deg2rad(rng.uniform(-augment.turn, augment.turn, count))
            zooms = (1.0 + augment.zoom) ** rng.uniform(-1.0, 1.0, count)
            batch = turned(batch, torch.from_numpy(turns), torch.from_numpy(zooms))
        if reach := augment.shift:
            places = rng.integers(-reach, reach + 1, (count, 2))
            batch = moved(batch, torch.from_numpy(places))
        return batch

    def _parts(self, order: Tensor) -> list[Tensor]:
        """Cut into batches; a single input left over is dropped, it has no batch statistics."""
        parts = list(torch.split(order, self._optim.batch_size))
        return parts[:-1] if len(parts) > 1 and len(parts[-1]) == 1 else parts
