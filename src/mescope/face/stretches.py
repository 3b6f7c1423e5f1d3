"""A face from when it came to when it went: what a lane saw, cut where it may be another's.

A lane follows one face after the other (:mod:`mescope.face.several`).  A stretch of it ends
where the face was lost or the scene is cut, where place and shape jump, and where another face
was so near that one may have been taken for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mescope.face.landmark_track import BOX_WIDTH, RIGID, spread
from mescope.face.person_change import NEAR, SHAPE

TOUCH = 0.8  # widths between two centres from which two faces touch
_SHAPED = 12  # looks whose mean is the shape of a stretch

Floats = npt.NDArray[np.floating]
Shape = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face is: the middle of brows, eyes and nose, and its width, px."""

    x: float
    y: float
    width: float

    def away(self, other: Place) -> float:
        """Return the distance to another place in widths of the larger face."""
        return float(np.hypot(self.x - other.x, self.y - other.y)) / max(
            self.width, other.width, 1.0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLooks:
    """What one lane saw in W looks.

    ``landmarks`` (W, 68, 2) x, y in px, nan where no face was measured; ``scene`` (W,) int, the
    number of the scene, which rises with every cut near the face; ``begun`` looks at which the
    lane was given a face.
    """

    landmarks: Floats
    scene: npt.NDArray[np.integer]
    begun: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A face in the looks ``first`` to ``last`` of a lane.

    ``shape`` (31,) complex: x + iy of brows, nose and eyes, the mean of its first looks,
    centred, in units of their spread.  ``touched``: it began where two faces touched.
    """

    id: str  # native frame and lane
    lane: int
    first: int
    last: int
    start: Place
    end: Place
    shape: Shape = field(repr=False)
    looks: int = 1  # with landmarks
    touched: bool = False

    def meets(self, other: Stretch) -> bool:
        """Say whether both are seen at a time."""
        return self.first <= other.last and other.first <= self.last


def place_of(landmarks: Floats) -> Place:
    """Return where (68, 2) landmarks lie."""
    (x, y), size = spread(landmarks)
    return Place(x, y, BOX_WIDTH * size)


def shape_of(landmarks: Floats) -> Shape:
    """Return (31,) complex: the rigid ones of (68, 2) landmarks, centred, of spread 1."""
    rigid = np.asarray(landmarks[RIGID], np.float64)
    centred = (rigid - rigid.mean(axis=0)) / max(spread(landmarks)[1], 1e-6)
    return np.asarray(centred[:, 0] + 1j * centred[:, 1], np.complex128)


def turned(one: Shape, other: Shape) -> Shape:
    """Return ``one`` turned and scaled so that it fits ``other`` best."""
    fit = np.vdot(one, other) / max(float(np.vdot(one, one).real), 1e-12)
    return np.asarray(fit * one, np.complex128)


def difference(one: Shape, other: Shape) -> float:
    """Return how much two shapes differ, root mean square in units of their spread."""
    return float(np.sqrt((np.abs(turned(one, other) - other) ** 2).mean()))


def mean_shape(shapes: Sequence[Shape], weights: Sequence[float] | None = None) -> Shape:
    """Return the mean of shapes, each turned to the first."""
    fitted = [turned(shape, shapes[0]) for shape in shapes]
    return np.asarray(np.average(fitted, axis=0, weights=weights), np.complex128)


def stretches(
    lanes: Sequence[LaneLooks],
    frames: npt.NDArray[np.integer],
    cuts: Sequence[tuple[str, int]] = (),
) -> list[Stretch]:
    """Return all stretches of all lanes, in order of time, then from left to right.

    Args:
        lanes: what each saw.
        frames: (W,) native frame of every look, for the ids.
        cuts: where a person said that one stretch is two faces: its id, and the native frame
            from which on it is the other.
    """
    touching = _touches(lanes)
    found: list[Stretch] = []
    for number, lane in enumerate(lanes):
        seen = np.flatnonzero(~np.isnan(lane.landmarks[:, 0, 0])).tolist()
        begin = 0
        for k in range(1, len(seen) + 1):
            if k < len(seen) and not _parts(lane, seen, k, touching[number]):
                continue
            found += _cut(number, lane, seen[begin:k], frames, cuts, touching[number])
            begin = k
    return sorted(found, key=lambda one: (one.first, one.start.x, one.lane))


def _cut(
    number: int,
    lane: LaneLooks,
    looks: list[int],
    frames: npt.NDArray[np.integer],
    cuts: Sequence[tuple[str, int]],
    touching: npt.NDArray[np.bool_],
) -> list[Stretch]:
    """Return the stretch of some looks, or several where a person cut it."""
    name = f"{int(frames[looks[0]])}-{number}"
    for stretch, frame in cuts:
        at = next((k for k, look in enumerate(looks) if frames[look] >= frame), 0)
        if stretch == name and at > 0:
            rest = _cut(number, lane, looks[at:], frames, cuts, touching)
            return [*_cut(number, lane, looks[:at], frames, (), touching), *rest]
    marks = lane.landmarks
    return [
        Stretch(
            id=name, lane=number, first=looks[0], last=looks[-1],
            start=place_of(marks[looks[0]]), end=place_of(marks[looks[-1]]),
            shape=mean_shape([shape_of(marks[look]) for look in looks[:_SHAPED]]),
            looks=len(looks), touched=bool(touching[max(0, looks[0] - 1)]),
        )
    ]  # fmt: skip


def _parts(
    lane: LaneLooks, seen: Sequence[int], k: int, touching: npt.NDArray[np.bool_]
) -> bool:
    """Say whether another stretch begins at the k-th look with a face."""
    before, after = seen[k - 1], seen[k]
    if after - before > 1 or after in lane.begun:
        return True
    if lane.scene[before] != lane.scene[after] or (touching[before] and not touching[after]):
        return True
    one, other = place_of(lane.landmarks[before]), place_of(lane.landmarks[after])
    return one.away(other) > NEAR and _jump(lane, seen, k) > SHAPE


def _jump(lane: LaneLooks, seen: Sequence[int], k: int) -> float:
    """Return by how much the shape of the looks before and from the k-th on differs."""
    before, after = (
        mean_shape([shape_of(lane.landmarks[look]) for look in some])
        for some in (seen[max(0, k - 3) : k][::-1], seen[k : k + 3])
    )
    return difference(before, after)


def _touches(lanes: Sequence[LaneLooks]) -> list[npt.NDArray[np.bool_]]:
    """Return for each lane (W,): looks in which its face touches that of another lane."""
    places = [
        [None if np.isnan(marks[0, 0]) else place_of(marks) for marks in lane.landmarks]
        for lane in lanes
    ]
    found = [np.zeros(len(row), dtype=bool) for row in places]
    for a, one in enumerate(places):
        for b in range(a):
            for look, (here, there) in enumerate(zip(one, places[b], strict=True)):
                if here is not None and there is not None and here.away(there) < TOUCH:
                    found[a][look] = found[b][look] = True
    return found
