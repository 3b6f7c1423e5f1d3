"""Move the pixels of a portrait: expressions on the face, the head before a still background.

The picture is warped backwards.  For every pixel of the new picture the head motion is undone
first: a similarity transform inside the head that fades to nothing in a wide ring around it,
then the turn out of the picture plane (:mod:`mescope.synthesis.head_rotation`).  Then the point
``p`` of the face at rest is sought that the expression moved there, ``p + d(p) = r``, by
fixed-point iteration.  Eyes (:mod:`~mescope.synthesis.lids`) and a parted mouth
(:mod:`~mescope.synthesis.mouth`) are layered; strong expressions fold the skin
(:mod:`~mescope.synthesis.skin_folds`).  Glasses follow the head and no expression.  A falling
jaw darkens the line above the lower lip.
"""

from __future__ import annotations

import cv2
import numpy as np

from mescope.synthesis.fields import QUIET, Box, Field, Floats, Picture, clip_box, pick
from mescope.synthesis.glasses import Glasses
from mescope.synthesis.head_rotation import Turning
from mescope.synthesis.lids import Eye
from mescope.synthesis.motion import FOLDING, PEAK, UNITS, inter_ocular
from mescope.synthesis.mouth import LEAST, Mouth
from mescope.synthesis.shut_eyes import EYES, ShutEyes
from mescope.synthesis.skin_folds import Folds

_JAW = UNITS.index("26")
_COARSE = 3  # steps of the face's grid in one step of the grid for turning
_STRONG = 2.0  # activation from which the search for ``p`` takes twice the rounds


