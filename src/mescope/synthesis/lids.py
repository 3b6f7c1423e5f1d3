"""Eyes in three layers: a lid slides over the eyeball and does not squeeze it.

Skin above the upper lid and below the lower lid follows the field, what lies between them
moves rigidly, and the edges are anti-aliased.  In a blink the upper lid comes down to the lower
lid, however far that is in this face.  The lid stretches; where the landmarks of a
photograph do not fit its eye, a painted one comes out from under the fold
(:mod:`~mescope.synthesis.shut_eyes`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from mescope.synthesis.fields import QUIET, Box, Field, Floats, Picture, pick
from mescope.synthesis.motion import UNITS, displacement_basis, inter_ocular
from mescope.synthesis.shut_eyes import ShutEye, lids_of

_LIDS = [
    UNITS.index(unit)
    for unit in ("blink", "gaze_down", "Llook", "Rlook", "L5", "R5", "L6", "R6", "L7", "R7")
]
_STILL = 0.02  # px: less motion of the lids is left to the smooth field
_STILL_BESIDE = 0.15  # px: the same where only brows and cheeks move
_BLINK = UNITS.index("blink")
_GAZE = [UNITS.index(unit) for unit in ("Llook", "Rlook", "gaze_down")]


@dataclass(frozen=True)
class Eye:
    """One eye at rest: its lids as functions of x on the columns ``x`` of its box."""

    box: Box
    field: Field
    x: Floats  # (c,) columns from corner to corner
    upper: Floats  # (c,) y of the upper lid
    lower: Floats
    lid_basis: Floats  # (units, 2, c, 2) displacement along the upper and the lower lid
    ball_basis: Floats  # (units, 2) displacement of the eyeball
    closing: Floats  # (h, w, 2) on the grid of ``field``: the upper lid comes down all the way
    coarse: int  # px from point to point where lids are searched
    shut: ShutEye | None = None  # a painted lid, which does not stretch

    @classmethod
    def of(cls, landmarks: Floats, first: int, shut: ShutEye | None = None) -> Eye:
        """Return the eye whose first landmark has number ``first`` (36 or 42)."""
        if shut is not None:
            landmarks = np.array(landmarks, np.float32)
            landmarks[first : first + 6] = shut.ring
        unit = inter_ocular(landmarks)
        ring = landmarks[first : first + 6]
        pad = np.array([0.16, 0.34, 0.16, 0.3]) * unit * (-1, -1, 1, 1)
        box = np.array([*ring.min(axis=0), *ring.max(axis=0)]) + pad
        left, top, right, bottom = (int(v) for v in np.round(box))
        spread = max(4, round(0.1 * unit))
        around = (left - spread, top - spread, right + spread, bottom + spread)
        x = np.linspace(ring[0, 0], ring[3, 0], max(8, round(float(ring[3, 0] - ring[0, 0]))))
        lids = lids_of(ring, x)
        along = np.vstack([np.column_stack([x, y]) for y in lids])
        lid_basis = displacement_basis(landmarks, along).reshape(len(UNITS), 2, len(x), 2)
        ball = np.zeros((len(UNITS), 2))
        ball[_GAZE] = displacement_basis(landmarks, ring[[1, 2]]).mean(axis=1)[_GAZE]
        field = Field.around(landmarks, around, 1)
        gx, gy = np.meshgrid(np.arange(around[0], around[2]), np.arange(around[1], around[3]))
        height = np.minimum(0, gy - np.interp(gx, x, lids[0])) / (0.11 * unit)
        drop = np.interp(gx, x, lids[1] - lids[0], left=0, right=0) * np.exp(-0.5 * height**2)
        return cls(
            (left, top, right, bottom),
            field,
            x.astype(np.float32),
            lids[0].astype(np.float32),
            lids[1].astype(np.float32),
            lid_basis.astype(np.float32),
            ball.astype(np.float32),
            np.stack([0 * drop, drop], axis=-1).astype(np.float32),
            1 + int(unit > 40) + int(unit > 90),
            shut,
        )

    def draw(
        self,
        out: Picture,
        source: Picture,
        activation: Floats,
        locate: Callable[[Box], tuple[Floats, Box]],
    ) -> None:
        """Draw the eye in three layers over ``out``; nothing if no unit reaches it.

        ``locate`` returns, for a box at rest, where the pixels of the moved box lie at rest
        (h, w, 2), and that box.
        """
        mixed = self.field.mix(activation)
        own = bool((np.abs(activation[_LIDS]) > QUIET).any())
        if float(np.abs(mixed).max()) < (_STILL if own else _STILL_BESIDE):
            return
        rest, (left, top, right, bottom) = locate(self.box)
        if right - left < 2 or bottom - top < 2:
            return
        patch = np.zeros((bottom - top, right - left, *out.shape[2:]), np.float32)
        for share, points, picture in self._layers(source, activation, mixed, rest):
            weight = share.astype(np.float32)
            patch += pick(picture, points) * (weight[..., None] if out.ndim == 3 else weight)
        out[top:bottom, left:right] = np.round(patch).astype(np.uint8)

    def _layers(
        self, source: Picture, activation: Floats, mixed: Floats, rest: Floats
    ) -> list[tuple[Floats, Floats, Picture]]:
        """Return for each layer its share of every pixel, where it is picked, and from what."""
        blink = float(np.clip(activation[_BLINK], 0, 1))
        rising = activation.copy()
        rising[_BLINK] = 0
        x, y = rest[..., 0], rest[..., 1]
        fold, upper, lower = self._lines(x, activation, rising, blink)
        painted = self.shut if blink > 0 else None
        above, skin, mixed_up = upper, source, self.field.mix(rising)
        if painted is None:
            mixed_up = mixed_up + blink * self.closing
        else:
            above = np.minimum(fold, upper)
            skin = painted.over(source, blink)  # lashes and whites at the edges go along
        stretched = blink > 0 and painted is None
        layers = [
            # The share of the pixel's height that lies above, below and inside the opening.
            (
                np.clip(above - y + 0.5, 0, 1),
                _invert(self, mixed_up, rest, -1, stretched),
                skin,
            ),
            (np.clip(y + 0.5 - lower, 0, 1), _invert(self, mixed, rest, 1, blink > 0), skin),
            (
                _between(y, upper, lower),
                _eyeball(self, rest - activation @ self.ball_basis),
                source,
            ),
        ]
        if painted is not None:  # its edge is the lower lid's line, wherever it is on its way
            slid = np.stack([x, y + np.interp(x, self.x, self.lower) - upper], axis=-1)
            layers.append(
                (_between(y, above, upper), slid.astype(np.float32), painted.over(source))
            )
        return layers

    def _lines(
        self, x: Floats, activation: Floats, rising: Floats, blink: float
    ) -> tuple[Floats, Floats, Floats]:
        """Return y, at ``x``, of the upper lid before it falls, of both lids afterwards."""
        upper = np.tensordot(rising, self.lid_basis[:, 0], axes=1)
        lower = np.tensordot(activation, self.lid_basis[:, 1], axes=1)
        fold = np.interp(x, self.x + upper[:, 0], self.upper + upper[:, 1])
        upper[:, 1] += blink * (self.lower - self.upper)
        moved_upper = np.interp(x, self.x + upper[:, 0], self.upper + upper[:, 1])
        moved_lower = np.interp(x, self.x + lower[:, 0], self.lower + lower[:, 1])
        # A lid stops at the other lid.
        return fold, np.minimum(moved_upper, moved_lower), moved_lower


def _between(y: Floats, upper: Floats, lower: Floats) -> Floats:
    """Return the share of the pixel's height that lies between two lines, 0 to 1."""
    return np.asarray(np.clip(np.minimum(y + 0.5, lower) - np.maximum(y - 0.5, upper), 0, 1))


