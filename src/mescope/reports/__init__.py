"""What people look at: an analysis or an evaluation as JSON, CSV tables, text or a page.

An analysis also goes into every format in which annotations are written, such as ELAN's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mescope.annotations.codecs import suffix_in, writable
from mescope.errors import OutputError
from mescope.reports.json import read_candidates, read_events, read_json

if TYPE_CHECKING:
    from mescope.evaluation.interval_table import VideoKey
    from mescope.evaluation.report import Report
    from mescope.evaluation.spotting_report import SpottingReport
    from mescope.face_results import FacesAnalysis
    from mescope.results import Analysis

OF_ANALYSES = {"json": ".json", "csv": ".csv", "html": ".html"}
"""Formats that hold more of an analysis than its detections, with their suffixes."""

_OF_EVALUATIONS = (".json", ".csv", ".html", ".tex")

__all__ = [
    "OF_ANALYSES",
    "files_of",
    "formats",
    "read_candidates",
    "read_events",
    "read_json",
    "save_report",
    "save_spotting_report",
    "write",
]

TITLE = "mescope report"
"""How the title of the page of an analysis ends."""

_EVENTS, _FRAMES = ".events.csv", ".frames.csv"


def formats() -> dict[str, str]:
    """Return the formats that :func:`write` knows, by name, with the suffix of each.

    They are those of :data:`OF_ANALYSES`, and every other one in which annotations are
    written: see :data:`mescope.annotations.CODECS`.
    """
    coded = {name: codec.suffixes[0] for name, codec in writable().items()}
    return OF_ANALYSES | {n: s for n, s in coded.items() if n not in OF_ANALYSES}


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files that :func:`write` makes for ``path``, ``path`` first.

    A table of intervals comes with one of events and one of frames beside it.

    >>> [p.name for p in files_of(Path("a.csv"))]
    ['a.csv', 'a.events.csv', 'a.frames.csv']

    Raises:
        OutputError: the suffix is of none of :func:`formats`.
    """
    if _suffix(path, formats().values()) == ".csv":
        stem = path.name[: -len(".csv")]
        return (path, *(path.with_name(stem + tail) for tail in (_EVENTS, _FRAMES)))
    return (path,)


def _suffix(path: Path, known: Iterable[str]) -> str:
    suffix = suffix_in(path.name, known := list(known))
    if suffix is None:
        raise OutputError(
            f"cannot tell the format of {path.name!r}: expected a name that ends in "
            + ", ".join(known)
        )
    return suffix


def write(
    analysis: Analysis | FacesAnalysis,
    path: str | Path,
    *,
    force: bool = False,
    keep: bool = False,
    media: str | Path | None = None,
) -> Path:
    """Write ``analysis`` in the format of the suffix of ``path`` and return ``path``.

    ``.json``: everything but pictures; ``.csv``: a table of intervals, one of events and of
    what could not be judged as ``NAME.events.csv``, and one of frames as ``NAME.frames.csv``;
    ``.html``: a page that opens offline; every other suffix of :func:`formats`: the detections
    as annotations, see :mod:`mescope.annotations`.  No file is ever half written.
    Several faces go into one file, each by its name (:mod:`mescope.reports.faces`).

    Args:
        analysis: what to write, of one face or of several.
        path: the file.
        force: replace what is there.
        keep: leave what is there as it is, and write the others.
        media: the recording on this machine, for a link relative to the file; else the link
            is its name alone.

    Raises:
        OutputError: the suffix is unknown, a file exists and ``force`` is False, an EAF has
            tiers of a coder, or the folder cannot be written.
    """
    path = Path(path)
    files = files_of(path)
    if not keep:
        _refuse_existing(files, force)
    suffix = _suffix(path, formats().values())
    if suffix not in OF_ANALYSES.values():
        if keep and os.path.lexists(path):
            return path
        name = next(name for name, ending in formats().items() if ending == suffix)
        _write_annotations(analysis, path, name, media)
        return path
    for file, text in zip(files, _texts(analysis, suffix), strict=True):
        if not (keep and os.path.lexists(file)):
            _write(file, text)
    return path


