"""What a script is made of, and its truth: expressions, movements, head, light, events.

A :class:`Script` is a pure function of time.  It is asked for activations at any set of time
stamps, so the same script renders at 30 or 200 frames a second, and skipping frames changes
nothing.  Seconds count from the first frame; what is drawn at random is drawn before
(:mod:`mescope.synthesis.dynamics`, :mod:`mescope.synthesis.natural`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mescope.events import EventKind, Expression, FaceEvent, Interval, Kind
from mescope.synthesis.motion import UNITS, units_of

Floats = NDArray[np.float64]
Manner = Literal["calm", "middle", "hard", "natural"]

CHANNELS = ("dx", "dy", "rotation", "log scale", "yaw", "pitch")
"""The head pose: inter-ocular distances, radians, and the logarithm of the scale.  Yaw turns
the nose to the right of the picture, pitch turns it down."""

PARTING = "parting"
"""Name of the movement that parts the lips; its activation 1 is ``motion.PEAK`` wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedExpression:
    """One expression with its truth, in seconds from the first frame."""

    onset_s: float
    apex_s: float
    offset_s: float
    kind: Kind
    emotion: str
    action_units: tuple[str, ...]
    peak: float  # activation at the apex
    hold: float | None = None  # share of apex to offset that stays at the peak; None: by kind
    rise: float = 1.0  # below 1 the start is quick, above 1 slow
    fall: float = 1.0
    parting: float = 0.0  # lips part by this times the activation

    def course(self, times: Floats) -> Floats:
        """Return the activation at ``times``: rise to the apex, plateau, fall, (n,)."""
        share = self.hold
        if share is None:
            share = 0.0 if self.kind == "micro" else 0.3
        hold = share * (self.offset_s - self.apex_s)
        shape = (self.rise, self.fall)
        return self.peak * bump(times, self.onset_s, self.apex_s, hold, self.offset_s, shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """Movement that is not an expression: a blink, a glance, one syllable."""

    unit: str
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float
    hold: float = 0.0  # seconds at the peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """A sum of slow sines with random phases: smooth wandering, reproducible at any time."""

    amplitudes: tuple[float, ...]
    frequencies: tuple[float, ...]  # Hz
    phases: tuple[float, ...]

    def __call__(self, times: Floats) -> Floats:
        """Return the value at ``times``, (n,)."""
        angle = 2 * np.pi * np.outer(times, self.frequencies) + np.array(self.phases)
        return np.asarray(np.sin(angle) @ np.array(self.amplitudes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change that stays: ``size`` is reached smoothly within ``length`` seconds."""

    channel: int  # index into CHANNELS; steps of the light have 0
    onset_s: float
    length: float
    size: float

    def __call__(self, times: Floats) -> Floats:
        """Return the value at ``times``: 0 before, ``size`` after, (n,)."""
        share = np.clip((times - self.onset_s) / max(self.length, 1e-6), 0.0, 1.0)
        return np.asarray(self.size * share * share * (3 - 2 * share))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedEvent:
    """Something that is not an expression, with its truth; strength as in ``FaceEvent``."""

    kind: EventKind
    onset_s: float
    offset_s: float
    strength: float


NO_WAVES = Waves(amplitudes=(0.0,), frequencies=(0.1,), phases=(0.0,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Everything that happens in one recording, as functions of time."""

    duration: float  # seconds
    expressions: tuple[PlantedExpression, ...]
    disturbances: tuple[Disturbance, ...]
    sway: tuple[Waves, Waves, Waves, Waves]  # dx, dy, rotation, log scale
    nods: tuple[Disturbance, ...]
    flicker: Waves
    noise: float
    quality: int | None
    seed: int  # of the sensor noise
    level: Manner
    turn: tuple[Waves, Waves] = (NO_WAVES, NO_WAVES)  # yaw, pitch
    steps: tuple[Step, ...] = ()  # of the head
    exposure: float = 1.0  # brightness gain at the start
    light_steps: tuple[Step, ...] = ()  # of the logarithm of the gain
    unrest: tuple[tuple[str, Waves], ...] = ()  # units that wander slowly, without expressing
    events: tuple[PlantedEvent, ...] = ()

    def activations(self, times: Floats) -> Floats:
        """Return the activation of every unit at ``times``, (n, len(UNITS))."""
        times = np.asarray(times, dtype=np.float64)
        out = np.zeros((len(times), len(UNITS)))
        for planted in self.expressions:
            course = planted.course(times)
            for action_unit in planted.action_units:
                for unit in units_of(action_unit):
                    out[:, UNITS.index(unit)] += course
        for d in self.disturbances:
            if d.unit != PARTING:
                _add(out[:, UNITS.index(d.unit)], times, d)
        for unit, wave in self.unrest:
            out[:, UNITS.index(unit)] += wave(times)
        return out

    def parting(self, times: Floats) -> Floats:
        """Return the gap between the lips at ``times``, (n,), in units of ``motion.PEAK``."""
        times = np.asarray(times, dtype=np.float64)
        out = np.zeros(len(times))
        for planted in self.expressions:
            if planted.parting:
                out += planted.parting * planted.course(times)
        for d in self.disturbances:
            if d.unit == PARTING:
                _add(out, times, d)
        return np.maximum(out, 0.0)

    def head(self, times: Floats) -> Floats:
        """Return the head pose at ``times``, (n, 6), in the order of ``CHANNELS``."""
        times = np.asarray(times, dtype=np.float64)
        pose = np.stack([wave(times) for wave in (*self.sway, *self.turn)], axis=1)
        for nod in self.nods:
            _add(pose[:, 1], times, nod)
        for step in self.steps:
            pose[:, step.channel] += step(times)
        return pose

    def light(self, times: Floats) -> Floats:
        """Return the brightness gain at ``times``, (n,)."""
        times = np.asarray(times, dtype=np.float64)
        gain = self.exposure * (1.0 + self.flicker(times))
        for step in self.light_steps:
            gain *= np.exp(step(times))
        return np.asarray(gain)


def truth(script: Script, times: Floats) -> tuple[Expression, ...]:
    """Return what was planted, in frames of the time table ``times`` (0-based, ends included).

    The onset is the first frame at or after the planned onset, the offset the last frame at or
    before the planned offset, the apex the frame nearest to the planned apex.
    """
    found = []
    for e in script.expressions:
        interval = _frames(e.onset_s, e.offset_s, times)
        if interval is None:  # shorter than a frame, or beyond the end
            continue
        inside = times[interval.first : interval.last + 1]
        apex = interval.first + int(np.argmin(np.abs(inside - e.apex_s)))
        found.append(
            Expression(
                interval=interval,
                kind=e.kind,
                apex=apex,
                emotion=e.emotion,
                action_units=e.action_units,
            )
        )
    return tuple(found)


def truth_events(script: Script, times: Floats) -> tuple[FaceEvent, ...]:
    """Return the planted blinks, speech, head movements and glances, in order of onset.

    Frames are those of the time table ``times`` (0-based, ends included), by the rule of
    :func:`truth`; an event without a frame is left out.  A blink lasts from the first movement
    of the lid to the last.  Slow wandering of the head is not an event.
    """
    found = []
    for e in sorted(script.events, key=lambda e: (e.onset_s, e.kind)):
        interval = _frames(e.onset_s, e.offset_s, times)
        if interval is not None:
            found.append(
                FaceEvent(
                    kind=e.kind,
                    interval=interval,
                    onset_s=float(times[interval.first]),
                    offset_s=float(times[interval.last]),
                    strength=e.strength,
                )
            )
    return tuple(found)


def bump(
    times: Floats,
    onset: float,
    apex: float,
    hold: float,
    offset: float,
    shape: tuple[float, float] = (1.0, 1.0),
) -> Floats:
    """Return a bump of height 1: cosine rise, plateau of ``hold`` s after the apex, fall.

    ``shape`` bends the clock of rise and fall: below 1 they begin quickly, above 1 slowly.
    """
    knots = [onset, apex, apex + hold, offset]
    phase = np.interp(times, knots, [0.0, 1.0, 1.0, 2.0], left=0.0, right=2.0)
    if shape != (1.0, 1.0):
        rise, fall = np.minimum(phase, 1.0), np.maximum(phase - 1.0, 0.0)
        phase = rise ** shape[0] + fall ** shape[1]
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * phase))


def _add(course: Floats, times: Floats, d: Disturbance) -> None:
    """Add a movement to ``course`` (n,), looking only at the times that it touches."""
    at = np.flatnonzero((times >= d.onset_s) & (times <= d.offset_s))
    if len(at):
        course[at] += d.peak * bump(times[at], d.onset_s, d.apex_s, d.hold, d.offset_s)


def _frames(onset: float, offset: float, times: Floats) -> Interval | None:
    """Return the frames from ``onset`` to ``offset`` seconds; None where there is none."""
    first = int(np.searchsorted(times, onset - 1e-9))
    last = int(np.searchsorted(times, offset + 1e-9, side="right")) - 1
    return None if first > last else Interval(first, last)
