"""How a head moves by itself, and how the light changes: wandering, turns, nods, jerks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mescope.synthesis.dynamics import CROP_IOD, event, log_uniform, waves
from mescope.synthesis.timecourse import CHANNELS, PlantedEvent, Step, Waves

_DX, _DY, _ROLL, _SCALE, _YAW, _PITCH = range(len(CHANNELS))

EVENT_DEGREES = 3.0
"""A quick movement of the head from this angle on is an event; smaller ones are unrest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTemper:
    """How lively a head is."""

    wander: float  # degrees, standard deviation of the slow out-of-plane wandering
    speed: float  # Hz, upper end of the wandering
    postures: float  # a minute: changes that stay
    turns: float  # a minute: quick turns, nods and shakes
    jerks: float  # a minute: jumps within three frames
    tremor: float  # px of the face crop: a camera in the hand


@dataclass(frozen=True, slots=True)
class Moved:
    """What the head adds to a script."""

    sway: tuple[Waves, Waves, Waves, Waves]
    turn: tuple[Waves, Waves]
    steps: tuple[Step, ...]
    events: tuple[PlantedEvent, ...]


def draw_temper(rng: np.random.Generator) -> HeadTemper:
    """Draw how lively a head is: nearly motionless to never at rest."""
    lively = rng.choice(4, p=[0.1, 0.22, 0.35, 0.33])
    wander = ((0.03, 0.2), (0.4, 1.5), (1.5, 4.5), (3.0, 9.0))[lively]
    return HeadTemper(
        wander=log_uniform(rng, *wander),
        speed=log_uniform(rng, 0.3, 1.2),
        postures=(0.0, 1.5, 5.0, 12.0)[lively] * rng.uniform(0.3, 1.5),
        turns=(0.0, 0.5, 4.0, 15.0)[lively] * rng.uniform(0.2, 1.5),
        jerks=rng.choice([0.0, rng.uniform(1, 8)]),
        tremor=rng.choice([0.0, log_uniform(rng, 0.1, 1.0)], p=[0.75, 0.25]),
    )


def draw_head(rng: np.random.Generator, duration: float, temper: HeadTemper) -> Moved:
    """Draw how the head moves."""
    steps: list[Step] = []
    events: list[PlantedEvent] = []
    for _ in range(int(rng.poisson(temper.postures * duration / 60))):
        _posture(rng, duration, temper.wander, steps, events)
    for _ in range(int(rng.poisson(temper.turns * duration / 60))):
        _turn(rng, float(rng.uniform(0, duration)), steps, events)
    for _ in range(int(rng.poisson(temper.jerks * duration / 60))):
        _jerk(rng, float(rng.uniform(0, duration)), steps)
    angle = np.radians(temper.wander)
    fast = temper.speed

    def wave(std: float, tremor: float = 0.0) -> Waves:
        slow = waves(rng, std, 0.03, fast, 7)
        if not tremor:
            return slow
        shaken = waves(rng, tremor, 2.0, 8.0, 6)
        return Waves(
            amplitudes=slow.amplitudes + shaken.amplitudes,
            frequencies=slow.frequencies + shaken.frequencies,
            phases=slow.phases + shaken.phases,
        )

    shake = temper.tremor / CROP_IOD
    # Who turns the head also moves it: one degree goes with about 1.5 % of the eye distance.
    return Moved(
        sway=(
            wave(0.9 * angle, shake),
            wave(0.7 * angle, shake),
            wave(0.4 * angle, 0.3 * shake),
            wave(0.3 * angle),
        ),
        turn=(wave(angle), wave(0.8 * angle)),
        steps=tuple(steps),
        events=tuple(events),
    )


def _posture(
    rng: np.random.Generator,
    duration: float,
    wander: float,
    steps: list[Step],
    events: list[PlantedEvent],
) -> None:
    """Draw a change of posture, all channels together, and the way back later."""
    at, length = float(rng.uniform(0, duration)), log_uniform(rng, 0.4, 2.5)
    back = at + length + log_uniform(rng, 1.0, 15.0)
    size = rng.normal(0, np.radians(2.0 + wander), len(CHANNELS)) * (
        0.8, 0.6, 0.5, 0.6, 1.0, 0.8,
    )  # fmt: skip
    degrees = float(np.degrees(np.hypot(size[_YAW], size[_PITCH])))
    for onset, sign in ((at, 1), (back, -1)):
        for channel, value in enumerate(size):
            steps.append(
                Step(channel=channel, onset_s=onset, length=length, size=float(sign * value))
            )
        if degrees >= EVENT_DEGREES:
            events.append(event("head", onset, onset + length, degrees))