def _invert(eye: Eye, mixed: Floats, rest: Floats, lid: int, stretched: bool) -> Floats:
    """Return the points of the lid skin (upper -1, lower 1) that the field moved to ``rest``.

    The search stays on its own side of the opening: within, the field means nothing for skin.
    It runs on a coarser grid where the eye is large.
    """
    size = (rest.shape[1], rest.shape[0])
    coarse = rest
    if eye.coarse > 1:
        small = (max(4, size[0] // eye.coarse), max(4, size[1] // eye.coarse))
        coarse = np.asarray(cv2.resize(rest, small, interpolation=cv2.INTER_AREA), np.float32)
    points = coarse
    # Damped, because a blink stretches the skin above the lid more than two-fold.
    rounds, damp = (8, 0.6) if stretched else (5, 0.85)
    for _ in range(rounds):
        points = points + np.float32(damp) * (coarse - eye.field.sample(mixed, points) - points)
        if eye.coarse == 1:
            points = _held(eye, points, lid)
    if eye.coarse == 1:
        return points
    return _held(eye, rest + cv2.resize(points - coarse, size), lid)


def _held(eye: Eye, points: Floats, lid: int) -> Floats:
    """Return points (h, w, 2) kept on their side of the opening of the eye at rest."""
    edge = eye.upper if lid < 0 else eye.lower
    x, y = points[..., 0], points[..., 1]
    border = np.interp(x, eye.x, edge).astype(np.float32) - np.float32(lid)
    inside = (eye.x[0] <= x) & (x <= eye.x[-1])
    held = (np.minimum if lid < 0 else np.maximum)(y, border)
    return np.stack([x, np.where(inside, held, y)], axis=-1).astype(np.float32)


def _eyeball(eye: Eye, points: Floats) -> Floats:
    """Return the points held within the opening of the eye at rest (a pixel of slack)."""
    x = np.clip(points[..., 0], eye.x[0] - 1, eye.x[-1] + 1)
    upper = np.interp(x, eye.x, eye.upper) - 1
    lower = np.interp(x, eye.x, eye.lower) + 1
    return np.stack([x, np.clip(points[..., 1], upper, lower)], axis=-1).astype(np.float32)
