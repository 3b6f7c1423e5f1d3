"""When a face moves: time courses of expressions, blinks, speech, the head and the light.

A :class:`Script` is a pure function of time.  It is asked for activations at any set of time
stamps, so the same script renders at 30 or 200 frames a second, and skipping frames changes
nothing.  Every random choice is made when the script is drawn, from one generator.

Durations follow the definition of the task: micro-expressions last 0.17 to 0.5 s (a tenth of
them 0.1 to 0.17 s), macro-expressions 0.5 to 4 s.  Amplitudes are ours; activation 1 is about
2.7 px of the 320-px face crop (:data:`mescope.synthesis.motion.PEAK`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mescope.events import MICRO_MAX_S, Expression, Interval, Kind
from mescope.synthesis.motion import UNITS, units_of

Floats = NDArray[np.float64]
Level = Literal["calm", "middle", "hard"]

EMOTION_UNITS: dict[str, tuple[tuple[str, ...], ...]] = {
    "positive": (("12",), ("6", "12"), ("L12",), ("R12",)),
    "surprise": (("1", "2"), ("1", "2", "5"), ("1", "2", "26"), ("1", "2", "5", "26")),
    "negative": (
        ("4",), ("4", "7"), ("9",), ("10",), ("4", "9"), ("15",), ("15", "17"),
        ("L10",), ("R10",), ("4", "10"), ("1", "4"), ("20",),
    ),
    "others": (("17",), ("24",), ("17", "24"), ("L2",), ("R2",), ("18",), ("14",)),
}  # fmt: skip
"""Action units that are planted for every emotion; ``facs.emotion_of`` agrees (tested)."""


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """How much everything but the expressions disturbs the picture."""

    sway: float  # head translation, standard deviation in inter-ocular distances
    turn: float  # in-plane head rotation, standard deviation in radians
    nods: float  # nods a minute
    noise: float  # sensor noise, standard deviation in grey levels
    flicker: float  # brightness, relative amplitude
    quality: int | None  # JPEG quality that stands for compression; None leaves it out
    speech: float  # chance that a script holds a bout of speech


LEVELS: dict[Level, LevelSettings] = {
    "calm": LevelSettings(0.008, 0.002, 0.0, 1.0, 0.0, None, 0.0),
    "middle": LevelSettings(0.04, 0.010, 2.0, 2.5, 0.004, 90, 0.25),
    "hard": LevelSettings(0.10, 0.025, 5.0, 5.0, 0.015, 75, 0.6),
}


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

    def course(self, times: Floats) -> Floats:
        """Return the activation at ``times``: cosine rise to the apex, cosine fall, (n,)."""
        hold = 0.0 if self.kind == "micro" else 0.3 * (self.offset_s - self.apex_s)
        return self.peak * _bump(times, self.onset_s, self.apex_s, hold, self.offset_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """Movement that is no expression: a blink, a glance, one syllable."""

    unit: str
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float


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
    level: Level

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
            out[:, UNITS.index(d.unit)] += d.peak * _bump(
                times, d.onset_s, d.apex_s, 0.0, d.offset_s
            )
        return out

    def head(self, times: Floats) -> Floats:
        """Return the head pose at ``times``: dx, dy (inter-ocular), rotation, log scale."""
        times = np.asarray(times, dtype=np.float64)
        pose = np.stack([wave(times) for wave in self.sway], axis=1)
        for nod in self.nods:
            pose[:, 1] += nod.peak * _bump(times, nod.onset_s, nod.apex_s, 0.0, nod.offset_s)
        return pose

    def light(self, times: Floats) -> Floats:
        """Return the brightness gain at ``times``, around 1, (n,)."""
        return 1.0 + self.flicker(np.asarray(times, dtype=np.float64))


def truth(script: Script, times: Floats) -> tuple[Expression, ...]:
    """Return what was planted, in frames of the time table ``times`` (0-based, ends included).

    The onset is the first frame at or after the planned onset, the offset the last frame at or
    before the planned offset, the apex the frame nearest to the planned apex.
    """
    found = []
    for e in script.expressions:
        first = int(np.searchsorted(times, e.onset_s - 1e-9))
        last = int(np.searchsorted(times, e.offset_s + 1e-9, side="right")) - 1
        if first > last:  # shorter than a frame, or beyond the end
            continue
        apex = first + int(np.argmin(np.abs(times[first : last + 1] - e.apex_s)))
        found.append(
            Expression(
                interval=Interval(first, last),
                kind=e.kind,
                apex=apex,
                emotion=e.emotion,
                action_units=e.action_units,
            )
        )
    return tuple(found)


def random_script(
    rng: np.random.Generator,
    duration: float,
    *,
    level: Level = "middle",
    micro_per_minute: float = 8.0,
    macro_per_minute: float = 3.0,
    classes: Sequence[str] = ("negative", "positive", "surprise", "others"),
) -> Script:
    """Draw a script.

    Args:
        rng: source of every random choice.
        duration: seconds.
        level: how strongly head, light, sensor and codec disturb; see :data:`LEVELS`.
        micro_per_minute: expected micro-expressions a minute.
        macro_per_minute: expected macro-expressions a minute; with both 0 the face is at rest:
            it neither blinks nor speaks.
        classes: emotions to draw from, all equally likely.

    Expressions never overlap each other or a blink, and keep a second of distance.
    """
    settings = LEVELS[level]
    slots: list[tuple[float, float]] = []
    busy = micro_per_minute + macro_per_minute > 0
    talks = busy and rng.random() < settings.speech
    speech = _speech(rng, duration, slots) if talks else []
    expressions = [
        *_draw_expressions(rng, duration, "macro", macro_per_minute, classes, slots),
        *_draw_expressions(rng, duration, "micro", micro_per_minute, classes, slots),
    ]
    eyes = _eyes(rng, duration, slots) if busy else []
    return Script(
        duration=duration,
        expressions=tuple(sorted(expressions, key=lambda e: e.onset_s)),
        disturbances=tuple(eyes + speech),
        sway=_head_waves(rng, settings),
        nods=tuple(_nods(rng, duration, settings.nods)),
        flicker=_waves(rng, settings.flicker, 0.3, 12.0, 4),
        noise=settings.noise,
        quality=settings.quality,
        seed=int(rng.integers(2**31)),
        level=level,
    )


def _bump(times: Floats, onset: float, apex: float, hold: float, offset: float) -> Floats:
    """Return a bump of height 1: cosine rise, plateau of ``hold`` s after the apex, fall."""
    knots = [onset, apex, apex + hold, offset]
    phase = np.interp(times, knots, [0.0, 1.0, 1.0, 2.0], left=0.0, right=2.0)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * phase))


def _place(
    rng: np.random.Generator, length: float, duration: float, slots: list[tuple[float, float]],
    gap: float,
) -> float | None:  # fmt: skip
    """Return a start for something of ``length`` s that stays ``gap`` s away from ``slots``."""
    for _ in range(40):
        start = float(rng.uniform(1.0, max(1.0, duration - length - 1.0)))
        if start + length > duration:
            return None
        if all(start > end + gap or start + length < begin - gap for begin, end in slots):
            slots.append((start, start + length))
            return start
    return None


def _draw_expressions(
    rng: np.random.Generator, duration: float, kind: Kind, per_minute: float,
    classes: Sequence[str], slots: list[tuple[float, float]],
) -> list[PlantedExpression]:  # fmt: skip
    """Draw the expressions of one kind; those that find no free place are left out."""
    drawn = []
    for _ in range(int(rng.poisson(per_minute * duration / 60))):
        length = _duration(rng, kind)
        start = _place(rng, length, duration, slots, gap=1.0)
        if start is None:
            continue
        emotion = str(classes[int(rng.integers(len(classes)))])
        options = EMOTION_UNITS[emotion]
        share = rng.uniform(0.35, 0.6) if kind == "micro" else rng.uniform(0.25, 0.45)
        low, high = (0.35, 1.1) if kind == "micro" else (0.7, 3.0)
        drawn.append(
            PlantedExpression(
                onset_s=start,
                apex_s=start + share * length,
                offset_s=start + length,
                kind=kind,
                emotion=emotion,
                action_units=options[int(rng.integers(len(options)))],
                peak=float(rng.uniform(low, high)),
            )
        )
    return drawn


def _duration(rng: np.random.Generator, kind: Kind) -> float:
    """Return a duration in seconds."""
    if kind == "macro":
        return float(rng.uniform(MICRO_MAX_S, 4.0))
    low, high = (0.1, 0.17) if rng.random() < 0.1 else (0.17, MICRO_MAX_S - 0.02)
    return float(rng.uniform(low, high))


def _eyes(
    rng: np.random.Generator, duration: float, slots: list[tuple[float, float]]
) -> list[Disturbance]:
    """Draw blinks (about 12 a minute, 0.15 to 0.35 s) and glances, away from expressions."""
    out = []
    for _ in range(int(rng.poisson(12 * duration / 60))):
        length = float(rng.uniform(0.15, 0.35))
        start = _place(rng, length, duration, slots, gap=0.25)
        if start is not None:
            out.append(
                Disturbance(
                    unit="blink",
                    onset_s=start,
                    apex_s=start + 0.4 * length,
                    offset_s=start + length,
                    peak=float(rng.uniform(0.7, 1.0)),
                )
            )
    for _ in range(int(rng.poisson(6 * duration / 60))):
        start = float(rng.uniform(0, duration))
        length = float(rng.uniform(0.4, 2.0))
        aside = float(rng.uniform(-1, 1))
        glance = (("Llook", aside), ("Rlook", -aside), ("gaze_down", float(rng.uniform(-1, 1))))
        for unit, peak in glance:
            out.append(
                Disturbance(
                    unit=unit,
                    onset_s=start,
                    apex_s=start + 0.1,
                    offset_s=start + length,
                    peak=peak,
                )
            )
    return out


def _speech(
    rng: np.random.Generator, duration: float, slots: list[tuple[float, float]]
) -> list[Disturbance]:
    """Draw one bout of speech, 2 to 6 s of syllables at 3 to 5 a second."""
    length = float(rng.uniform(2.0, 6.0))
    start = _place(rng, length, duration, slots, gap=0.3)
    if start is None:
        return []
    out = []
    now = start
    while now < start + length - 0.35:
        syllable = float(rng.uniform(0.2, 0.35))
        for unit, low, high in (("26", 0.8, 3.5), ("18", -0.6, 1.2)):
            out.append(
                Disturbance(
                    unit=unit,
                    onset_s=now,
                    apex_s=now + 0.5 * syllable,
                    offset_s=now + syllable * float(rng.uniform(1.0, 1.3)),
                    peak=float(rng.uniform(low, high)),
                )
            )
        now += syllable
    return out


def _nods(rng: np.random.Generator, duration: float, per_minute: float) -> list[Disturbance]:
    """Draw nods: the head goes down by 0.05 to 0.2 inter-ocular distances and comes back."""
    out = []
    for _ in range(int(rng.poisson(per_minute * duration / 60))):
        start, length = float(rng.uniform(0, duration)), float(rng.uniform(0.5, 1.2))
        out.append(
            Disturbance(
                unit="nod",
                onset_s=start,
                apex_s=start + 0.45 * length,
                offset_s=start + length,
                peak=float(rng.uniform(0.05, 0.2)),
            )
        )
    return out


def _head_waves(
    rng: np.random.Generator, settings: LevelSettings
) -> tuple[Waves, Waves, Waves, Waves]:
    """Draw the sway of the head; breathing adds a slow rise and fall to dy."""
    breathing = Waves(
        amplitudes=(0.15 * settings.sway,),
        frequencies=(float(rng.uniform(0.2, 0.35)),),
        phases=(float(rng.uniform(0, 2 * np.pi)),),
    )
    dy = _waves(rng, settings.sway, 0.05, 0.7, 6)
    return (
        _waves(rng, settings.sway, 0.05, 0.7, 6),
        Waves(
            amplitudes=dy.amplitudes + breathing.amplitudes,
            frequencies=dy.frequencies + breathing.frequencies,
            phases=dy.phases + breathing.phases,
        ),
        _waves(rng, settings.turn, 0.05, 0.5, 5),
        _waves(rng, 0.5 * settings.turn, 0.05, 0.4, 5),
    )


def _waves(rng: np.random.Generator, std: float, low: float, high: float, n: int) -> Waves:
    """Draw ``n`` sines of ``low`` to ``high`` Hz, about 1/f, standard deviation ``std``."""
    frequencies = np.exp(rng.uniform(np.log(low), np.log(high), n))
    weights = rng.uniform(0.5, 1.0, n) * np.minimum(1.0, (low * 3) / frequencies)
    weights *= std * np.sqrt(2.0) / max(float(np.linalg.norm(weights)), 1e-12)
    return Waves(
        amplitudes=tuple(map(float, weights)),
        frequencies=tuple(map(float, frequencies)),
        phases=tuple(map(float, rng.uniform(0, 2 * np.pi, n))),
    )
