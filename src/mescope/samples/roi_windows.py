"""Windows of regional motion from annotated recordings: what the spotting models train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.annotations.problems import Problem
from mescope.datasets import samm_long, smic_long
from mescope.datasets.base import Dataset
from mescope.datasets.clips import Findings
from mescope.errors import DatasetError, MescopeError
from mescope.events import Expression, Interval, Recording
from mescope.face.box import Mode
from mescope.face.detector import FaceFinder
from mescope.io.progress import Progress
from mescope.labels import SPOTTING_CLASSES, to_classes
from mescope.motion.regions import REGIONS_18, Region
from mescope.motion.roi_flow import RoiFlow, extract
from mescope.samples.examples import Examples
from mescope.samples.window_labels import frame_labels, window_labels
from mescope.video.reading import open_video

HOME = {samm_long.NAME: samm_long.PEOPLE, smic_long.NAME: smic_long.PEOPLE}
"""Data sets that share people and words for emotions with another one, and that one.

Their people are named after it, so that a split over both keeps a person on one side."""

NEUTRAL = len(SPOTTING_CLASSES) - 1


class WindowExamples(NamedTuple):
    """m windows of k frames with a target for every frame.

    ``examples`` has inputs (m, 2R, k) and, as its one label of a window, the class that most of
    its expressive frames have, neutral without any.  ``spotting`` (m, k) float32 is 1 within an
    expression, ``classes`` (m, k) int64 the class of every frame in ``SPOTTING_CLASSES``,
    ``valid`` (m, k) is False where no face could be measured (the input is 0 there).
    """

    examples: Examples
    spotting: NDArray[np.float32]
    classes: NDArray[np.int64]
    valid: NDArray[np.bool_]
    problems: tuple[Problem, ...]


class _Cut(NamedTuple):
    """The windows of one recording; ``places`` their numbers in it."""

    recording: Recording
    places: NDArray[np.int64]
    flow: NDArray[np.float32]
    spotting: NDArray[np.float32]
    classes: NDArray[np.int64]
    valid: NDArray[np.bool_]


def window_examples(
    dataset: Dataset,
    *,
    labels: str = "4-class",
    regions: Sequence[Region] = REGIONS_18,
    mode: Mode = "clean",
    cache: Path | None = None,
    jobs: int | None = None,
    finder: FaceFinder | None = None,
    progress: Progress | None = None,
) -> WindowExamples:
    """Return every window of every recording in which a face was measured.

    Micro-expressions are the targets; frames of macro-expressions are neutral.  Windows that
    touch a micro-expression without a class are left out, since neither answer would be right
    there.  A person is (data set, subject), the data set of :data:`HOME` where there is one.
    Draw from the windows with :func:`mescope.samples.window_labels.sample_windows`.

    Args:
        dataset: recordings from a reader.
        labels: the label set that makes emotions one of the four classes; an emotion that
            already is one stays.
        regions: facial regions; ``REGIONS_5`` for ME-TST.
        mode: see :func:`mescope.motion.roi_flow.extract`.
        cache: folder that keeps what was measured, window by window.
        jobs: threads; one per core by default.
        finder: face detector; dlib by default.
        progress: called with (recordings done, recordings in all).

    Raises:
        DatasetError: no recordings, or none of them can be used.
    """
    if not dataset.recordings:
        more = "; its clips go into clip_examples" if dataset.clips else ""
        raise DatasetError(f"{dataset.name}: expected recordings, found none{more}")
    findings = Findings(dataset.name)
    cuts = []
    for done, recording in enumerate(dataset.recordings, 1):
        try:
            flow = _measured(
                recording, regions=regions, mode=mode, cache=cache, jobs=jobs, finder=finder
            )
        except (MescopeError, OSError) as error:
            findings.error(_key(recording), str(error))
        else:
            cuts += _cut(recording, flow, labels, findings)
        if progress is not None:
            progress(done, len(dataset.recordings))
    cuts = _of_one_length(cuts, findings)
    if not cuts:
        first = findings.single[0]
        raise DatasetError(
            f"{dataset.name}: none of {len(dataset.recordings)} recordings can be used; the "
            f"first, {first.where}: {first.message}"
        )
    return _joined(cuts, findings)


def _measured(recording: Recording, **options: Any) -> RoiFlow:
    if recording.path is None:
        raise DatasetError("the record names no file; give the folder of the recordings")
    path = Path(recording.path)
    video = open_video(path, rate=recording.rate if path.is_dir() else None)
    return extract(video, **options)


def _cut(recording: Recording, flow: RoiFlow, labels: str, findings: Findings) -> list[_Cut]:
    """Return the usable windows with their targets, if there are any."""
    for warning in flow.warnings:
        findings.warning(_key(recording), warning)
    real = flow.frames[: len(flow.frames) - flow.padded]
    known, unknown = _targets(recording, labels, findings)
    window, hop = flow.timing.window, flow.timing.hop
    used = (len(flow.windows) + 1) * hop
    spotting, classes = frame_labels([_decimated(e, real) for e in known], used)
    unclear = np.zeros(used, bool)
    for expression in unknown:
        span = _decimated(expression, real).interval
        unclear[span.first : span.last + 1] = True
    keep = flow.valid.any(1) & ~window_labels(unclear, window, hop).any(1)
    if not keep.any():
        text = "no window can be used: no face was measured, or expressions have no class"
        findings.error(_key(recording), text)
        return []
    return [
        _Cut(
            recording,
            np.flatnonzero(keep),
            flow.windows[keep],
            window_labels(spotting, window, hop)[keep],
            window_labels(classes, window, hop)[keep],
            flow.valid[keep],
        )
    ]


def _targets(
    recording: Recording, labels: str, findings: Findings
) -> tuple[list[Expression], list[Expression]]:
    """Return the micro-expressions with a class, their emotion being it, and those without."""
    known, unknown = [], []
    for expression in recording.expressions:
        if expression.kind != "micro":
            continue
        name = _class_of(expression.emotion or "", labels, _home(recording))
        if name is None:
            unknown.append(expression)
            continue
        known.append(
            Expression(interval=expression.interval, kind=expression.kind, emotion=name)
        )
    if unknown:
        emotions = sorted({e.emotion or "none" for e in unknown})
        text = (
            f"{len(unknown)} micro-expressions have no class in the label set {labels} of "
            f"{_home(recording)} ({', '.join(emotions)}); windows that touch them are left out"
        )
        findings.warning(_key(recording), text)
    return known, unknown


def _class_of(emotion: str, labels: str, dataset: str) -> str | None:
    if emotion in SPOTTING_CLASSES[:NEUTRAL]:
        return emotion
    try:
        found = to_classes(emotion, labels, dataset)
    except DatasetError:
        return None
    return found if found in SPOTTING_CLASSES[:NEUTRAL] else None


def _decimated(expression: Expression, frames: NDArray[np.int64]) -> Expression:
    """Return the expression in positions of ``frames``, both ends rounded down.

    The same as division by the step where the step is steady, as it is in published codes.
    """
    ends = np.array([expression.interval.first, expression.interval.last])
    first, last = np.maximum(np.searchsorted(frames, ends, side="right") - 1, 0)
    return Expression(
        interval=Interval(int(first), int(last)),
        kind=expression.kind,
        emotion=expression.emotion,
    )


def _of_one_length(cuts: list[_Cut], findings: Findings) -> list[_Cut]:
    """Leave out recordings whose windows have another length than most."""
    lengths = Counter(cut.flow.shape[-1] for cut in cuts)
    if len(lengths) < 2:
        return cuts
    usual = lengths.most_common(1)[0][0]
    for cut in cuts:
        found = cut.flow.shape[-1]
        if found != usual:
            text = f"windows of {found} frames where most have {usual}; left out"
            findings.error(_key(cut.recording), text)
    return [cut for cut in cuts if cut.flow.shape[-1] == usual]


def _joined(cuts: list[_Cut], findings: Findings) -> WindowExamples:
    classes = np.concatenate([cut.classes for cut in cuts])
    counts = np.stack([(classes == c).sum(1) for c in range(NEUTRAL)], axis=1)
    label = np.where(counts.any(1), counts.argmax(1), NEUTRAL)
    examples = Examples(
        kind="windows",
        inputs=np.concatenate([cut.flow for cut in cuts]),
        labels=label.astype(np.int64),
        classes=SPOTTING_CLASSES,
        persons=tuple(
            (_home(c.recording), c.recording.subject) for c in cuts for _ in c.places
        ),
        names=tuple(f"{c.recording.name}#{place}" for c in cuts for place in c.places),
    )
    return WindowExamples(
        examples,
        np.concatenate([cut.spotting for cut in cuts]),
        classes,
        np.concatenate([cut.valid for cut in cuts]),
        findings.problems(),
    )


def _home(recording: Recording) -> str:
    return HOME.get(recording.dataset, recording.dataset)


def _key(recording: Recording) -> str:
    return f"{recording.dataset} {recording.subject}/{recording.name}"
