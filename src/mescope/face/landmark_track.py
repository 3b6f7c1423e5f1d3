"""Landmarks between two looks: the face is followed frame by frame, in a box that lies still.

The detector looks once per hop; its box jumps by some per cent of the face from look to look,
and dlib's landmarks go along with the box.  Here the box is derived from the landmarks of the
frame before (eyes, brows and nose: speech does not move it) by one fixed rule, and the face is
brought to :data:`FACE` px first.  So landmarks, which dlib gives in whole pixels, are fine to a
part of a pixel on small faces, and hardly depend on where the detector put its box.

Every second frame is measured.  The frame between two of them is measured too where the lids
moved from one to the other, or where the eyes look different from both: a blink may be shorter
than two frames.  Elsewhere it stays nan; a straight line between its neighbours is as good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from mescope.face.box import Box
from mescope.face.detector import FaceFinder, Grey

FACE = 320  # px: width of the box in which landmarks are found; from 240 down they jitter more
MARGIN = 80  # px around the box that the landmark model may look at
RIGID = slice(17, 48)  # brows, nose and eyes
BOX_WIDTH, BOX_DOWN = 3.95, 0.81
"""dlib's own boxes in units of the spread of the rigid landmarks: width, and how far the centre
lies below theirs (medians over detections on 16 recordings; from one to the next they vary by
0.27 and 0.13)."""
TURN = 0.1  # of that spread: after a larger jump the box is laid anew
SPREADS = (0.6, 1.6)  # a face that grows or shrinks more within a hop is not a face any more

EYES = ((36, 39), (42, 45))  # corners, eye on the image's left first
PATCH = (12, 24)  # rows and columns of an eye patch
PATCH_WIDTH = 1.2  # width of a patch in widths of the eye; its pixels are square

LID_CHANGE = 0.15  # relative change of the lid opening over two frames; jitter is half of it
LOOK_CHANGE = 2.0  # an eye patch that differs this many times as much as usual
LOOK_FLOOR = 6.0  # and by this many grey levels: sensor noise is not a change
MEASURE_ALL = 24.0  # frames per second from which one in two suffices

_FINE, _COARSE = 6, 24  # px of the face crop: detail that blur takes, and forms that stay

SIDE = FACE + 2 * MARGIN
IN_VIEW = Box(MARGIN, MARGIN, MARGIN + FACE, MARGIN + FACE)

Floats = npt.NDArray[np.float32]


class View(NamedTuple):
    """A square of ``SIDE`` px around the face: raw px per px of it, and its first pixel."""

    scale: float
    x: float
    y: float

    def whole(self, grey: Grey) -> Grey:
        """Return the square."""
        return self._cut(grey, 0, 1, (SIDE, SIDE))

    def inner(self, grey: Grey) -> Grey:
        """Return every fourth row of the middle of the face: along rows nothing is lost."""
        first, length = MARGIN + FACE // 8, FACE - FACE // 4
        return self._cut(grey, first, 4, (length, length // 4))

    def _cut(self, grey: Grey, first: int, every: int, size: tuple[int, int]) -> Grey:
        """Return rows and columns from ``first`` on, of the rows one in ``every``."""
        away, scale = first * self.scale, self.scale
        matrix = np.array([[scale, 0, self.x + away], [0, scale * every, self.y + away]])
        cut = cv2.warpAffine(
            grey, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return np.asarray(cut, np.uint8)


@dataclass
class CloseUps:
    """What is measured of the face in single frames; n decimated frames.

    ``points`` (n, 68, 2) float32 landmarks x, y, raw frame px; nan where not measured.
    ``eyes`` (n, 2, 12, 24) uint8 patches of both eyes, turned upright, image left first; all 0
    where there is none.
    ``light`` (n, 2) float32: mean grey level of the face, and its sharpness (fine detail over
    coarse forms, 0.35 to 0.55 in focus); nan where the landmarks are not measured.
    """

    points: Floats
    eyes: Grey
    light: Floats

    @classmethod
    def empty(cls, frames: int) -> CloseUps:
        """Return close-ups of nothing."""
        return cls(
            np.full((frames, 68, 2), np.nan, np.float32),
            np.zeros((frames, 2, *PATCH), np.uint8),
            np.full((frames, 2), np.nan, np.float32),
        )

    def forget(self, where: npt.NDArray[np.bool_]) -> None:
        """Take out frames in which the face turned out not to be seen."""
        self.points[where], self.eyes[where], self.light[where] = np.nan, 0, np.nan


@dataclass
class LandmarkTrack:
    """Follows a face away from a look and fills in :class:`CloseUps`."""

    finder: FaceFinder | None
    rate: float  # frames per second
    out: CloseUps
    known: Callable[[int, Floats], Floats | None] | None = None
    """Where landmarks come from a table: those at a position, nearest to others."""

    def follow(
        self, frame: Callable[[int], Grey | None], start: int, first: int, last: int,
        landmarks: Floats,
    ) -> None:  # fmt: skip
        """Measure the positions ``first`` to ``last`` (included) from ``start`` outwards.

        Args:
            frame: the picture at a position, or None where there is none or another scene.
            start: position of the look; between ``first`` and ``last``.
            first: first position.
            last: last position.
            landmarks: (68, 2) x, y in raw px as the look found them.
        """
        grey = frame(start)
        if grey is None:
            return
        anchor = spread(landmarks)[1]
        here = self._measure(grey, start, landmarks, anchor)
        stride = 2 if self.rate >= MEASURE_ALL and self.known is None else 1
        # Multiples of the stride are measured, so that every pass measures the same ones.
        ahead = range(start + stride - start % stride, last + 1, stride)
        back = range(start - 1 - (start - 1) % stride, first - 1, -stride)
        for way in (ahead, back):
            points = here
            for position in way:
                grey = frame(position)
                if grey is None or points is None:
                    break
                found = self._measure(grey, position, points, anchor)
                # A table may lack single frames; the face is where it was before them.
                points = points if found is None and self.known is not None else found
        if stride > 1:
            self._between(frame, first, last, anchor)

    def _measure(self, grey: Grey, position: int, near: Floats, anchor: float) -> Floats | None:
        """Enter the landmarks of one frame, looked for where ``near`` lies; None if lost."""
        if self.known is not None:
            return self._entered(grey, position, self.known(position, near))
        points, view = self._landmarks(grey, near)
        (x, y), size = spread(points)
        (x0, y0), _ = spread(near)
        if np.hypot(x - x0, y - y0) > TURN * size:
            points, view = self._landmarks(grey, points)
            (x, y), size = spread(points)
        height, width = grey.shape
        if not (SPREADS[0] < size / anchor < SPREADS[1] and 0 <= x < width and 0 <= y < height):
            return None
        self.out.points[position] = points
        self.out.light[position] = _light(view.inner(grey))
        self.out.eyes[position] = eye_patches(grey, points)
        return points

    def _entered(self, grey: Grey, position: int, points: Floats | None) -> Floats | None:
        """Enter landmarks of a table; None if it has none here."""
        if points is not None:
            self.out.points[position] = points
            self.out.light[position] = _light(_view(points).inner(grey))
            self.out.eyes[position] = eye_patches(grey, points)
        return points

    def _landmarks(self, grey: Grey, near: Floats) -> tuple[Floats, View]:
        """Return landmarks in raw px, and how the face is brought to its size."""
        assert self.finder is not None  # or they would be known
        view = _view(near)
        quick = getattr(self.finder, "landmarks_enlarged", None)
        if quick is None:
            found = self.finder.landmarks(view.whole(grey), IN_VIEW)
        else:
            found = quick(grey, IN_VIEW, view.scale, (view.x, view.y), SIDE)
        return np.asarray(found * view.scale + (view.x, view.y), np.float32), view

    def _between(
        self, frame: Callable[[int], Grey | None], first: int, last: int, anchor: float
    ) -> None:
        """Fill in the eye patches of the other frames, and measure those that need it."""
        points, eyes = self.out.points, self.out.eyes
        waiting: list[tuple[int, Grey, Floats, float, float]] = []
        for t in range(first + 1, last):
            if not (np.isnan(points[t, 0, 0]) and _known(points, t - 1, t + 1)):
                continue
            grey = frame(t)
            if grey is None:
                continue
            middle = (points[t - 1] + points[t + 1]) / 2
            eyes[t] = eye_patches(grey, middle)
            a, b = _opening(points[t - 1]), _opening(points[t + 1])
            change = min(_difference(eyes[t], eyes[t - 1]), _difference(eyes[t], eyes[t + 1]))
            waiting.append((t, grey, middle, abs(a - b) / max(a, b, 1e-6), change))
        usual = float(np.median([w[4] for w in waiting])) if waiting else 0.0
        for t, grey, middle, lids, change in waiting:
            if lids > LID_CHANGE or change > max(LOOK_FLOOR, LOOK_CHANGE * usual):
                self._measure(grey, t, middle, anchor)
        for t in (first, last):  # the ends have one neighbour only
            grey = frame(t)
            if grey is not None and np.isnan(points[t, 0, 0]):
                inner = points[first + 1] if t == first else points[last - 1]
                if not np.isnan(inner[0, 0]):
                    self._measure(grey, t, inner, anchor)


def _view(points: Floats) -> View:
    """Return the square around a face."""
    (x, y), size = spread(points)
    scale = max(BOX_WIDTH * size, 8.0) / FACE
    half = (SIDE / 2) * scale
    return View(scale, x - half, y + BOX_DOWN * size - half)


def spread(points: npt.NDArray[np.floating]) -> tuple[tuple[float, float], float]:
    """Return the centre x, y of brows, eyes and nose, and their root mean square spread, px."""
    rigid = points[RIGID]
    centre = rigid.mean(axis=0)
    size = float(np.sqrt(((rigid - centre) ** 2).sum(axis=1).mean()))
    return (float(centre[0]), float(centre[1])), size


def eye_patches(grey: Grey, points: npt.NDArray[np.floating]) -> Grey:
    """Return (2, 12, 24) uint8: both eyes between their corners, the corners on one level."""
    rows, columns = PATCH
    out = np.empty((2, rows, columns), np.uint8)
    for patch, (left, right) in zip(out, EYES, strict=True):
        along = (points[right] - points[left]).astype(np.float64)
        middle = (points[right] + points[left]) / 2
        # Taken at twice the size and averaged, against the moiré of large eyes.
        x, y = along * (PATCH_WIDTH / (2 * columns))
        corner = middle - np.array([x * columns - y * rows, y * columns + x * rows])
        matrix = np.array([[x, -y, corner[0]], [y, x, corner[1]]])
        fine = cv2.warpAffine(
            grey, matrix, (2 * columns, 2 * rows),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        patch[:] = cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA)
    return out


def _known(points: Floats, *positions: int) -> bool:
    return not np.isnan(points[list(positions), 0, 0]).any()


def _difference(a: Grey, b: Grey) -> float:
    """Return the mean difference of two pairs of patches, grey levels; gain left out."""
    one, two = a.astype(np.float32), b.astype(np.float32)
    return float(np.abs((one - one.mean()) - (two - two.mean())).mean())


def _opening(points: Floats) -> float:
    """Return the lid opening of both eyes over their widths."""
    height = width = 0.0
    for a in (36, 42):
        lids = points[[a + 5, a + 4]] - points[[a + 1, a + 2]]
        height += float(np.hypot(*lids.T).sum()) / 2
        width += float(np.hypot(*(points[a + 3] - points[a])))
    return height / max(width, 1e-6)


def _light(part: Grey) -> tuple[float, float]:
    """Return the mean grey level and the sharpness of :meth:`View.inner` of a face."""
    part = part.astype(np.float32)
    step = _FINE
    bends = part[:, 2 * step :] - 2 * part[:, step:-step] + part[:, : -2 * step]
    slopes = part[:, _COARSE:] - part[:, :-_COARSE]
    fine, coarse = float(np.abs(bends).mean()), float(np.abs(slopes).mean())
    return float(part.mean()), fine / (coarse + 0.5)
