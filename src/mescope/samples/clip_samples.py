"""From checked records to labelled examples: onset-apex flow, clips of frames, ROI windows.

Each clip is read, aligned by the face in its onset frame and measured in a thread of its own
(OpenCV works without the interpreter lock).  A clip that cannot be used becomes a problem and
the others go on; finished clips stay in the cache, so a run that was interrupted goes on where
it stopped.

Pictures that are missing or damaged: the nearest one inside the expression stands for them, if
it is at most a tenth of the expression away (a neighbour in any case), and a warning says so;
otherwise the clip is left out.  A clip whose apex nobody annotated, or that has it on the
onset, gets the apex of :mod:`mescope.samples.apex`, and a warning.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.annotations.problems import Problem
from mescope.datasets.base import Clip, Dataset, some
from mescope.datasets.clips import Findings
from mescope.errors import DatasetError
from mescope.face.box import Box
from mescope.face.detector import Face, FaceFinder, Grey, default_finder
from mescope.io.cores import cores
from mescope.io.progress import Progress
from mescope.labels import class_of, classes_for, leaves_out
from mescope.samples.base import Prepared
from mescope.samples.clip_features import (
    Computed,
    Feature,
    FlowFeature,
    FramesFeature,
    Keep,
    MapFeature,
    OnsetFlowFeature,
    make,
)
from mescope.samples.examples import Examples
from mescope.samples.mapped_rows import stacked
from mescope.samples.recording_clips import clips_of

FRAMES = 16
"""Frames of a sample that is a clip."""

Item = TypeVar("Item")
Done = TypeVar("Done")


def flow_examples(
    dataset: Dataset,
    *,
    labels: str,
    size: int = 28,
    crop: int = 224,
    method: str = "tvl1",
    cache: Path | None = None,
    jobs: int | None = None,
    finder: FaceFinder | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Return the flow from onset to apex of every clip, inputs (n, 3, size, size) float32.

    The channels are u (to the right), v (down) and optical strain.  The flow is measured
    between aligned grey faces of ``crop`` px (with a rim that is cut off afterwards, because
    TV-L1 invents motion at borders) and every pixel of the result is the mean of the area it
    covers; u and v stay in px of the crop, whatever ``size`` is (multiply them by
    ``size / crop`` for px of the result), strain is px per px.  Nothing is scaled by clip or
    by data set, and zero motion is 0.

    Differs from the 28 x 28 maps that STSTNet's authors published, which are scaled to 0..255
    clip by clip.

    Args:
        dataset: clips from a reader.
        labels: a label set of :mod:`mescope.labels`, such as ``"3-class"``.
        size: side of the result, px.
        crop: side of the aligned faces in which the flow is measured, px.
        method: ``"tvl1"`` or ``"farneback"``.
        cache: folder that keeps finished clips; None keeps nothing.  Not used with a
            ``finder`` of your own.
        jobs: threads; one per core by default.
        finder: face detector; dlib by default.  Called by one thread at a time.
        progress: see :data:`Progress`.

    Raises:
        DatasetError: no clips, no such label set, or none of the clips can be used.
        RecipeError: a size or the method makes no sense.
    """
    feature = FlowFeature(size, crop, method)
    return _clips(dataset, labels, feature, cache, jobs, finder, progress).stacked("flow")


