"""Targets of annotated recordings, and the epochs that are drawn from them.

What is not known is not learned: frames without a measured face count in neither loss, frames
of an expression whose emotion has no class do not count in the loss of recognition.  As
published, every frame counts: a window without a face is learned as a still one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.errors import DatasetError
from mescope.events import Expression
from mescope.labels import SPOTTING_CLASSES
from mescope.labels import class_of as labels_class_of
from mescope.samples.recording_windows import HOME, RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.samples.synthetic import Epoch, Windows, joined
from mescope.samples.window_labels import frame_labels, sample_windows, window_labels

UNKNOWN = -1
"""Target of what is not learned: a spotting score or a class."""


class FrameTargets(NamedTuple):
    """Targets of the n decimated frames that windows cover.

    ``spotting`` (n,) float32 is 1 strictly between onset and offset, else 0.  ``classes`` (n,)
    int64 are indices into ``SPOTTING_CLASSES``, :data:`UNKNOWN` where an expression has none.
    """

    spotting: NDArray[np.float32]
    classes: NDArray[np.int64]


def frame_targets(
    one: RecordingWindows, wanted: AnnotatedRecordings, labels: str
) -> FrameTargets:
    """Return the targets of a recording.

    Args:
        one: the recording.
        wanted: which expressions are targets; frames of the others are neutral.
        labels: the label set that makes emotions one of the four classes; an emotion that
            already is one stays.
    """
    known: list[Expression] = []
    unknown: list[Expression] = []
    for expression in one.expressions(wanted.kinds):
        name = class_of(expression.emotion, labels, one.recording.dataset)
        # any class will do for one without: where it lies is all that is read of it
        some = replace(expression, emotion=name or SPOTTING_CLASSES[0])
        (known if name else unknown).append(some)
    spotting, _ = frame_labels([*known, *unknown], one.used)
    classes = frame_labels(known, one.used)[1]
    unclear = frame_labels(unknown, one.used)[0] > 0
    return FrameTargets(spotting, np.where(unclear, UNKNOWN, classes))


def class_of(emotion: str | None, labels: str, dataset: str) -> str | None:
    """Return which of the four classes an emotion is, or None."""
    if emotion in SPOTTING_CLASSES[:-1]:
        return emotion  # whatever sets the data set has
    try:
        found = labels_class_of(emotion or "", labels, HOME.get(dataset, dataset))
    except DatasetError:
        return None
    return found if found in SPOTTING_CLASSES[:-1] else None


def without_class(
    some: Sequence[RecordingWindows], wanted: AnnotatedRecordings, labels: str
) -> dict[str, int]:
    """Return how many expressions have an emotion without a class, by emotion."""
    return dict(
        Counter(
            e.emotion or "none"
            for one in some
            for e in one.recording.expressions
            if e.kind in wanted.kinds
            and class_of(e.emotion, labels, one.recording.dataset) is None
        )
    )


def training_windows(
    one: RecordingWindows, wanted: AnnotatedRecordings, labels: str
) -> Windows:
    """Return the windows of a recording with their targets; those without a face leave.

    As published they stay, and nothing in them is marked :data:`UNKNOWN` for want of a face.
    """
    targets = frame_targets(one, wanted, labels)
    window, hop = one.timing.window, one.timing.hop
    spotting = window_labels(targets.spotting, window, hop)
    classes = window_labels(targets.classes, window, hop)
    if wanted.mode == "as_published":
        return Windows(one.windows, spotting, classes)
    seen = np.flatnonzero(one.valid.any(axis=1))
    spotting = np.where(one.valid, spotting, np.float32(UNKNOWN))
    classes = np.where(one.valid, classes, UNKNOWN)
    return Windows(one.windows, spotting, classes).take(seen)


class RecordingEpochs:
    """Epochs of windows: all that hold a target, and others, drawn.

    Clean: drawn anew for every epoch.  As published: drawn once.

    Raises:
        DatasetError: no window holds a target.
    """

    def __init__(
        self,
        wanted: AnnotatedRecordings,
        labels: str,
        seed: int,
        some: Sequence[RecordingWindows],
    ) -> None:
        self._wanted, self._seed = wanted, seed
        parts: dict[int, list[Windows]] = {}
        for one in some:
            cut = training_windows(one, wanted, labels)
            if len(cut.flow):
                parts.setdefault(one.timing.window, []).append(cut)
        self._every = {length: joined(cuts) for length, cuts in sorted(parts.items())}
        if not any((w.spotting > 0).any() for w in self._every.values()):
            kinds = " or ".join(wanted.kinds)
            raise DatasetError(
                f"expected {kinds}-expressions to learn from in {len(some)} recordings, found "
                "none in a window with a face; choose other data, or [data] macro = true"
            )

    def __call__(self, epoch: int) -> Epoch:
        """Return the windows of an epoch, a pure function of the seed and its number."""
        drawn = 0 if self._wanted.mode == "as_published" else epoch
        rng = np.random.default_rng((self._seed, drawn))
        return Epoch(
            {
                length: every.take(
                    sample_windows(every.spotting, self._wanted.negative_ratio, rng)
                )
                for length, every in self._every.items()
            }
        )

    def sizes(self) -> list[int]:
        """Return the number of windows of every length in an epoch; the same in each."""
        return [len(windows.flow) for windows in self(0).by_length.values()]
