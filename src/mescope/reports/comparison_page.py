"""Evaluations on the same recordings side by side: figures, and traces above each other.

After Figure 7 of the ME-TST+ paper.  The page opens offline, runs and loads nothing; modes
never share a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from markupsafe import Markup

from mescope.annotations.expression_table import read_text
from mescope.errors import DatasetError
from mescope.evaluation.report_comparison import differing, name_of
from mescope.evaluation.spotting_files import from_json
from mescope.evaluation.spotting_report import SpottingReport
from mescope.evaluation.spotting_tables import HEADS, SPOTTING, named_headline, parted
from mescope.evaluation.spotting_verdicts import Verdict, verdicts
from mescope.labels import SPOTTING_CLASSES
from mescope.motion.windows import timing
from mescope.reports.formatting import count
from mescope.reports.html import flat, template
from mescope.reports.spotting_traces import KeptTrace, traces
from mescope.reports.trace_drawing import Traces, trace_drawing
from mescope.reports.video_page import track_of, truth_marks

if TYPE_CHECKING:
    from mescope.evaluation.interval_table import VideoKey
    from mescope.evaluation.spotting_report import SpottedVideo

MOST = 40
"""Recordings that are drawn: those that the evaluations judge most differently."""

_WIDE, _NARROW = 940, 350


class Compared(NamedTuple):
    """An evaluation, and the folder of its run, where its traces are."""

    report: SpottingReport
    folder: Path


def read_runs(paths: Sequence[Path]) -> dict[str, Compared]:
    """Read reports of evaluations on recordings by their names.

    Raises:
        DatasetError: a file is no such report, or two have the same name.
    """
    found: dict[str, Compared] = {}
    for path in paths:
        name = name_of(path)
        if name in found:
            raise DatasetError(f"expected reports of different names, found {name!r} twice")
        try:
            report = from_json(read_text(path), name=path.name)
        except DatasetError as error:
            raise DatasetError(
                f"{error}; the page sets evaluations on recordings side by side: for those on "
                "clips leave --html out, or take --latex"
            ) from None
        found[name] = Compared(report, path.parent)
    return found


def comparison_page(compared: Mapping[str, Compared]) -> str:
    """Return the page as text, to be saved as UTF-8.

    Args:
        compared: two evaluations or more, by name.

    Raises:
        DatasetError: there is one alone, or they were not tested on the same recordings with
            the same annotations.
    """
    _check(compared)
    summaries = {name: one.report.summary() for name, one in compared.items()}
    drawn, left = _recordings(compared)
    cautions = [
        f"{name}: {sentence}"
        for name, summary in summaries.items()
        for sentence in (*summary["cautions"], *summary["warnings"])
    ]
    return template("comparison.html").render(
        names=list(compared),
        notes=[sentence[0].upper() + sentence[1:] + "." for sentence in differing(summaries)],
        cautions=cautions,
        spotting_heads=HEADS[:SPOTTING],
        naming_heads=("", *HEADS[SPOTTING:]),
        modes=_by_mode(summaries),
        recipes=_recipes(summaries),
        videos=drawn,
        left=left,
        without=_without_traces(drawn),
        emotions=SPOTTING_CLASSES,
    )


def _check(compared: Mapping[str, Compared]) -> None:
    if len(compared) < 2:
        raise DatasetError(
            f"expected two reports of evaluations on recordings, found {len(compared)}"
        )
    hashes = {one.report.truth_hash() for one in compared.values()}
    if len(hashes) > 1:
        raise DatasetError(
            "expected evaluations on the same data, found different recordings or annotations "
            f"(truth hashes differ): {', '.join(compared)}; compare them without --html"
        )


def _by_mode(summaries: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tables of each mode: every method of every report, and chance."""
    groups: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, summary in summaries.items():
        groups.setdefault(summary["mode"], {})[name] = summary
    modes = []
    for mode, group in groups.items():
        spotting, naming = parted(named_headline(group))
        modes.append({"name": mode, "spotting": spotting, "naming": naming})
    return modes


def _recipes(summaries: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return what the recipes say differently: a key, and the value of each."""
    flats = [dict(flat(summary["recipe"])) for summary in summaries.values()]
    keys = list(dict.fromkeys(key for one in flats for key in one))
    return [
        (key, *(one.get(key, "") for one in flats))
        for key in keys
        if len({one.get(key) for one in flats}) > 1
    ]


def _recordings(compared: Mapping[str, Compared]) -> tuple[list[dict[str, Any]], int]:
    """Return what is shown of each recording, and how many recordings are left out."""
    judged = {n: verdicts(one.report, one.report.runs[0]) for n, one in compared.items()}
    videos = next(iter(compared.values())).report.videos

    def apart(video: SpottedVideo) -> int:
        counts = [_counts(some[video.key]) for some in judged.values()]
        return sum(max(column) - min(column) for column in zip(*counts, strict=True))

    chosen = sorted(videos, key=lambda v: -apart(v))[:MOST]
    wanted = {video.key for video in chosen}
    kept = {
        name: {key: t for key, t in traces(one.report, one.folder) if key in wanted}
        for name, one in compared.items()
    }
    shown = [v for v in videos if v.key in wanted]
    return [_recording(compared, judged, kept, v) for v in shown], len(videos) - len(shown)


def _counts(some: Sequence[Verdict]) -> tuple[int, int, int]:
    """Return hits, misses and false alarms of micro-expressions."""
    words = [v.word for v in some if v.kind == "micro"]
    return words.count("hit"), words.count("miss"), words.count("false alarm")


def _recording(
    compared: Mapping[str, Compared],
    judged: Mapping[str, Mapping[VideoKey, Sequence[Verdict]]],
    kept: Mapping[str, Mapping[VideoKey, KeptTrace]],
    video: SpottedVideo,
) -> dict[str, Any]:
    rate = video.native / (video.minutes * 60)
    tracks, lines = [], []
    for name, one in compared.items():
        some = judged[name][video.key]
        title = f"{name}, {one.report.runs[0].title} (mode {one.report.mode})"
        hits, misses, alarms = _counts(some)
        lines.append(f"{title}: {hits} found, {misses} missed, {count(alarms, 'false alarm')}")
        trace = kept[name].get(video.key)
        if trace is not None:
            step = timing(rate).step
            times = np.arange(len(trace.score)) * step / rate
            tracks.append(track_of(title, trace, times, some, rate))
    first = next(iter(compared.values())).report
    drawn = Traces(
        seconds=video.minutes * 60,
        truth=truth_marks(first, video, (), rate),
        tracks=tuple(tracks),
        named=True,
    )
    return {
        "name": "/".join(video.key),
        "lines": lines,
        "traced": len(tracks) == len(compared),
        "wide": trace_drawing(drawn, width=_WIDE) if tracks else Markup(""),
        "narrow": trace_drawing(drawn, width=_NARROW) if tracks else Markup(""),
    }


def _without_traces(drawn: Sequence[Mapping[str, Any]]) -> int:
    return sum(not one["traced"] for one in drawn)
