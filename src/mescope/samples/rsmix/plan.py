"""What RSMix makes of one long video: which frames go onto which, and the pictures of it.

Planning looks for faces only, a frame once; pictures are decoded again when a plan is drawn, so
memory stays small however long an expression is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from mescope.errors import FaceError, RecipeError, VideoError
from mescope.events import Expression, Interval, Recording
from mescope.face.detector import FaceFinder, FaceTracker, default_finder
from mescope.face.nasal_crop import (
    MOST_MISSING,
    SIZE,
    ClipCrops,
    Extent,
    NasalCrop,
    Smoothing,
    crop_clip,
)
from mescope.facs import Table
from mescope.samples.rsmix.neutral import GUARD, NeutralFrames, Target
from mescope.samples.rsmix.paste import (
    FEWEST,
    GRID,
    Account,
    Cells,
    MaskRule,
    Pictures,
    find_regions,
    opening_account,
    paste,
)
from mescope.video.source import Picture, Video

LONGEST_MICRO_S = 3.0
"""Seconds; a longer micro-expression is an error of the sheet, unless ``keep_long``."""

_CHUNK = 64  # frames in memory at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How clips are mixed.

    Attributes:
        table: the corrected (``clean``) table of action units, or that ``as_published``.
        smoothing: how the landmarks that place a crop are calmed; ``none`` as published.
        mask: cells of each ``frame``, or the ``union`` over the clip.
        extent: how much of the head a crop shows, see :mod:`mescope.face.nasal_crop`.
        size: side of the crops, px.
        guard: frames on both sides of an expression that are not neutral.
        keep_long: also take micro-expressions of more than 3 s.
        control: paste the same cells from another neutral stretch: a model that
            names the source's emotion in such a clip has learned the mask.

    Raises:
        RecipeError: a value makes no sense.
    """

    table: Table = "clean"
    smoothing: Smoothing = "median5"
    mask: MaskRule = "frame"
    extent: Extent = "square"
    size: int = SIZE
    guard: int = GUARD
    keep_long: bool = False
    control: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (
            ("table", self.table, get_args(Table)),
            ("smoothing", self.smoothing, get_args(Smoothing)),
            ("mask", self.mask, get_args(MaskRule)),
            ("extent", self.extent, get_args(Extent)),
        ):
            if value not in known:
                raise RecipeError(
                    f"expected {name} to be one of {', '.join(known)}, found {value!r}"
                )
        if self.size < GRID or self.guard < 0:
            raise RecipeError(
                f"expected crops of {GRID} px or more and a guard band of 0 frames or more, "
                f"found {self.size} px and {self.guard} frames"
            )


