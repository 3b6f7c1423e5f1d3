"""A face held still: what moved since the onset once the head's own motion is taken out.

Two steps.  Dense flow from the onset says how the head moved: a shift, a turn in the picture
and a change of size, fitted robustly to the face alone, so that an expression, which moves a
part of it, does not become motion of the head.  The picture is brought back by it, and flow is
measured again: what is left is the face's own motion, which can be shown magnified.

A head that turns out of the picture is not held: its parallax is magnified with the rest.

Positions are px of the picture, x to the right, y down, pixel centres at whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.errors import VideoError
from mescope.motion.flow import farneback
from mescope.motion.flow_colours import colour_wheel, flow_colours

SIDE = 320
"""Side of the square in which motion is measured, px: that of the face crop."""

FARTHEST = 0.075
"""How far magnified motion reaches at most, as a share of the side of that square."""

RIM = 20.0
"""Px of the picture, divided by the factor, that get the full colour in a picture of flow."""

LONGEST = 10.0
"""Seconds from the onset: later, other things than the expression have changed the face."""

View = Literal["magnified", "difference", "flow"]

SMOOTH = 4.0  # px of the square: neighbours move together
_LEAST = 0.05  # px of the square: a residual below this never loses weight
_STEPS = 8  # of reweighting
_GRID = 8  # px between the points that the head's motion is fitted to
_ROUNDS = 6  # of the search for the point that motion brings here
_ABOVE, _AROUND = 0.35, 0.2  # of the face's size: forehead, and margin of the square
_EDGE = 0.06  # of the side: width over which motion fades at the edge of the face
_WHEEL = 0.22  # of the picture's height

Picture = NDArray[np.uint8]
Grey = NDArray[np.uint8]
Map = NDArray[np.float32]


@dataclass(frozen=True)
class FaceMotion:
    """What happened to a face since the onset.

    ``head`` (2, 3) float64 leads from where something of the head was in the onset to where it
    is now.  ``own`` (h, w, 2) float32 is how the face itself moved beyond that, as seen in the
    onset, px of the picture; 0 beside the face.
    """

    head: NDArray[np.float64]
    own: Map


class HeldFace:
    """The face of one onset, to which later pictures are compared.

    Args:
        onset: (h, w, 3) RGB.
        landmarks: (68, 2) of its face; None: the whole picture is taken for one.
    """

    def __init__(self, onset: Picture, landmarks: NDArray[np.floating] | None) -> None:
        self.onset = onset
        height, width = onset.shape[:2]
        marks = None if landmarks is None else np.asarray(landmarks, np.float64)
        if marks is None:
            left, top, side = 0.0, 0.0, float(max(height, width))
        else:
            left, top, side = _square(marks)
        self.side, self._scale = side, SIDE / side
        #: from px of the picture to px of the square
        self._into = np.array(
            [[self._scale, 0.0, -left * self._scale], [0.0, self._scale, -top * self._scale]]
        )
        self._first = self._cut(_grey(onset), np.eye(2, 3))
        self._mask = self._face(marks, (height, width))
        points = np.stack(np.meshgrid(*[np.arange(_GRID // 2, SIDE, _GRID)] * 2), -1)
        inside = self._mask[points[..., 1], points[..., 0]] > 0.5
        self._points = points[inside]

    def motion(self, picture: Picture) -> FaceMotion:
        """Return how head and face moved from the onset to a picture of the same size."""
        grey = _grey(picture)
        head = self._of_picture(self._similarity(self._flow(grey, np.eye(2, 3))))
        flow = self._flow(grey, head)
        rest = self._similarity(flow)
        head = _after(head, self._of_picture(rest))
        still = flow - (_applied(rest, _PLACES) - _PLACES)
        own = cv2.GaussianBlur(still, (0, 0), SMOOTH) * self._mask[..., None]
        height, width = picture.shape[:2]
        spread = cv2.warpAffine(
            own, self._into, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        return FaceMotion(head, np.asarray(spread / self._scale, np.float32))

    def view(self, kind: View, picture: Picture, factor: float) -> Picture:
        """Return a view of a picture: see the methods of these names."""
        if kind == "magnified":
            return self.magnified(picture, factor)
        if kind == "difference":
            return self.difference(picture, factor)
        return self.flow_picture(picture, factor)

    def magnified(self, picture: Picture, factor: float) -> Picture:
        """Return a picture with the head where it was and the face's own motion magnified.

        1 shows it as it is; what would then move farther than :data:`FARTHEST` stops there, as
        skin would tear.
        """
        moved = self.motion(picture)
        longer = limited(moved.own * np.float32(factor), FARTHEST * self.side)
        height, width = picture.shape[:2]
        here = _everywhere(height, width)
        place = here.copy()  # of the onset, which the magnified motion brings here
        for _ in range(_ROUNDS):
            place = here - _at(longer, place)
        source = _applied(moved.head, place) + _at(moved.own, place)
        return _sampled(picture, source)

    def difference(self, picture: Picture, factor: float) -> Picture:
        """Return what became brighter (light) or darker (dark) since the onset, times a factor.

        The head is held, the middle grey is no change; (h, w, 3).
        """
        moved = self.motion(picture)
        height, width = picture.shape[:2]
        held = _sampled(picture, _applied(moved.head, _everywhere(height, width)))
        change = _grey(held).astype(np.float32) - _grey(self.onset)
        shade = np.clip(128 + factor * change, 0, 255).astype(np.uint8)
        return np.asarray(cv2.cvtColor(shade, cv2.COLOR_GRAY2RGB), np.uint8)

    def flow_picture(self, picture: Picture, factor: float) -> Picture:
        """Return the face's own motion in colours over the onset, with the wheel of colours.

        :data:`RIM` / ``factor`` px get the full colour, as at the rim of the wheel.
        """
        own = self.motion(picture).own
        colours = flow_colours(np.moveaxis(own, -1, 0), RIM / factor).astype(np.float32)
        shade = 0.3 + 0.7 * _grey(self.onset)[..., None].astype(np.float32) / 255
        out = np.asarray(np.rint(colours * shade), np.uint8)
        side = min(max(24, round(_WHEEL * out.shape[0])), *out.shape[:2])
        out[-side:, -side:] = colour_wheel(side)
        return out

    def _flow(self, grey: Grey, head: NDArray[np.float64]) -> Map:
        """Return flow of the square from the onset to a picture whose head is brought back."""
        return farneback(self._first, self._cut(grey, head))

    def _of_picture(self, inside: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a transform of places in the square as one of places in the picture."""
        return _after(_inverse(self._into), _after(inside, self._into))

    def _cut(self, grey: Grey, head: NDArray[np.float64]) -> Grey:
        """Return the square of the face (SIDE, SIDE), the head brought back to the onset."""
        out = _after(head, _inverse(self._into))  # from the square to the picture
        return np.asarray(
            cv2.warpAffine(
                grey, out, (SIDE, SIDE), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )  # fmt: skip

    def _face(self, marks: NDArray[np.float64] | None, size: tuple[int, int]) -> Map:
        """Return where the face is in the square, 0 to 1, soft at its edge."""
        mask = np.zeros((SIDE, SIDE), np.uint8)
        if marks is None:
            far = np.array([[0, 0], [size[1], 0], [size[1], size[0]], [0, size[0]]], float)
            hull = far * self._scale
            inner = (hull - hull.mean(0)) * (1 - 4 * _EDGE) + hull.mean(0)
        else:
            forehead = marks[17:27] - [0, _ABOVE * np.ptp(marks[:, 1])]
            both = np.concatenate([marks, forehead]) @ self._into[:, :2].T + self._into[:, 2]
            inner = cv2.convexHull(both.astype(np.float32))[:, 0]
        cv2.fillConvexPoly(mask, np.rint(inner).astype(np.int32), 255)
        soft = cv2.GaussianBlur(mask, (0, 0), _EDGE * SIDE / 2)
        return np.asarray(soft / np.float32(255), np.float32)

    def _similarity(self, flow: Map) -> NDArray[np.float64]:
        """Return how the head moved by a flow of the square, (2, 3) in px of the square."""
        points = self._points
        if len(points) < 3:
            return np.eye(2, 3)
        centre = points.mean(axis=0)
        p = (points - centre) @ np.array([1, 1j]) / SIDE
        moved = flow[points[:, 1], points[:, 0]] @ np.array([1, 1j])
        weight = np.ones(len(p))
        for _ in range(_STEPS):  # moved = shift + grow p, both complex
            mean_p, mean_m = np.average(p, weights=weight), np.average(moved, weights=weight)
            q, m = p - mean_p, moved - mean_m
            grow = np.sum(weight * np.conj(q) * m) / np.sum(weight * np.abs(q) ** 2)
            shift = mean_m - grow * mean_p
            rest = np.abs(moved - shift - grow * p)
            weight = 1 / (1 + (rest / max(_LEAST, float(np.median(rest)))) ** 2) ** 2
        turn = 1 + grow / SIDE
        if not 0.5 < abs(turn) < 2:  # no head: another picture, or a cut
            return np.eye(2, 3)
        linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
        offset = centre + np.array([shift.real, shift.imag]) - linear @ centre
        return np.column_stack([linear, offset])


def check_stretch(seconds: float) -> None:
    """Refuse a frame that many seconds after its onset if that is too long, or before it.

    Raises:
        VideoError: it is.
    """
    if not 0 <= seconds <= LONGEST:
        found = f"{seconds:.1f} s after it" if seconds > 0 else "one before it"
        raise VideoError(
            f"expected frames up to {LONGEST:g} s after the onset, found {found}; choose a "
            "shorter stretch, or a later onset"
        )


def limited(flow: Map, farthest: float) -> Map:
    """Return flow (..., 2) whose vectors are no longer than ``farthest``.

    >>> limited(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0).astype(float).round(2).tolist()
    [[0.6, 0.8], [0.3, 0.4]]
    """
    length = np.hypot(flow[..., 0], flow[..., 1])[..., None]
    return np.asarray(flow * np.minimum(1, farthest / np.maximum(length, 1e-6)), np.float32)


def _square(marks: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return left, top and side of the square around a face, px of the picture."""
    low, high = marks.min(axis=0), marks.max(axis=0)
    low = low - [0, _ABOVE * (high[1] - low[1])]
    side = float((high - low).max()) * (1 + 2 * _AROUND)
    left, top = (low + high) / 2 - side / 2
    return float(left), float(top), max(side, 8.0)


def _grey(picture: Picture) -> Grey:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _after(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the transform (2, 3) that does ``first``, then ``second``."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def _inverse(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.linalg.inv(transform[:, :2])
    return np.column_stack([linear, -linear @ transform[:, 2]])


def _everywhere(height: int, width: int) -> Map:
    """Return the place of every pixel, (h, w, 2)."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x, y], -1)


def _applied(transform: NDArray[np.float64], places: Map) -> Map:
    linear, offset = transform[:, :2].astype(np.float32), transform[:, 2].astype(np.float32)
    return np.asarray(places @ linear.T + offset, np.float32)


def _at(flow: Map, places: Map) -> Map:
    """Return flow between pixels; 0 outside of the picture."""
    return np.asarray(cv2.remap(flow, places, None, cv2.INTER_LINEAR), np.float32)


def _sampled(picture: Picture, places: Map) -> Picture:
    return np.asarray(
        cv2.remap(picture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


_PLACES = _everywhere(SIDE, SIDE)
