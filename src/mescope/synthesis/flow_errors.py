"""What measuring does to the motion of a face: the errors of flow between onset and apex.

The published maps were measured with TV-L1, and it shows: plateaus of equal flow that end at
brows, lids, mouth and jaw, places that are plainly wrong, strain in thin lines.  So planted
motion is disturbed and then *solved for* as such a method would: held by the data where a face
has texture, filled in from there where it has none, with little total variation.  Strain is
taken before flow is averaged down, as it was for those maps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mescope.motion.flow import strain
from mescope.synthesis.map_faces import Face

Floats = NDArray[np.floating]
Singles = NDArray[np.float32]

STEPS = 30  # of the solver
UNIT = np.float32(0.005)  # inter-ocular distances: about what flow varies by


def disturbed(fields: Floats, face: Face, rng: np.random.Generator) -> Singles:
    """Add to motion the head's own, the surroundings and the errors of matching.

    Args:
        fields: planted motion of c expressions, (c, n, n, 2) inter-ocular distances.
        face: whose they are.
        rng: source of every random choice.
    """
    seen = gaussian_filter(face.held, 1.0)
    seen = np.minimum(1.0, 1.5 * seen / np.quantile(seen, 0.9))
    seen = face.camera.seen + (1 - face.camera.seen) * seen
    moved = np.asarray(fields * seen[..., None], np.float32)
    for one in moved:
        one += _rigid(face.points, rng)
        if rng.random() < 0.2:  # background and hair stand still, or do as they please
            around = rng.normal(0.0, 0.004, 2) * (rng.random() < 0.3)
            one[...] = face.inside[..., None] * one + (1 - face.inside[..., None]) * around
    moved += _noise(face, moved.shape, rng)
    for one in moved:
        _fail(one, face.marks, rng)
    return moved


def _rigid(points: Floats, rng: np.random.Generator) -> Floats:
    """Return the head's own movement at points (n, n, 2)."""
    sway = rng.normal(0.0, 0.01, 2) * rng.random()
    turn, grow = rng.normal(0.0, 0.002, 2) * rng.random()
    tilt = rng.normal(0.0, 0.002, (2, 2)) * rng.random()
    return np.asarray(sway + points @ (np.array([[grow, turn], [-turn, grow]]) + tilt))


def _noise(face: Face, shape: tuple[int, ...], rng: np.random.Generator) -> Singles:
    """Return errors (c, n, n, 2) of all sizes, larger where data hold little."""
    each = (shape[0], 1, 1, 1)
    level = 0.4 * face.camera.noise * np.exp(rng.normal(0.0, 0.35, each))
    errors = np.zeros(shape, np.float32)
    for grain, share in ((face.camera.grain, 0.8), (2.5, 0.65), (6.0, 0.2), (14.0, 0.1)):
        noise = gaussian_filter(rng.standard_normal(shape, np.float32), (0, grain, grain, 0))
        noise *= 2 * np.sqrt(np.pi) * grain  # deviation 1
        errors += np.asarray(share * rng.gamma(3.0, 0.33, each) * level * noise, np.float32)
    return np.asarray(errors * face.loose[..., None], np.float32)


def _fail(one: Singles, marks: Floats, rng: np.random.Generator) -> None:
    """Let flow (n, n, 2) go astray in a few small places near marks, sharply bounded."""
    rows, columns = np.mgrid[: len(one), : len(one)]
    size = float(np.abs(one - np.median(one, (0, 1))).max())
    for _ in range(rng.poisson(2.0)):
        x, y = marks[rng.integers(len(marks))] + rng.normal(0.0, 2.5, 2)
        long, thin = rng.uniform(1.5, 7.0), rng.uniform(1.0, 3.0)
        angle = rng.uniform(0, np.pi)
        along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
        across = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
        near = np.exp(-(((along / long) ** 2 + (across / thin) ** 2) ** 2))
        one += (near[..., None] * rng.normal(0.0, 0.4 * size, 2)).astype(np.float32)


def solved(fields: Floats, held: Singles, smooth: float) -> Singles:
    """Return flow of little variation that is near ``fields`` (c, n, n, 2) where it is held.

    It goes :data:`STEPS` steps towards the least ``smooth |grad f| + held / 2 (f - field)^2``,
    summed over the grid, for each component by itself.  Source: Chambolle and Pock, J. Math.
    Imaging Vis. 2011, algorithm 1.
    """
    data = np.moveaxis(np.asarray(fields, np.float32), -1, 1) / UNIT
    tau = np.float32(8.0**-0.5)
    pull = tau * UNIT / np.float32(smooth) * held
    flow, over = data, data
    down, right = np.zeros_like(data), np.zeros_like(data)
    for _ in range(STEPS):
        down[..., :-1, :] += tau * np.diff(over, axis=-2)
        right[..., :-1] += tau * np.diff(over, axis=-1)
        length = np.maximum(np.float32(1.0), np.sqrt(down * down + right * right))
        down /= length
        right /= length
        step = flow + tau * (down + right)
        step[..., 1:, :] -= tau * down[..., :-1, :]
        step[..., 1:] -= tau * right[..., :-1]
        new = (step + pull * data) / (1 + pull)
        over, flow = 2 * new - flow, new
    return np.asarray(np.moveaxis(flow * UNIT, 1, -1))


def averaged(flow: Singles, fine: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return u, v and strain of flow (c, n, n, 2), averaged over ``fine`` px: (c, 3, m, m).

    Strain gets errors of its own: it was measured on a grid finer than ours.
    """
    planes = np.stack([np.stack([one[..., 0], one[..., 1], strain(one)]) for one in flow])
    count, _, side = planes.shape[:3]
    parts = planes.reshape(count, 3, side // fine, fine, side // fine, fine).mean((3, 5))
    rough = gaussian_filter(rng.standard_normal(parts[:, 2].shape), (0, 0.5, 0.5))
    parts[:, 2] *= np.exp(rng.uniform(0.1, 0.5, (count, 1, 1)) * rough / rough.std())
    return np.asarray(parts, np.float64)
