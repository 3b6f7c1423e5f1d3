"""Turn a head out of the picture plane: a depth for every point of the face, and what moves.

The face is a simple relief: a bowl for the head, hills for nose, brows, lips and chin, hollows
for the eyes.  Depths are typical adult proportions, ours, smoothed so far that a turn of 30
degrees folds nothing over (no point hides another).  The head turns about a point in the neck,
seen in weak perspective from :data:`DISTANCE` away.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.motion import inter_ocular

Floats = NDArray[np.float32]

PIVOT = (0.0, 0.7, -0.9)
"""The axis: across, down from between the eyes, towards the camera; inter-ocular distances."""

DISTANCE = 10.0
"""Distance of the camera in inter-ocular distances, about 60 cm."""


def relief(landmarks: NDArray[np.floating], points: NDArray[np.floating]) -> Floats:
    """Return the depth (...,) of points (..., 2) towards the camera, inter-ocular distances.

    ``landmarks`` is (68, 2) of the face at rest, in the same coordinates as ``points``.
    """
    marks = _in_face(landmarks, np.asarray(landmarks, np.float64))
    at = _in_face(landmarks, np.asarray(points, np.float64))
    across, down = at[..., 0], at[..., 1]

    def hill(place: NDArray[np.float64], wide: float, tall: float) -> NDArray[np.float64]:
        u, v = (across - place[0]) / wide, (down - place[1]) / tall
        return np.asarray(np.exp(-0.5 * (u * u + v * v)))

    rim = (across / 1.3) ** 2 + ((down - 0.45) / 1.8) ** 2
    z = -0.66 * 1.7 * np.tanh(rim / 1.7)
    z += 0.4 * hill(marks[30], 0.17, 0.19) + 0.16 * hill(marks[28], 0.14, 0.24)
    z += 0.06 * hill(marks[17:22].mean(axis=0), 0.3, 0.13)
    z += 0.06 * hill(marks[22:27].mean(axis=0), 0.3, 0.13)
    for eye in (slice(36, 42), slice(42, 48)):
        z -= 0.09 * hill(marks[eye].mean(axis=0), 0.24, 0.16)
    z += 0.11 * hill(marks[48:60].mean(axis=0), 0.34, 0.2)
    z += 0.1 * hill(marks[8] - (0, 0.15), 0.28, 0.18)
    return z.astype(np.float32)


def turned(at: Floats, depth: Floats, yaw: float, pitch: float) -> Floats:
    """Return how far points of the face move when the head turns.

    Args:
        at: (..., 2) across, down from between the eyes, inter-ocular distances.
        depth: (...,) towards the camera, see :func:`relief`.
        yaw: radians, the nose goes to the right of the picture.
        pitch: radians, the nose goes down.

    Returns:
        (..., 2) displacement in inter-ocular distances.
    """
    x, y = at[..., 0] - PIVOT[0], at[..., 1] - PIVOT[1]
    z = depth - PIVOT[2]
    sin, cos = np.sin(yaw), np.cos(yaw)
    across, towards = x * cos + z * sin, z * cos - x * sin
    sin, cos = np.sin(pitch), np.cos(pitch)
    down, towards = y * cos + towards * sin, towards * cos - y * sin
    nearer = 1 + (towards - z) / DISTANCE
    moved = np.stack([across * nearer - x, down * nearer - y], axis=-1)
    return np.asarray(moved, np.float32)


class Turning:
    """The relief of one face on a grid, and the way back from a turned head.

    Args:
        landmarks: (68, 2) of the face at rest, px.
        grid: (h, w, 2) evenly spaced points, px.
        weight: (h, w, 1) with which a point follows the head, 0 to 1.
    """

    def __init__(self, landmarks: Floats, grid: Floats, weight: Floats) -> None:
        self.unit = inter_ocular(landmarks)
        self.axes = _axes(landmarks)
        self.at = _in_face(landmarks, grid.astype(np.float64)).astype(np.float32)
        self.depth = relief(landmarks, grid)
        self.weight = weight
        self.first = grid[0, 0]
        self.step = float(grid[0, 1, 0] - grid[0, 0, 0])

    def displacement(self, yaw: float, pitch: float) -> Floats:
        """Return how far the points of the grid move, (h, w, 2) px."""
        moved = turned(self.at, self.depth, yaw, pitch) @ self.axes
        return np.asarray(moved * (self.weight * np.float32(self.unit)), np.float32)

    def sample(self, field: Floats, points: Floats) -> Floats:
        """Return a field on the grid (h, w, 2) at points (h', w', 2) px."""
        place = (points - self.first) / np.float32(self.step)
        return np.asarray(
            cv2.remap(field, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )

    def undo(self, field: Floats, points: Floats, rounds: int = 5) -> Floats:
        """Return where points (h, w, 2) of the turned head lie at rest, px."""
        rest = points - self.sample(field, points)
        for _ in range(rounds):
            rest = rest + np.float32(0.8) * (points - self.sample(field, rest) - rest)
        return np.asarray(rest, np.float32)


def _axes(landmarks: NDArray[np.floating]) -> Floats:
    """Return the unit vectors across and down the face, (2, 2) rows, in the picture."""
    eyes = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
    across = eyes / np.linalg.norm(eyes)
    return np.array([across, (-across[1], across[0])], np.float32)


def _in_face(
    landmarks: NDArray[np.floating], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return points (..., 2) in face coordinates: across, down, inter-ocular distances."""
    origin = np.asarray(landmarks, np.float64)[36:48].mean(axis=0)
    return np.asarray((points - origin) @ _axes(landmarks).T / inter_ocular(landmarks))
