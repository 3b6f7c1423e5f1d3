"""Blinks, speech, head movements and glances as annotation programs exchange them.

They are not marks: no coder judges them, and readers of marks pass over them.  ELAN has a tier
``EVENT-<kind>@<face>#model`` for each kind, BORIS a state event of its own, WebVTT cues;
ActivityNet keeps them beside the results, where no scorer takes them for a class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args

from mescope.annotations.annotation import AnnotationSet, widened
from mescope.events import EventKind, FaceEvent

KINDS: tuple[EventKind, ...] = get_args(EventKind)
FACE = "0"
"""What the face is called where one is followed."""

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
    own = {} if event.face == FACE else {"face": event.face}
    return {
        "kind": event.kind,
        "onset": event.interval.first,
        "offset": event.interval.last,
        "onset_s": event.onset_s,
        "offset_s": event.offset_s,
        "strength": None if math.isnan(event.strength) else event.strength,
        **own,
    }


def spans(sheet: AnnotationSet, kind: EventKind) -> Iterator[tuple[int, int, FaceEvent]]:
    """Yield start and end in ms, as players count, of the events of one kind.

    On one face none begins before another ended: annotation programs allow no overlap on a
    tier, so a later event gives way.  An event ends one nominal frame after its last one began.
    """
    frame = 1 / sheet.rate if sheet.rate else 0.0
    zero = sheet.shown_from
    free: dict[str, int] = {}
    found = (event for event in sheet.events if event.kind == kind)
    for event in sorted(found, key=lambda e: e.interval):
        start, end = widened(zero + max(0.0, event.onset_s), zero + event.offset_s + frame)
        start = max(start, free.get(event.face, 0))
        if end > start:
            yield start, end, event
            free[event.face] = end
