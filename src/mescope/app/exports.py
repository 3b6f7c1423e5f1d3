"""Reviewed marks as files: for coders' programs, for scorers, for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mescope import __version__
from mescope.annotations import AnnotationSet, dumps, writable
from mescope.annotations.coded import to_dict as code_dict
from mescope.annotations.coded_table import table_of
from mescope.annotations.stored import to_dict
from mescope.annotations.tiers import tier_to_dict
from mescope.app.annotation_sets import annotations_of, tiers_of
from mescope.app.pages import marks_page
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.review_mark import timed
from mescope.app.sight import MODEL
from mescope.errors import MescopeError
from mescope.evaluation.matching import match
from mescope.evaluation.megc_log import write_log
from mescope.events import Interval
from mescope.io.file_names import printable

Maker = Callable[[Project, StoredRecording, str | None], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One kind of file that marks leave as.

    ``make(project, recording, who)`` returns its bytes: of the model with its own values
    (``who`` is ``model``), of a coder with what that person confirmed, corrected, rejected and
    added, or, if ``who`` is None, of the model and all coders, each for itself.
    """

    title: str
    suffix: str
    media_type: str
    make: Maker


def formats() -> dict[str, Export]:
    """Return the exports by name: the formats of annotations, and those of whole reviews."""
    coded = {
        name: Export(
            title=codec.title,
            suffix=codec.suffixes[0],
            media_type=codec.media_type,
            make=partial(_coded, name),
        )
        for name, codec in writable().items()
    }
    return coded | _OF_REVIEWS


def chosen(form: str) -> Export:
    """Return an export by its name.

    Raises:
        MescopeError: there is none.
    """
    known = formats()
    if form not in known:
        raise MescopeError(f"format: expected any of {', '.join(known)}, found {form[:40]!r}")
    return known[form]


def _coded(form: str, project: Project, recording: StoredRecording, who: str | None) -> bytes:
    found = annotations_of(project, recording, who)
    return dumps([found], form, media=recording.video)


def _megc(project: Project, recording: StoredRecording, who: str | None) -> bytes:
    """Return a MEGC log: what was found against what the coders say is there.

    What was found are the marks of ``who`` (the model, if nobody is named); the truth is what
    coders confirmed, corrected and added together.  A log sets two annotations of a video
    against each other, so it is not one of the formats of annotations.
    """
    found = _intervals(annotations_of(project, recording, who or MODEL))
    _, state = project.review.state(recording.id)
    truth = sorted(
        mark.annotation.interval
        for mark in state.marks.values()
        if mark.status in ("confirmed", "own")
    )
    video = ("", "_".join(printable(Path(recording.path).stem).split()) or "video")
    pairs = match(found, truth).pairs
    return write_log("1", {video: found}, {video: truth}, {video: pairs}).encode()


def _intervals(found: AnnotationSet) -> list[Interval]:
    return [mark.interval for mark in found.marks if mark.status != "rejected"]


def _json(project: Project, recording: StoredRecording, who: str | None) -> bytes:
    """Return all that is known; ``marks`` are those of the tables, to be read back."""
    found = annotations_of(project, recording, who)
    view = project.review.view(recording.id, None if who in (None, MODEL) else who)
    if who == MODEL:
        times = project.times(recording.id)
        own = [
            replace(m, annotation=replace(m.original, note=m.annotation.note))
            for m in view.marks
            if m.original is not None and not m.earlier
        ]
        view = replace(view, marks=tuple(timed(mark, times) for mark in own))
    stored = project.store.analysis(recording.id)
    document = stored.document if stored else {}
    facts = {} if recording.facts is None else recording.facts.to_json()
    content = {
        "format": "mescope-review",
        "schema": 1,
        "mescope": __version__,
        "frames": "from 0, both ends of an interval included",
        "who": who,
        "video": {"name": found.video, **facts},
        "provenance": document.get("provenance", {}),
        "gaps": document.get("gaps", []),
        "events": document.get("events", []),
        **view.to_json(),
        "marks": [to_dict(mark) for mark in found.marks],
        "codes": [code_dict(tier, span) for tier in found.coded for span in tier.spans],
        "tiers": [tier_to_dict(tier) for tier in found.tiers],
        "scheme": project.scheme.now.to_json(),
        "history": project.review.history(recording.id),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def _html(project: Project, recording: StoredRecording, who: str | None) -> bytes:
    found = annotations_of(project, recording, who)
    return marks_page(found, project.words).encode("utf-8")


def _codes(project: Project, recording: StoredRecording, who: str | None) -> bytes:
    """Return the table of what was coded on the tiers of the scheme."""
    tiers = () if who == MODEL else tiers_of(project, recording, who)
    return table_of(printable(recording.video), tiers).encode("utf-8")


_OF_REVIEWS = {
    "json": Export(title="JSON", suffix=".json", media_type="application/json", make=_json),
    "html": Export(title="page to print", suffix=".html", media_type="text/html", make=_html),
    "codes": Export(
        title="table of codes", suffix=".codes.csv", media_type="text/csv", make=_codes
    ),
    "megc": Export(title="MEGC log", suffix=".txt", media_type="text/plain", make=_megc),
}
"""Files that hold more of a review than annotations, or set them against each other."""