def onset_flow_examples(
    dataset: Dataset,
    *,
    labels: str,
    size: int = 224,
    crop: int = 224,
    cache: Path | None = None,
    jobs: int | None = None,
    finder: FaceFinder | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Return u, v and the grey onset (0 to 1) of every clip, (n, 3, size, size) float32.

    Made by :class:`mescope.samples.clip_features.OnsetFlowFeature`, for AMMSM; TV-L1 in a crop
    no smaller than ``size``.  Arguments and errors as :func:`flow_examples`.
    """
    feature = OnsetFlowFeature(FlowFeature(size, max(crop, size), "tvl1"))
    return _clips(dataset, labels, feature, cache, jobs, finder, progress).stacked("flow-onset")


def grey_map_examples(
    dataset: Dataset,
    *,
    labels: str,
    size: int = 28,
    cache: Path | None = None,
    jobs: int | None = None,
    finder: FaceFinder | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Return maps like the published ones of every clip, inputs (n, 3, size, size), 0 to 255.

    Made by :class:`mescope.samples.clip_features.MapFeature`; arguments and errors as
    :func:`flow_examples`.  Not the published maps to the last pixel: their alignment, crop and
    flow parameters are not known.
    """
    feature = MapFeature.of(size)
    return _clips(dataset, labels, feature, cache, jobs, finder, progress).stacked("flow28")


def clip_examples(
    dataset: Dataset,
    *,
    labels: str,
    frames: int = FRAMES,
    size: int = 224,
    cache: Path | None = None,
    jobs: int | None = None,
    finder: FaceFinder | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Return aligned grey faces of every clip, inputs (n, frames, size, size) float32, 0 to 1.

    Time is resampled: frame i is that nearest to ``onset + i * (offset - onset) / (frames -
    1)``, so both ends are taken, all clips span their expression, and short clips repeat
    frames.  (:mod:`mescope.samples.sparse_frames` takes the middles of equal
    segments instead and never sees the offset.)  All frames share the transform of the onset.

    Args:
        dataset: clips from a reader.
        labels: a label set of :mod:`mescope.labels`.
        frames: frames of every example.
        size: side of the aligned faces, px.
        cache: see :func:`flow_examples`; faces are kept as uint8.
        jobs: threads; one per core by default.
        finder: face detector; dlib by default.
        progress: see :data:`Progress`.

    Raises:
        DatasetError: no clips, no such label set, or none of the clips can be used.
        RecipeError: a number makes no sense.
    """
    feature = FramesFeature(frames, size)
    found = _clips(dataset, labels, feature, cache, jobs, finder, progress)
    rows = (np.divide(item.values, np.float32(255)) for item in found.made)
    return found.stacked("clips", rows)


def feature_examples(
    dataset: Dataset,
    feature: Feature,
    *,
    labels: str,
    cache: Path | None = None,
    jobs: int | None = None,
    finder: FaceFinder | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Return a feature of every clip, its values one behind the other: inputs (n, ...) float32.

    The samples are of the kind that has the feature's name.  Arguments and errors as
    :func:`flow_examples`.
    """
    return _clips(dataset, labels, feature, cache, jobs, finder, progress).stacked(feature.name)


class _Found(NamedTuple):
    """What became of the clips of a data set."""

    made: list[Computed]
    clips: list[Clip]
    labels: list[int]
    classes: tuple[str, ...]
    problems: tuple[Problem, ...]
    folder: Path | None  # of the cache
    parameters: dict[str, Any]  # of the feature

    def stacked(self, kind: str, rows: Iterable[NDArray[np.float32]] | None = None) -> Prepared:
        """Return the samples, in a file of the cache if they are large."""
        values = rows or (np.asarray(item.values, np.float32) for item in self.made)
        path = None
        if self.folder is not None:
            what = [(clip.dataset, clip.subject, clip.name) for clip in self.clips]
            known = json.dumps([kind, self.parameters, what], sort_keys=True)
            key = hashlib.sha256(known.encode()).hexdigest()[:40]
            path = self.folder / f"{key}-stacked.npy"
        inputs = stacked(values, len(self.made), path)
        examples = Examples(
            kind=kind,
            inputs=inputs,
            labels=np.array(self.labels, np.int64),
            classes=self.classes,
            persons=tuple((clip.dataset, clip.subject) for clip in self.clips),
            names=tuple(clip.name for clip in self.clips),
            parts=_parts(self.clips),
        )
        return Prepared(examples, self.problems)


def _clips(
    dataset: Dataset,
    labels: str,
    feature: Feature,
    cache: Path | None,
    jobs: int | None,
    finder: FaceFinder | None,
    progress: Progress | None,
) -> _Found:
    """Compute a feature of every clip that has a class, in the order of the data set."""
    findings = Findings(dataset.name)
    classes, clips, wanted = clips_with_class(dataset, labels, findings)
    # what another finder does has no name to key by
    keep = Keep(Path(cache) / feature.name) if cache is not None and finder is None else None
    guarded = _OneAtATime(finder or default_finder())

    def work(clip: Clip) -> Computed | str:
        return make(clip, feature, guarded, keep)

    made, kept, chosen = [], [], []
    for clip, label, item in zip(
        clips, wanted, _each(clips, work, jobs, progress), strict=True
    ):
        if isinstance(item, str):
            findings.error(_key(clip), item)
            continue
        _note(clip, item, findings)
        made.append(item)
        kept.append(clip)
        chosen.append(label)
    if not made:
        first = findings.single[0]
        raise DatasetError(
            f"{dataset.name}: none of {len(clips)} clips can be used; the first, "
            f"{first.where}: {first.message}"
        )
    _note_cache(keep, findings)
    folder = None if keep is None else keep.folder
    return _Found(made, kept, chosen, classes, findings.problems(), folder, feature.parameters)


def clips_with_class(
    dataset: Dataset, labels: str, findings: Findings
) -> tuple[tuple[str, ...], list[Clip], list[int]]:
    """Return the classes of a label set, and the clips that have one with its index.

    Raises:
        DatasetError: there is no clip, no such label set, or none of the clips has a class.
    """
    wanted = clips_of(dataset, findings)
    if not wanted:
        first = "".join(f"; the first problem: {p}" for p in findings.single[:1])
        raise DatasetError(
            f"{dataset.name}: expected clips, or recordings with micro-expressions, found "
            f"none that can be used in {len(dataset.recordings)} recordings{first}"
        )
    classes = classes_for(labels, {clip.dataset for clip in wanted})
    clips, chosen = [], []
    outside: Counter[str] = Counter()
    for clip in wanted:
        emotion = clip.expression.emotion or ""
        try:
            name = class_of(emotion, labels, clip.dataset)
        except DatasetError as error:
            findings.error(_key(clip), str(error))
            continue
        if name is None or leaves_out(labels, clip.dataset, clip.subject, clip.name):
            by_name = "" if name is None else " by their names"
            outside[f"{emotion} of {clip.dataset}{by_name}"] += 1
            continue
        clips.append(clip)
        chosen.append(classes.index(name))
    if outside:
        what = ", ".join(f"{n} {emotion}" for emotion, n in outside.most_common())
        text = f"the label set {labels} leaves out {outside.total()} clips: {what}"
        findings.warning(dataset.name, text)
    if not clips:
        raise DatasetError(f"{dataset.name}: no clip has a class of the label set {labels}")
    return classes, clips, chosen


def _parts(clips: Sequence[Clip]) -> tuple[str, ...]:
    """Return the part of a published split that each clip is of; none where there is none."""
    parts = tuple(clip.part for clip in clips)
    return parts if any(parts) else ()


def _note(clip: Clip, item: Computed, findings: Findings) -> None:
    for note in item.notes:
        findings.warning(_key(clip), note)
    if item.apex is not None:
        number = item.apex + clip.first_number
        text = "clips have no apex after the onset in the table; found by the unimodal rule"
        findings.each(text, f"{_key(clip)} at {number}")


def _note_cache(keep: Keep | None, findings: Findings) -> None:
    if keep is None:
        return
    for keys, what in ((keep.outdated, "of another version"), (keep.damaged, "damaged")):
        if keys:
            text = f"{len(keys)} cache entries were {what} and computed again: {some(keys)}"
            findings.warning(str(keep.folder), text)
    if keep.broken:
        findings.warning(str(keep.folder), f"not everything is cached: {keep.broken}")


def _key(clip: Clip) -> str:
    return f"{clip.dataset} {clip.subject}/{clip.name}"


def _each(
    items: Sequence[Item],
    work: Callable[[Item], Done],
    jobs: int | None,
    progress: Progress | None,
) -> list[Done]:
    """Return ``work`` of every item, in order, done in threads.

    When the caller is interrupted, what is under way is finished and the rest is not begun.
    """
    before = cv2.getNumThreads()
    pool = ThreadPoolExecutor(jobs or cores())
    try:
        cv2.setNumThreads(1)  # one clip per thread is faster than many threads per clip
        futures = [pool.submit(work, item) for item in items]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()  # an error that no input is the cause of ends the run at once
            if progress is not None:
                progress(done, len(items))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(before)


class _OneAtATime:
    """A face finder that threads take in turn: detectors keep scratch memory of their own."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder, self._lock = finder, threading.Lock()

    def find(self, grey: Grey) -> list[Face]:
        with self._lock:
            return self._finder.find(grey)

    def landmarks(self, grey: Grey, box: Box) -> NDArray[np.float32]:
        with self._lock:
            return self._finder.landmarks(grey, box)
