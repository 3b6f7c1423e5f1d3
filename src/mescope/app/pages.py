"""Pages of marks to read and print: of one recording, or of a whole project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mescope.annotations.annotation import Annotation, AnnotationSet
from mescope.app.words import Words
from mescope.reports.html import template

_HEADS = (
    "who", "status", "onset_s", "apex_s", "offset_s", "frames", "kind", "emotion", "units",
    "confidence", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One annotation in a table."""

    status: str
    cells: tuple[str, ...]
    is_told: bool = False  # by the library, whose names and sentences are English


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture as a data URI, and what is written below it."""

    source: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table about the project as a whole, what is to be known of it, and perhaps a figure."""

    title: str
    words: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    figure: str = ""  # a picture as a data URI


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a page shows of one recording; ``name`` is None if it is the only one."""

    name: str | None
    rows: tuple[Row, ...]
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a document says, as a page or as PDF.

    Attributes:
        title: of the document.
        parts: one for each recording.
        words: of the page.
        counted: how many marks there are, if that is to be said.
        most_pictures: how many marks were shown with pictures, if not all were.
        empty: recordings without marks.
        sections: what stands before the recordings.
    """

    title: str
    parts: Sequence[Part]
    words: Words
    counted: int | None = None
    most_pictures: int = 0
    empty: Sequence[str] = ()
    sections: Sequence[Section] = ()


def marks_page(found: AnnotationSet, words: Words) -> str:
    """Return a page of one recording: a table, no faces."""
    part = Part(name=None, rows=rows_of(found, words))
    marks = len(found.marks)
    return page(Report(title=found.video, parts=[part], words=words, counted=marks))


def page(report: Report) -> str:
    """Return a document that opens offline."""
    return template("marks.html", package="mescope.app").render(
        title=report.title,
        heads=mark_heads(report.words),
        words=report.words,
        parts=report.parts,
        counted=report.counted,
        most_pictures=report.most_pictures,
        empty=report.empty,
        sections=report.sections,
    )


def mark_heads(words: Words) -> list[str]:
    """Return the heads of a table of marks."""
    return [words(f"pages.{head}") for head in _HEADS]


def rows_of(found: AnnotationSet, words: Words) -> tuple[Row, ...]:
    """Return the rows of a table of annotations."""
    return tuple(
        Row(status=mark.status, cells=_cells(mark, words), is_told=mark.origin != "coder")
        for mark in found.marks
    )


def _cells(mark: Annotation, words: Words) -> tuple[str, ...]:
    return (
        mark.source or mark.origin,
        words.named("statuses", mark.status),
        *(_seconds(t) for t in (mark.onset_s, mark.apex_s, mark.offset_s)),
        f"{mark.interval.first}–{mark.interval.last}",
        words.named("lengths", mark.kind),
        words.named("emotions", mark.emotion or ""),
        mark.action_units,
        "" if mark.score is None else f"{mark.score:.2f}",
        mark.note,
    )


def _seconds(time: float | None) -> str:
    return "" if time is None else f"{time:.3f}"
