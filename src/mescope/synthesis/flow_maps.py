"""Onset-apex flow maps of faces that never lived, one map for each expression, with its truth.

Nothing is rendered and no flow is measured: displacement fields of action units are added up
on a grid over the face, disturbed as measured flow is, and scaled to grey as the published
flow maps of the MEGC2019 composite are (:mod:`mescope.datasets.flow28`).  Thousands a second.

The crop is that of :mod:`mescope.motion.grey_maps`.  Amplitudes, and how often what disturbs,
are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mescope.motion.flow import strain
from mescope.motion.grey_maps import EYE_ROW, EYES_APART, grey_maps
from mescope.synthesis.dynamics import EMOTION_UNITS
from mescope.synthesis.motion import UNITS, displacement_basis, inter_ocular, units_of
from mescope.synthesis.shapes import random_shape

Floats = NDArray[np.float64]

SIDE = 28  # px of a map
FINE = 2  # grid points along a px: motion is averaged down, as a flow measured in more px is
CLIPS = 6  # expressions of one face

MAP_UNITS: dict[str, tuple[tuple[str, ...], ...]] = {
    "negative": (
        *EMOTION_UNITS["negative"], ("14",), ("L14",), ("R14",), ("7",), ("17",), ("24",),
        ("4", "7", "24"), ("14", "17"), ("15", "24"), ("1", "4", "15"), ("4", "17"),
    ),
    "positive": (*EMOTION_UNITS["positive"], ("6", "12"), ("L6", "L12"), ("R6", "R12")),
    "surprise": (*EMOTION_UNITS["surprise"], ("2",), ("5",)),
}  # fmt: skip
"""Action units by class: 14 (contempt), 17 and 24 (repression) are negative there."""

CLASSES = tuple(MAP_UNITS)
"""Classes of the composite, in the order of their numbers."""


@dataclass(frozen=True)
class FlowMaps:
    """Maps and their truth, of one length n."""

    maps: NDArray[np.uint8]  # (n, 3, 28, 28): u, v and strain, each 0 to 255
    labels: NDArray[np.int64]  # (n,), classes of CLASSES


def draw_flow_maps(count: int, seed: int | tuple[int, ...]) -> FlowMaps:
    """Return ``count`` maps; every class is as likely as any other.

    Every :data:`CLIPS` of them share a face.  The same seed gives the same maps.

    Raises:
        ValueError: count is below 1.
    """
    if count < 1:
        raise ValueError(f"expected a count of 1 or more, found {count}")
    rng = np.random.default_rng(seed)
    maps = np.empty((count, 3, SIDE, SIDE), np.uint8)
    labels = rng.integers(len(CLASSES), size=count)
    for first in range(0, count, CLIPS):
        points, basis, inside = _face(rng)
        for i in range(first, min(first + CLIPS, count)):
            activation = _activations(rng, CLASSES[labels[i]])
            field = np.tensordot(activation, basis, 1)
            maps[i] = grey_maps(_measured(_disturbed(field, points, inside, rng), rng))
    return FlowMaps(maps, labels)


def _face(rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return grid points (n, n, 2), fields of the units (units, n, n, 2), share of skin (n, n).

    Lengths are in inter-ocular distances.
    """
    shape = random_shape(rng)
    eyes = (shape[36:42].mean(0) + shape[42:48].mean(0)) / 2
    unit = inter_ocular(shape)
    side = unit / (EYES_APART * rng.normal(1.0, 0.07))
    left, top = eyes - side * np.array([0.5, EYE_ROW]) + side * rng.normal(0.0, 0.03, 2)
    ticks = (np.arange(SIDE * FINE) + 0.5) / (SIDE * FINE) * side
    x, y = np.meshgrid(left + ticks, top + ticks)
    points = np.stack([x, y], -1)
    basis = displacement_basis(shape, points.reshape(-1, 2)) / unit
    centre, arms = (
        (shape[8] + eyes) / 2,
        np.abs(shape[16] - shape[0])[0] * np.array([0.5, 0.62]),
    )
    inside = 1.0 / (
        1.0 + np.exp(12.0 * (np.linalg.norm((points - centre) / arms, axis=-1) - 1))
    )
    return (points - eyes) / unit, basis.reshape(len(UNITS), *x.shape, 2), inside


def _activations(rng: np.random.Generator, emotion: str) -> Floats:
    """Draw how far every unit goes: those of the emotion, and what happens beside it."""
    activation = np.zeros(len(UNITS))
    peak = rng.uniform(0.3, 1.2)
    choices = MAP_UNITS[emotion]
    for action_unit in choices[rng.integers(len(choices))]:
        share = peak * rng.uniform(0.5, 1.0)
        for unit in units_of(action_unit):
            activation[UNITS.index(unit)] += share * rng.uniform(0.5, 1.0)
    if rng.random() < 0.35:  # apex or onset within a blink
        activation[UNITS.index("blink")] += rng.normal(0.0, 0.35)
    if rng.random() < 0.3:
        activation[UNITS.index("gaze_down")] += rng.normal(0.0, 0.4)
    if rng.random() < 0.3:  # both eyes to one side
        turn = rng.normal(0.0, 0.5)
        activation[UNITS.index("Llook")] += turn
        activation[UNITS.index("Rlook")] -= turn
    stray = rng.random(len(UNITS)) < 0.08
    stray[[UNITS.index(u) for u in ("blink", "gaze_down", "Llook", "Rlook")]] = False
    return activation + stray * rng.uniform(0.0, 0.3 * peak, len(UNITS))


def _disturbed(
    field: Floats, points: Floats, inside: Floats, rng: np.random.Generator
) -> Floats:
    """Add the head's own movement and the errors of flow to a field (n, n, 2) of motion."""
    sway = rng.normal(0.0, 0.012, 2) * rng.random()
    turn, grow = rng.normal(0.0, 0.004, 2) * rng.random()
    tilt = rng.normal(0.0, 0.004, (2, 2)) * rng.random()
    rigid = sway + points @ (np.array([[grow, turn], [-turn, grow]]) + tilt)
    errors = np.zeros_like(field)
    for grain in (2.0, 5.0, 10.0):
        noise = gaussian_filter(rng.standard_normal(field.shape), (grain, grain, 0)) * grain
        errors += rng.exponential(0.0015) * noise
    moved = field + rigid + errors
    if rng.random() < 0.6:  # background and hair stand still, or do as they please
        around = rng.normal(0.0, 0.006, 2) * (rng.random() < 0.3)
        moved = inside[..., None] * moved + (1 - inside[..., None]) * around
    return np.asarray(moved)


def _measured(field: Floats, rng: np.random.Generator) -> Floats:
    """Return u, v and strain, (3, side, side), smoothed as a flow method would."""
    blur = rng.uniform(0.3, 1.6)
    flow = gaussian_filter(field, (blur, blur, 0)).astype(np.float32)
    planes = np.stack([flow[..., 0], flow[..., 1], strain(flow)])
    return np.asarray(planes.reshape(3, SIDE, FINE, SIDE, FINE).mean((2, 4)), np.float64)
