"""Onset-apex flow maps of faces that never lived, one map for each expression, with its truth.

Nothing is rendered and no flow is measured: displacement fields of action units are added up
on a grid over a face (:mod:`mescope.synthesis.map_faces`), disturbed and solved for as measured
flow is (:mod:`mescope.synthesis.flow_errors`), and scaled to grey as the published flow maps of
the MEGC2019 composite are (:mod:`mescope.datasets.flow28`).  Some 150 a second.

Amplitudes, and how often what disturbs, are ours.  They were compared with the published maps
by measures that need no labels, on the people with even index (``benchmarks/map_realism.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mescope.motion.grey_maps import grey_maps
from mescope.synthesis.dynamics import EMOTION_UNITS
from mescope.synthesis.flow_errors import averaged, disturbed, solved
from mescope.synthesis.map_faces import draw_face
from mescope.synthesis.motion import UNITS, units_of

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

OFTEN = {"4": 3.0, "9": 0.3, "10": 0.3, "L10": 0.3, "R10": 0.3, "17": 0.6, "24": 0.5, "20": 0.5}
"""How much likelier a choice is for holding a unit: brows are, nose and mouth are rarer."""

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
        face = draw_face(rng, SIDE * FINE)
        some = labels[first : first + CLIPS]
        activations = [_activations(rng, CLASSES[label]) for label in some]
        fields = np.tensordot(np.stack(activations), face.basis, 1)
        flow = solved(disturbed(fields, face, rng), face.held, face.camera.smooth)
        maps[first : first + CLIPS] = grey_maps(averaged(flow, FINE, rng))
    return FlowMaps(maps, labels)


def _activations(rng: np.random.Generator, emotion: str) -> Floats:
    """Draw how far every unit and both cheeks go: by the emotion, and beside it."""
    units, cheeks = np.zeros(len(UNITS)), np.zeros(2)
    peak = rng.uniform(0.3, 1.2)
    for action_unit in _chosen(rng, MAP_UNITS[emotion]):
        share = peak * rng.uniform(0.5, 1.0)
        for unit in units_of(action_unit):
            units[UNITS.index(unit)] += share * rng.uniform(0.5, 1.0)
            if unit.endswith("12"):  # a smile takes the cheek along
                cheeks["RL".index(unit[0])] += share * rng.uniform(0.6, 1.8)
    if rng.random() < 0.5:  # apex or onset within a blink
        units[UNITS.index("blink")] += rng.normal(0.0, 0.35)
    if rng.random() < 0.3:
        units[UNITS.index("gaze_down")] += rng.normal(0.0, 0.4)
    if rng.random() < 0.3:  # both eyes to one side
        turn = rng.normal(0.0, 0.5)
        units[UNITS.index("Llook")] += turn
        units[UNITS.index("Rlook")] -= turn
    stray = rng.random(len(UNITS)) < 0.08
    stray[[UNITS.index(u) for u in ("blink", "gaze_down", "Llook", "Rlook")]] = False
    units += stray * rng.uniform(0.0, 0.3 * peak, len(UNITS))
    cheeks += (rng.random(2) < 0.2) * rng.normal(0.0, 0.5 * peak, 2)
    return np.concatenate([units, cheeks])


def _chosen(rng: np.random.Generator, choices: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Draw one of the choices, by :data:`OFTEN`."""
    often = np.array([np.prod([OFTEN.get(unit, 1.0) for unit in units]) for units in choices])
    return choices[rng.choice(len(choices), p=often / often.sum())]
