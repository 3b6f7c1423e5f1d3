"""Faces that nobody has: drawn identities for training, tests and demonstrations.

Every identity follows from one seed: its 68 landmarks are chosen first (mean proportions of an
adult face, varied), then a picture is painted around them, so the landmarks are known by
construction.  A height map of the face lit from a random side gives the shading; skin grain,
brow hairs, lashes and folds give optical flow something to hold.

Coordinates of the plan: the origin lies between the eyes, x runs to the right of the image, y
down, and the unit is the distance between the eye centres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Image-left half of the mean plan; the other half is its mirror image.
_JAW = [(-1.12, -0.06), (-1.10, 0.26), (-1.05, 0.57), (-0.97, 0.88), (-0.83, 1.17)]
_JAW += [(-0.63, 1.41), (-0.41, 1.59), (-0.20, 1.70), (0.0, 1.73)]
_BROW = [(-0.93, -0.27), (-0.76, -0.41), (-0.56, -0.45), (-0.36, -0.42), (-0.19, -0.34)]
_NOSE = [(0.0, 0.0), (0.0, 0.2), (0.0, 0.4), (0.0, 0.6)]
_BASE = [(-0.22, 0.73), (-0.11, 0.77), (0.0, 0.8)]
_EYE = [(-0.70, 0.02), (-0.59, -0.075), (-0.43, -0.075), (-0.31, 0.03)]
_EYE += [(-0.42, 0.075), (-0.58, 0.075)]
_LIPS = [(-0.43, 1.13), (-0.27, 1.05), (-0.09, 1.01), (0.0, 1.03)]
_LOWER = [(-0.27, 1.22), (-0.11, 1.28), (0.0, 1.29)]
_INNER = [(-0.36, 1.13), (-0.11, 1.115), (0.0, 1.12)]
_INNER_LOWER = [(-0.11, 1.14), (0.0, 1.145)]
_EYE_MIRROR = (3, 2, 1, 0, 5, 4)


def _mirror(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(-x, y) for x, y in reversed(points)]


def _mean_plan() -> NDArray[np.float64]:
    """Return the mean face, (68, 2), in plan coordinates."""
    plan = _JAW + _mirror(_JAW[:-1]) + _BROW + _mirror(_BROW) + _NOSE
    plan += _BASE + _mirror(_BASE[:-1]) + _EYE
    plan += [(-_EYE[i][0], _EYE[i][1]) for i in _EYE_MIRROR]
    plan += _LIPS + _mirror(_LIPS[:-1]) + [(-x, y) for x, y in _LOWER[:-1]] + _LOWER[::-1]
    plan += _INNER + _mirror(_INNER[:-1]) + _mirror(_INNER_LOWER[:-1]) + _INNER_LOWER[::-1]
    return np.array(plan)


MEAN_PLAN = _mean_plan()
"""The mean face, (68, 2), in plan coordinates; image left first, as dlib numbers its points."""

_SKIN = np.array(
    [
        (244, 208, 186),
        (232, 188, 160),
        (214, 166, 132),
        (186, 134, 100),
        (150, 102, 74),
        (110, 74, 54),
    ]
)
_HAIR = np.array([(26, 21, 19), (52, 37, 27), (88, 62, 40), (140, 108, 70), (130, 127, 124)])
_IRIS = np.array([(52, 36, 26), (74, 52, 32), (82, 84, 58), (88, 104, 122), (92, 98, 100)])


@dataclass(frozen=True)
class Traits:
    """What is particular to one drawn identity.  Colours are RGB, 0 to 255."""

    plan: NDArray[np.float64]  # (68, 2) landmarks in plan coordinates
    skin: NDArray[np.float64]
    hair: NDArray[np.float64]
    iris: NDArray[np.float64]
    lips: NDArray[np.float64]
    backdrop: NDArray[np.float64]
    cloth: NDArray[np.float64]
    light: NDArray[np.float64]  # (3,) unit vector towards the light, z towards the camera
    hairline: float  # how far the forehead reaches above the eyes
    hair_length: float  # how far the hair falls below the eyes; below 0.5 it is short
    hair_volume: float  # thickness of the hair above the hairline
    parting: float  # where the hair is parted, -1 image left to 1 image right
    fringe: float  # how much lower the hairline is on the side away from the parting
    brow_weight: float
    wrinkles: float  # 0 (none) to 1
    freckles: float
    grain: float  # contrast of the skin's fine texture, around 1
    beard: float
    tilt: float  # radians
    oiliness: float  # strength of specular highlights, 0 to 1
    shadow: float  # darkness of a shadow over the side away from the light, 0 (none) to 1


def _scale(plan: NDArray[np.float64], ids: slice, sx: float, sy: float) -> None:
    centre = plan[ids].mean(axis=0)
    plan[ids] = centre + (plan[ids] - centre) * (sx, sy)


def _vary_plan(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a face plan with its own proportions, (68, 2)."""
    plan = MEAN_PLAN.copy()
    plan[:17, 0] *= rng.uniform(0.92, 1.08)
    square = rng.uniform(-0.06, 0.09)  # a square jaw is wider half-way down
    plan[3:14, 0] *= 1 + square * np.sin(np.linspace(0, np.pi, 11)) ** 2
    plan[4:13, 1] += rng.uniform(-0.1, 0.1) * np.sin(np.linspace(0, np.pi, 9))
    for brow in (slice(17, 22), slice(22, 27)):
        plan[brow] += rng.normal(0, 0.006, 2)
    size, opening = rng.uniform(0.93, 1.12), rng.uniform(0.75, 1.15)
    tilt, lift, arch = (
        rng.uniform(-0.03, 0.03),
        rng.uniform(-0.07, 0.06),
        rng.uniform(-0.03, 0.05),
    )
    for eye, brow, side in (
        (slice(36, 42), slice(17, 22), -1),
        (slice(42, 48), slice(22, 27), 1),
    ):
        _scale(plan, eye, size, opening)
        out = (plan[eye, 0] - plan[eye, 0].mean()) * side
        plan[eye, 1] -= tilt * out / 0.2
        plan[brow, 1] -= lift + arch * np.sin(np.linspace(0, np.pi, 5))
    length = rng.uniform(0.92, 1.08)
    plan[27:36, 1] *= length
    plan[31:36, 0] *= rng.uniform(0.85, 1.25)
    drop = plan[33, 1] - MEAN_PLAN[33, 1] + rng.uniform(-0.04, 0.05)
    plan[48:68, 1] += drop
    plan[48:68, 0] *= rng.uniform(0.88, 1.15)
    upper, lower = rng.uniform(0.8, 1.5), rng.uniform(0.8, 1.4)
    line = plan[[62, 66], 1].mean()
    plan[49:54, 1] = line + (plan[49:54, 1] - line) * upper
    plan[55:60, 1] = line + (plan[55:60, 1] - line) * lower
    plan[[48, 54, 60, 64], 1] -= rng.uniform(-0.02, 0.035)
    plan[27:68, 0] += rng.uniform(-0.03, 0.03)  # a slight turn of the head
    return plan


