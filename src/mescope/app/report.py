"""The whole project as one page to read and print, or as PDF."""

from __future__ import annotations

import base64
from typing import Literal

from mescope.app.annotation_sets import annotations_of
from mescope.app.pages import Figure, Part, Report, page, rows_of
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.report_pdf import check_fpdf, report_pdf
from mescope.app.report_sections import sections
from mescope.app.review_mark import ReviewMark
from mescope.errors import MescopeError
from mescope.io.file_names import printable

MOST_PICTURES = 300
"""Marks that are shown with pictures: about 30 MB."""

MAGNIFY = 5.0

PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Of a page that the browser shows: it has styles of its own, no scripts, and loads nothing."""


Form = Literal["html", "pdf"]


def project_report(project: Project, *, pictures: bool, form: Form = "html") -> bytes:
    """Return every recording that holds marks, with its table, as a page or as PDF.

    Args:
        project: of the recordings.
        pictures: also show onset, apex (motion magnified) and their difference of every mark
            that nobody rejected.  Off by default: pictures of faces leave the project only
            where somebody asks for it.
        form: what to make of it.

    Raises:
        MescopeError: a PDF was asked for and fpdf2 is not installed.
    """
    if form == "pdf":
        check_fpdf()  # before minutes of work
        return report_pdf(_contents(project, pictures, "png"))
    return page(_contents(project, pictures, "svg")).encode("utf-8")


def _contents(project: Project, pictures: bool, plots: str) -> Report:
    left = MOST_PICTURES if pictures else 0
    parts, empty = [], []
    for recording in project.store.recordings():
        try:
            found = annotations_of(project, recording, None)
        except MescopeError:  # nobody marked anything
            empty.append(recording.name)
            continue
        figures = _figures(project, recording, left)
        left -= len(figures)
        parts.append(
            Part(name=recording.name, rows=rows_of(found, project.words), figures=figures)
        )
    all_shown = not pictures or left > 0
    return Report(
        title=printable(project.folder.name),
        parts=parts,
        words=project.words,
        most_pictures=0 if all_shown else MOST_PICTURES,
        empty=empty,
        sections=sections(project, plots),
    )


def _figures(project: Project, recording: StoredRecording, most: int) -> tuple[Figure, ...]:
    """Return a figure for each mark that has an apex, was not rejected and can be decoded."""
    if most <= 0:
        return ()
    figures: list[Figure] = []
    marks = project.review.view(recording.id).marks
    for mark in sorted(marks, key=lambda m: m.maker == "human"):  # the model's first
        if mark.status == "rejected" or mark.annotation.apex is None or len(figures) == most:
            continue
        figure = _figure(project, recording, mark)
        if figure:
            figures.append(figure)
    return tuple(figures)


def _figure(project: Project, recording: StoredRecording, mark: ReviewMark) -> Figure | None:
    found = mark.annotation
    first, last = found.interval.first, found.interval.last
    try:
        data = project.frames.pair(
            recording.id,
            project.path(recording.id),
            onset=first,
            apex=found.apex,
            magnify=MAGNIFY,
        )
    except MescopeError:
        return None
    words = project.words
    emotion = (
        words.named("emotions", found.emotion) if found.emotion else words("panel.no_emotion")
    )
    picture = base64.b64encode(data).decode("ascii")
    return Figure(
        source=f"data:image/png;base64,{picture}",
        words=words("pages.figure", first=first, last=last, emotion=emotion),
    )
