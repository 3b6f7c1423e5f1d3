"""Plain words and numbers for people: times, counts, names of regions and emotions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mescope.results import SPOKEN

if TYPE_CHECKING:
    from mescope.results import Analysis

EMOTION_WORDS: dict[str, str] = {
    "negative": "negative",
    "positive": "positive",
    "surprise": "surprise",
    "others": "other",
    "neutral": "no emotion",
}
"""What the classes of the models are called in a report."""


def region_words(name: str) -> str:
    """Return the plain name of a region, sides as the person's own; else the name itself."""
    return SPOKEN.get(name, name)


def emotion_words(name: str | None) -> str:
    """Return the plain name of an emotion class; an unknown class is returned as it is."""
    if name is None:
        return "not named"
    return EMOTION_WORDS.get(name, name)


def clock(seconds: float | None) -> str:
    """Return a time in the recording as ``m:ss.mmm``, or ``h:mm:ss.mmm`` from one hour on.

    >>> clock(62.3451)
    '1:02.345'
    >>> clock(3600.0)
    '1:00:00.000'
    >>> clock(None)
    '–'
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    sign = "-" if seconds < 0 else ""
    total = round(abs(seconds) * 1000)
    minutes, milliseconds = divmod(total, 60_000)
    hours, minutes = divmod(minutes, 60)
    rest = f"{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"
    return f"{sign}{hours}:{minutes:02d}:{rest}" if hours else f"{sign}{minutes}:{rest}"


def short_clock(seconds: float) -> str:
    """Return a time without its fraction, for axes.

    >>> short_clock(125)
    '2:05'
    """
    return clock(float(round(seconds))).removesuffix(".000")


def spell_duration(seconds: float | None) -> str:
    """Return a duration in words.

    >>> spell_duration(124), spell_duration(2.36), spell_duration(7260)
    ('2 min 4 s', '2.4 s', '2 h 1 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return "an unknown time"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest if not hours else 0, "s")]
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def span(analysis: Analysis) -> tuple[float, float]:
    """Return the part of the recording that was looked at, in seconds: start and end.

    It is the whole recording unless somebody asked for a range.
    """
    duration = float(analysis.video.get("duration_s") or 0.0)
    if not math.isfinite(duration):
        duration = 0.0
    times = analysis.traces.times
    edges = [float(t) for t in (times[0], times[-1])] if len(times) else []
    edges += [second for gap in analysis.gaps for second in (gap.start_s, gap.end_s)]
    start, end = min(edges, default=0.0), max(edges, default=duration)
    if start < 0.5 and end > duration - 0.5:
        return 0.0, max(duration, end)
    return start, end


def spell_span(analysis: Analysis) -> str:
    """Return how much was looked at, in words, and which part if it was a part."""
    start, end = span(analysis)
    duration = analysis.video.get("duration_s")
    if start == 0.0 and not end < float(duration or 0.0):
        return spell_duration(duration)
    part = f"{short_clock(start)} to {short_clock(end)}"
    return f"{spell_duration(end - start)} ({part} of {spell_duration(duration)})"


def count(number: int, noun: str) -> str:
    """Return a number with its noun; thousands are parted by thin spaces.

    >>> count(1, "frame"), count(3720, "frame")
    ('1 frame', '3\u202f720 frames')
    """
    return f"{number:,}".replace(",", "\u202f") + f" {noun}" + ("" if number == 1 else "s")


def findings_in_words(kinds: list[str]) -> str:
    """Return what was found, as a phrase.

    >>> findings_in_words(["micro", "macro", "micro"])
    '2 micro-expressions and 1 macro-expression'
    >>> findings_in_words([])
    'No expressions'
    """
    parts = [
        count(kinds.count(kind), f"{kind}-expression")
        for kind in ("micro", "macro")
        if kind in kinds
    ]
    return " and ".join(parts) if parts else "No expressions"


def percent(share: float) -> str:
    """Return a share of 0 to 1 as per cent; never rounds up to all or down to nothing.

    >>> percent(0.984), percent(0.9999), percent(1.0), percent(0.001)
    ('98 %', 'more than 99 %', '100 %', 'less than 1 %')
    """
    if 0.995 <= share < 1:
        return "more than 99 %"
    if 0 < share < 0.005:
        return "less than 1 %"
    return f"{share * 100:.0f} %"
