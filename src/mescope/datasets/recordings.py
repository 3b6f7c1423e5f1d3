"""From the rows of a sheet and a long video to a checked recording with its expressions.

The counterpart of :mod:`mescope.datasets.clips` for data sets of long videos.  A reader finds
its videos (:class:`VideoFile`), turns its sheet into one :class:`SheetExpression` per
expression with the cells as they stand, says in :class:`Rules` what the numbers of that sheet
mean, and calls :func:`assemble`.  What is common to all is done here and in ``recording_rows``,
once:

* Frame 0 is the first picture (or the first frame of a video file, which sheets call 1), so
  frame = number - first number; a number without a picture is a missing frame: time goes on.
* A row is left out for a cell that is not a whole number, an offset before its onset or numbers
  that no frame of the video has; what stands for "not annotated" is up to ``Rules``.
* An identical row counts once.  Expressions that overlap are all kept, and reported.
* A video without any row is kept as a recording without expressions: a detector that fires
  there is wrong.  A reader whose videos were not all annotated leaves those out of ``files``.
* Where only the sheets are read (``sheets_only``), number 1 is frame 0, as in the published
  codes, and a recording is as long as its last row says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mescope.datasets.base import Dataset, seconds_at, some
from mescope.datasets.clips import Findings
from mescope.datasets.recording_rows import (
    Rules,
    SheetExpression,
    check_counts,
    expression_of,
    kind_of,
    label_of,
    last_number,
    tally,
)
from mescope.datasets.workbook import whole
from mescope.errors import VideoError
from mescope.events import (
    MICRO_MAX_S,
    Expression,
    FaceEvent,
    Interval,
    Recording,
    Seconds,
)
from mescope.video.image_folders import numbered_files
from mescope.video.reading import open_video

__all__ = [
    "Rules",
    "SheetBlink",
    "SheetExpression",
    "VideoFile",
    "assemble",
    "check_counts",
    "kind_of",
    "tally",
]

ANNOTATED = 1.0
"""Strength of an event that a person annotated: sheets do not say how strong it was."""

_RATE_TOLERANCE = 0.01  # of the nominal rate, between a file's time stamps and the data set


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFile:
    """A long video on disk: a folder of numbered pictures or a video file.

    ``name`` is unique in the data set; rows name their video by it, in any case of letters.
    ``path`` is None where only the sheet is read.
    """

    subject: str
    name: str
    path: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetBlink:
    """One eye blink of a sheet, its cells as they stand."""

    where: str
    video: str
    onset: object
    offset: object


_AnyRow = TypeVar("_AnyRow", SheetExpression, SheetBlink)


@dataclass(slots=True)
class IndexedVideo:
    """A video that was looked into, and what was found out about its rows."""

    file: VideoFile
    rules: Rules
    findings: Findings
    first: int  # number of frame 0
    frames: int
    rate: float
    missing: frozenset[int] = frozenset()  # frames
    times: NDArray[np.float64] | None = None  # of a file; pictures are at a steady rate
    kept: list[tuple[str, Expression]] = field(default_factory=list)

    @property
    def span(self) -> range:
        return range(self.first, self.first + self.frames)


def assemble(
    events: Iterable[SheetExpression],
    files: Iterable[VideoFile],
    rules: Rules,
    findings: Findings,
    *,
    blinks: Iterable[SheetBlink] = (),
) -> Dataset:
    """Return all recordings: those with rows in the order of the sheet, then the others.

    The problems are what ``findings`` holds at the end, so a reader's own come first.
    """
    found: dict[str, VideoFile] = {}
    for file in files:
        if found.setdefault(file.name.lower(), file) is not file:
            findings.warning(str(file.path), f"{file.name} was found before; not used")
    rows = _by_video(events)
    blinked = _by_video(blinks)
    records: list[Recording] = []
    times: dict[str, tuple[Seconds, ...]] = {}
    seen: dict[str, tuple[FaceEvent, ...]] = {}
    for key in (*rows, *(k for k in found if k not in rows)):
        its_rows = rows.get(key, [])
        if key not in found:
            _lost(its_rows, f"{its_rows[0].video}: there is no such video", findings)
            continue
        video = _look(found[key], its_rows, rules, findings)
        if video is not None:
            if not its_rows:
                text = "recordings have no row in the table, kept without expressions"
                findings.each(text, video.file.name)
            _fill(video, its_rows)
            record = _recording(video)
            records.append(record)
            times[record.name] = tuple(_seconds(e, video) for e in record.expressions)
            found_blinks = _blinks(video, blinked.pop(key, []))
            if found_blinks:
                seen[record.name] = found_blinks
    for name, lost in blinked.items():
        text = f"{name}: {len(lost)} eye blinks of a video that is not there, left out"
        findings.error(lost[0].where, text, rows=0)
    return Dataset(
        name=rules.dataset,
        recordings=tuple(records),
        problems=findings.problems(),
        seconds=times,
        events=seen,
        table_rows=findings.rows,
    )


def _by_video(rows: Iterable[_AnyRow]) -> dict[str, list[_AnyRow]]:
    """Return the rows of every video, by its name in small letters."""
    found: dict[str, list[_AnyRow]] = {}
    for row in rows:
        found.setdefault(row.video.lower(), []).append(row)
    return found


def _lost(events: Sequence[SheetExpression], message: str, findings: Findings) -> None:
    """Note, at the first of them, why all rows of a video were left out."""
    where = events[0].where if events else findings.file
    rows = f"; its {len(events)} rows were left out" if len(events) > 1 else ""
    findings.error(where, message + rows, len(events))


def _look(
    file: VideoFile, events: Sequence[SheetExpression], rules: Rules, findings: Findings
) -> IndexedVideo | None:
    """Return what the pictures or the file say; None if they cannot be read."""
    path = file.path
    if path is None:
        return IndexedVideo(file, rules, findings, 1, last_number(events, rules), rules.rate)
    try:
        return (_folder if path.is_dir() else _file)(file, path, rules, findings)
    except (VideoError, OSError) as error:
        _lost(events, f"{file.name}: {error}", findings)
        return None


def _folder(file: VideoFile, path: Path, rules: Rules, findings: Findings) -> IndexedVideo:
    files = numbered_files(path, rules.rate)
    first, last = files.numbers[0], files.numbers[-1]
    missing = sorted(set(range(first, last + 1)) - set(files.numbers))
    if missing:
        which = some(map(str, missing))
        text = f"{len(missing)} of {last - first + 1} frames are missing ({which})"
        findings.warning(file.name, text)
    if files.ignored:
        findings.each("recordings have files that are not numbered pictures", file.name)
    gaps = frozenset(number - first for number in missing)
    return IndexedVideo(file, rules, findings, first, last - first + 1, rules.rate, gaps)


def _file(file: VideoFile, path: Path, rules: Rules, findings: Findings) -> IndexedVideo:
    video = open_video(path)
    if abs(video.rate - rules.rate) > _RATE_TOLERANCE * rules.rate:
        text = f"{video.rate:.3f} frames per second, expected {rules.rate:g}; those were used"
        findings.warning(file.name, text)
    return IndexedVideo(
        file, rules, findings, first=1, frames=len(video), rate=video.rate, times=video.times
    )


def _fill(video: IndexedVideo, events: Sequence[SheetExpression]) -> None:
    """Put every row that makes sense on the video and note how they lie to each other."""
    seen: dict[tuple[object, ...], str] = {}
    names: dict[str, object] = {}
    for event in events:
        cells = (
            event.name.lower(), event.kind, event.onset, event.apex, event.offset,
            event.emotion, event.action_units,
        )  # fmt: skip
        label = label_of(event)
        if cells in seen:
            video.findings.error(event.where, f"{label}: identical to {seen[cells]}")
            continue
        if event.name and names.get(event.name.lower(), event.kind) != event.kind:
            video.findings.each("names stand for a micro- and a macro-expression", label)
        elif event.name and event.name.lower() in names:
            video.findings.warning(event.where, f"{label} occurs twice with different cells")
        seen[cells] = event.where
        names[event.name.lower()] = event.kind
        expression = expression_of(event, video.span, video.rules, video.findings)
        if expression is not None:
            video.kept.append((label, expression))
            _odd(expression, label, video)
    _note_overlaps(video)


def _note_overlaps(video: IndexedVideo) -> None:
    ordered = sorted(video.kept, key=lambda pair: pair[1].interval)
    for i, (one, a) in enumerate(ordered):
        for other, b in ordered[i + 1 :]:
            if b.interval.first > a.interval.last:
                break
            text = "pairs of expressions overlap, all are kept"
            video.findings.each(text, f"{one} and {other}")


def _blinks(video: IndexedVideo, rows: Sequence[SheetBlink]) -> tuple[FaceEvent, ...]:
    """Return the blinks of a video in its frames; those that it does not show are told."""
    found = []
    for row in rows:
        onset, offset = whole(row.onset), whole(row.offset)
        span = video.span
        if onset is None or offset is None or not max(onset, 1) <= offset:
            text = f"eye blink from {row.onset!r} to {row.offset!r}: no pair of frame numbers"
        elif max(onset, 1) < span[0] or offset > span[-1]:
            text = f"eye blink {onset} to {offset}: the video has {span[0]} to {span[-1]}"
        else:
            first, last = max(onset - span[0], 0), offset - span[0]
            times = video.times if video.times is not None else np.arange(last + 1) / video.rate
            found.append(
                FaceEvent(
                    kind="blink",
                    interval=Interval(first, last),
                    onset_s=float(times[first]),
                    offset_s=float(times[last]),
                    strength=ANNOTATED,
                )
            )
            continue
        video.findings.error(row.where, f"{video.file.name}: {text}; left out", rows=0)
    return tuple(sorted(found, key=lambda event: event.interval))


def _odd(expression: Expression, label: str, video: IndexedVideo) -> None:
    interval, findings = expression.interval, video.findings
    if expression.apex in (interval.first, interval.last):
        findings.each("expressions have the apex on a border", label)
    if (
        expression.kind == "micro"
        and (interval.last - interval.first) / video.rate > MICRO_MAX_S
    ):
        text = f"expressions are longer than {MICRO_MAX_S} s but labelled micro"
        findings.each(text, label)
    if any(interval.first <= frame <= interval.last for frame in video.missing):
        findings.each("expressions have missing frames", label)


def _recording(video: IndexedVideo) -> Recording:
    return Recording(
        dataset=video.rules.dataset,
        subject=video.file.subject,
        name=video.file.name,
        frames=video.frames,
        rate=video.rate,
        expressions=tuple(expression for _, expression in video.kept),
        path=None if video.file.path is None else str(video.file.path),
    )


def _seconds(expression: Expression, video: IndexedVideo) -> Seconds:
    """Return the times by the file's own time stamps, or at the steady rate of pictures."""
    if video.times is None:
        return seconds_at(expression, video.rate)
    first, last, apex = expression.interval.first, expression.interval.last, expression.apex
    return Seconds(
        float(video.times[first]),
        None if apex is None else float(video.times[apex]),
        float(video.times[last]),
    )
