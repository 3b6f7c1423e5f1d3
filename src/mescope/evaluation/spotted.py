"""What an evaluation on recordings found: videos, truth, and the detections of every run.

Truth and detections are kept in native frames and in decimated ones.  Clean figures are counted
in native frames; published codes match decimated ones, and so do the ``as_published`` modes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mescope.errors import DatasetError, LeakError
from mescope.evaluation.interval_table import Row, Table, VideoKey
from mescope.evaluation.predictions import CLEAN
from mescope.evaluation.scores import CLASSES, MODES, NEUTRAL, videos_of

Frames = Literal["native", "decimated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpottedVideo:
    """One recording that was tested, its ``person`` being (data set, subject).

    ``native`` and ``decimated`` are numbers of frames.
    """

    key: VideoKey
    person: tuple[str, str]
    native: int
    decimated: int
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpottedRun:
    """What one method found in all recordings with one seed; ``strategy`` None: no network."""

    method: str
    title: str
    seed: int
    strategy: int | None
    native: tuple[Row, ...]
    decimated: tuple[Row, ...]

    def rows(self, frames: Frames) -> tuple[Row, ...]:
        """Return the detections in the frames asked for."""
        return self.native if frames == "native" else self.decimated


@dataclass(frozen=True, slots=True, kw_only=True)
class SpottedBy:
    """A fold: who was tested, by weights that learned from whom, and the rule's constants."""

    fold: str
    seed: int
    train: tuple[tuple[str, str], ...]
    test: tuple[tuple[str, str], ...]
    rule: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Spotted:
    """Detections of a recipe under a protocol, with all that made them.

    Its figures: :class:`~mescope.evaluation.spotting_report.SpottingReport`.

    ``left_out`` counts expressions of recordings that nobody could judge.  The first run is the
    one that the recipe asks for.

    Raises:
        DatasetError: there are no runs or videos, or a detection is in a video that was not
            tested.
        LeakError: somebody was tested by weights that learned from him.
    """

    name: str
    recipe: Mapping[str, Any]
    protocol: str
    mode: str  # "clean", or "as_published"
    videos: tuple[SpottedVideo, ...]
    truth_native: tuple[Row, ...]
    truth_decimated: tuple[Row, ...]
    runs: tuple[SpottedRun, ...]
    folds: tuple[SpottedBy, ...]
    hashes: Mapping[str, str]
    environment: Mapping[str, str]
    seconds: float
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    classes: tuple[str, ...] = CLASSES

    def __post_init__(self) -> None:
        if not self.runs or not self.videos:
            raise DatasetError(f"{self.name}: expected runs and videos, found none")
        known = {video.key for video in self.videos}
        for run in self.runs:
            strange = {row.where for row in run.native} - known
            if strange:
                raise DatasetError(
                    f"{self.name}: expected detections in tested videos, found some in "
                    f"{'/'.join(sorted(strange)[0])}"
                )
        for fold in self.folds:
            shared = set(fold.train) & set(fold.test)
            if shared:
                raise LeakError(
                    f"{self.name}, fold {fold.fold}: {'/'.join(sorted(shared)[0])} was tested "
                    "by weights that learned from the same person"
                )

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, sorted."""
        return tuple(sorted({run.seed for run in self.runs}))

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets, sorted."""
        return tuple(sorted({video.person[0] for video in self.videos}))

    @property
    def methods(self) -> dict[str, list[SpottedRun]]:
        """The runs by method, that of the recipe first; each method's by seed."""
        found: dict[str, list[SpottedRun]] = {}
        for run in sorted(self.runs, key=lambda one: one.seed):
            found.setdefault(run.method, []).append(run)
        first = self.runs[0].method
        return {first: found.pop(first), **found}

    @property
    def frames(self) -> Frames:
        """Which frames are counted."""
        return "native" if self.mode == CLEAN else "decimated"

    @property
    def minutes(self) -> float:
        """Length of all videos that are counted, together."""
        return sum(video.minutes for video in self.counted)

    @property
    def counted(self) -> tuple[SpottedVideo, ...]:
        """The videos that the mode counts: as published those with a micro-expression.

        All of them where none has any, so that there is a time to divide by.
        """
        run = self.runs[0]
        keys = set(videos_of(self.found(run), self.truth(), self.counting(run)))
        return tuple(video for video in self.videos if video.key in keys) or self.videos

    def truth(self, frames: Frames | None = None) -> Table:
        """Return the annotations, and all videos that were looked at."""
        chosen = frames or self.frames
        rows = self.truth_native if chosen == "native" else self.truth_decimated
        return Table(rows, frozenset(video.key for video in self.videos))

    def found(self, run: SpottedRun, frames: Frames | None = None) -> Table:
        """Return the detections of a run, neutral ones included only as published."""
        rows = run.rows(frames or self.frames)
        if self.mode == CLEAN:
            rows = tuple(row for row in rows if row.emotion != NEUTRAL)
        return Table(rows, frozenset(video.key for video in self.videos))

    def lengths(self) -> dict[VideoKey, int]:
        """Return the frames of every video, of those that are counted.

        A published interval of fixed length may stick out of the last frame; the video is then
        taken for so long.
        """
        native = self.frames == "native"
        known = {v.key: v.native if native else v.decimated for v in self.videos}
        for run in self.runs:
            for row in run.rows(self.frames):
                known[row.where] = max(known[row.where], row.interval.last + 1)
        return known

    def counting(self, run: SpottedRun) -> str:
        """Return the mode of :data:`mescope.evaluation.scores.MODES` that counts a run."""
        if self.mode == CLEAN:
            return CLEAN
        unfiltered = "_unfiltered" if run.strategy != 1 else ""
        return MODES[f"as_published_metst{unfiltered}"].name

    def truth_hash(self) -> str:
        """Return SHA-256 of the recordings and their annotations, however they were measured.

        Runs with equal ones were tested on the same data.
        """
        rows = sorted(repr(row) for row in self.truth_native)
        videos = sorted((video.key, video.native) for video in self.videos)
        return hashlib.sha256(repr((videos, rows)).encode()).hexdigest()