@dataclass(frozen=True, slots=True)
class Layer:
    """Frames of a recording and their crops, one for every frame of a clip."""

    frames: tuple[int, ...]
    crops: tuple[NasalCrop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One source and what is to be made of it.

    ``account.skipped`` says why nothing is; otherwise ``cells`` (k, 14, 14) of ``above`` are
    pasted onto ``below``.  ``target`` says where ``below`` comes from, ``paste`` where the
    control's ``above`` does.
    """

    expression: Expression
    account: Account
    cells: Cells | None = None
    above: Layer | None = None
    below: Layer | None = None
    target: Target | None = None
    paste: Target | None = None


class FaceMarks:
    """Landmarks of the frames of one recording, looked for once each."""

    def __init__(self, video: Video, finder: FaceFinder) -> None:
        self._video = video
        self._tracker = FaceTracker(finder)
        self._known: dict[int, NDArray[np.float32] | None] = {}

    def of(self, frames: Iterable[int]) -> NDArray[np.float64]:
        """Return (n, 68, 2) landmarks in px of the frames; nan where there is no face."""
        wanted = list(frames)
        self._look(wanted)
        marks = np.full((len(wanted), 68, 2), np.nan)
        for place, frame in enumerate(wanted):
            found = self._known.get(frame)
            if found is not None:
                marks[place] = found
        return marks

    def absent(self, frames: Iterable[int]) -> list[int]:
        """Return those of ``frames`` whose picture is missing or damaged."""
        wanted = list(frames)
        self._look(wanted)
        return [frame for frame in wanted if frame not in self._known]

    def _look(self, frames: list[int]) -> None:
        new = set(frames) - self._known.keys()
        if not new:
            return
        for index, grey in self._video.frames(grey=True, start=min(new), stop=max(new) + 1):
            if index in new:
                found = self._tracker.see(index, grey)
                self._known[index] = None if found is None else found.landmarks


def plan_recording(
    recording: Recording,
    video: Video,
    settings: Settings,
    finder: FaceFinder | None = None,
    *,
    marks: FaceMarks | None = None,
) -> tuple[Plan, ...]:
    """Return a plan for every expression of a recording, in the order of their onsets.

    Every neutral frame serves once; sources choose in that order.  A control's pasted frames
    are chosen when all sources have their targets, so that the targets are those of the plan
    without control.  ``marks`` are the landmarks found so far, looked for again otherwise.

    Raises:
        VideoError: the recording changed or its pictures differ in size.
    """
    marks = marks or FaceMarks(video, finder or default_finder())
    intervals = [expression.interval for expression in recording.expressions]
    neutral = NeutralFrames(len(video), intervals, guard=settings.guard)
    ordered = sorted(recording.expressions, key=lambda e: (e.interval, e.kind))
    plans = [_with_source(e, recording.rate, marks, settings) for e in ordered]
    plans = [_with_target(plan, neutral, marks, settings) for plan in plans]
    if settings.control:
        plans = [_as_control(plan, neutral, marks, settings) for plan in plans]
    return tuple(plans)


def draw(plan: Plan, video: Video) -> Iterator[Picture]:
    """Yield the mixed frames (size, size, 3) RGB of a plan that was not skipped.

    Raises:
        VideoError: the recording changed since it was planned.
    """
    above, below, cells = plan.above, plan.below, plan.cells
    if above is None or below is None or cells is None:
        return
    for start in range(0, len(cells), _CHUNK):
        stop = min(start + _CHUNK, len(cells))
        pictures = _read(video, {*above.frames[start:stop], *below.frames[start:stop]})
        for j in range(start, stop):
            top, ground = (
                layer.crops[j].cut(pictures[layer.frames[j]]) for layer in (above, below)
            )
            yield paste(top, ground, cells[j])


def clip_of(plan: Plan, video: Video) -> Pictures:
    """Return the mixed clip (k, size, size, 3) RGB of a plan that was not skipped."""
    return np.stack(list(draw(plan, video)))


def crops_of(layer: Layer, video: Video) -> Pictures:
    """Return the crops (k, size, size, 3) RGB of a layer alone, to be looked at."""
    pictures = _read(video, set(layer.frames))
    pairs = zip(layer.frames, layer.crops, strict=True)
    return np.stack([crop.cut(pictures[frame]) for frame, crop in pairs])


def _read(video: Video, frames: set[int]) -> dict[int, Picture]:
    """Return RGB pictures of frames that could all be read when they were planned."""
    pictures = video.read(sorted(frames))
    lost = sorted(frames - pictures.keys())
    if lost:
        raise VideoError(
            f"{video.name}: frame {lost[0]} could be read before and no longer can; has the "
            "recording changed? Run the same command again"
        )
    return pictures


def _with_source(
    expression: Expression, rate: float, marks: FaceMarks, settings: Settings
) -> Plan:
    """Return the plan with cells and crops of its source, or why there are none."""
    interval = expression.interval
    account = opening_account(expression.action_units, len(interval), settings.table)
    if account.skipped:
        return Plan(expression=expression, account=account)
    found = source_crops(expression, rate, marks, settings)
    if isinstance(found, str):
        return Plan(expression=expression, account=replace(account, skipped=found))
    frames = tuple(range(interval.first, interval.last + 1))
    cells, account = find_regions(
        found.landmarks, expression.action_units, settings.size,
        frames=len(frames), table=settings.table, mask=settings.mask,
    )  # fmt: skip
    return Plan(
        expression=expression,
        account=replace(account, filled=found.filled),
        cells=cells,
        above=Layer(frames, found.crops),
    )


def source_crops(
    expression: Expression, rate: float, marks: FaceMarks, settings: Settings
) -> ClipCrops | str:
    """Return the crops of an expression's frames, or why it is not used."""
    interval = expression.interval
    reason = _unclean(expression, rate, marks, settings)
    if reason:
        return reason
    try:
        return _crops(marks, tuple(range(interval.first, interval.last + 1)), settings)
    except FaceError as error:
        return f"source: {error}"


def _unclean(expression: Expression, rate: float, marks: FaceMarks, settings: Settings) -> str:
    """Return why a source is not used, or ""."""
    interval = expression.interval
    if len(interval) < FEWEST:
        return f"the source has {len(interval)} frame, at least {FEWEST} are needed"
    seconds = len(interval) / rate
    if expression.kind == "micro" and seconds > LONGEST_MICRO_S and not settings.keep_long:
        return f"a micro-expression of {seconds:.1f} s, at most {LONGEST_MICRO_S:g} s"
    absent = marks.absent(range(interval.first, interval.last + 1))
    if absent:
        return f"{len(absent)} of {len(interval)} pictures are missing or damaged"
    return ""


def _with_target(
    plan: Plan, neutral: NeutralFrames, marks: FaceMarks, settings: Settings
) -> Plan:
    if plan.account.skipped:
        return plan
    found = _neutral_layer(plan.expression.interval, neutral, marks, settings)
    if found is None:
        none = "no neutral frame of the recording is left"
        return replace(plan, account=replace(plan.account, skipped=none))
    target, layer = found
    account = replace(plan.account, repeated=target.repeated)
    return replace(plan, account=account, target=target, below=layer)


def _as_control(
    plan: Plan, neutral: NeutralFrames, marks: FaceMarks, settings: Settings
) -> Plan:
    if plan.account.skipped:
        return plan
    found = _neutral_layer(plan.expression.interval, neutral, marks, settings)
    if found is None:
        none = "no second neutral stretch is left for the control"
        return replace(plan, account=replace(plan.account, skipped=none))
    return replace(plan, paste=found[0], above=found[1])


def _neutral_layer(
    source: Interval, neutral: NeutralFrames, marks: FaceMarks, settings: Settings
) -> tuple[Target, Layer] | None:
    """Return the next neutral frames that can be used, and take them; None if none is left.

    A run in which nobody is seen is taken out, and the next one is looked at.
    """
    while (target := neutral.find(source)) is not None:
        own = tuple(dict.fromkeys(target.frames))  # without the repetitions
        absent = marks.absent(own)
        if absent:
            neutral.use(absent)
            continue
        neutral.use(own)
        try:
            crops = _crops(marks, own, settings, most_missing=1.0).crops
        except FaceError:
            continue
        return target, Layer(target.frames, (*crops, *[crops[-1]] * target.repeated))
    return None


def _crops(
    marks: FaceMarks,
    frames: tuple[int, ...],
    settings: Settings,
    *,
    most_missing: float = MOST_MISSING,
) -> ClipCrops:
    return crop_clip(
        marks.of(frames), size=settings.size, extent=settings.extent,
        smoothing=settings.smoothing, most_missing=most_missing,
    )  # fmt: skip
