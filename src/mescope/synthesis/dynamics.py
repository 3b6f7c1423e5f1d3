"""Draw scripts with tame disturbances at three levels: for tests, benchmarks and corpora.

:mod:`mescope.synthesis.natural` draws scripts as lively as real recordings.  Every random
choice is made when the script is drawn, from one generator.

Durations follow the definition of the task: micro-expressions last 0.17 to 0.5 s (a tenth of
them 0.1 to 0.17 s), macro-expressions 0.5 to 4 s.  Amplitudes are ours; activation 1 is about
2.7 px of the 320-px face crop (:data:`mescope.synthesis.motion.PEAK`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mescope.events import MICRO_MAX_S, EventKind, Kind
from mescope.synthesis.motion import PEAK
from mescope.synthesis.timecourse import (
    Disturbance,
    PlantedEvent,
    PlantedExpression,
    Script,
    Waves,
    truth,
)

__all__ = [
    "Disturbance", "PlantedExpression", "Script", "Waves", "random_script", "truth",
]  # fmt: skip

Level = Literal["calm", "middle", "hard"]

CROP_IOD = 107.0
"""Distance of the eye centres in a usual face crop of 320 px, px."""

LOOK_SHARE = 0.1
"""Share of the eye's width by which a glance of activation 1 moves the eyeball."""

NOD_RADIUS = 1.3
"""Distance of the nose from the axis of a nod, in inter-ocular distances."""

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


def random_script(
    rng: np.random.Generator,
    duration: float,
    *,
    level: Level = "middle",
    micro_per_minute: float = 8.0,
    macro_per_minute: float = 3.0,
    classes: Sequence[str] = ("negative", "positive", "surprise", "others"),
    peaks: tuple[float, float] | None = None,
    blinks_over: float = 0.0,
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
        peaks: lowest and highest activation of both kinds, log-uniform; by default
            micro-expressions are the weaker ones.
        blinks_over: chance of an expression to meet a blink.

    Expressions never overlap each other and keep a second of distance; nor do they meet a
    blink, except by ``blinks_over``.
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
    sway = _head_waves(rng, settings)
    nods = _nods(rng, duration, settings.nods)
    flicker = waves(rng, settings.flicker, 0.3, 12.0, 4)
    seed = int(rng.integers(2**31))
    if peaks is not None:
        expressions = [replace(e, peak=log_uniform(rng, *peaks)) for e in expressions]
    if blinks_over:
        eyes += _blinks_over(rng, expressions, blinks_over)
    return Script(
        duration=duration,
        expressions=tuple(sorted(expressions, key=lambda e: e.onset_s)),
        disturbances=tuple(eyes + speech),
        sway=sway,
        nods=tuple(nods),
        flicker=flicker,
        noise=settings.noise,
        quality=settings.quality,
        seed=seed,
        level=level,
        events=tuple(_events(eyes, speech, nods)),
    )


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between ``low`` and ``high`` whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def blink(start: float, length: float, peak: float) -> Disturbance:
    """Return a blink: the lid falls in two fifths of ``length`` seconds."""
    return Disturbance(
        unit="blink",
        onset_s=start,
        apex_s=start + 0.4 * length,
        offset_s=start + length,
        peak=peak,
    )


def _blinks_over(
    rng: np.random.Generator, expressions: Sequence[PlantedExpression], share: float
) -> list[Disturbance]:
    """Draw blinks that fall into a share of the expressions."""
    return [
        blink(
            float(rng.uniform(e.onset_s - 0.1, e.offset_s)), float(rng.uniform(0.15, 0.35)), 1.0
        )
        for e in expressions
        if rng.random() < share
    ]


def _events(
    eyes: Sequence[Disturbance], speech: Sequence[Disturbance], nods: Sequence[Disturbance]
) -> list[PlantedEvent]:
    """Return blinks, glances, the bout of speech and the nods as events."""
    events = []
    for d in eyes:
        if d.unit == "blink":
            events.append(event("blink", d.onset_s, d.offset_s, min(1.0, d.peak)))
        elif d.unit == "Llook":
            events.append(event("gaze", d.onset_s, d.offset_s, abs(d.peak) * LOOK_SHARE))
    if speech:
        largest = max(d.peak for d in speech) * PEAK * CROP_IOD
        end = max(d.offset_s for d in speech)
        events.append(event("speech", speech[0].onset_s, end, largest))
    for nod in nods:
        degrees = float(np.degrees(np.arctan(nod.peak / NOD_RADIUS)))
        events.append(event("head", nod.onset_s, nod.offset_s, degrees))
    return events


def event(kind: EventKind, onset: float, offset: float, strength: float) -> PlantedEvent:
    """Return one planted event; see :class:`mescope.events.FaceEvent` for the strength."""
    return PlantedEvent(kind=kind, onset_s=onset, offset_s=offset, strength=strength)


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
            out.append(blink(start, length, float(rng.uniform(0.7, 1.0))))
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
    dy = waves(rng, settings.sway, 0.05, 0.7, 6)
    return (
        waves(rng, settings.sway, 0.05, 0.7, 6),
        Waves(
            amplitudes=dy.amplitudes + breathing.amplitudes,
            frequencies=dy.frequencies + breathing.frequencies,
            phases=dy.phases + breathing.phases,
        ),
        waves(rng, settings.turn, 0.05, 0.5, 5),
        waves(rng, 0.5 * settings.turn, 0.05, 0.4, 5),
    )


def waves(rng: np.random.Generator, std: float, low: float, high: float, n: int) -> Waves:
    """Draw ``n`` sines of ``low`` to ``high`` Hz, about 1/f, standard deviation ``std``."""
    frequencies = np.exp(rng.uniform(np.log(low), np.log(high), n))
    weights = rng.uniform(0.5, 1.0, n) * np.minimum(1.0, (low * 3) / frequencies)
    weights *= std * np.sqrt(2.0) / max(float(np.linalg.norm(weights)), 1e-12)
    return Waves(
        amplitudes=tuple(map(float, weights)),
        frequencies=tuple(map(float, frequencies)),
        phases=tuple(map(float, rng.uniform(0, 2 * np.pi, n))),
    )
