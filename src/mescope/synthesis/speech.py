"""Speech that is seen and not heard: bouts of syllables, with jaw, lips, brows and head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mescope.synthesis.dynamics import CROP_IOD, event, log_uniform
from mescope.synthesis.motion import PEAK
from mescope.synthesis.timecourse import (
    PARTING,
    Disturbance,
    PlantedEvent,
    Step,
)

Talking = Literal["never", "bouts", "throughout"]
Bout = tuple[float, float, float]
"""Start and end in seconds, and the motion of the mouth, px of the 320-px face crop."""

MOUTH_PX = (5.0, 30.0)
"""How far lips and jaw move apart in the widest syllables of a bout, px of the face crop."""

_PITCH = 5  # channel of the head pose


@dataclass(frozen=True, slots=True)
class Spoken:
    """What speaking adds to a script."""

    disturbances: tuple[Disturbance, ...]
    steps: tuple[Step, ...]
    events: tuple[PlantedEvent, ...]


def draw_bouts(rng: np.random.Generator, duration: float, talking: Talking) -> list[Bout]:
    """Draw when the person talks and how much the mouth moves."""
    if talking == "never":
        return []
    width = log_uniform(rng, *MOUTH_PX)
    if talking == "throughout":
        return [(0.0, duration, width)]
    bouts: list[Bout] = []
    now = float(rng.uniform(0.5, 8.0))
    while now < duration - 1.0:
        end = min(now + log_uniform(rng, 1.0, 15.0), duration - 0.1)
        bouts.append((now, end, width * log_uniform(rng, 0.7, 1.4)))
        now = end + log_uniform(rng, 1.0, 20.0)
    return bouts


def speak(rng: np.random.Generator, bouts: list[Bout]) -> Spoken:
    """Fill the bouts with syllables, and with brows and a head that move along."""
    moves: list[Disturbance] = []
    steps: list[Step] = []
    events = []
    brows, nods = rng.uniform(0.0, 0.6), rng.uniform(0.0, 1.2)  # a second
    for start, end, width in bouts:
        _syllables(rng, moves, start, end, width)
        events.append(event("speech", start, end, width))
        for _ in range(int(rng.poisson(brows * (end - start)))):
            moves += _brow(rng, float(rng.uniform(start, end)))
        for _ in range(int(rng.poisson(nods * (end - start)))):
            steps += _nod(rng, float(rng.uniform(start, end)))
    return Spoken(tuple(moves), tuple(steps), tuple(events))


def _syllables(
    rng: np.random.Generator, out: list[Disturbance], start: float, end: float, width: float
) -> None:
    """Append the syllables of one bout: 2.5 to 6 a second, with a pause now and then."""
    rhythm = rng.uniform(2.8, 5.5)
    size = width / (PEAK * CROP_IOD)  # activation that opens the mouth by ``width``
    now, phrase = start, start + log_uniform(rng, 0.8, 5.0)
    while now < end - 0.15:
        if now > phrase:
            now += log_uniform(rng, 0.12, 0.8)
            phrase = now + log_uniform(rng, 0.8, 5.0)
            continue
        length = 1.0 / float(np.clip(rhythm * rng.lognormal(0, 0.25), 2.5, 6.5))
        last = min(now + length * float(rng.uniform(1.0, 1.35)), end)
        open_ = size * float(rng.beta(2.0, 2.0))
        for unit, peak in _mouth(rng, open_):
            out.append(
                Disturbance(
                    unit=unit,
                    onset_s=now,
                    apex_s=now + float(rng.uniform(0.35, 0.6)) * (last - now),
                    offset_s=last,
                    peak=peak,
                )
            )
        now += length


def _mouth(rng: np.random.Generator, open_: float) -> list[tuple[str, float]]:
    """Return the units of one syllable whose mouth opens by the activation ``open_``."""
    units = [(PARTING, 0.55 * open_), ("26", 0.5 * open_)]
    rounding = float(rng.normal(0.0, 0.25))
    units.append(("18", rounding * min(open_, 5.0)))
    accent = rng.random()
    if accent < 0.3:
        units += [("L20", 0.25 * open_), ("R20", 0.25 * open_)]
    elif accent < 0.5:
        units += [("L10", 0.2 * open_), ("R10", 0.2 * open_), ("17", 0.2 * open_)]
    elif accent < 0.65:
        units.append(("24", float(rng.uniform(0.2, 1.5))))
    elif accent < 0.8:
        units += [("L12", 0.2 * open_), ("R12", float(rng.uniform(0.1, 0.25)) * open_)]
    return units


def _brow(rng: np.random.Generator, at: float) -> list[Disturbance]:
    """Draw a brow that stresses a word."""
    length = log_uniform(rng, 0.25, 1.5)
    peak = log_uniform(rng, 0.15, 2.5)
    units = [("L1", "R1", "L2", "R2"), ("L4", "R4"), ("L2",), ("R2",)][int(rng.integers(4))]
    return [
        Disturbance(
            unit=unit,
            onset_s=at,
            apex_s=at + 0.35 * length,
            offset_s=at + length,
            peak=peak * float(rng.uniform(0.8, 1.0)),
        )
        for unit in units
    ]


def _nod(rng: np.random.Generator, at: float) -> list[Step]:
    """Draw a small movement of the head that goes with a word and comes back."""
    channel = int(rng.choice([_PITCH, _PITCH, _PITCH - 1, 2]))
    size = float(np.radians(log_uniform(rng, 0.3, 4.0)) * rng.choice([-1, 1]))
    length = log_uniform(rng, 0.12, 0.5)
    wait = float(rng.uniform(0, 0.3))
    return [
        Step(channel=channel, onset_s=at, length=length, size=size),
        Step(channel=channel, onset_s=at + length + wait, length=1.3 * length, size=-size),
    ]
