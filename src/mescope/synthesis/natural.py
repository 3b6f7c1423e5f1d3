"""Draw scripts as lively as real recordings: for training on rendered pixels.

What was too tame in :func:`mescope.synthesis.dynamics.random_script` is as large here as on
real faces: expressions of 0.4 to 15 px of the 320-px face crop *whatever their duration*,
speech of up to 30 px, heads that wander, turn and jerk, blinks and glances over expressions,
changing light.  Ranges are ours; ``benchmarks/flow_spectra.py`` compares the region flow that
results with that of real recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mescope.events import MICRO_MAX_S, Kind
from mescope.synthesis import movement
from mescope.synthesis import speech as talk
from mescope.synthesis.dynamics import (
    CROP_IOD,
    EMOTION_UNITS,
    LOOK_SHARE,
    blink,
    event,
    log_uniform,
    waves,
)
from mescope.synthesis.motion import PEAK
from mescope.synthesis.timecourse import (
    Disturbance,
    PlantedEvent,
    PlantedExpression,
    Script,
    Waves,
)

AMPLITUDE_PX = (0.4, 15.0)
"""Smallest and largest amplitude of an expression, px of the 320-px face crop."""

OVERLAPPED = 0.2
"""Share of the expressions that meet a blink or a glance."""

ONE_SIDED = 0.1
"""Share of the expressions on one side of the face."""

MICRO_S = (0.1, MICRO_MAX_S - 0.01)
MACRO_S = (MICRO_MAX_S + 0.02, 4.0)
POSED_S = (1.5, 9.0)

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """What a recording is like."""

    micro: float  # expressions a minute
    macro: float
    posed: bool  # long expressions that are held
    talking: talk.Talking
    head: movement.HeadTemper
    blinks: float  # a minute
    glances: float


def natural_script(
    rng: np.random.Generator,
    duration: float,
    *,
    classes: Sequence[str] = ("negative", "positive", "surprise", "others"),
    temper: Temper | None = None,
) -> Script:
    """Draw a script as lively as a real recording.

    Args:
        rng: source of every random choice.
        duration: seconds.
        classes: emotions to draw from, all equally likely.
        temper: what the recording is like; drawn by default.

    A third of the recordings holds no expression.  Expressions keep 0.3 s from each other and,
    unless the person talks throughout, from speech.  The noise of the sensor and the codec
    belong to the camera (:mod:`mescope.synthesis.camera`), not to the script.
    """
    temper = temper or draw_temper(rng)
    bouts = talk.draw_bouts(rng, duration, temper.talking)
    taken: list[Span] = [] if temper.talking == "throughout" else [(a, b) for a, b, _ in bouts]
    expressions = _expressions(rng, duration, temper, classes, taken)
    eyes, events = _eyes(rng, duration, temper, expressions)
    spoken = talk.speak(rng, bouts)
    moved = movement.draw_head(rng, duration, temper.head)
    exposure, light_steps, flicker = movement.draw_light(rng, duration)
    return Script(
        duration=duration,
        expressions=tuple(sorted(expressions, key=lambda e: e.onset_s)),
        disturbances=(*eyes, *spoken.disturbances),
        sway=moved.sway,
        nods=(),
        flicker=flicker,
        noise=0.0,
        quality=None,
        seed=int(rng.integers(2**31)),
        level="natural",
        turn=moved.turn,
        steps=(*moved.steps, *spoken.steps),
        exposure=exposure,
        light_steps=light_steps,
        events=(*events, *spoken.events, *moved.events),
        unrest=_unrest(rng),
    )


def draw_temper(rng: np.random.Generator) -> Temper:
    """Draw what a recording is like."""
    shows = rng.random() < 0.78  # of these, most who talk throughout show nothing either
    posed = shows and rng.random() < 0.15
    talking: talk.Talking = "never"
    if not posed:
        talking = str(rng.choice(["never", "bouts", "throughout"], p=[0.5, 0.3, 0.2]))  # type: ignore[assignment]
    if talking == "throughout":
        shows = shows and rng.random() < 0.4
    return Temper(
        micro=rng.uniform(5, 16) if shows and not posed else 0.0,
        macro=rng.uniform(4, 11) if shows else 0.0,
        posed=posed,
        talking=talking,
        head=movement.draw_temper(rng),
        blinks=log_uniform(rng, 6, 30),
        glances=rng.uniform(0, 14),
    )


def _expressions(
    rng: np.random.Generator,
    duration: float,
    temper: Temper,
    classes: Sequence[str],
    taken: list[Span],
) -> list[PlantedExpression]:
    """Draw the expressions; those that find no free place are left out."""
    drawn = []
    plan: list[Kind] = ["macro"] * int(rng.poisson(temper.macro * duration / 60))
    plan += ["micro"] * int(rng.poisson(temper.micro * duration / 60))
    for kind in plan:
        span = MICRO_S if kind == "micro" else POSED_S if temper.posed else MACRO_S
        length = log_uniform(rng, *span)
        start = place(rng, length, duration, taken, gap=0.3)
        if start is not None:
            emotion = str(classes[int(rng.integers(len(classes)))])
            drawn.append(_expression(rng, start, length, kind, emotion))
    return drawn


def _expression(
    rng: np.random.Generator, start: float, length: float, kind: Kind, emotion: str
) -> PlantedExpression:
    """Draw one expression: its units, amplitude (whatever its length) and time course."""
    options = EMOTION_UNITS[emotion]
    sided = [units for units in options if any(u[0] in "LR" for u in units)]
    both = [units for units in options if units not in sided]
    pool = sided if sided and rng.random() < ONE_SIDED * 4 / 3 else both  # surprise has none
    units = pool[int(rng.integers(len(pool)))]
    peak = log_uniform(rng, *AMPLITUDE_PX) / (PEAK * CROP_IOD)
    share = rng.uniform(0.3, 0.6) if kind == "micro" else rng.uniform(0.08, 0.4)
    if kind == "macro":  # muscles take a tenth of a second at least, whatever the length
        share = max(share, min(0.4, 0.12 / length))
    held = rng.uniform(0.0, 0.25) if kind == "micro" else rng.uniform(0.0, 0.8)
    smiles = any(unit.endswith("12") for unit in units)
    opens = smiles and peak > 2.0 and rng.random() < 0.6
    gasps = emotion == "surprise" and "26" in units
    return PlantedExpression(
        onset_s=start,
        apex_s=start + share * length,
        offset_s=start + length,
        kind=kind,
        emotion=emotion,
        action_units=units,
        peak=float(peak),
        hold=float(held),
        rise=float(rng.uniform(0.7, 1.6)),
        fall=float(rng.uniform(0.7, 1.6)),
        parting=float(rng.uniform(0.3, 1.1)) if opens or gasps else 0.0,
    )


def _unrest(rng: np.random.Generator) -> tuple[tuple[str, Waves], ...]:
    """Draw how lips, jaw and brows wander by themselves, over seconds, without expressing."""
    if rng.random() < 0.35:
        return ()
    size = log_uniform(rng, 0.1, 1.0)
    shares = {
        "26": 0.7, "24": 0.6, "18": 0.6, "17": 0.5, "L12": 0.5, "R12": 0.5, "L15": 0.3,
        "R15": 0.3, "L4": 0.2, "R4": 0.2, "L1": 0.15, "R1": 0.15,
    }  # fmt: skip
    return tuple(
        (unit, waves(rng, size * share * float(rng.uniform(0.3, 1.0)), 0.03, 0.3, 4))
        for unit, share in shares.items()
    )


def place(
    rng: np.random.Generator, length: float, duration: float, taken: list[Span], gap: float
) -> float | None:
    """Return a start for ``length`` s that stays ``gap`` s away from ``taken``, and take it."""
    if length + 1.0 > duration:
        return None
    for _ in range(40):
        start = float(rng.uniform(0.5, duration - length - 0.3))
        if all(start > end + gap or start + length < begin - gap for begin, end in taken):
            taken.append((start, start + length))
            return start
    return None


def _eyes(
    rng: np.random.Generator,
    duration: float,
    temper: Temper,
    expressions: Sequence[PlantedExpression],
) -> tuple[list[Disturbance], list[PlantedEvent]]:
    """Draw blinks and glances: some on purpose over expressions, the others beside them."""
    eyes: list[Disturbance] = []
    events: list[PlantedEvent] = []
    spans = [(e.onset_s, e.offset_s) for e in expressions]
    blinked: list[Span] = []

    def shut(start: float) -> None:
        for one in _blink(rng, start):
            if all(one.onset_s > b or one.offset_s < a for a, b in blinked):
                blinked.append((one.onset_s, one.offset_s))
                eyes.append(one)
                events.append(event("blink", one.onset_s, one.offset_s, min(1.0, one.peak)))

    def look(start: float) -> None:
        glance, planted = _glance(rng, start)
        eyes.extend(glance)
        events.append(planted)

    for onset, offset in spans:
        if rng.random() < OVERLAPPED:
            (shut if rng.random() < 0.7 else look)(float(rng.uniform(onset - 0.15, offset)))
    for per_minute, act in ((temper.blinks, shut), (temper.glances, look)):
        for _ in range(int(rng.poisson(per_minute * duration / 60))):
            start = place(rng, 0.35, duration, list(spans), gap=0.05)
            if start is not None:
                act(start)
    return eyes, events


def _blink(rng: np.random.Generator, start: float) -> list[Disturbance]:
    """Draw a blink: whole, half, double, or the eyes stay shut for a while."""
    length, peak = float(rng.uniform(0.13, 0.35)), float(rng.uniform(0.85, 1.0))
    way = rng.random()
    if way < 0.15:
        peak = float(rng.uniform(0.3, 0.7))
    first = blink(start, length, peak)
    if way > 0.9:  # double
        return [first, blink(first.offset_s + float(rng.uniform(0.02, 0.2)), length, peak)]
    if way > 0.8:
        held = float(rng.uniform(0.1, 0.6))
        return [
            Disturbance(
                unit="blink",
                onset_s=start,
                apex_s=start + 0.4 * length,
                offset_s=start + length + held,
                peak=peak,
                hold=held,
            )
        ]
    return [first]


def _glance(rng: np.random.Generator, start: float) -> tuple[list[Disturbance], PlantedEvent]:
    """Draw a glance: the eyes jump aside within 50 ms, stay, and come back."""
    aside, down = float(rng.uniform(-2.0, 2.0)), float(rng.uniform(-1.0, 2.0))
    stay = log_uniform(rng, 0.2, 3.0)
    glance = [
        Disturbance(
            unit=unit,
            onset_s=start,
            apex_s=start + 0.05,
            offset_s=start + 0.1 + stay,
            peak=peak,
            hold=stay,
        )
        for unit, peak in (("Llook", aside), ("Rlook", -aside), ("gaze_down", down))
    ]
    strength = float(np.hypot(aside, 0.5 * down)) * LOOK_SHARE
    return glance, event("gaze", start, start + 0.1 + stay, strength)
