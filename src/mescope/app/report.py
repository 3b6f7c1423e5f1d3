"""The whole project as one page, to read and print."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import Any

from mescope.app.annotation_sets import sheet_of
from mescope.app.exports import NOTICE, page, table
from mescope.app.project import Project
from mescope.app.store import Recording
from mescope.errors import MescopeError

MOST_PICTURES = 300
"""Marks that are shown with pictures: about 30 MB."""

MAGNIFY = 5.0


def project_report(project: Project, *, pictures: bool) -> str:
    """Return every recording that holds marks, with its table.

    Args:
        project: of the recordings.
        pictures: also show onset, apex (motion magnified) and their difference of every mark
            that nobody rejected.  Off by default: pictures of faces leave the project only
            where somebody asks for it (ecosystem P113).
    """
    left = MOST_PICTURES if pictures else 0
    parts, empty = [], []
    for recording in project.store.recordings():
        try:
            sheet = sheet_of(project, recording, None)
        except MescopeError:  # nobody marked anything
            empty.append(recording.name)
            continue
        shown = _pictures(project, recording, left)
        left -= len(shown)
        name = escape(recording.name)
        parts.append(f"<section><h2>{name}</h2>{table(sheet)}{''.join(shown)}</section>")
    title = escape(project.folder.name)
    without = f"<p>Without marks: {escape(', '.join(empty))}</p>" if empty else ""
    more = (
        f"<p>Pictures of the first {MOST_PICTURES} marks.</p>" if pictures and not left else ""
    )
    return page(title, f"<h1>{title}</h1><p>{NOTICE}</p>{more}{''.join(parts)}{without}")


def _pictures(project: Project, recording: Recording, most: int) -> list[str]:
    """Return a figure for each mark that has an apex, was not rejected and can be decoded."""
    if most <= 0:
        return []
    marks = project.review.marks(recording.id)
    figures: list[str] = []
    for mark in [*marks["detections"], *marks["annotations"]]:
        if mark["status"] == "rejected" or mark["apex"] is None or len(figures) == most:
            continue
        figure = _figure(project, recording, mark)
        if figure:
            figures.append(figure)
    return figures


def _figure(project: Project, recording: Recording, mark: dict[str, Any]) -> str:
    path: Path = project.path(recording.id)
    try:
        data = project.frames.pair(
            recording.id, path, onset=mark["first"], apex=mark["apex"], magnify=MAGNIFY
        )
    except MescopeError:
        return ""
    words = f"frames {mark['first']} to {mark['last']}: {mark['emotion'] or 'no emotion'}"
    picture = base64.b64encode(data).decode("ascii")
    return (
        f'<figure><img alt="Onset, apex and difference" src="data:image/png;base64,{picture}">'
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )
