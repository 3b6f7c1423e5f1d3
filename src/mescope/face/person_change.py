"""Whether the face that is followed became another person's.

Landmarks do not tell people apart for certain.  Over 16 recordings of real faces the shape of
brows, eyes and nose, turned, shifted and scaled to fit, differs by 0.02 (median) to 0.05 (nine
in ten) of its spread within a recording, and by 0.10 (median) between recordings; one pair in
ten is nearer than 0.06.  So a change is suspected, never stated: where the scene is cut and the
shape is another or the face lies elsewhere, and without a cut only where both are so.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mescope.face.landmark_track import RIGID, spread

SHAPE = 0.06  # root mean square over the landmarks, in units of their spread
ELSEWHERE = 0.5  # widths of the face, across a cut
NEAR = 0.35  # and without one, from one look to the next
_LOOKS = 3  # whose mean shape is compared
_WIDTH = 4.0  # of a face in units of that spread, about


class PersonChange(NamedTuple):
    """Where the face may be another person's."""

    before: int
    """Index of the last look before."""
    after: int
    """Index of the first look after."""
    moved: float
    """Widths of the face by which its place differs."""
    shape: float
    """By which its shape differs, see :data:`SHAPE`."""


def person_changes(
    landmarks: npt.NDArray[np.floating], scene: npt.NDArray[np.integer]
) -> list[PersonChange]:
    """Find where the face followed may be another person's.

    Args:
        landmarks: (W, 68, 2) x, y in px of looks in order of time; nan where there is no face.
        scene: (W,) number of the scene that each look is in; it rises with every cut.
    """
    seen = np.flatnonzero(~np.isnan(landmarks[:, 0, 0]))
    changes = []
    for place, (before, after) in enumerate(pairwise(seen), start=1):
        (x0, y0), size = spread(landmarks[before])
        (x1, y1), _ = spread(landmarks[after])
        moved = float(np.hypot(x1 - x0, y1 - y0)) / max(_WIDTH * size, 1e-6)
        one = _mean_shape(landmarks, seen[:place][::-1], scene)
        shape = _difference(one, _mean_shape(landmarks, seen[place:], scene))
        cut = scene[before] != scene[after]
        if (moved > ELSEWHERE or shape > SHAPE) if cut else (moved > NEAR and shape > SHAPE):
            changes.append(PersonChange(int(before), int(after), moved, shape))
    return changes


def _mean_shape(
    landmarks: npt.NDArray[np.floating],
    looks: npt.NDArray[np.integer],
    scene: npt.NDArray[np.integer],
) -> npt.NDArray[np.complex128]:
    """Mean shape of the first few looks that are in one scene, as numbers x + iy."""
    same = [k for k in looks[:_LOOKS] if scene[k] == scene[looks[0]]]
    shapes = []
    for look in same:
        rigid = landmarks[look, RIGID].astype(np.float64)
        centred = rigid - rigid.mean(axis=0)
        shapes.append(centred / max(spread(landmarks[look])[1], 1e-6))
    mean = np.mean(shapes, axis=0)
    return np.asarray(mean[:, 0] + 1j * mean[:, 1], np.complex128)


def _difference(one: npt.NDArray[np.complex128], other: npt.NDArray[np.complex128]) -> float:
    """Root mean square after the similarity that fits ``one`` to ``other`` best."""
    fit = np.vdot(one, other) / max(float(np.vdot(one, one).real), 1e-12)
    return float(np.sqrt((np.abs(fit * one - other) ** 2).mean()))
