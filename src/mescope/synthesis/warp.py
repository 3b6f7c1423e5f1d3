"""Move the pixels of a portrait: expressions on the face, the head before a still background.

The picture is warped backwards.  For every pixel of the new picture the head motion is undone
first; it is a similarity transform inside the head that fades to nothing in a wide ring around
it.  Then the point ``p`` of the face at rest is sought that the expression moved there,
``p + d(p) = r``, by damped fixed-point iteration.  The eyes are layered, because a lid slides
over the eyeball and does not squeeze it: skin above the upper lid and below the lower lid
follows the field ``d``, what lies between them moves rigidly, and the edges are anti-aliased.
In a blink the upper lid comes down to the lower lid, however far that is in this face.
A falling jaw darkens the line above the lower lip in place of the inside of a mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.motion import UNITS, displacement_basis, inter_ocular

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

_JAW, _BLINK = UNITS.index("26"), UNITS.index("blink")
_GAZE = [UNITS.index(unit) for unit in ("Llook", "Rlook", "gaze_down")]
_QUIET = 1e-4  # an activation below this moves nothing by a thousandth of a pixel


@dataclass(frozen=True)
class _Field:
    """The displacement of every unit on a grid: ``basis`` (units, h, w, 2), px."""

    left: float  # x of the first grid point
    top: float
    step: int
    basis: Floats

    @classmethod
    def around(cls, landmarks: Floats, box: tuple[int, int, int, int], step: int) -> _Field:
        """Sample the basis on a grid of ``step`` px over ``box`` (left, top, right, bottom)."""
        left, top, right, bottom = box
        x = np.arange(left, right, step) + (step - 1) / 2
        y = np.arange(top, bottom, step) + (step - 1) / 2
        gx, gy = np.meshgrid(x, y)
        points = np.column_stack([gx.ravel(), gy.ravel()])
        basis = displacement_basis(landmarks, points).astype(np.float32)
        return cls(float(x[0]), float(y[0]), step, basis.reshape(len(UNITS), len(y), len(x), 2))

    def mix(self, activation: Floats) -> Floats:
        """Return the displacement (h, w, 2) of all active units together."""
        active = np.flatnonzero(np.abs(activation) > _QUIET)
        mixed = np.zeros(self.basis.shape[1:], np.float32)
        for unit in active:
            cv2.scaleAdd(self.basis[unit], float(activation[unit]), mixed, mixed)
        return mixed

    def sample(self, mixed: Floats, points: Floats) -> Floats:
        """Return the mixed field at points (h, w, 2)."""
        x = (points[..., 0] - np.float32(self.left)) / np.float32(self.step)
        y = (points[..., 1] - np.float32(self.top)) / np.float32(self.step)
        return np.asarray(
            cv2.remap(mixed, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        )


@dataclass(frozen=True)
class _Eye:
    """One eye at rest: its lids as functions of x on the columns ``x`` of its box."""

    box: tuple[int, int, int, int]
    field: _Field
    x: Floats  # (c,) columns from corner to corner
    upper: Floats  # (c,) y of the upper lid
    lower: Floats
    lid_basis: Floats  # (units, 2, c, 2) displacement along the upper and the lower lid
    ball_basis: Floats  # (units, 2) displacement of the eyeball
    closing: Floats  # (h, w, 2) on the grid of ``field``: the upper lid comes down all the way


class FaceWarp:
    """Render one face in any expression and pose.

    Args:
        landmarks: (68, 2) of the face at rest in the picture, px.
        size: width and height of the picture, px.
    """

    def __init__(self, landmarks: Floats, size: tuple[int, int]) -> None:
        self.width, self.height = size
        self.landmarks = np.asarray(landmarks, np.float32)
        self.unit = inter_ocular(self.landmarks)
        self.centre = self.landmarks[36:48].mean(axis=0)
        self._step = max(1, round(self.unit / 40))
        self._face = _Field.around(self.landmarks, self._face_box(), self._step)
        self._eyes = tuple(self._make_eye(first) for first in (36, 42))
        self._make_head()
        self._mouth = self._make_mouth()

    def render(self, picture: Picture, activation: Floats, pose: Floats) -> Picture:
        """Return the picture (h, w[, 3]) with units active and the head moved.

        ``activation`` is (len(UNITS),); ``pose`` is dx, dy in inter-ocular distances, the
        rotation in radians (clockwise in the picture) and the logarithm of the scale.
        """
        activation = np.asarray(activation, np.float32)
        moving = bool((np.abs(activation) > _QUIET).any())
        if not moving and not np.any(pose):
            return picture.copy()
        undo = self._undo(pose)
        source = self._open_mouth(picture, float(activation[_JAW]))
        left, top, right, bottom = self._head_box
        rest = self._grid + self._weight * (
            self._grid @ undo[:, :2].T + undo[:, 2] - self._grid
        )
        points = rest
        if moving:
            mixed = self._face.mix(activation)
            for _ in range(4):
                points = rest - self._face.sample(mixed, points)
        shift = cv2.resize(points - self._grid, (right - left, bottom - top))
        shift += self._pixels
        out = picture.copy()
        out[top:bottom, left:right] = _pick(source, shift)
        if moving:
            for eye in self._eyes:
                self._draw_eye(out, source, eye, activation, undo)
        return out

    def _undo(self, pose: Floats) -> Floats:
        """Return the (2, 3) affine map from the moved head to the head at rest."""
        dx, dy, angle, log_scale = map(float, pose)
        pivot = self.centre + np.array([0, 0.6 * self.unit])
        turn = np.exp(-log_scale) * np.array(
            [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        )
        shift = pivot - turn @ (pivot + np.array([dx, dy]) * self.unit)
        return np.column_stack([turn, shift]).astype(np.float32)

    def _clip(self, box: NDArray[np.floating]) -> tuple[int, int, int, int]:
        left, top, right, bottom = np.round(box).astype(int)
        return (max(0, left), max(0, top), min(self.width, right), min(self.height, bottom))

    def _face_box(self) -> tuple[int, int, int, int]:
        """Return the box outside of which no unit moves anything."""
        margin = 0.75 * self.unit
        low, high = self.landmarks.min(axis=0) - margin, self.landmarks.max(axis=0) + margin
        return tuple(int(v) for v in np.round([*low, *high]))  # type: ignore[return-value]

    def _make_head(self) -> None:
        """Lay out the grid of the head and the weight with which a point follows the head."""
        reach = self.unit * np.array([1.55, 1.75]) * 1.75
        middle = self.centre + np.array([0, 0.45 * self.unit])
        left, top, right, bottom = self._clip(np.array([*(middle - reach), *(middle + reach)]))
        step = self._step
        # The box is a whole number of steps, so that the up-sampled grid falls on the pixels.
        left, top = (
            right - (right - left) // step * step,
            bottom - (bottom - top) // step * step,
        )
        self._head_box = (left, top, right, bottom)
        x = np.arange(left, right, step, dtype=np.float32) + (step - 1) / 2
        y = np.arange(top, bottom, step, dtype=np.float32) + (step - 1) / 2
        self._grid = np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)
        px = np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
        self._pixels = np.stack(np.meshgrid(*px), axis=-1)
        far = np.linalg.norm((self._grid - middle) / reach, axis=-1) * 1.75
        fade = np.clip((1.75 - far) / 0.75, 0, 1)
        self._weight = (fade * fade * (3 - 2 * fade)).astype(np.float32)[..., None]

    def _make_eye(self, first: int) -> _Eye:
        ring = self.landmarks[first : first + 6]
        pad = np.array([0.16, 0.34, 0.16, 0.3]) * self.unit * (-1, -1, 1, 1)
        box = np.array([*ring.min(axis=0), *ring.max(axis=0)]) + pad
        left, top, right, bottom = (int(v) for v in np.round(box))
        spread = max(4, round(0.1 * self.unit))
        around = (left - spread, top - spread, right + spread, bottom + spread)
        x = np.linspace(ring[0, 0], ring[3, 0], max(8, round(float(ring[3, 0] - ring[0, 0]))))
        lids = [_through(ring[list(ids)], x) for ids in ((0, 1, 2, 3), (0, 5, 4, 3))]
        along = np.vstack([np.column_stack([x, y]) for y in lids])
        lid_basis = displacement_basis(self.landmarks, along).reshape(len(UNITS), 2, len(x), 2)
        ball = np.zeros((len(UNITS), 2))
        ball[_GAZE] = displacement_basis(self.landmarks, ring[[1, 2]]).mean(axis=1)[_GAZE]
        field = _Field.around(self.landmarks, around, 1)
        gx, gy = np.meshgrid(np.arange(around[0], around[2]), np.arange(around[1], around[3]))
        height = np.minimum(0, gy - np.interp(gx, x, lids[0])) / (0.11 * self.unit)
        drop = np.interp(gx, x, lids[1] - lids[0], left=0, right=0) * np.exp(-0.5 * height**2)
        return _Eye(
            (left, top, right, bottom),
            field,
            x.astype(np.float32),
            lids[0].astype(np.float32),
            lids[1].astype(np.float32),
            lid_basis.astype(np.float32),
            ball.astype(np.float32),
            np.stack([0 * drop, drop], axis=-1).astype(np.float32),
        )

    def _draw_eye(
        self, out: Picture, source: Picture, eye: _Eye, activation: Floats, undo: Floats
    ) -> None:
        """Draw one eye in three layers over ``out``; nothing if no unit reaches it."""
        mixed = eye.field.mix(activation)
        if float(np.abs(mixed).max()) < 1e-3:
            return
        rest, (left, top, right, bottom) = self._eye_points(eye, undo)
        if right - left < 2 or bottom - top < 2:
            return
        blink = float(np.clip(activation[_BLINK], 0, 1))
        rising = activation.copy()
        rising[_BLINK] = 0
        lids = np.tensordot(rising, eye.lid_basis[:, 0], axes=1)
        lids = np.stack([lids, np.tensordot(activation, eye.lid_basis[:, 1], axes=1)])
        lids[0, :, 1] += blink * (eye.lower - eye.upper)
        mixed_up = eye.field.mix(rising) + blink * eye.closing
        x, y = rest[..., 0], rest[..., 1]
        moved_upper = np.interp(x, eye.x + lids[0, :, 0], eye.upper + lids[0, :, 1])
        moved_lower = np.interp(x, eye.x + lids[1, :, 0], eye.lower + lids[1, :, 1])
        moved_upper = np.minimum(moved_upper, moved_lower)  # a lid stops at the other lid
        layers = (
            # The share of the pixel's height that lies above, below and inside the opening.
            (np.clip(moved_upper - y + 0.5, 0, 1), _invert(eye, mixed_up, rest, lid=-1)),
            (np.clip(y + 0.5 - moved_lower, 0, 1), _invert(eye, mixed, rest, lid=1)),
            (
                np.clip(
                    np.minimum(y + 0.5, moved_lower) - np.maximum(y - 0.5, moved_upper), 0, 1
                ),
                _eyeball(eye, rest - activation @ eye.ball_basis),
            ),
        )
        patch = np.zeros((bottom - top, right - left, *out.shape[2:]), np.float32)
        for share, points in layers:
            weight = share.astype(np.float32)
            patch += _pick(source, points) * (weight[..., None] if out.ndim == 3 else weight)
        out[top:bottom, left:right] = np.round(patch).astype(np.uint8)

    def _eye_points(self, eye: _Eye, undo: Floats) -> tuple[Floats, tuple[int, int, int, int]]:
        """Return where the pixels of the moved eye box lie at rest, and that box."""
        corners = np.array(eye.box, np.float64).reshape(2, 2)
        moved = (corners - undo[:, 2]) @ np.linalg.inv(undo[:, :2]).T
        left, top, right, bottom = box = self._clip(moved.ravel())
        px = np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
        pixels = np.stack(np.meshgrid(*px), axis=-1)
        return pixels @ undo[:, :2].T + undo[:, 2], box

    def _make_mouth(self) -> tuple[int, int, Floats]:
        """Return left, top and a mask (h, w), 0 to 1, of the line where a mouth opens."""
        line = self.landmarks[[60, 67, 66, 65, 64]]
        pad = 0.15 * self.unit
        low, high = line.min(axis=0) - pad, line.max(axis=0) + pad
        left, top, right, bottom = self._clip(np.array([*low, *high]))
        mask = np.zeros((max(1, bottom - top), max(1, right - left)), np.uint8)
        fixed = np.round((line - (left, top)) * 16).astype(np.int32)
        cv2.polylines(
            mask, [fixed], False, 255, max(1, round(0.02 * self.unit)), cv2.LINE_AA, 4
        )
        soft = cv2.GaussianBlur(mask, (0, 0), 0.016 * self.unit).astype(np.float32)
        across = np.arange(left, left + mask.shape[1]) - line[:, 0].mean()
        soft *= np.exp(-0.5 * (across / (0.17 * self.unit)) ** 2).astype(np.float32)
        return left, top, soft / max(1.0, float(soft.max()))

    def _open_mouth(self, picture: Picture, jaw: float) -> Picture:
        """Return the picture with the gap between the lips darkened as the jaw falls."""
        dark = float(np.clip(0.2 * jaw, 0, 0.6))
        if dark == 0:
            return picture
        left, top, mask = self._mouth
        source = picture.copy()
        region = source[top : top + mask.shape[0], left : left + mask.shape[1]]
        keep = 1 - dark * (mask[..., None] if picture.ndim == 3 else mask)
        region[:] = np.round(region * keep).astype(np.uint8)
        return source


def _pick(source: Picture, points: Floats) -> Picture:
    """Return the source at points (h, w, 2), bicubic."""
    picked = cv2.remap(source, points, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(picked, np.uint8)


def _through(points: Floats, x: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return y of the parabola-like cubic through four points, at ``x``."""
    return np.asarray(np.polyval(np.polyfit(points[:, 0], points[:, 1], 3), x))


