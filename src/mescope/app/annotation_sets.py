"""Reviewed marks as programs of behaviour coders know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.annotations.annotation import Annotation, AnnotationSet, in_order
from mescope.annotations.coded import CodedSpan, CodedTier
from mescope.app import faces
from mescope.app.coding import CodedEvent
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.review_mark import ReviewMark, timed
from mescope.app.sight import MODEL
from mescope.errors import MescopeError
from mescope.events import FaceEvent, Interval
from mescope.io.file_names import valid
from mescope.reports.json import events_of

_STATUS = {
    "proposed": "proposed",
    "confirmed": "accepted",
    "rejected": "rejected",
    "own": "added",
}


_EXCHANGED = {"first": "onset", "last": "offset"}
"""How files call the fields of a mark, where not as the page does."""


def annotations_of(
    project: Project, recording: StoredRecording, who: str | None
) -> AnnotationSet:
    """Return the annotations of the model, of a coder, or of all (None).

    Raises:
        MescopeError: the coder marked nothing in the recording.
        BlindError: what they marked is hidden from who asks.
    """
    found: list[Annotation] = []
    if who is not None:
        project.store.sight.check(recording.id, who)
    if who in (None, MODEL):
        _, state = project.review.state(recording.id)
        model = _model(project, recording)
        found += [
            replace(_exchanged(project, recording, _proposal(mark, who), model), origin="model")
            for mark in state.marks.values()
            if mark.maker == "model" and not mark.earlier
        ]
    coders = project.review.coders(recording.id) if who is None else [who]
    for coder in coders:
        if coder != MODEL:
            found += [
                _exchanged(project, recording, _own_words(mark), coder)
                for mark in _made_by(project, recording, coder)
            ]
    facts = recording.facts
    names = faces.shown_names(
        project.store.database, recording.id, _document(project, recording)
    )
    return AnnotationSet(
        video=valid(recording.video),
        rate=recording.rate or None,
        frames=None if facts is None else facts.frames,
        start_offset=recording.start_offset,
        mpv_zero=recording.mpv_zero,
        marks=in_order(replace(mark, face=names.get(mark.face, mark.face)) for mark in found),
        events=_events(project, recording, names) if who in (None, MODEL) else (),
        coded=() if who == MODEL else tiers_of(project, recording, who),
        tiers=tuple(t for t in project.kept.of(recording.id) if who in (None, t.coder)),
    )


def tiers_of(
    project: Project, recording: StoredRecording, who: str | None
) -> tuple[CodedTier, ...]:
    """Return the tiers of the code scheme with what a coder, or all (None), coded on them.

    Codes that are no longer of the scheme are kept: their tier is one of its own.
    """
    _, state = project.review.state(recording.id)
    found = [one for one in state.codes.values() if who in (None, one.coder)]
    times, tiers = project.times(recording.id), []
    scheme = {tier.name: tier for tier in project.scheme.now.tiers}
    for name in dict.fromkeys([*scheme, *(one.tier for one in found)]):
        mine, known = [one for one in found if one.tier == name], scheme.get(name)
        codes = [] if known is None else [one.name for one in known.codes]
        values = {m.name: [v.name for v in m.values] for m in known.modifiers} if known else {}
        for one in mine:
            for modifier, value in one.modifiers.items():
                values.setdefault(modifier, []).append(value)
        tiers.append(
            CodedTier(
                name=name,
                kind=known.kind if known else mine[0].kind,
                codes=tuple(dict.fromkeys([*codes, *(one.code for one in mine)])),
                modifiers=tuple((m, tuple(dict.fromkeys(v))) for m, v in values.items()),
                spans=tuple(_span(one, times, recording.rate) for one in mine),
            )
        )
    return tuple(tiers)


def _span(one: CodedEvent, times: NDArray[np.float64], rate: float) -> CodedSpan:
    last, after = min(one.last, len(times) - 1), one.last + 1
    end = times[after] if after < len(times) else times[last] + (1 / rate if rate else 0.0)
    return CodedSpan(
        code=one.code,
        interval=Interval(one.first, one.last),
        coder=one.coder,
        onset_s=float(times[min(one.first, len(times) - 1)]),
        offset_s=float(times[last]),
        end_s=float(end),
        modifiers=tuple(one.modifiers.items()),
        note=one.note,
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
    note = str((mark.evidence or {}).get("sentence", ""))
    own = replace(mark, annotation=replace(mark.original or mark.annotation, note=note))
    if who is None:
        return own
    return replace(own, status="proposed", changed=False, reason="")


def _own_words(mark: ReviewMark) -> ReviewMark:
    """Return what a coder made of a mark, with nothing that only the model said of it.

    The model's score, action units and sentence are no words of a coder.  Frames and emotion
    have to stand in the file; those that were taken over are named in ``taken``.
    """
    if mark.maker == "human":
        return mark
    found, said = mark.annotation, mark.said
    taken = [name for name in ("first", "apex", "last", "emotion") if name not in said]
    if found.emotion is None and "emotion" in taken:
        taken.remove("emotion")
    own = replace(
        found,
        score=found.score if "confidence" in said else None,
        action_units=found.action_units if "action_units" in said else "",
        taken="+".join(_EXCHANGED.get(name, name) for name in taken),
    )
    return replace(mark, annotation=own)


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
    return replace(found, source=source, status=status, reason=mark.reason, end_s=end)


def _model(project: Project, recording: StoredRecording) -> str:
    return str(_document(project, recording).get("provenance", {}).get("model", ""))
