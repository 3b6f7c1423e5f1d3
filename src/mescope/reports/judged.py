"""How much of a recording could be judged, and how often each kind of event happened there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mescope.annotations.face_events import KINDS
from mescope.events import EventKind
from mescope.reports.formatting import findings_in_words, span, spell_duration, spell_span

if TYPE_CHECKING:
    from mescope.events import FaceEvent
    from mescope.results import Analysis

EVENT_NAMES: dict[EventKind, tuple[str, str]] = {
    "blink": ("blink", "blinks"),
    "speech": ("stretch of speech", "stretches of speech"),
    "head": ("head movement", "head movements"),
    "gaze": ("gaze shift", "gaze shifts"),
}
"""What one and several events of a kind are called."""

MOSTLY: dict[EventKind, str] = {
    "blink": "mostly a blink",
    "speech": "mostly speech",
    "head": "mostly a head movement",
    "gaze": "mostly a gaze shift",
}
"""What is said of a movement that an event explains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often a kind of event happened.

    ``a_minute`` counts those that begin in the time that could be judged, a minute of it: a
    stretch that could not be judged counts neither as time nor with what begins in it.
    """

    kind: EventKind
    number: int  # all of them
    seconds: float  # that they last, overlaps counted once
    a_minute: float | None  # None where nothing was judged


def unjudged_s(analysis: Analysis) -> float:
    """Return the seconds of the analyzed part that could not be judged.

    A stretch ends where the frame after its last one begins.
    """
    start, end = span(analysis)
    if not end > start:
        return 0.0
    if len(analysis.traces.valid) and not analysis.traces.valid.any():
        return end - start
    rate = float(analysis.video.get("rate") or 0.0)
    frame = 1 / rate if rate else 0.0
    ends = [(max(start, g.start_s), min(end, g.end_s + frame)) for g in analysis.gaps]
    return min(_union(ends), end - start)


def judged_s(analysis: Analysis) -> float:
    """Return the seconds of the analyzed part that could be judged."""
    start, end = span(analysis)
    return max(0.0, end - start - unjudged_s(analysis))


def rates(analysis: Analysis) -> list[Rate]:
    """Return the kinds of event that happened, in the order of their definition."""
    minutes = judged_s(analysis) / 60
    found = []
    for kind in KINDS:
        those = [event for event in analysis.events if event.kind == kind]
        if those:
            counted = len(those) - _in_gaps(analysis, those)
            found.append(
                Rate(
                    kind=kind,
                    number=len(those),
                    seconds=_union([(e.onset_s, e.offset_s) for e in those]),
                    a_minute=counted / minutes if minutes > 0 else None,
                )
            )
    return found


def _in_gaps(analysis: Analysis, events: Sequence[FaceEvent]) -> int:
    """Return how many events begin where nothing could be judged."""
    onsets = np.array([event.interval.first for event in events])[:, None]
    gaps = np.array([(g.interval.first, g.interval.last) for g in analysis.gaps]).reshape(-1, 2)
    return int(((onsets >= gaps[:, 0]) & (onsets <= gaps[:, 1])).any(axis=1).sum())


def rates_in_words(analysis: Analysis) -> str:
    """Return the events with their rates in one line; empty without any."""
    spoken = []
    for rate in rates(analysis):
        words = f"{rate.number} {EVENT_NAMES[rate.kind][rate.number != 1]}"
        if rate.kind == "speech":
            words += f" ({spell_duration(rate.seconds)})"
        elif rate.a_minute is not None:
            words += f" ({rate.a_minute:.1f} a minute)"
        spoken.append(words)
    return ", ".join(spoken)


def headline(analysis: Analysis) -> tuple[str, str]:
    """Return what was found, and in how much of the recording was looked.

    The first part is for emphasis.
    """
    kinds = [str(finding.detection.kind) for finding in analysis.findings]
    missing = unjudged_s(analysis)
    whole = missing > 0 and judged_s(analysis) <= 0
    if whole and not kinds:
        return "Nothing could be judged", f"in {spell_span(analysis)}"
    without = f", of which {spell_duration(missing)} could not be judged" if missing else ""
    if whole:
        without = ", no part of which could be judged"
    where = f"in {spell_span(analysis)}{without}"
    return findings_in_words(kinds), where if kinds else f"were found {where}"


def _union(stretches: list[tuple[float, float]]) -> float:
    """Return how many seconds stretches cover together.

    >>> _union([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0), (9.0, 8.0)])
    4.0
    """
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(stretches):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered
