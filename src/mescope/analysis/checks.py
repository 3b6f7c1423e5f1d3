"""How to recognize a wrong detection: measured facts turned into questions and answers.

Every question is put so that "yes" speaks against an expression.  What was not measured (None)
is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mescope.events import EventKind, FaceEvent, Interval
from mescope.results import Check
from mescope.spotting.spotters import StandingOut

SHUT = 0.6
"""Share of the usual eye opening below which lids count as closing.

Blinks on real clips reach 0.41 to 0.55 of the largest opening within a detection, true
expressions rarely less than 0.65.
"""

MUCH = 0.3
"""Share of a detection that an event must fill to speak against it."""

UNSTEADY = 0.05
"""Change of the face's mean brightness, as a share, that moves the measured flow by itself."""


def checks_for(
    interval: Interval,
    *,
    events: Sequence[FaceEvent] | None = None,
    openness: float | None = None,
    movement_px: float | None = None,
    noise_px: float | None = None,
    standing_out: StandingOut | None = None,
    light: float | None = None,
) -> tuple[Check, ...]:
    """Return the questions that could show a detection to be wrong, with what was measured.

    Args:
        interval: of the detection, frames as in ``events`` (native, from 0, both ends).
        events: all events of the recording; None where nobody looked for them.
        openness: smallest eye opening within the interval, 1 = usual.
        movement_px: the strongest motion of a region from onset to apex, px of the 320-px crop.
        noise_px: motion that this recording shows where nothing moves, same unit.
        standing_out: how far a third region stands out from that; None where nobody asked.
        light: largest change of the face's mean brightness within the interval, as a share.
    """
    found = [_eyes(interval, events, openness)]
    if events is not None:
        found += [_during(interval, events, *about) for about in _EVENTS]
    found += [_noise(movement_px, noise_px), _few_regions(standing_out), _light(light)]
    return tuple(check for check in found if check is not None)


def _eyes(
    interval: Interval, events: Sequence[FaceEvent] | None, openness: float | None
) -> Check | None:
    """Ask for shut eyes: by their opening, and by the blinks that lie within."""
    blinks = [e for e in events or () if e.kind == "blink" and interval.shared(e.interval)]
    if openness is None and events is None:
        return None
    shut = openness is not None and openness < SHUT
    measured = "" if openness is None else f"open at {_percent(openness)} of usual at the least"
    facts = ", ".join(
        part for part in (measured, "a blink falls within" if blinks else "") if part
    )
    answer = "Yes" if shut or blinks else "No"
    return Check(
        question="Are the eyes shut?",
        answer=f"{answer}: {facts}" if facts else f"{answer}: no blink was found here",
        doubt=shut or bool(blinks),
    )


def _degrees(strength: float) -> str:
    return f"by up to {strength:.0f}°"


def _pixels(strength: float) -> str:
    return f"the mouth moves by {strength:.1f} px"


def _widths(strength: float) -> str:
    return f"by {_percent(strength)} of the eye's width"


_EVENTS: tuple[tuple[EventKind, str, Callable[[float], str]], ...] = (
    ("speech", "Is the person talking?", _pixels),
    ("head", "Is the head turning?", _degrees),
    ("gaze", "Does the gaze shift?", _widths),
)


def _during(
    interval: Interval,
    events: Sequence[FaceEvent],
    kind: EventKind,
    question: str,
    spell: Callable[[float], str],
) -> Check:
    """Ask how much of the interval events of one kind fill."""
    during = [e for e in events if e.kind == kind and interval.shared(e.interval)]
    if not during:
        return Check(question=question, answer="No", doubt=False)
    filled: set[int] = set()
    for event in during:
        first = max(interval.first, event.interval.first)
        filled.update(range(first, min(interval.last, event.interval.last) + 1))
    share = len(filled) / len(interval)
    doubt = share >= MUCH
    facts = f"{_percent(share)} of the time, {spell(max(e.strength for e in during))}"
    return Check(
        question=question, answer=f"{'Yes' if doubt else 'Hardly'}: {facts}", doubt=doubt
    )


def _noise(movement_px: float | None, noise_px: float | None) -> Check | None:
    if movement_px is None or noise_px is None:
        return None
    doubt = movement_px <= noise_px
    facts = f"{movement_px:.1f} px, and {noise_px:.1f} px show here where nothing moves"
    return Check(
        question="Is the movement below the noise?",
        answer=f"{'Yes' if doubt else 'No'}: {facts}",
        doubt=doubt,
    )


def _few_regions(standing: StandingOut | None) -> Check | None:
    """Ask for what lowers a score: a face at rest moves one region here and another there."""
    if standing is None:
        return None
    doubt = standing.third < standing.needed
    facts = (
        f"the third comes and goes by {standing.third:.1f} px, and {standing.needed:.1f} px "
        "stand out here"
    )
    effect = "; its score was lowered for that" if standing.lowered else ""
    return Check(
        question="Do fewer than three regions stand out from the noise?",
        answer=f"{'Yes' if doubt else 'No'}: {facts}{effect}",
        doubt=doubt,
    )


def _light(change: float | None) -> Check | None:
    if change is None:
        return None
    doubt = change >= UNSTEADY
    return Check(
        question="Does the light on the face change?",
        answer=f"{'Yes' if doubt else 'No'}: its brightness changes by {_percent(change)}",
        doubt=doubt,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
