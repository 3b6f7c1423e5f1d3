"""The batches of an epoch over clips of faces: drawn frames, mirrored copies, weights.

Everything is taken from the stored pixels batch by batch, so a mirrored copy costs no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mescope.samples.face_kinds import Faces
from mescope.samples.preparation import Preparation
from mescope.samples.provenance import Origin
from mescope.training.fit import Batch
from mescope.training.tables import Optim


def shown(count: int, origins: Sequence[Origin], *, flip: bool) -> NDArray[np.int64]:
    """Return the examples that an epoch shows of ``count``, mirrored originals last."""
    flipped = [i for i in range(count) if not origins or origins[i].role == "original"]
    return np.array([*range(count), *(flipped if flip else [])], np.int64)


class FaceEpochs:
    """Shuffled batches.

    An epoch holds every example once and, with ``flip``, every original once more, mirrored:
    2 n + m for n originals and m mixed ones.

    Args:
        optim: batch size, and whether to shuffle.
        faces: what the samples are.
        flip: mirror originals, too.
        preparation: of raw inputs.
        inputs: raw, (n, c, kept * frames, side, side); see ``FaceClips.learned``.
        labels: their classes, (n,).
        origins: what they are; without them all are originals of micro-expressions.
        seed: decides, with the epoch's number, every draw.
    """

    def __init__(
        self, optim: Optim, faces: Faces, flip: bool, preparation: Preparation,
        inputs: NDArray[Any], labels: NDArray[np.int64], origins: Sequence[Origin], seed: int,
    ) -> None:  # fmt: skip
        self._optim, self._faces, self._prepare = optim, faces, preparation
        self._inputs, self._labels, self._seed = inputs, labels, seed
        self.items = shown(len(labels), origins, flip=flip)
        self.mirrored = np.arange(len(self.items)) >= len(labels)
        macro = np.array([o.kind == "macro" for o in origins] or [False] * len(labels))
        self._shares = np.where(macro, faces.macro_weight, 1.0)
        self.steps = -(-len(self.items) // optim.batch_size)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield clips (b, c, frames, side, side), labels (b,) and weights (b,)."""
        rng, n = np.random.default_rng((self._seed, epoch)), len(self.items)
        order = rng.permutation(n) if self._optim.shuffle else np.arange(n)
        for start in range(0, n, self._optim.batch_size):
            part = order[start : start + self._optim.batch_size]
            items = self.items[part]
            clips = self._drawn(items, rng)
            mirrored = self.mirrored[part]
            clips[mirrored] = clips[mirrored][..., ::-1]
            yield (
                self._prepare(clips),
                torch.from_numpy(self._labels[items]),
                torch.from_numpy(self._shares[items]).float(),
            )

    def _drawn(self, items: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        """Return pixels (b, c, frames, side, side): of every segment, any of its draws."""
        frames, learned = self._faces.frames, self._faces.wanted.learned
        place = np.arange(frames)
        rows = rng.integers(learned.start, learned.stop, (len(items), frames))
        chosen = rows * frames + place
        # one advanced index for clips and frames puts both in front of the channels
        return np.ascontiguousarray(
            self._inputs[items[:, None], :, chosen].transpose(0, 2, 1, 3, 4)
        )
