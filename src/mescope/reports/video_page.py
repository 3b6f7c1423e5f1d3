"""A page for every recording of an evaluation: truth, traces, detections, and what moved.

After Figures 6 and 8 of the ME-TST+ paper.  Each page opens offline, runs and loads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.evaluation.spotting_verdicts import Verdict, verdicts
from mescope.io.atomic import write_atomically
from mescope.labels import SPOTTING_CLASSES
from mescope.reports.flow_strip import flow_strip
from mescope.reports.formatting import clock, count, spell_duration
from mescope.reports.html import template
from mescope.reports.spotting_traces import KeptTrace, traces
from mescope.reports.trace_drawing import Mark, Traces, Track, trace_drawing

if TYPE_CHECKING:
    from mescope.evaluation.interval_table import Row, VideoKey
    from mescope.evaluation.spotting_report import SpottedVideo, SpottingReport
    from mescope.samples.recording_windows import RecordingWindows

FOLDER = "videos"
_WIDE, _NARROW = 940, 350
_LOOKS = {"hit": "hit", "false alarm": "false", "miss": "missed", "dropped": "dropped"}

Progress = Callable[[int, int], None]
"""Called with (pages written, recordings in all)."""


_SHORT: dict[int | None, str] = {
    0: "without synergy", 1: "with synergy", 2: "without synergy",
}  # fmt: skip
"""Strategies of a network, beside its own."""


class Judged(NamedTuple):
    """A method of a report, and what became of all it found with the first seed."""

    title: str
    short: str
    verdicts: Mapping[VideoKey, tuple[Verdict, ...]]


def write_video_pages(
    report: SpottingReport,
    out: Path,
    some: Sequence[RecordingWindows],
    *,
    progress: Progress | None = None,
) -> dict[VideoKey, str]:
    """Write ``videos/NNN.html`` into the folder of a run, for every recording with traces.

    Args:
        report: of the run.
        out: its folder.
        some: the recordings, measured.
        progress: called after every page.

    Returns:
        The addresses of the pages, as seen from the folder.

    Raises:
        OutputError: the folder cannot be written.
    """
    measured = {(one.person, one.recording.name): one for one in some}
    methods = judged(report)
    names = {v.key: f"{n:03d}.html" for n, v in enumerate(report.videos, start=1)}
    known = {video.key: video for video in report.videos}
    written: dict[VideoKey, str] = {}
    for key, trace in traces(report, out):
        one = measured.get((known[key].person, key[1]))
        if one is None:
            continue
        page = video_page(report, methods, known[key], trace, one)
        write_atomically(out / FOLDER / names[key], page.encode("utf-8", "backslashreplace"))
        written[key] = f"{FOLDER}/{names[key]}"
        if progress:
            progress(len(written), len(report.videos))
    return written


def judged(report: SpottingReport) -> list[Judged]:
    """Return what became of everything, for the first seed of every method."""
    return [
        Judged(run.title, _SHORT.get(run.strategy, run.title), verdicts(report, run))
        for run in (runs[0] for runs in report.methods.values())
    ]


def video_page(
    report: SpottingReport,
    methods: Sequence[Judged],
    video: SpottedVideo,
    trace: KeptTrace,
    one: RecordingWindows,
) -> str:
    """Return the page of one recording as text, to be saved as UTF-8."""
    rate = one.recording.rate
    times = one.frames[: len(trace.score)] / rate
    flow = flow_strip(one)
    first = methods[0].title, methods[0].verdicts[video.key]
    others = ((m.short, m.verdicts[video.key]) for m in methods[1:])
    drawn = Traces(
        seconds=video.native / rate,
        truth=truth_marks(report, video, first[1], rate),
        tracks=(track_of(first[0], trace, times, first[1], rate),),
        bands=tuple((title, detections(some, rate)) for title, some in others),
        flow=flow,
    )
    return template("video.html").render(
        name="/".join(video.key),
        report=report.name,
        mode=report.mode,
        what=_what(video, first[1]),
        facts=_facts(report, video, one, first[0]),
        warnings=list(one.warnings),
        wide=trace_drawing(drawn, width=_WIDE),
        narrow=trace_drawing(drawn, width=_NARROW),
        emotions=SPOTTING_CLASSES,
        level=f"{trace.level:.3f}",
        most=f"{flow.most:.1f}",
        unseen=float(np.mean(~np.isfinite(trace.score))),
        others=[title for title, _ in drawn.bands],
        dropped=any(v.word == "dropped" for v in first[1]),
        happened=[_line(v, rate) for v in first[1]],
    )


def track_of(
    title: str,
    trace: KeptTrace,
    times: NDArray[np.float64],
    some: Iterable[Verdict],
    rate: float,
) -> Track:
    """Return what is drawn of a network's traces, its detections judged."""
    return Track(
        title=title, times=times, score=trace.score, emotion=trace.emotion, level=trace.level,
        marks=detections(some, rate),
    )  # fmt: skip