def draw_traits(seed: int) -> Traits:
    """Return the traits of drawn identity number ``seed``; equal seeds give equal traits."""
    rng = np.random.default_rng([0x66616365, seed])
    skin = _between(rng, _SKIN) * rng.uniform(0.96, 1.03)
    light = np.array([rng.uniform(-0.45, 0.45), rng.uniform(-0.65, -0.2), 1.0])
    surface = np.random.default_rng([0x736B696E, seed])
    return Traits(
        plan=_vary_plan(rng),
        skin=skin,
        hair=_between(rng, _HAIR),
        iris=_between(rng, _IRIS),
        lips=skin * (rng.uniform(0.78, 0.9), rng.uniform(0.56, 0.66), rng.uniform(0.6, 0.7)),
        backdrop=rng.uniform(60, 200, 3) * 0.5 + rng.uniform(60, 200) * 0.5,
        cloth=rng.uniform(20, 180, 3),
        light=light / np.linalg.norm(light),
        hairline=rng.uniform(0.82, 1.05),
        hair_length=rng.choice([0.0, rng.uniform(0.8, 1.7)]),
        hair_volume=rng.choice([0.0, rng.uniform(0.24, 0.5)], p=[0.08, 0.92]),
        parting=rng.uniform(-0.7, 0.7),
        fringe=rng.uniform(-0.05, 0.3),
        brow_weight=rng.uniform(0.7, 1.35),
        wrinkles=rng.uniform(0, 1) ** 1.5,
        freckles=rng.uniform(0, 1) ** 2,
        grain=rng.uniform(0.3, 1.3),
        beard=rng.choice([0.0, 0.0, rng.uniform(0.1, 0.6)]),
        tilt=rng.uniform(-0.05, 0.05),
        oiliness=surface.uniform(0.0, 0.5),
        shadow=surface.choice([0.0, surface.uniform(0.1, 0.5)], p=[0.65, 0.35]),
    )


def _between(rng: np.random.Generator, colours: NDArray[np.int_]) -> NDArray[np.float64]:
    place = rng.uniform(0, len(colours) - 1)
    low = int(place)
    mixed = colours[low] + (place - low) * (
        colours[min(low + 1, len(colours) - 1)] - colours[low]
    )
    return np.asarray(mixed, np.float64)