def is_ours(path: Path) -> bool:
    """Say whether a file looks like one that :func:`write` made for its name.

    Tables by their header, pages by their title, JSON by its format; a file of annotations may
    have been gone on with by a coder, and counts as ours whatever it holds.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096).decode("utf-8", "replace")
    except OSError:
        return False
    suffix = suffix_in(path.name, formats().values())
    if suffix == ".json":
        from mescope.reports.json import FORMAT

        return f'"format": "{FORMAT}"' in start
    if suffix == ".csv":
        from mescope.face_results import EVENTS, INTERVALS
        from mescope.results import EVENT_COLUMNS, INTERVAL_COLUMNS

        first = start.partition("\n")[0].strip()
        if path.name.endswith(_FRAMES):
            return first.startswith("frame,timestamp,")
        of_events = path.name.endswith(_EVENTS)
        known = (EVENT_COLUMNS, EVENTS) if of_events else (INTERVAL_COLUMNS, INTERVALS)
        return first in [",".join(columns) for columns in known]
    return suffix != ".html" or f"{TITLE}</title>" in start


def save_report(report: Report, path: str | Path, *, force: bool = False) -> Path:
    """Write an evaluation in the format of the suffix of ``path`` and return ``path``.

    ``.json``: everything, for :func:`mescope.evaluation.report_files.from_json`; ``.csv``: one
    row per prediction; ``.html``: a page that opens offline; ``.tex``: the table for a paper.
    No file is ever half written.

    Raises:
        OutputError: the suffix is unknown, the file exists and ``force`` is False, or the
            folder cannot be written.
    """
    path = Path(path)
    suffix = _suffix(path, _OF_EVALUATIONS)
    _refuse_existing((path,), force)
    _write(path, _report_text(report, suffix))
    return path


def _refuse_existing(files: tuple[Path, ...], force: bool) -> None:
    for file in files:
        if file.exists() and not force:
            raise OutputError(
                f"{file} exists already; nothing was written (--force replaces it)"
            )


def _write(file: Path, text: str) -> None:
    from mescope.io.atomic import write_atomically
    from mescope.io.file_names import valid

    # A name that is not valid Unicode must not stop a report: its bytes are shown instead, in
    # JSON as its own escapes, from which the name comes back.
    if file.name.lower().endswith((".json", ".boris")):
        data = text.encode("utf-8", "backslashreplace")
    else:
        data = valid(text).encode("utf-8")
    write_atomically(file, data)


def _write_annotations(
    analysis: Analysis | FacesAnalysis, path: Path, format: str, media: str | Path | None
) -> None:
    from mescope import annotations
    from mescope.face_results import FacesAnalysis
    from mescope.reports.annotation_set import annotation_set
    from mescope.reports.faces import faces_set

    if isinstance(analysis, FacesAnalysis):
        found = faces_set(analysis)
    else:
        found = annotation_set(analysis)
    link = path.parent / found.video if media is None else media
    now = datetime.now(UTC).isoformat(timespec="seconds")
    # what exists was refused above, unless the caller wants it replaced
    annotations.write([found], path, format=format, media=link, date=now, force=True)


def _report_text(report: Report, suffix: str) -> str:
    from mescope.evaluation.report_files import as_csv, as_json

    if suffix == ".json":
        return as_json(report)
    if suffix == ".csv":
        return as_csv(report)
    if suffix == ".tex":
        from mescope.evaluation.latex import clip_report

        return clip_report(report.summary())
    from mescope.reports.evaluation_page import evaluation_page

    return evaluation_page(report)


def _texts_of_faces(analysis: FacesAnalysis, suffix: str) -> tuple[str, ...]:
    from mescope.reports import faces

    if suffix == ".json":
        return (faces.dumps(analysis),)
    if suffix == ".csv":
        return faces.csv_texts(analysis)
    from mescope.reports.faces_page import faces_page

    return (faces_page(analysis),)


def _texts(analysis: Analysis | FacesAnalysis, suffix: str) -> tuple[str, ...]:
    from mescope.face_results import FacesAnalysis

    if isinstance(analysis, FacesAnalysis):
        return _texts_of_faces(analysis, suffix)
    if suffix == ".json":
        from mescope.reports.json import dumps

        return (dumps(analysis),)
    if suffix == ".csv":
        from mescope.reports.tables import event_csv, frame_csv, interval_csv

        return interval_csv(analysis), event_csv(analysis), frame_csv(analysis)
    from mescope.reports.html import render

    return (render(analysis),)


def save_spotting_report(
    report: SpottingReport, folder: Path, *, videos: Mapping[VideoKey, str] | None = None
) -> None:
    """Write an evaluation on recordings into its folder; an older one there is replaced.

    ``report.json``: everything; ``report.html``: a page that opens offline; ``found.csv`` and
    ``truth.csv``: the tables, in native frames, that ``mescope score`` reads, of the method and
    the seed that come first; ``report.tex``: the tables for a paper; and the files of
    challenges (:mod:`mescope.evaluation.submissions`).  No file is ever half written.

    Args:
        report: what to write.
        folder: of the run.
        videos: the page of every recording that has one, as the page links to it.

    Raises:
        OutputError: the folder cannot be written.
    """
    from mescope.evaluation.latex import spotting_report
    from mescope.evaluation.spotting_files import as_csv, as_json
    from mescope.evaluation.submissions import submissions
    from mescope.reports.spotting_page import spotting_page

    run, frames = report.runs[0], {video.key: video.native for video in report.videos}
    _write(folder / "report.json", as_json(report))
    _write(folder / "found.csv", as_csv(report.found(run, "native").rows, frames))
    _write(folder / "report.tex", spotting_report(report.summary()))
    _write(folder / "truth.csv", as_csv(report.truth_native, frames))
    for name, text in submissions(report).items():
        _write(folder / name, text)
    _write(folder / "report.html", spotting_page(report, videos))
