"""Judged marks as files: for coders' programs, for scorers, for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from mescope import __version__
from mescope import annotations as coding
from mescope.annotations.annotation import Annotation, AnnotationSet
from mescope.annotations.stored import to_dict
from mescope.app.annotation_sets import MODEL, sheet_of
from mescope.app.project import Project
from mescope.app.replay import timed
from mescope.app.store import Recording
from mescope.evaluation.matching import match
from mescope.evaluation.megc import write_log
from mescope.events import Interval

FORMATS = {
    "csv": (".csv", "text/csv"),
    "json": (".json", "application/json"),
    "html": (".html", "text/html"),
    "megc": (".txt", "text/plain"),
    "elan": (".eaf", "application/xml"),
    "boris": (".boris", "application/json"),
    "vtt": (".vtt", "text/vtt"),
    "activitynet": (".activitynet.json", "application/json"),
}
"""Formats of an export: ending and media type."""

_CODED = ("csv", "elan", "boris", "vtt", "activitynet")


def export(project: Project, recording: Recording, form: str, who: str | None) -> bytes:
    """Return a recording's marks as the bytes of a file.

    Args:
        project: where the recording is.
        recording: which.
        form: one of :data:`FORMATS`.
        who: ``model``: its detections with its own values; a coder: what that person confirmed,
            corrected, rejected and added; None: the model and all coders, each for itself.

    Raises:
        MescopeError: nobody of that name marked anything, or the format cannot hold it.
    """
    sheet = sheet_of(project, recording, who)
    if form in _CODED:
        media = Path(recording.path).name if form in ("elan", "boris") else ""
        return coding.dumps([sheet], form, media=media)
    if form == "megc":
        return _megc(project, recording, who).encode()
    if form == "html":
        return _page(sheet).encode("utf-8", "replace")
    return _json(project, recording, who, sheet)


def _megc(project: Project, recording: Recording, who: str | None) -> str:
    """Return a MEGC log: what was found against what the coders say is there.

    What was found are the marks of ``who`` (the model, if nobody is named); the truth is what
    coders confirmed, corrected and added together.
    """
    found = _intervals(sheet_of(project, recording, who or MODEL))
    _, state = project.review.state(recording.id)
    truth = [
        Interval(m["first"], m["last"])
        for m in state.marks.values()
        if m["status"] in ("confirmed", "own")
    ]
    video = ("", "_".join(Path(recording.path).stem.split()) or "video")
    pairs = match(found, sorted(truth)).pairs
    return write_log("1", {video: found}, {video: sorted(truth)}, {video: pairs})


def _intervals(sheet: AnnotationSet) -> Sequence[Interval]:
    return [mark.interval for mark in sheet.marks if mark.status != "rejected"]


def _json(
    project: Project, recording: Recording, who: str | None, sheet: AnnotationSet
) -> bytes:
    """Return all that is known; ``marks`` are those of the tables, to be read back."""
    coder = None if who in (None, MODEL) else who
    marks = project.review.marks(recording.id, coder)
    stored = project.store.analysis(recording.id)
    document = stored.document if stored else {}
    if who == MODEL:
        marks["annotations"] = []
        times = project.times(recording.id)
        marks["detections"] = [
            timed({**mark, **mark["original"]}, times) for mark in marks["detections"]
        ]
    found = {
        "format": "mescope-review",
        "schema": 1,
        "mescope": __version__,
        "frames": "from 0, both ends of an interval included",
        "who": who,
        "video": {"name": Path(recording.path).name, **(recording.facts or {})},
        "provenance": document.get("provenance", {}),
        "gaps": document.get("gaps", []),
        "events": document.get("events", []),
        **marks,
        "marks": [to_dict(mark) for mark in sheet.marks],
        "history": project.review.history(recording.id),
    }
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "replace"
    )


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1c1e22;background:#fff}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.3rem .8rem;border-bottom:"
    "1px solid #ddd;vertical-align:top}figure{display:inline-block;margin:.5rem 1rem .5rem 0}"
    "figure img{display:block;max-width:100%;height:150px}"
    ".rejected{text-decoration:line-through;color:#666}"
)


def _page(sheet: AnnotationSet) -> str:
    """Return a page for reading and printing: a table, no faces (ecosystem P113)."""
    name = escape(sheet.video)
    counted = f"<p>{len(sheet.marks)} marks. {NOTICE}</p>"
    return page(name, f"<h1>{name}</h1>{counted}{table(sheet)}")


NOTICE = (
    "Frames count from 0, intervals include both ends. What a model proposed is no annotation "
    "until a person confirmed it."
)


def page(title: str, body: str) -> str:
    """Return a document that opens offline; ``title`` and ``body`` are HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


def table(sheet: AnnotationSet) -> str:
    """Return the marks of a sheet as an HTML table."""
    rows = "".join(_row(mark) for mark in sheet.marks)
    heads = "".join(
        f"<th>{word}</th>"
        for word in ("who", "status", "onset s", "apex s", "offset s", "frames", "kind",
                     "emotion", "AU", "confidence", "note")
    )  # fmt: skip
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(mark: Annotation) -> str:
    cells = (
        mark.source or mark.origin,
        mark.status,
        *(_seconds(t) for t in (mark.onset_s, mark.apex_s, mark.offset_s)),
        f"{mark.interval.first}–{mark.interval.last}",
        mark.kind,
        mark.emotion or "",
        mark.action_units,
        "" if mark.score is None else f"{mark.score:.2f}",
        mark.note,
    )
    return (
        f'<tr class="{mark.status}">'
        + "".join(f"<td>{escape(c)}</td>" for c in cells)
        + "</tr>"
    )


def _seconds(time: float | None) -> str:
    return "" if time is None else f"{time:.3f}"
