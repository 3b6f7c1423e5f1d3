"""Action units as displacement fields on a face.

Every unit is a short list of *pulls*: a line through landmarks moves in one direction, and the
skin around it follows with a Gaussian fall-off.  One activation unit moves the line by
``PEAK`` inter-ocular distances, about 2.7 px of the 320-px face crop: a strong
micro-expression.  Fields of several units add.

Sides are FACS sides: L is the person's left, on the right of an unmirrored picture.

This is a kinematic sketch of the anatomy (directions from the FACS manual's appearance
changes, amplitudes ours), not a muscle simulation.  What it is good for is motion whose truth
is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating]

PEAK = 0.025
"""Displacement of a unit at activation 1, in inter-ocular distances."""

MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
"""Landmark i of a face is landmark MIRROR[i] of its mirror image (0-based dlib order)."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A line of landmarks (on the image left) that moves and takes the skin along.

    ``out`` is lateral (away from the midline), ``down`` towards the chin, both in units of
    ``PEAK``; ``spread`` is the Gaussian sigma in inter-ocular distances.
    """

    line: tuple[int, ...]
    out: float
    down: float
    spread: float


# One-sided units, described on the image left (the person's right).
_PAIRED: dict[str, tuple[Pull, ...]] = {
    "1": (Pull((20, 21), 0.0, -1.0, 0.14),),
    "2": (Pull((17, 18, 19), 0.05, -0.9, 0.14),),
    "4": (Pull((19, 20, 21), -0.45, 0.85, 0.15),),
    "5": (Pull((37, 38), 0.0, -0.6, 0.05),),
    "6": (Pull((41, 40), 0.0, -0.45, 0.10), Pull((1, 31), -0.1, -0.75, 0.20)),
    "7": (Pull((41, 40), 0.0, -0.6, 0.07), Pull((37, 38), 0.0, 0.35, 0.05)),
    "9": (Pull((31, 32), -0.1, -1.0, 0.10), Pull((21, 39), -0.1, 0.35, 0.12)),
    "10": (Pull((49, 50), 0.1, -0.9, 0.11), Pull((31, 32), 0.1, -0.45, 0.10)),
    "12": (Pull((48, 60), 0.75, -0.75, 0.17),),
    "14": (Pull((48, 60), 0.65, 0.1, 0.09),),
    "15": (Pull((48, 59, 60), 0.15, 0.9, 0.12),),
    "20": (Pull((48, 59, 60), 0.9, 0.3, 0.14),),
    "look": (Pull((37, 38, 40, 41), 1.6, 0.0, 0.035),),  # the eyeball turns outward
}

# Units of the midline: the pulls are given for the image left and mirrored.
_MIDLINE: dict[str, tuple[Pull, ...]] = {
    "17": (Pull((58, 57), 0.0, -0.8, 0.13), Pull((8, 8), 0.0, -0.9, 0.20)),
    "18": (Pull((48, 60), -0.9, 0.0, 0.12),),
    "24": (Pull((50, 51), 0.0, 0.6, 0.06), Pull((58, 57), 0.0, -0.6, 0.06)),
    "26": (Pull((58, 57), 0.0, 1.0, 0.14), Pull((7, 8), 0.0, 1.0, 0.22)),
    "blink": (Pull((37, 38), 0.0, 4.0, 0.045), Pull((41, 40), 0.0, -0.4, 0.05)),
    "gaze_down": (Pull((37, 38), 0.0, 1.0, 0.05), Pull((41, 40), 0.0, 0.3, 0.05)),
}

UNITS: tuple[str, ...] = (
    *(side + unit for unit in _PAIRED for side in "LR"),
    *_MIDLINE,
)
"""Order of the units in every activation matrix."""


def _folding() -> NDArray[np.float32]:
    """Return, for every unit, the activation at which its steepest pull nearly folds skin.

    A Gaussian pull of height ``h`` and width ``s`` has the slope 0.61 h / s; at 1 one point
    would pass another.  A lid is drawn in layers and may move freely.
    """
    out = np.full(len(UNITS), np.inf, np.float32)
    for row, unit in enumerate(UNITS):
        if unit != "blink":
            pulls = _PAIRED[unit[1:]] if unit[0] in "LR" else _MIDLINE[unit]
            steepest = max(float(np.hypot(p.out, p.down)) / p.spread for p in pulls)
            out[row] = 0.8 / (0.61 * PEAK * steepest)
    return out


FOLDING = _folding()
"""Activation that no unit may exceed, (len(UNITS),): beyond, one point would pass another."""


def units_of(action_unit: str) -> tuple[str, ...]:
    """Return the units that make up an action unit with or without a side.

    >>> units_of("12")
    ('L12', 'R12')
    >>> units_of("L12"), units_of("17")
    (('L12',), ('17',))
    """
    if action_unit in UNITS:
        return (action_unit,)
    if action_unit in _PAIRED:
        return ("L" + action_unit, "R" + action_unit)
    raise ValueError(f"no motion is known for action unit {action_unit!r}; known: {UNITS}")


def inter_ocular(landmarks: Points) -> float:
    """Return the distance between the centres of the two eyes, in the unit of ``landmarks``."""
    return float(np.linalg.norm(landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)))


def displacement_basis(landmarks: Points, points: Points) -> NDArray[np.float64]:
    """Return how far every unit at activation 1 moves every point.

    Args:
        landmarks: (68, 2) x, y of the face at rest, dlib order.
        points: (p, 2) x, y in the same coordinates.

    Returns:
        (len(UNITS), p, 2) displacement in the unit of ``landmarks``; x to the right, y down.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64)
    points = np.asarray(points, dtype=np.float64)
    scale = inter_ocular(landmarks)
    across = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    across = across / np.linalg.norm(across)
    down = np.array([-across[1], across[0]])
    basis = np.zeros((len(UNITS), len(points), 2))
    for row, unit in enumerate(UNITS):
        sides = {"R": (False,), "L": (True,)}.get(unit[0], (False, True))
        pulls = _PAIRED[unit[1:]] if unit[0] in "LR" else _MIDLINE[unit]
        for mirrored in sides:
            _add_pulls(basis[row], landmarks, points, pulls, (across, down), scale, mirrored)
    return basis


def _add_pulls(
    field: NDArray[np.float64],
    landmarks: Points,
    points: Points,
    pulls: tuple[Pull, ...],
    axes: tuple[Points, Points],
    scale: float,
    mirrored: bool,
) -> None:
    """Add the pulls of one side to ``field`` (p, 2); both sides share midline skin."""
    across, down = axes
    for pull in pulls:
        line = [MIRROR[i] for i in pull.line] if mirrored else list(pull.line)
        distance = distance_to_line(points, landmarks[line])
        weight = np.exp(-0.5 * (distance / (pull.spread * scale)) ** 2)
        sign = 1.0 if mirrored else -1.0  # outward is to the right on the image right
        step = PEAK * scale * (sign * pull.out * across + pull.down * down)
        shared = 0.5 if pull.line[-1] == MIRROR[pull.line[-1]] else 1.0
        field += shared * weight[:, None] * step


def distance_to_line(points: Points, line: Points) -> NDArray[np.float64]:
    """Return the distance of every point to a polyline, (p,)."""
    best = np.full(len(points), np.inf)
    for start, end in pairwise(line):
        along = end - start
        length = float(along @ along)
        share = np.zeros(len(points)) if length == 0 else (points - start) @ along / length
        nearest = start + np.clip(share, 0.0, 1.0)[:, None] * along
        best = np.minimum(best, np.linalg.norm(points - nearest, axis=1))
    return best
