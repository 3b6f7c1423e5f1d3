"""From what a model found and what people did to the marks as they stand now.

The state of a recording is never stored: it is the fold of the events over the model's own
detections, so a judgement can be undone and a model's values are never lost.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.events import MICRO_MAX_S

ACTIONS = ("confirm", "reject", "reset", "edit", "add", "remove", "reviewed")
"""What a person can do; ``undo`` and ``analyzed`` are written by the server alone."""

EDITABLE = ("first", "apex", "last", "emotion", "action_units", "confidence", "note")
_POSITION = ("first", "apex", "last")

Mark = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
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
class State:
    """Marks by id, in the order in which they came; whether a coder called it reviewed."""

    marks: dict[str, Mark]
    reviewed: bool = False

    def apply(self, event: Event) -> None:
        """Enter one event; what refers to a mark that is no longer there has no effect."""
        if event.action == "reviewed":
            self.reviewed = bool(event.values.get("reviewed", True))
        elif event.action == "add" and event.mark is not None:
            self.marks[event.mark] = _own(event)
        elif event.mark in self.marks:
            # A copy: somebody may be reading the mark as it was.
            mark = self.marks[event.mark] = dict(self.marks[event.mark])
            self._judge(mark, event)

    def _judge(self, mark: Mark, event: Event) -> None:
        action = event.action
        if action == "remove":
            if mark["source"] == "human":
                del self.marks[mark["id"]]
        elif action == "edit":
            _edit(mark, event)
        elif mark["source"] == "model":
            if action == "reset":
                mark.update(copy.deepcopy(mark["original"]), status="proposed", changed=False)
                mark.update(coder=None, note="")
            elif action in ("confirm", "reject"):
                mark.update(status=f"{action}ed", coder=event.coder)


def fold(
    detections: Sequence[Mark], events: Iterable[Event], *, coder: str | None = None
) -> State:
    """Return the state after ``events`` (in order of ``seq``).

    Args:
        detections: what the model found, from :func:`detection`.
        events: all events of the recording.
        coder: look through the eyes of this coder alone: events of others do not count.
    """
    state = State({d["id"]: copy.deepcopy(d) for d in detections})
    for event in effective(events):
        if coder is None or event.coder == coder:
            state.apply(event)
    return state


def effective(events: Iterable[Event]) -> list[Event]:
    """Return the events that count: no undo, and nothing that an undo took back."""
    known = list(events)
    gone = {event.undoes for event in known if event.undoes is not None}
    return [e for e in known if e.action != "undo" and e.seq not in gone]


def undoable(events: Iterable[Event], coder: str) -> Event | None:
    """Return the last thing that ``coder`` did and that still counts."""
    mine = [e for e in effective(events) if e.coder == coder and e.action in ACTIONS]
    return mine[-1] if mine else None


def detection(
    number: int, first: int, apex: int, last: int, *, taken: Collection[str] = (), **values: Any
) -> Mark:
    """Return a model's detection as a mark.

    Its id tells its frames, so a detection that a later analysis finds again keeps what people
    said of it.  ``original`` holds the model's own values and is never changed.
    """
    name = f"m{first}-{apex}-{last}"
    own: Mark = {"first": first, "apex": apex, "last": last}
    own |= {key: values.get(key) for key in ("emotion", "confidence")}
    own["action_units"] = list(values.get("action_units", ()))
    return {
        "id": f"{name}-{number}" if name in taken else name,
        **own,
        "note": "",
        "coder": None,
        "status": "proposed",
        "source": "model",
        "changed": False,
        "evidence": values.get("evidence"),
        "original": copy.deepcopy(own),
    }


def timed(mark: Mark, times: Sequence[float] | NDArray[np.float64]) -> Mark:
    """Return the mark with ``onset_s``, ``apex_s``, ``offset_s`` and its ``kind``.

    Args:
        mark: from a :class:`State`.
        times: (n,) seconds of every frame.
    """
    seconds = [
        None if mark[key] is None or mark[key] >= len(times) else float(times[mark[key]])
        for key in _POSITION
    ]
    onset, apex, offset = seconds
    kind = None
    if onset is not None and offset is not None:
        kind = "micro" if offset - onset <= MICRO_MAX_S else "macro"
    return {**mark, "onset_s": onset, "apex_s": apex, "offset_s": offset, "kind": kind}


def _own(event: Event) -> Mark:
    values = event.values
    return {
        "id": event.mark,
        **{key: values.get(key) for key in (*_POSITION, "emotion", "confidence")},
        "action_units": list(values.get("action_units") or ()),
        "note": values.get("note") or "",
        "coder": event.coder,
        "status": "own",
        "source": "human",
        "changed": False,
        "evidence": None,
        "original": None,
    }


def _edit(mark: Mark, event: Event) -> None:
    values = {key: event.values[key] for key in EDITABLE if key in event.values}
    mark.update(copy.deepcopy(values))
    if mark["source"] == "human":
        mark["changed"] = True
        return
    mark["changed"] = any(mark[key] != value for key, value in mark["original"].items())
    mark["coder"] = event.coder
    if set(values) - {"note"}:  # who corrects a proposal holds it to be one; a note does not
        mark["status"] = "confirmed"
