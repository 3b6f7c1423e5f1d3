"""The batches of an epoch over clips of faces: drawn frames, mirrored copies, weights.

Everything is taken from the stored pixels batch by batch, so a mirrored copy costs no memory.
Source: sections 1.2, 3.3, 5.6 and 5.7 of the RSMix specification.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.samples.provenance import Origin
from mescope.training.fit import Batch
from mescope.training.recipe import ClipRecipe
from mescope.training.recognizer import Learned


class FaceEpochs:
    """Shuffled batches, and the loss.

    An epoch holds every example once and, with ``recipe.flip``, every original once more,
    mirrored: 2 n + m for n originals and m mixed ones.
    """

    def __init__(
        self, recipe: ClipRecipe, learned: Learned, inputs: NDArray[Any],
        labels: NDArray[np.int64], seed: int, origins: Sequence[Origin],
        class_weights: Tensor | None,
    ) -> None:  # fmt: skip
        self._recipe, self._learned, self._seed = recipe, learned, seed
        self._inputs, self._labels, self._weights = inputs, labels, class_weights
        flipped = [
            i for i in range(len(labels)) if not origins or origins[i].role == "original"
        ]
        again = flipped if recipe.flip else []
        self.items = np.array([*range(len(labels)), *again], np.int64)
        self.mirrored = np.arange(len(self.items)) >= len(labels)
        macro = np.array([o.kind == "macro" for o in origins] or [False] * len(labels))
        self._shares = np.where(macro, recipe.macro_weight, 1.0)
        self.steps = -(-len(self.items) // recipe.batch_size)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield clips (b, c, frames, side, side), labels (b,) and weights (b,)."""
        rng, n = np.random.default_rng((self._seed, epoch)), len(self.items)
        order = rng.permutation(n) if self._recipe.shuffle else np.arange(n)
        for start in range(0, n, self._recipe.batch_size):
            part = order[start : start + self._recipe.batch_size]
            items = self.items[part]
            clips = self._drawn(items, rng)
            mirrored = self.mirrored[part]
            clips[mirrored] = clips[mirrored][..., ::-1]
            yield (
                self._learned.prepare(clips),
                torch.from_numpy(self._labels[items]),
                torch.from_numpy(self._shares[items]).float(),
            )

    def loss(self, output: EmotionOutput, batch: Batch) -> Tensor:
        """Return the weighted mean of the cross-entropy."""
        _, labels, shares = batch
        weights = shares
        if self._weights is not None:
            weights = shares * self._weights.to(shares)[labels]
        each = F.cross_entropy(output.emotion.float(), labels, reduction="none")
        return (each * weights).sum() / weights.sum()

    def _drawn(self, items: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        """Return pixels (b, c, frames, side, side): of every segment, any of its draws."""
        frames, draws = self._recipe.frames, self._recipe.draws
        place = np.arange(frames)
        first = 1 if draws else 0
        chosen = rng.integers(first, draws + 1, (len(items), frames)) * frames + place
        # one advanced index for clips and frames puts both in front of the channels
        return np.ascontiguousarray(
            self._inputs[items[:, None], :, chosen].transpose(0, 2, 1, 3, 4)
        )
