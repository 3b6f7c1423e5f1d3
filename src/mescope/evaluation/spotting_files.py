"""Reports on recordings as JSON, whole, and as tables that ``mescope score`` reads.

The JSON holds every detection in both kinds of frames; what is read back is made of them, and
the summary is counted anew.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mescope.evaluation.interval_table import Row, VideoKey
from mescope.evaluation.report_files import parsed
from mescope.evaluation.spotting_report import (
    SpottedBy,
    SpottedRun,
    SpottedVideo,
    SpottingReport,
)
from mescope.events import Interval
from mescope.io.formula_guard import guarded

FORMAT = "mescope-spotting"
SCHEMA = 1
"""Version of the layout; another one is refused."""

_COLUMNS = ("subject", "video", "onset", "offset", "type", "emotion", "apex", "score", "frames")
_PLAIN = ("name", "protocol", "mode", "seconds", "left_out")


def as_json(report: SpottingReport) -> str:
    """Return a report as JSON text; :func:`from_json` gives it back."""
    document = {
        "format": FORMAT,
        "schema": SCHEMA,
        **{name: getattr(report, name) for name in _PLAIN},
        "classes": list(report.classes),
        "recipe": dict(report.recipe),
        "hashes": dict(report.hashes),
        "environment": dict(report.environment),
        "warnings": list(report.warnings),
        "summary": report.summary(),
        "videos": [asdict(video) for video in report.videos],
        "folds": [asdict(fold) for fold in report.folds],
        "truth": _both(report.truth_native, report.truth_decimated),
        "runs": [
            {
                "method": run.method, "title": run.title, "seed": run.seed,
                "strategy": run.strategy, "found": _both(run.native, run.decimated),
            }
            for run in report.runs
        ],
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def is_spotting_report(document: Any) -> bool:
    """Say whether a JSON document is the report of an evaluation on recordings."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def from_json(text: str, *, name: str = "the report") -> SpottingReport:
    """Return the report of a text that :func:`as_json` made.

    Raises:
        DatasetError: the text is not such a report, is damaged, or of another version.
    """
    return parsed(text, FORMAT, SCHEMA, _report, name=name)


def _report(document: dict[str, Any]) -> SpottingReport:
    truth = _split(document["truth"])
    return SpottingReport(
        **{name: document[name] for name in _PLAIN},
        classes=tuple(document["classes"]),
        recipe=document["recipe"],
        hashes=document["hashes"],
        environment=document["environment"],
        warnings=tuple(document["warnings"]),
        videos=tuple(
            SpottedVideo(**{**v, "key": _pair(v["key"]), "person": _pair(v["person"])})
            for v in document["videos"]
        ),
        folds=tuple(
            SpottedBy(
                fold=f["fold"], seed=f["seed"], rule=f["rule"],
                train=tuple(map(_pair, f["train"])), test=tuple(map(_pair, f["test"])),
            )
            for f in document["folds"]
        ),
        truth_native=truth[0],
        truth_decimated=truth[1],
        runs=tuple(_run(run) for run in document["runs"]),
    )  # fmt: skip


def _run(values: dict[str, Any]) -> SpottedRun:
    native, decimated = _split(values["found"])
    return SpottedRun(
        method=values["method"], title=values["title"], seed=values["seed"],
        strategy=values["strategy"], native=native, decimated=decimated,
    )  # fmt: skip


def _pair(values: Sequence[Any]) -> tuple[str, str]:
    first, second = values
    return str(first), str(second)


def _both(native: Sequence[Row], decimated: Sequence[Row]) -> list[list[Any]]:
    """Return a line for each interval: who, what, and its three frames of either kind."""
    return [
        [a.subject, a.video, a.kind, a.emotion, a.score, *_frames(a), *_frames(b)]
        for a, b in zip(native, decimated, strict=True)
    ]


def _frames(row: Row) -> tuple[int, int, int | None]:
    return row.interval.first, row.interval.last, row.apex


def _split(lines: Iterable[list[Any]]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return what :func:`_both` was given."""
    native: list[Row] = []
    decimated: list[Row] = []
    for subject, video, kind, emotion, score, *frames in lines:
        for rows, (first, last, apex) in ((native, frames[:3]), (decimated, frames[3:])):
            rows.append(
                Row(
                    subject=subject, video=video, interval=Interval(first, last), kind=kind,
                    emotion=emotion, apex=apex, score=score,
                )
            )  # fmt: skip
    return tuple(native), tuple(decimated)


def as_csv(rows: Sequence[Row], frames: Mapping[VideoKey, int]) -> str:
    """Return intervals as a table for ``mescope score``; a video without any has a row, too.

    ``frames`` are the lengths of all videos that were looked at, so that the table also serves
    as ``--lengths``.  Text that a spreadsheet would take for a formula gets an apostrophe in
    front.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow(
            [
                guarded(row.subject), guarded(row.video), row.interval.first,
                row.interval.last, row.kind or "micro", guarded(row.emotion or ""),
                "" if row.apex is None else row.apex,
                "" if row.score is None else f"{row.score:.6g}", frames[row.where],
            ]
        )  # fmt: skip
    for subject, video in sorted(frames.keys() - {row.where for row in rows}):
        empty = [""] * (len(_COLUMNS) - 3)
        writer.writerow([guarded(subject), guarded(video), *empty, frames[subject, video]])
    return text.getvalue()
