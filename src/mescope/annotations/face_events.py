"""Blinks, speech, head movements and glances as annotation programs exchange them.

They are not marks: no coder judges them, and readers of marks pass over them.  ELAN has a tier
``EVENT-<kind>@0#model`` for each kind, BORIS a state event of its own, WebVTT cues; ActivityNet
keeps them beside the results, where no scorer takes them for a class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from mescope.annotations.annotation import widened
from mescope.events import EventKind, FaceEvent

KINDS: tuple[EventKind, ...] = get_args(EventKind)
FACE = "0"  # an analysis follows one face

UNITS: dict[EventKind, str] = {"blink": "AU45"}
"""Codes of FACS for whole kinds.  The others have several codes, by direction, or none."""

STRENGTH_UNITS: dict[EventKind, str] = {
    "blink": "share of the eye opening lost",
    "speech": "px of mouth motion",
    "head": "degrees",
    "gaze": "share of the eye's width",
}
"""What the strength of an event is measured in."""

CODES: dict[EventKind, str] = {
    "blink": "blink AU45",
    "speech": "speech",
    "head": "head movement",
    "gaze": "gaze shift",
}
"""What files call the kinds."""


def value_of(kind: EventKind) -> str:
    """Return what stands in an annotation of a kind.

    >>> value_of("blink"), value_of("head")
    ('AU45', 'head movement')
    """
    return UNITS.get(kind, CODES[kind])


def to_dict(event: FaceEvent) -> dict[str, Any]:
    """Return an event as values that JSON holds; frames from 0, both ends included."""
    return {
        "kind": event.kind,
        "onset": event.interval.first,
        "offset": event.interval.last,
        "onset_s": event.onset_s,
        "offset_s": event.offset_s,
        "strength": event.strength,
    }


def spans(
    events: Iterable[FaceEvent], kind: EventKind, rate: float | None
) -> Iterator[tuple[int, int, FaceEvent]]:
    """Yield start and end in ms of the events of one kind; none begins before another ended.

    An event ends one nominal frame after its last frame began.  Annotation programs allow no
    overlap on a tier, so a later event gives way.
    """
    frame = 1 / rate if rate else 0.0
    free = 0
    for event in sorted((e for e in events if e.kind == kind), key=lambda e: e.interval):
        start, end = widened(max(0.0, event.onset_s), event.offset_s + frame)
        start = max(start, free)
        if end > start:
            yield start, end, event
            free = end