def truth_marks(
    report: SpottingReport, video: SpottedVideo, some: Iterable[Verdict], rate: float
) -> tuple[Mark, ...]:
    """Return the annotations of a recording, faint where the method missed them."""
    missed = {id(v.truth) for v in some if v.word == "miss"}
    marks = []
    for row in report.truth_native:
        if row.where == video.key:
            looks = f"truth {row.kind or 'micro'}{' missed' if id(row) in missed else ''}"
            marks.append(_mark(row, looks, f"{row.kind}-expression", rate))
    return tuple(marks)


def detections(some: Iterable[Verdict], rate: float) -> tuple[Mark, ...]:
    """Return the detections among verdicts, by what became of them."""
    return tuple(
        _mark(v.found, _LOOKS[v.word], v.word, rate) for v in some if v.found is not None
    )


def _mark(row: Row, looks: str, words: str, rate: float) -> Mark:
    first, last = row.interval.first, row.interval.last
    said = [words, row.emotion or "no emotion named", f"frames {first}–{last}"]
    if row.score is not None:
        said.append(f"score {row.score:.3f}")
    emotion = row.emotion if row.emotion in SPOTTING_CLASSES else None
    return Mark(first / rate, (last + 1) / rate, looks, ", ".join(said), emotion)


def _what(video: SpottedVideo, some: Sequence[Verdict]) -> str:
    """Say in one line what became of the micro-expressions."""
    words = [v.word for v in some if v.kind == "micro"]
    shown = words.count("hit") + words.count("miss")
    return (
        f"{count(shown, 'micro-expression')} in {spell_duration(video.minutes * 60)}: "
        f"{words.count('hit')} found, {words.count('miss')} missed, "
        f"{count(words.count('false alarm'), 'false alarm')}"
    )


def _facts(
    report: SpottingReport, video: SpottedVideo, one: RecordingWindows, title: str
) -> str:
    looked = "" if one.timing.step == 1 else f", one of {one.timing.step} is looked at"
    return (
        f"{'/'.join(video.person)}; {one.recording.rate:.4g} frames per second{looked}; "
        f"{title}, seed {report.runs[0].seed}, by weights that did not learn from this person."
    )


def _line(verdict: Verdict, rate: float) -> tuple[str, ...]:
    """Return a row of the table of everything that was found or annotated."""
    found, truth = verdict.found, verdict.truth
    either = found or truth
    return (
        "" if either is None else clock(either.interval.first / rate),
        verdict.word,
        verdict.kind,
        *_cells(truth),
        *_cells(found),
        "" if found is None or found.score is None else f"{found.score:.3f}",
        "" if found is None or truth is None else f"{found.interval.iou(truth.interval):.2f}",
    )


def _cells(row: Row | None) -> tuple[str, str]:
    if row is None:
        return "", ""
    return f"{row.interval.first}–{row.interval.last}", row.emotion or "not named"