class FaceWarp:
    """Render one face in any expression and pose.

    Args:
        landmarks: (68, 2) of the face at rest in the picture, px.
        size: width and height of the picture, px.
        glasses: worn by the face, if any.
        shut: painted lids for eyes whose landmarks miss the opening.
    """

    def __init__(
        self,
        landmarks: Floats,
        size: tuple[int, int],
        glasses: Glasses | None = None,
        shut: ShutEyes | None = None,
    ) -> None:
        self.width, self.height = size
        self.landmarks = np.asarray(landmarks, np.float32)
        self.unit = inter_ocular(self.landmarks)
        self.centre = self.landmarks[36:48].mean(axis=0)
        self._step = max(1, round(self.unit / 32))
        self._face = Field.around(self.landmarks, self._face_box(), self._step)
        self._eyes = tuple(
            Eye.of(self.landmarks, first, shut[side] if shut else None)
            for side, first in enumerate(EYES)
        )
        self._make_head()
        self._turning = Turning(self.landmarks, self._coarse, self._coarse_weight)
        self._gap = self._make_gap()
        self._mouth = Mouth(self.landmarks, size)
        self._folds = Folds(self.landmarks, size)
        self._glasses = glasses

    def render(
        self, picture: Picture, activation: Floats, pose: Floats, parting: float = 0.0
    ) -> Picture:
        """Return the picture (h, w[, 3]) with units active and the head moved.

        Args:
            picture: the face at rest, uint8.
            activation: (len(UNITS),); held below what would fold the skin over.
            pose: dx, dy in inter-ocular distances, the rotation in radians (clockwise in the
                picture), the logarithm of the scale, and, if given, yaw and pitch in radians.
            parting: how far the lips are parted, in units of ``motion.PEAK``.
        """
        activation = np.clip(np.asarray(activation, np.float32), -FOLDING, FOLDING)
        gap = parting * PEAK * self.unit
        moving = bool((np.abs(activation) > QUIET).any())
        still = not moving and gap < LEAST and not np.any(pose)
        if still and self._glasses is None:
            return picture.copy()
        undo = self._undo(pose)
        turn = self._turning.displacement(*map(float, pose[4:6])) if np.any(pose[4:]) else None
        source = self._open_mouth(picture, float(activation[_JAW])) if moving else picture
        source = self._folds.shade(source, activation) if moving else source
        left, top, right, bottom = self._head_box
        rest = self._rest(undo, turn)
        points = self._unmove(rest, activation) if moving else rest
        shift = cv2.resize(points - self._grid, (right - left, bottom - top))
        shift += self._pixels
        out = picture.copy()
        out[top:bottom, left:right] = pick(source, shift)

        def locate(box: Box) -> tuple[Floats, Box]:
            return self._locate(box, undo, turn, rest)

        if moving:
            for eye in self._eyes:
                eye.draw(out, source, activation, locate)
        if gap >= LEAST:
            self._mouth.draw(out, source, activation, gap, locate)
        if self._glasses is not None:
            self._glasses.draw(out, self.unit, pose, locate)
        return out

    def _rest(self, undo: Floats, turn: Floats | None) -> Floats:
        """Return where the points of the head's grid lie in the head at rest, (h, w, 2)."""
        grid = self._grid if turn is None else self._coarse
        weight = self._weight if turn is None else self._coarse_weight
        rest = grid + weight * (grid @ undo[:, :2].T + undo[:, 2] - grid)
        if turn is None:
            return np.asarray(rest, np.float32)
        shift = self._turning.undo(turn, rest) - grid
        size = (self._grid.shape[1], self._grid.shape[0])
        return np.asarray(cv2.resize(shift, size) + self._grid, np.float32)

    def _unmove(self, rest: Floats, activation: Floats) -> Floats:
        """Return the points of the face at rest that the units moved to ``rest``."""
        mixed = self._face.mix(activation)
        points = rest
        for _ in range(4 if float(np.abs(activation).max()) < _STRONG else 8):
            points = rest - self._face.sample(mixed, points)
        return points

    def _undo(self, pose: Floats) -> Floats:
        """Return the (2, 3) affine map from the moved head to the head at rest."""
        dx, dy, angle, log_scale = map(float, pose[:4])
        pivot = self.centre + np.array([0, 0.6 * self.unit])
        turn = np.exp(-log_scale) * np.array(
            [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        )
        shift = pivot - turn @ (pivot + np.array([dx, dy]) * self.unit)
        return np.column_stack([turn, shift]).astype(np.float32)

    def _face_box(self) -> Box:
        """Return the box outside of which no unit moves anything."""
        margin = 0.75 * self.unit
        low, high = self.landmarks.min(axis=0) - margin, self.landmarks.max(axis=0) + margin
        return tuple(int(v) for v in np.round([*low, *high]))  # type: ignore[return-value]

    def _make_head(self) -> None:
        """Lay out the grid of the head and the weight with which a point follows the head."""
        reach = self.unit * np.array([1.55, 1.75]) * 1.75
        middle = self.centre + np.array([0, 0.45 * self.unit])
        size = (self.width, self.height)
        left, top, right, bottom = clip_box(
            np.array([*(middle - reach), *(middle + reach)]), size
        )
        step, wide = self._step, self._step * _COARSE
        # The box is a whole number of steps, so that the up-sampled grids fall on the pixels.
        left, top = (
            right - (right - left) // wide * wide,
            bottom - (bottom - top) // wide * wide,
        )
        self._head_box = (left, top, right, bottom)
        self._pixels = _lattice(self._head_box, 1)
        self._grid, self._coarse = (
            _lattice(self._head_box, step),
            _lattice(self._head_box, wide),
        )

        def weight(grid: Floats) -> Floats:
            far = np.linalg.norm((grid - middle) / reach, axis=-1) * 1.75
            fade = np.clip((1.75 - far) / 0.75, 0, 1)
            return np.asarray((fade * fade * (3 - 2 * fade))[..., None], np.float32)

        self._weight, self._coarse_weight = weight(self._grid), weight(self._coarse)

    def _locate(
        self, box: Box, undo: Floats, turn: Floats | None, head: Floats
    ) -> tuple[Floats, Box]:
        """Return where the pixels of a moved box lie at rest (h, w, 2), and that box.

        ``head`` is where the points of the head's grid lie at rest.
        """
        left, top, right, bottom = box
        corners = np.array(
            [(left, top), (right, top), (left, bottom), (right, bottom)], np.float32
        )
        if turn is not None:
            corners = corners + self._turning.sample(turn, corners[:, None])[:, 0]
        moved = (corners - undo[:, 2]) @ np.linalg.inv(undo[:, :2]).T
        edges = np.array([*moved.min(axis=0), *moved.max(axis=0)])
        seen = clip_box(edges, (self.width, self.height))
        pixels = _lattice(seen, 1)
        if turn is None or not pixels.size:
            return np.asarray(pixels @ undo[:, :2].T + undo[:, 2], np.float32), seen
        place = (pixels - self._grid[0, 0]) / np.float32(self._step)
        rest = cv2.remap(head, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(rest, np.float32), seen

    def _make_gap(self) -> tuple[int, int, Floats]:
        """Return left, top and a mask (h, w), 0 to 1, of the line where a mouth opens."""
        line = self.landmarks[[60, 67, 66, 65, 64]]
        pad = 0.15 * self.unit
        low, high = line.min(axis=0) - pad, line.max(axis=0) + pad
        left, top, right, bottom = clip_box(np.array([*low, *high]), (self.width, self.height))
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
        left, top, mask = self._gap
        source = picture.copy()
        region = source[top : top + mask.shape[0], left : left + mask.shape[1]]
        keep = 1 - dark * (mask[..., None] if picture.ndim == 3 else mask)
        region[:] = np.round(region * keep).astype(np.uint8)
        return source


def _lattice(box: Box, step: int) -> Floats:
    """Return the middles of squares of ``step`` px that fill a box, (h, w, 2) px."""
    left, top, right, bottom = box
    x = np.arange(left, right, step, dtype=np.float32) + np.float32((step - 1) / 2)
    y = np.arange(top, bottom, step, dtype=np.float32) + np.float32((step - 1) / 2)
    return np.stack(np.meshgrid(x, y), axis=-1)
