"""What people look at: an analysis or an evaluation as JSON, CSV tables, text or a page.

An analysis also goes into the programs of behaviour coders: ELAN, BORIS, WebVTT, ActivityNet.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mescope.errors import OutputError
from mescope.reports.json import read_candidates, read_events, read_json

if TYPE_CHECKING:
    from mescope.analysis import Analysis
    from mescope.evaluation.report import Report

FORMATS = ("json", "csv", "html", "eaf", "boris", "vtt", "activitynet.json")
"""Formats that :func:`write` knows, by what the name ends in."""

_OF_CODERS = {
    "eaf": "elan", "boris": "boris", "vtt": "vtt", "activitynet.json": "activitynet"
}  # fmt: skip
_OF_REPORTS = ("json", "csv", "html")

__all__ = [
    "FORMATS",
    "files_of",
    "read_candidates",
    "read_events",
    "read_json",
    "save_report",
    "write",
]

_EVENTS, _FRAMES = ".events.csv", ".frames.csv"


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files that :func:`write` makes for ``path``, ``path`` first.

    A table of intervals comes with one of events and one of frames beside it.

    >>> [p.name for p in files_of(Path("a.csv"))]
    ['a.csv', 'a.events.csv', 'a.frames.csv']

    Raises
    ------
    OutputError
        The suffix is none of :data:`FORMATS`.
    """
    if _format(path, FORMATS) == "csv":
        stem = path.name[: -len(".csv")]
        return (path, *(path.with_name(stem + tail) for tail in (_EVENTS, _FRAMES)))
    return (path,)


def _format(path: Path, known: tuple[str, ...]) -> str:
    """Return the longest of the known endings that the name has."""
    name = path.name.lower()
    fitting = [ending for ending in known if name.endswith(f".{ending}")]
    if not fitting:
        raise OutputError(
            f"cannot tell the format of {path.name!r}: expected a name that ends in "
            + ", ".join(f".{ending}" for ending in known)
        )
    return max(fitting, key=len)


def write(
    analysis: Analysis,
    path: str | Path,
    *,
    force: bool = False,
    media: str | Path | None = None,
) -> Path:
    """Write ``analysis`` in the format of the suffix of ``path`` and return ``path``.

    ``.json``: everything but pictures; ``.csv``: a table of intervals, one of events and of
    what could not be judged as ``NAME.events.csv``, and one of frames as ``NAME.frames.csv``;
    ``.html``: a page that opens offline; ``.eaf`` (ELAN), ``.boris``, ``.vtt`` and
    ``.activitynet.json``: the detections as marks, see :mod:`mescope.annotations`.  No
    file is ever half written.  ``media`` is the recording on this machine, for a link relative
    to the file; else the link is its name alone.

    Raises
    ------
    OutputError
        The suffix is unknown, a file exists and ``force`` is False, an EAF has tiers of a
        coder, or the folder cannot be written.
    """
    path = Path(path)
    files = files_of(path)
    _refuse_existing(files, force)
    ending = _format(path, FORMATS)
    if ending in _OF_CODERS:
        _write_marks(analysis, path, _OF_CODERS[ending], media)
        return path
    for file, text in zip(files, _texts(analysis, path), strict=True):
        _write(file, text)
    return path


def save_report(report: Report, path: str | Path, *, force: bool = False) -> Path:
    """Write an evaluation in the format of the suffix of ``path`` and return ``path``.

    ``.json``: everything, for :func:`mescope.evaluation.report_files.from_json`; ``.csv``: one
    row per prediction; ``.html``: a page that opens offline.  No file is ever half written.

    Raises
    ------
    OutputError
        The suffix is unknown, the file exists and ``force`` is False, or the folder cannot be
        written.
    """
    path = Path(path)
    ending = _format(path, _OF_REPORTS)
    _refuse_existing((path,), force)
    _write(path, _report_text(report, f".{ending}"))
    return path


def _refuse_existing(files: tuple[Path, ...], force: bool) -> None:
    for file in files:
        if file.exists() and not force:
            raise OutputError(
                f"{file} exists already; nothing was written (--force replaces it)"
            )


def _write(file: Path, text: str) -> None:
    from mescope.io.atomic import write_atomically

    # A name that is no valid Unicode must not stop a report: its bytes are shown instead.
    write_atomically(file, text.encode("utf-8", "backslashreplace"))


def _write_marks(analysis: Analysis, path: Path, format: str, media: str | Path | None) -> None:
    from mescope import annotations as coding
    from mescope.reports.marks import sheet_of

    sheet = sheet_of(analysis)
    link = path.parent / sheet.video if media is None else media
    now = datetime.now(UTC).isoformat(timespec="seconds")
    # what exists was refused above, unless the caller wants it replaced
    coding.write([sheet], path, format=format, media=link, date=now, force=True)


def _report_text(report: Report, suffix: str) -> str:
    from mescope.evaluation.report_files import as_csv, as_json

    if suffix == ".json":
        return as_json(report)
    if suffix == ".csv":
        return as_csv(report)
    from mescope.reports.evaluation_page import evaluation_page

    return evaluation_page(report)


def _texts(analysis: Analysis, path: Path) -> tuple[str, ...]:
    suffix = path.suffix.lower()
    if suffix == ".json":
        from mescope.reports.json import dumps

        return (dumps(analysis),)
    if suffix == ".csv":
        from mescope.reports.tables import event_csv, frame_csv, interval_csv

        return interval_csv(analysis), event_csv(analysis), frame_csv(analysis)
    from mescope.reports.html import render

    return (render(analysis),)
