"""Reviewed marks as programs of behaviour coders know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mescope.annotations.annotation import Annotation, AnnotationSet, in_order
from mescope.app import faces
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.review_mark import ReviewMark, timed
from mescope.errors import MescopeError
from mescope.events import FaceEvent
from mescope.io.file_names import valid
from mescope.reports.json import events_of

MODEL = "model"
"""Stands for whichever model analyzed a recording; no coder may be called so."""

_STATUS = {
    "proposed": "proposed",
    "confirmed": "accepted",
    "rejected": "rejected",
    "own": "added",
}


def annotations_of(
    project: Project, recording: StoredRecording, who: str | None
) -> AnnotationSet:
    """Return the annotations of the model, of a coder, or of all (None).

    Raises:
        MescopeError: the coder marked nothing in the recording.
    """
    found: list[Annotation] = []
    if who in (None, MODEL):
        _, state = project.review.state(recording.id)
        model = _model(project, recording)
        found += [
            replace(_exchanged(project, recording, _proposal(mark, who), model), origin="model")
            for mark in state.marks.values()
            if mark.maker == "model"
        ]
    coders = project.review.coders(recording.id) if who is None else [who]
    for coder in coders:
        if coder != MODEL:
            found += [
                _exchanged(project, recording, mark, coder)
                for mark in _made_by(project, recording, coder)
            ]
    facts = recording.facts
    names = faces.shown_names(
        project.store.database, recording.id, _document(project, recording)
    )
    return AnnotationSet(
        video=valid(Path(recording.path).name),
        rate=recording.rate or None,
        frames=None if facts is None else facts.frames,
        start_offset=recording.start_offset,
        mpv_zero=recording.mpv_zero,
        marks=in_order(replace(mark, face=names.get(mark.face, mark.face)) for mark in found),
        events=_events(project, recording, names) if who in (None, MODEL) else (),
    )


def _events(
    project: Project, recording: StoredRecording, names: Mapping[str, str]
) -> tuple[FaceEvent, ...]:
    events = events_of(_document(project, recording).get("events", ()))
    return tuple(replace(event, face=names.get(event.face, event.face)) for event in events)


def _document(project: Project, recording: StoredRecording) -> Mapping[str, Any]:
    stored = project.store.analysis(recording.id)
    return stored.document if stored else {}


def _proposal(mark: ReviewMark, who: str | None) -> ReviewMark:
    """Return a detection as the model made it; beside coders' also with what became of it."""
    own = replace(mark, annotation=replace(mark.original or mark.annotation, note=""))
    return own if who is None else replace(own, status="proposed", changed=False)


def _made_by(project: Project, recording: StoredRecording, coder: str) -> list[ReviewMark]:
    """Return what a coder added or judged."""
    _, state = project.review.state(recording.id, coder)
    mine = [m for m in state.marks.values() if m.maker == "human" or m.coder is not None]
    if not mine and coder not in project.review.coders(recording.id):
        raise MescopeError(f"{coder[:64]!r} marked nothing in {recording.name[:80]}")
    return mine


def _exchanged(
    project: Project, recording: StoredRecording, mark: ReviewMark, source: str
) -> Annotation:
    """Return a mark as an annotation of ``source`` with all its times."""
    times = project.times(recording.id)
    found = timed(mark, times).annotation
    status = _STATUS[mark.status]
    if mark.changed and status == "accepted":
        status = "edited"
    after = found.interval.last + 1
    end = float(times[after]) if after < len(times) else None
    if end is None and found.offset_s is not None and recording.rate:
        end = found.offset_s + 1 / recording.rate
    return replace(
        found,
        source=source,
        status=status,
        note=found.note or str((mark.evidence or {}).get("sentence", "")),
        end_s=end,
    )


def _model(project: Project, recording: StoredRecording) -> str:
    return str(_document(project, recording).get("provenance", {}).get("model", ""))
