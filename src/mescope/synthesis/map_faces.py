"""Faces for flow maps: how their skin moves, how they lie in the crop, what films them.

The crop is that of :mod:`mescope.motion.grey_maps`.  Beside the action units of
:mod:`mescope.synthesis.motion` each cheek moves on its own, since the published maps show
smiles there rather than at the corners of the mouth, and the ridge of the nose keeps still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mescope.motion.grey_maps import EYE_ROW, EYES_APART, TALL
from mescope.synthesis.motion import (
    PEAK,
    UNITS,
    displacement_basis,
    distance_to_line,
    inter_ocular,
)
from mescope.synthesis.shapes import random_shape

Floats = NDArray[np.float64]

RIDGE = (27, 28, 29, 30, 33)  # landmarks of the nose
_CHEEKS = ((1, 3, 31, 48), (15, 13, 35, 54))  # jaw, lower jaw, nose wing, corner of the mouth
_LINES: tuple[tuple[tuple[int, ...], float], ...] = (
    (tuple(range(17, 22)), 0.7), (tuple(range(22, 27)), 0.7), ((*range(36, 42), 36), 1.0),
    ((*range(42, 48), 42), 1.0), (tuple(range(31, 36)), 0.7),
    ((*range(48, 60), 48), 0.8), (tuple(range(0, 17)), 0.6),
)  # fmt: skip
"""Lines of a face that a camera sees, by landmarks, and how well."""


@dataclass(frozen=True)
class Camera:
    """How a face is filmed and its flow measured."""

    noise: float  # of flow, typical deviation in inter-ocular distances
    grain: float  # of its finest part, px of the grid
    smooth: float  # weight of total variation in the solver
    seen: float  # share of motion that is found on bare skin
    plain: float  # texture of bare skin, that of the eyes being 1


@dataclass(frozen=True)
class Face:
    """A face in its crop, on a grid of n by n points; lengths in inter-ocular distances."""

    points: Floats  # (n, n, 2), from the point between the eyes
    basis: Floats  # (units + 2, n, n, 2), fields of the action units and of both cheeks
    inside: Floats  # (n, n), share of face
    held: NDArray[np.float32]  # (n, n), how well data hold the flow, 0 to 1
    loose: NDArray[np.float32]  # (n, n), how large errors are, about 1 to 4
    marks: Floats  # (m, 2), places where matching may fail, px of the grid
    camera: Camera


def draw_face(rng: np.random.Generator, side: int) -> Face:
    """Draw a face on a grid of ``side`` points a side."""
    shape = random_shape(rng)
    eyes = (shape[36:42].mean(0) + shape[42:48].mean(0)) / 2
    unit = inter_ocular(shape)
    wide = unit / (EYES_APART * rng.normal(1.0, 0.05))
    sides = wide * np.array([1.0, TALL * rng.normal(1.0, 0.06)])
    corner = eyes - sides * (np.array([0.5, EYE_ROW]) + rng.normal(0.0, 0.03, 2))
    x, y = np.meshgrid(*(corner + sides * ((np.arange(side) + 0.5) / side)[:, None]).T)
    flat = np.stack([x, y], -1).reshape(-1, 2)
    arms = np.abs(shape[16] - shape[0])[0] * np.array([0.5, 0.62])
    out = np.linalg.norm((flat - (shape[8] + eyes) / 2) / arms, axis=-1) - 1
    camera = draw_camera(rng)
    held = _texture(shape, flat, unit, camera, rng)
    loose = _loose(shape, flat, unit, held)
    spots = np.concatenate([shape, *(5 * _cheek_lines(shape))])
    return Face(
        points=((flat - eyes) / unit).reshape(side, side, 2),
        basis=_basis(shape, flat, unit, rng).reshape(-1, side, side, 2),
        inside=(1.0 / (1.0 + np.exp(12.0 * out))).reshape(side, side),
        held=held.reshape(side, side),
        loose=loose.reshape(side, side),
        marks=(spots - corner) / sides * side - 0.5,
        camera=camera,
    )


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera: between a sharp, quiet picture and a small, noisy one."""
    poor = rng.random()
    return Camera(
        noise=float(np.exp(rng.normal(np.log(0.003 + 0.003 * poor), 0.25))),
        grain=float(0.6 + 0.5 * poor + 0.2 * rng.random()),
        smooth=float(np.exp(rng.normal(np.log(0.002), 0.4))),
        seen=float(rng.uniform(0.1, 0.8)),
        plain=float(rng.uniform(0.03, 0.25)),
    )


def _basis(shape: Floats, flat: Floats, unit: float, rng: np.random.Generator) -> Floats:
    """Return the fields of units and cheeks at points (p, 2): (units + 2, p, 2)."""
    basis = np.concatenate(
        [displacement_basis(shape, flat) / unit, np.zeros((2, len(flat), 2))]
    )
    for row, (line, out) in enumerate(zip(_cheek_lines(shape), (-0.6, 0.6), strict=True)):
        away = distance_to_line(flat, line) / unit
        near = np.exp(-0.5 * (away / 0.14) ** 2)[:, None]
        basis[len(UNITS) + row] = near * PEAK * np.array([out, -0.7])  # outward and up
    ridge = distance_to_line(flat, shape[list(RIDGE)]) / unit
    still = rng.uniform(0.5, 1.0) * np.exp(-0.5 * (ridge / rng.uniform(0.12, 0.22)) ** 2)
    return np.asarray(basis * (1 - still)[:, None])


def _cheek_lines(shape: Floats) -> list[Floats]:
    """Return a line down each cheek, image left and right, each (2, 2)."""
    return [
        np.stack([(shape[jaw] + shape[nose]) / 2, (shape[low] + shape[mouth]) / 2])
        for jaw, low, nose, mouth in _CHEEKS
    ]


def _texture(
    shape: Floats, flat: Floats, unit: float, camera: Camera, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return how well data hold the flow at the points (p, 2) of a square grid, (p,)."""
    found = np.zeros(len(flat))
    lines = [(line, weight, 0.025, 0.055) for line, weight in _LINES]
    for line, weight, thin, thick in (*lines, (RIDGE, 1.0, 0.06, 0.14)):
        away = distance_to_line(flat, shape[list(line)]) / unit
        seen = weight * rng.uniform(0.6, 1.0)
        width = rng.uniform(thin, thick)
        found = np.maximum(found, seen * np.exp(-0.5 * (away / width) ** 2))
    side = round(len(flat) ** 0.5)
    skin = gaussian_filter(rng.standard_normal((side, side)), 2.0)
    skin = np.exp(skin / skin.std()).ravel()
    return np.asarray(np.clip(found + camera.plain * skin, 0.01, 1.0), np.float32)


def _loose(
    shape: Floats, flat: Floats, unit: float, held: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how large errors are at points (p, 2), (p,): beside the nose, where skin folds."""
    folds = np.zeros(len(flat))
    for eye, nose, mouth in ((41, 31, 48), (46, 35, 54)):
        line = np.stack([(shape[eye] + shape[nose]) / 2, (shape[nose] + shape[mouth]) / 2])
        line[:, 0] += 0.12 * unit * (1 if mouth == 54 else -1)
        folds += np.exp(-0.5 * (distance_to_line(flat, line) / unit / 0.14) ** 2)
    away = np.abs(flat[:, 0] - shape[30, 0]) / unit
    return np.asarray(
        (0.85 + 0.5 * folds - 0.1 * (away > 0.75)) / np.sqrt(held + 0.02), np.float32
    )