def _turn(
    rng: np.random.Generator, at: float, steps: list[Step], events: list[PlantedEvent]
) -> None:
    """Draw a quick turn (5 to 25 degrees) that comes back, a nod, or a shake of the head."""
    way = rng.random()
    if way < 0.5:  # a turn aside, up or down
        channel = int(rng.choice([_YAW, _PITCH], p=[0.7, 0.3]))
        degrees = log_uniform(rng, 5, 25) * (1.0 if channel == _YAW else 0.6)
        length, wait, times = log_uniform(rng, 0.2, 0.8), log_uniform(rng, 0.1, 4.0), 1
    else:
        channel = _PITCH if way < 0.8 else _YAW
        degrees = log_uniform(rng, 3, 12)
        length, wait = log_uniform(rng, 0.12, 0.35), 0.0
        times = int(rng.integers(1, 4))
    size = float(np.radians(degrees) * rng.choice([-1, 1]))
    now = at
    for _ in range(times):
        for sign in (1, -1):
            steps.append(Step(channel=channel, onset_s=now, length=length, size=sign * size))
            # The neck is not an axis through the nose: the head moves along.
            steps.append(
                Step(
                    channel=_DX if channel == _YAW else _DY,
                    onset_s=now,
                    length=length,
                    size=sign * 0.4 * size,
                )
            )
            now += length + (wait if sign > 0 else 0.0)
    if degrees >= EVENT_DEGREES:
        events.append(event("head", at, now, degrees))


def _jerk(rng: np.random.Generator, at: float, steps: list[Step]) -> None:
    """Draw a jump of 0.3 to 2 px of the face crop within three frames; half of them return."""
    length = float(rng.uniform(0.01, 0.1))
    size = log_uniform(rng, 0.3, 2.0) / CROP_IOD
    angle = rng.uniform(0, 2 * np.pi)
    jump = {_DX: size * np.cos(angle), _DY: size * np.sin(angle), _ROLL: 0.3 * size}
    again = rng.random() < 0.5
    back = at + length + float(rng.uniform(0.03, 0.5))
    for channel, value in jump.items():
        steps.append(Step(channel=channel, onset_s=at, length=length, size=float(value)))
        if again:
            steps.append(Step(channel=channel, onset_s=back, length=length, size=-float(value)))


def draw_light(
    rng: np.random.Generator, duration: float
) -> tuple[float, tuple[Step, ...], Waves]:
    """Draw the exposure, its sudden changes, and drift with flicker."""
    exposure = log_uniform(rng, 0.25, 0.6) if rng.random() < 0.15 else rng.uniform(0.75, 1.15)
    steps = []
    jumps = rng.choice([0.0, rng.uniform(0.5, 6)], p=[0.6, 0.4])
    for _ in range(int(rng.poisson(jumps * duration / 60))):
        at = float(rng.uniform(0, duration))
        size = log_uniform(rng, 0.05, 0.4) * float(rng.choice([-1, 1]))
        length = log_uniform(rng, 0.03, 1.0)
        back = at + length + log_uniform(rng, 0.3, 10.0)
        steps.append(Step(channel=0, onset_s=at, length=length, size=size))
        steps.append(Step(channel=0, onset_s=back, length=length, size=-size))
    drift = waves(rng, log_uniform(rng, 0.002, 0.05), 0.02, 0.3, 4)
    flicker = rng.choice([0.0, log_uniform(rng, 0.003, 0.03)], p=[0.8, 0.2])
    beat = waves(rng, float(flicker), 2.0, 14.0, 2)
    return (
        float(exposure),
        tuple(steps),
        Waves(
            amplitudes=drift.amplitudes + beat.amplitudes,
            frequencies=drift.frequencies + beat.frequencies,
            phases=drift.phases + beat.phases,
        ),
    )
