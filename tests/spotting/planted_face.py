"""A face in numbers: landmarks and eye patches whose lids, iris, mouth and head are planted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mescope.face.points import MEAN_FACE, RIGID

EYE, OPEN = 28.0, 9.0  # px of the frame: width and usual opening of an eye
PX = 320 / (4.5 * 33.0)  # px of the face crop per px of the frame


@dataclass
class Close:
    """What :class:`mescope.face.landmark_track.CloseUps` holds."""

    points: np.ndarray
    eyes: np.ndarray
    light: np.ndarray


@dataclass
class Timing:
    rate: float


@dataclass
class Flow:
    """As much of a region flow as the events need."""

    close: Close | None
    times: np.ndarray
    timing: Timing
    padded: int = 0
    cuts: np.ndarray | None = None
    frames: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))


def flow(n, rate, *, open_=1.0, gaze=0.0, mouth=6.0, noise=0.15, pattern=None, seed=0):
    """Return a recording of n frames.

    ``open_`` share of the usual opening, (n,) or (n, 2); ``gaze`` share of the eye's width;
    ``mouth`` px of the crop between the lips; ``pattern`` how far the eye looks open, where
    that differs from ``open_``; ``noise`` px of every landmark.
    """
    rng = np.random.default_rng(seed)
    opening = np.asarray(open_, float)
    if opening.ndim < 2:
        opening = np.broadcast_to(opening, n)[:, None]
    opening = np.broadcast_to(opening, (n, 2))
    looks = opening if pattern is None else np.stack([np.broadcast_to(pattern, n)] * 2, 1)
    points = np.zeros((n, 68, 2)) + still_face()
    for eye, (a, b, c, d, e, f) in enumerate(((36, 37, 38, 39, 40, 41), range(42, 48))):
        middle = (points[:, a, 1] + points[:, d, 1]) / 2
        for upper, lower in ((b, f), (c, e)):
            points[:, upper, 1] = middle - OPEN * opening[:, eye] / 2
            points[:, lower, 1] = middle + OPEN * opening[:, eye] / 2
    half = np.broadcast_to(mouth, n)[:, None] / PX / 2
    for row, sign, lip in (((61, 62, 63), -1, 0), ((65, 66, 67), 1, 0), ((50, 51, 52), -1, 6),
                           ((56, 57, 58), 1, 6)):  # fmt: skip
        points[:, row, 1] = 260 + sign * (half + lip)
    points += rng.normal(0, noise, points.shape)
    eyes = eye_pictures(looks, np.broadcast_to(gaze, n), rng)
    light = np.tile(np.array([120.0, 0.45], np.float32), (n, 1))
    return Flow(
        Close(points.astype(np.float32), eyes, light),
        np.arange(n) / rate,
        Timing(rate),
        frames=np.arange(n),
    )


def still_face():
    """Return (68, 2) landmarks x, y in px: the mean face at 1 px per mm, and a mouth."""
    points = np.zeros((68, 2))
    points[:17] = np.stack([np.linspace(130, 270, 17), np.full(17, 250.0)], 1)
    points[17:27] = np.stack([np.linspace(150, 250, 10), np.full(10, 175.0)], 1)
    points[27:36] = np.stack([np.full(9, 200.0), np.linspace(196, 247, 9)], 1)
    points[list(RIGID)] = MEAN_FACE[:, :2] + (200, 200)
    for a, d in ((36, 39), (42, 45)):
        for k, share in ((1, 1 / 3), (2, 2 / 3), (4, 2 / 3), (5, 1 / 3)):
            points[a + k] = points[a] + share * (points[d] - points[a])
    points[48:] = (200, 260)
    points[[48, 54], 0] = 175, 225
    return points


def eye_pictures(opening, gaze, rng):
    """Return (n, 2, 12, 24) uint8: white and iris within the lids, skin and lashes outside."""
    n = len(opening)
    y, x = np.mgrid[:12, :24]
    out = np.empty((n, 2, 12, 24))
    for t in range(n):
        for eye in range(2):
            half = 4.0 * opening[t, eye] * np.clip(1 - ((x - 11.5) / 11) ** 2, 0, 1)
            inside = np.abs(y - 5.5) < half
            iris = np.hypot(x - 11.5 - 20 * gaze[t], y - 5.5) < 4.2
            picture = np.where(inside, np.where(iris, 45, 190), 140.0)
            lashes = (y == np.round(5.5 - half)) & (np.abs(x - 11.5) < 10)
            out[t, eye] = np.where(lashes, 80, picture)
    return np.clip(out + rng.normal(0, 1.5, out.shape), 1, 255).astype(np.uint8)


def dips(n, rate, starts_s, length_s, depth):
    """Return (n,): 1, but going down to 1 - depth and up again at every start."""
    t = np.arange(n) / rate
    out = np.ones(n)
    for start in starts_s:
        part = np.clip((t - start) / length_s, 0, 1)
        out -= depth * np.sin(np.pi * part) ** 2
    return out
