"""Epochs of pairs of frames, for networks that score frames: of any recordings with maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.errors import DatasetError
from mescope.events import Expression, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.pair_labels import pair_classes, pair_labels
from mescope.samples.recording_targets import class_of
from mescope.samples.recording_windows import RecordingWindows
from mescope.samples.synthetic import Epoch, Windows

EMOTIONS = SPOTTING_CLASSES[:-1]
"""What a network that scores frames may name."""


class LearnedPairs(NamedTuple):
    """The m pairs of a recording that can be learned: what gives their maps, and their targets.

    ``rows`` gives maps (n, 3, 42, 42) of n of the recording's pairs; ``which`` (m,) are those
    that are valid; ``labels`` (m,) 0 or 1, ``classes`` (m,), -1 without one.
    """

    rows: Callable[[NDArray[np.int64]], NDArray[np.float16]]
    which: NDArray[np.int64]
    labels: NDArray[np.float32]
    classes: NDArray[np.int64]


class FrameEpochs:
    """Epochs of pairs: all that share a frame with an expression, others drawn anew.

    An :class:`~mescope.samples.synthetic.Epoch` of maps (m, 3, 42, 42) float16, labels (m,) and
    emotions (m,).  Only the maps that an epoch shows are read.

    Args:
        negative_ratio: pairs without an expression per pair with one.
        seed: of the draws.
        parts: the recordings.
    """

    def __init__(self, negative_ratio: float, seed: int, parts: Sequence[LearnedPairs]) -> None:
        self._seed, self._parts = seed, parts
        self._labels = np.concatenate([part.labels for part in parts] or [np.empty(0, "f4")])
        self._starts = np.cumsum([0, *(len(part.labels) for part in parts)])
        self.positive = int((self._labels > 0).sum())
        self._others = min(
            len(self._labels) - self.positive, round(negative_ratio * self.positive)
        )

    @property
    def size(self) -> int:
        """Return how many pairs an epoch has; the same in each."""
        return self.positive + self._others

    def __call__(self, epoch: int) -> Epoch:
        """Return the data of an epoch, a pure function of recipe and number."""
        rng = np.random.default_rng((self._seed, epoch))
        positive = np.flatnonzero(self._labels > 0)
        others = np.flatnonzero(self._labels == 0)
        drawn = rng.choice(others, self._others, replace=False)
        some = np.sort(np.concatenate([positive, drawn]))
        ends = np.searchsorted(some, self._starts)
        cuts = [
            (part, some[first:last] - start)
            for part, start, first, last in zip(
                self._parts, self._starts, ends, ends[1:], strict=False
            )
        ]
        maps: Any = np.concatenate([part.rows(part.which[take]) for part, take in cuts])
        labels = np.concatenate([part.labels[take] for part, take in cuts])
        classes = np.concatenate([part.classes[take] for part, take in cuts])
        return Epoch({0: Windows(maps, labels, classes)})


def annotated_pairs(
    one: RecordingWindows, wanted: AnnotatedFrames, labels: str
) -> LearnedPairs:
    """Return the pairs of an annotated recording with their targets; those not valid leave.

    Args:
        one: the recording, with maps.
        wanted: which expressions are targets; pairs of the others are without one.
        labels: the label set that makes emotions one of :data:`EMOTIONS`.
    """
    assert one.maps is not None
    frames, k = one.used - one.padded, one.maps.k
    truth = targets(one, wanted, labels)
    which = np.flatnonzero(one.maps.valid)
    return LearnedPairs(
        one.maps.rows, which, pair_labels(truth, frames, k)[which],
        pair_classes(truth, frames, k, EMOTIONS)[which],
    )  # fmt: skip


def targets(
    one: RecordingWindows, wanted: AnnotatedFrames, labels: str
) -> tuple[Expression, ...]:
    """Return the expressions that are learned, in decimated frames, the apex too."""
    found = []
    for e in one.recording.expressions:
        if e.kind in wanted.kinds:
            apex = None if e.apex is None else one.decimated(Interval(e.apex, e.apex)).first
            found.append(
                replace(
                    e, interval=one.decimated(e.interval), apex=apex,
                    emotion=class_of(e.emotion, labels, one.recording.dataset),
                )
            )  # fmt: skip
    return tuple(found)


def annotated_epochs(
    wanted: AnnotatedFrames, labels: str, seed: int, some: Sequence[RecordingWindows]
) -> FrameEpochs:
    """Return the epochs of annotated recordings.

    Raises:
        DatasetError: there is no expression to learn from.
    """
    parts = [annotated_pairs(one, wanted, labels) for one in some]
    found = FrameEpochs(wanted.negative_ratio, seed, parts)
    if not found.positive:
        raise DatasetError(
            f"expected {wanted.expressions}-expressions to learn from in {len(some)} "
            "recordings, found none in a pair of frames with a face; choose other data, or "
            "[data] expressions"
        )
    return found
