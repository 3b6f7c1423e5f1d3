"""From what a model found and what people did to the marks as they stand now.

The state of a recording is never stored: it is the fold of the events over the model's own
detections, so a judgement can be undone and a model's values are never lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mescope.app.coding import CODING, CodedEvent, apply_code
from mescope.app.review_mark import EDITABLE, ReviewMark, values_of, with_values

ACTIONS = ("confirm", "reject", "reset", "edit", "add", "remove", "reviewed", *CODING)
"""What a person can do; ``undo`` and ``analyzed`` are written by the server alone."""


_FRAMES = ("first", "apex", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewEvent:
    """One thing that was done to one recording.

    ``seq`` orders all events of a project (never the clock, which can be set back);
    ``undoes`` is the ``seq`` of the event that an ``undo`` takes back.
    """

    seq: int
    at: str  # ISO 8601, UTC
    coder: str
    action: str
    mark: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    undoes: int | None = None


@dataclass
class ReviewState:
    """Marks by id, in the order in which they came; which coders called it reviewed.

    ``codes`` are the events on the tiers of the code scheme, by id.
    """

    marks: dict[str, ReviewMark]
    finished: set[str] = field(default_factory=set)
    codes: dict[str, CodedEvent] = field(default_factory=dict)

    def apply(self, event: ReviewEvent) -> None:
        """Enter one event; what refers to a mark that is no longer there has no effect.

        Nor has what was done to a mark that another coder made: files and figures of each coder
        hold what this coder said, and the page shows the same.
        """
        if event.action == "reviewed":
            is_so = event.values.get("reviewed", True)
            (self.finished.add if is_so else self.finished.discard)(event.coder)
        elif event.action in CODING:
            apply_code(self.codes, event.action, event.mark, event.coder, event.values)
        elif event.action == "add" and event.mark is not None:
            if event.values.get("first") is not None and event.values.get("last") is not None:
                self.marks[event.mark] = _own(event.mark, event)
        elif event.mark in self.marks:
            mark = self.marks[event.mark]
            if mark.maker == "human" and mark.coder != event.coder:
                return
            if event.action == "remove" and mark.maker == "human":
                del self.marks[mark.id]
            else:
                self.marks[mark.id] = _judged(mark, event)


def _judged(mark: ReviewMark, event: ReviewEvent) -> ReviewMark:
    if event.action == "edit":
        return _edited(mark, event)
    if mark.maker == "model" and mark.original is not None:
        if event.action == "reset":
            return ReviewMark(
                annotation=mark.original,
                maker="model",
                evidence=mark.evidence,
                original=mark.original,
                earlier=mark.earlier,
            )
        if event.action in ("confirm", "reject"):
            reason = event.values.get("reason", "") if event.action == "reject" else ""
            return replace(mark, status=f"{event.action}ed", coder=event.coder, reason=reason)
    return mark


def _own(identity: str, event: ReviewEvent) -> ReviewMark:
    return ReviewMark(
        annotation=with_values(None, event.values, id=identity),
        maker="human",
        coder=event.coder,
        status="own",
    )


def _edited(mark: ReviewMark, event: ReviewEvent) -> ReviewMark:
    now = with_values(mark.annotation, event.values)
    if mark.original is None:
        return replace(mark, annotation=now, changed=True)
    given = set(event.values) & set(EDITABLE)
    # an edit of one frame is kept with all three: those that stayed were not said
    own = values_of(mark.annotation)
    spoken = {n for n in given if n not in _FRAMES or event.values[n] != own[n]}
    # who corrects a proposal holds it to be one; a note does not
    corrects = bool(given - {"note"})
    return replace(
        mark,
        annotation=now,
        changed=values_of(now) != values_of(mark.original),
        coder=event.coder,
        status="confirmed" if corrects else mark.status,
        reason="" if corrects else mark.reason,
        said=tuple(name for name in EDITABLE if name in mark.said or name in spoken),
    )


def fold(
    detections: Sequence[ReviewMark],
    events: Iterable[ReviewEvent],
    *,
    coder: str | None = None,
) -> ReviewState:
    """Return the state after ``events`` (in order of ``seq``).

    Args:
        detections: what the model found, from :func:`mescope.app.review_mark.detection`.
        events: all events of the recording.
        coder: count only the events of this coder.
    """
    state = ReviewState({found.id: found for found in detections})
    for event in effective(events):
        if coder is None or event.coder == coder:
            state.apply(event)
    return state


def effective(events: Iterable[ReviewEvent]) -> list[ReviewEvent]:
    """Return the events that count: no undo, and nothing that an undo took back."""
    known = list(events)
    gone = {event.undoes for event in known if event.undoes is not None}
    return [e for e in known if e.action != "undo" and e.seq not in gone]


def undoable(events: Iterable[ReviewEvent], coder: str) -> ReviewEvent | None:
    """Return the last thing that ``coder`` did and that still counts."""
    mine = [e for e in effective(events) if e.coder == coder and e.action in ACTIONS]
    return mine[-1] if mine else None
