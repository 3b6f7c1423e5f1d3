"""Judged marks as programs of behaviour coders know them."""

from __future__ import annotations

from pathlib import Path

from mescope.annotations.annotation import Annotation, AnnotationSet, in_order
from mescope.app.project import Project
from mescope.app.replay import Annotation as Kept
from mescope.app.replay import State, timed
from mescope.app.store import Recording
from mescope.errors import MescopeError
from mescope.events import FaceEvent, Interval
from mescope.reports.json import events_of

MODEL = "model"
"""Stands for whichever model analyzed a recording; no coder may be called so."""

_STATUS = {
    "proposed": "proposed",
    "confirmed": "accepted",
    "rejected": "rejected",
    "own": "added",
}


def sheet_of(project: Project, recording: Recording, who: str | None) -> AnnotationSet:
    """Return the marks of the model, of a coder, or of all (None)."""
    facts = recording.facts or {}
    marks: list[Annotation] = []
    if who in (None, MODEL):
        _, state = project.review.state(recording.id)
        model = _model(project, recording)
        marks += [
            _coded(project, recording, _own_values(mark, who), MODEL, model)
            for mark in state.marks.values()
            if mark["source"] == "model"
        ]
    coders = project.review.coders([recording.id]) if who is None else [who]
    for coder in coders:
        if coder != MODEL:
            marks += _marks_of(project, recording, coder)
    return AnnotationSet(
        video=Path(recording.path).name,
        rate=facts.get("rate") or None,
        frames=facts.get("frames"),
        marks=in_order(marks),
        events=_events(project, recording) if who in (None, MODEL) else (),
    )


def _events(project: Project, recording: Recording) -> tuple[FaceEvent, ...]:
    stored = project.store.analysis(recording.id)
    return events_of(stored.document.get("events", ())) if stored else ()


def _own_values(mark: Kept, who: str | None) -> Kept:
    """Return a detection as the model made it; beside coders' marks also what became of it."""
    own = {**mark, **mark["original"], "note": ""}
    return own if who is None else {**own, "status": "proposed", "changed": False}


def _marks_of(project: Project, recording: Recording, coder: str) -> list[Annotation]:
    _, state = project.review.state(recording.id, coder)
    mine = _judged(state)
    if not mine and coder not in project.review.coders([recording.id]):
        raise MescopeError(f"{coder[:64]!r} marked nothing in {recording.name[:80]}")
    return [_coded(project, recording, mark, "coder", coder) for mark in mine]


def _judged(state: State) -> list[Kept]:
    return [m for m in state.marks.values() if m["source"] == "human" or m["coder"] is not None]


def _coded(
    project: Project, recording: Recording, kept: Kept, origin: str, source: str
) -> Annotation:
    mark = timed(kept, project.times(recording.id))
    rate = float((recording.facts or {}).get("rate") or 0)
    status = _STATUS[mark["status"]]
    if mark["changed"] and status == "accepted":
        status = "edited"
    times = project.times(recording.id)
    after = mark["last"] + 1
    end = float(times[after]) if after < len(times) else None
    if end is None and mark["offset_s"] is not None and rate:
        end = mark["offset_s"] + 1 / rate
    return Annotation(
        interval=Interval(mark["first"], mark["last"]),
        kind=mark["kind"] or "micro",
        origin="model" if origin == MODEL else "coder",
        source=source,
        apex=mark["apex"],
        emotion=mark["emotion"],
        action_units="+".join(mark["action_units"]),
        score=mark["confidence"],
        status=status,
        id=mark["id"],
        note=mark["note"] or str((mark["evidence"] or {}).get("sentence", "")),
        onset_s=mark["onset_s"],
        apex_s=mark["apex_s"],
        offset_s=mark["offset_s"],
        end_s=end,
    )


def _model(project: Project, recording: Recording) -> str:
    stored = project.store.analysis(recording.id)
    return str(stored.document.get("provenance", {}).get("model", "")) if stored else ""
