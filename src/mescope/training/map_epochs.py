"""The batches of an epoch over flow maps and clips: shuffled, mirrored, moved, mixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mescope.samples.augment import mixup, moved
from mescope.samples.mapped_rows import in_file
from mescope.samples.preparation import Preparation
from mescope.training.fit import Batch
from mescope.training.tables import Augment, Optim


class MapEpochs:
    """Batches of inputs (b, ...) and labels (b,), or shares of the classes under mixup.

    Args:
        optim: batch size, and whether to shuffle.
        augment: what is done to inputs.
        preparation: of raw inputs.
        inputs: raw, (n, ...).
        labels: their classes, (n,).
        classes: how many there are.
        seed: decides, with the epoch's number, every draw.
    """

    def __init__(
        self, optim: Optim, augment: Augment, preparation: Preparation,
        inputs: NDArray[np.float32], labels: NDArray[np.int64], classes: int, seed: int,
    ) -> None:  # fmt: skip
        self._optim, self._augment, self._prepare = optim, augment, preparation
        self._lazy = in_file(inputs)  # prepared with every batch: together they are too large
        self._inputs: Any = inputs if self._lazy else preparation(inputs)
        self._labels = torch.from_numpy(labels)
        self._classes, self._seed = classes, seed
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
            if augment.flip:
                turned = self._prepare.mirror(batch)
                batch = torch.where(mirrored[part, None, None, None], turned, batch)
            if reach := augment.shift:
                places = rng.integers(-reach, reach + 1, (len(part), 2))
                batch = moved(batch, torch.from_numpy(places))
            labels = self._labels[part]
            if augment.mixup:
                share = float(rng.beta(augment.mixup, augment.mixup))
                partners = torch.from_numpy(rng.permutation(len(part)))
                batch, labels = mixup(batch, labels, self._classes, share, partners)
            yield batch, labels

    def _parts(self, order: Tensor) -> list[Tensor]:
        """Cut into batches; a single input left over is dropped, it has no batch statistics."""
        parts = list(torch.split(order, self._optim.batch_size))
        return parts[:-1] if len(parts) > 1 and len(parts[-1]) == 1 else parts
