"""Landmarks of faces that never lived: a mean shape and random variations of it.

Coordinates are px of the 320-px face crop, 68 points in dlib order (0-based).  The mean shape
is drawn by hand; it is nobody's face.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.motion import MIRROR

Floats = NDArray[np.float64]

_HALF = {
    0: (40, 140), 1: (42, 162), 2: (46, 184), 3: (53, 205), 4: (63, 225), 5: (78, 242),
    6: (98, 256), 7: (126, 266), 8: (160, 270), 17: (60, 95), 18: (75, 85), 19: (95, 82),
    20: (115, 85), 21: (132, 92), 27: (160, 115), 28: (160, 132), 29: (160, 150),
    30: (160, 167), 31: (138, 182), 32: (149, 186), 33: (160, 188), 36: (80, 118),
    37: (92, 110), 38: (108, 110), 39: (120, 120), 40: (108, 124), 41: (92, 124),
    48: (115, 228), 49: (130, 220), 50: (148, 215), 51: (160, 218), 57: (160, 248),
    58: (145, 246), 59: (130, 240), 60: (122, 229), 61: (148, 225), 62: (160, 227),
    66: (160, 236), 67: (148, 234),
}  # fmt: skip
"""The image-left half of the mean shape (x, y)."""


def mean_shape() -> Floats:
    """Return the mean shape, (68, 2), mirror-symmetric about x = 160."""
    shape = np.zeros((68, 2))
    for i, (x, y) in _HALF.items():
        shape[i] = x, y
        shape[MIRROR[i]] = 320 - x, y
    return shape


def random_shape(rng: np.random.Generator) -> Floats:
    """Return the landmarks of a random face as the crop rule would place them, (68, 2).

    Brows, eyes, nose, mouth and jaw vary in place and size on their own; then the face is
    turned by up to about 5 degrees and scaled so that half the inner-eye distance is a ninth of
    the crop, as in the crop rule of the extraction.
    """
    shape = mean_shape()
    middle = np.array([160.0, 120.0])
    for part, spread, shift in (
        (range(0, 17), 0.06, 5.0),
        (range(17, 27), 0.06, 5.0),
        (range(27, 36), 0.08, 3.0),
        (range(36, 48), 0.05, 0.0),
        (range(48, 68), 0.12, 5.0),
    ):
        at = list(part)
        centre = np.array([160.0, shape[at, 1].mean()])
        size = rng.normal(1.0, spread, 2)
        shape[at] = (shape[at] - centre) * size + centre + [0.0, rng.normal(0.0, shift)]
    shape = (shape - middle) * [1.0, rng.uniform(0.92, 1.22)] + middle
    shape += rng.normal(0.0, 1.2, shape.shape)
    angle = rng.normal(0.0, 0.035)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = (shape - middle) @ turn.T
    inner = float(np.linalg.norm(shape[42] - shape[39]))
    centre = (shape[42] + shape[39]) / 2
    return np.asarray((shape - centre) * (2 * 320 / 9 / inner) + [160.0, 3.5 * 320 / 9])