def _invert(eye: _Eye, mixed: Floats, rest: Floats, lid: int) -> Floats:
    """Return the points of the lid skin (upper -1, lower 1) that the field moved to ``rest``.

    The search stays on its own side of the opening: within, the field means nothing for skin.
    """
    edge = eye.upper if lid < 0 else eye.lower
    points = rest
    for _ in range(8):
        # Damped, because a blink stretches the skin above the lid more than two-fold.
        points = points + np.float32(0.6) * (rest - eye.field.sample(mixed, points) - points)
        border = np.interp(points[..., 0], eye.x, edge).astype(np.float32) - np.float32(lid)
        inside = (eye.x[0] <= points[..., 0]) & (points[..., 0] <= eye.x[-1])
        held = (np.minimum if lid < 0 else np.maximum)(points[..., 1], border)
        points[..., 1] = np.where(inside, held, points[..., 1])
    return points


def _eyeball(eye: _Eye, points: Floats) -> Floats:
    """Return the points held within the opening of the eye at rest (a pixel of slack)."""
    x = np.clip(points[..., 0], eye.x[0] - 1, eye.x[-1] + 1)
    upper = np.interp(x, eye.x, eye.upper) - 1
    lower = np.interp(x, eye.x, eye.lower) + 1
    return np.stack([x, np.clip(points[..., 1], upper, lower)], axis=-1).astype(np.float32)
