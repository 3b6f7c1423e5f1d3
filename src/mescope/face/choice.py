"""Whose face: which of several is followed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from mescope.errors import FaceError
from mescope.face.box import Box

FaceChoice = str | int | tuple[float, float]
"""``"largest"``, ``"central"``, a number from 0 (leftmost), a point ``(x, y)`` or ``"x,y"`` in
px of the upright picture, or a time such as ``"0:12"`` or ``"12.5s"`` at which it is the
largest."""

EXPECTED = (
    "largest, central, a number from 0 (leftmost), a point x,y in px such as 640,200, or a "
    "time such as 0:12.5 at which the face is the largest"
)
FARTHEST = 1.0
"""Widths of a face between its middle and a point that means it."""
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)(\d+(?:\.\d*)?)|(\d+(?:\.\d*)?)\s*s")
_POINT = re.compile(r"(-?\d+(?:\.\d*)?)\s*[,;]\s*(-?\d+(?:\.\d*)?)")


class Boxed(Protocol):
    """What lies in a box."""

    @property
    def box(self) -> Box:
        """The box, px."""


Seen = TypeVar("Seen", bound=Boxed)


class Point(NamedTuple):
    """The face at or nearest to this point, px of the upright picture."""

    x: float
    y: float


class Moment(NamedTuple):
    """The face that is the largest at this time, seconds since frame 0."""

    seconds: float


def chosen(face: FaceChoice) -> str | int | Point | Moment:
    """Return what a choice of face means.

    Raises:
        FaceError: it means nothing.

    >>> chosen("640,200"), chosen("1:02.5"), chosen("3"), chosen("largest")
    (Point(x=640.0, y=200.0), Moment(seconds=62.5), 3, 'largest')
    """
    if isinstance(face, Moment):
        return face
    if isinstance(face, str):
        text = face.strip()
        if text in ("largest", "central"):
            return text
        if text.isdecimal():
            return int(text)
        clock, point = _CLOCK.fullmatch(text), _POINT.fullmatch(text)
        if clock:
            hours, minutes, rest, plain = clock.groups()
            return Moment(
                int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or plain)
            )
        if point:
            return Point(float(point[1]), float(point[2]))
    elif isinstance(face, int) and not isinstance(face, bool) and face >= 0:
        return face
    elif isinstance(face, tuple) and len(face) == 2 and all(math.isfinite(v) for v in face):
        return Point(float(face[0]), float(face[1]))
    raise FaceError(f"whose face: expected {EXPECTED}, found {face!r}")


def moment_of(face: FaceChoice) -> dict[str, float]:
    """Return what a result says of a face that was chosen by a time, beside its place.

    >>> moment_of("0:12"), moment_of("640,200")
    ({'face_at_s': 12.0}, {})
    """
    meant = chosen(face)
    return {"face_at_s": meant.seconds} if isinstance(meant, Moment) else {}


def as_stored(face: FaceChoice) -> dict[str, Any]:
    """Return a choice as results hold it; of a time without the place that it was found at.

    >>> as_stored("640,200"), as_stored("0:12"), as_stored(1)
    ({'face': [640.0, 200.0]}, {'face_at_s': 12.0}, {'face': 1})
    """
    meant = chosen(face)
    if isinstance(meant, Moment):
        return {"face_at_s": meant.seconds}
    return {"face": list(meant) if isinstance(meant, Point) else meant}


def stored_in(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the choice that the parameters of an extraction hold, as :func:`as_stored` does.

    >>> stored_in({"face": [2.0, 3.0], "face_at_s": 12.0}), stored_in({"face": 1, "hop": 2})
    ({'face_at_s': 12.0}, {'face': 1})
    """
    name = "face_at_s" if "face_at_s" in parameters else "face"
    return {name: parameters[name]}


def choose(
    faces: Sequence[Seen], face: str | int | Point, shape: tuple[int, ...]
) -> Seen | None:
    """Return the face meant by ``face`` in an image of ``shape``.

    None where an index counts more faces than there are.
    """

    def away(one: Boxed, x: float, y: float) -> float:
        box = one.box
        return float(np.hypot((box.left + box.right) / 2 - x, (box.top + box.bottom) / 2 - y))

    def off_centre(one: Boxed) -> float:
        return away(one, shape[1] / 2, shape[0] / 2)

    if isinstance(face, Point):
        return min(faces, key=lambda one: away(one, face.x, face.y))
    if isinstance(face, int):
        row = sorted(faces, key=lambda one: one.box.left)
        return row[face] if face < len(row) else None
    if face == "central":
        return min(faces, key=off_centre)
    return max(faces, key=lambda one: (one.box.area, -off_centre(one)))


def place_missed(face: str | int | Point, box: Box) -> Box | None:
    """Return where the face at a point would lie if the one in ``box`` is not it.

    None where the point is in that face or beside it, or none was asked for.

    >>> place_missed(Point(90.0, 50.0), Box(40, 30, 80, 70))
    >>> place_missed(Point(300.0, 50.0), Box(40, 30, 80, 70))
    Box(left=280, top=30, right=320, bottom=70)
    """
    if not isinstance(face, Point):
        return None
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    if math.hypot(face.x - x, face.y - y) <= FARTHEST * box.width:
        return None
    dx, dy = round(face.x - x), round(face.y - y)
    return Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)


def told_at_first(
    face: str | int | Point, frame: int, count: int, best: Boxed | None, home: Box | None
) -> list[str]:
    """Return what there is to say when a face is chosen.

    Args:
        face: the choice.
        frame: number of the frame.
        count: of the faces in it.
        best: the one that is taken, or None.
        home: where the one meant should be, if that is another place.
    """
    if best is None:
        return [f"there is no face number {face} from the left where {count} are seen; numbers "
                "count from 0"]  # fmt: skip
    whose = words_for(face)
    found = [f"{count} faces in frame {frame}; following {whose}"] if count > 1 else []
    if home is not None:
        found.append(
            f"{whose} is not seen in frame {frame}; the nearest face is followed, and may be "
            "another person's"
        )
    return found


def words_for(face: str | int | Point) -> str:
    """Return a choice of face in words."""
    if isinstance(face, Point):
        return f"the one at {face.x:g},{face.y:g}"
    return f"the {face} one" if isinstance(face, str) else f"number {face} from the left"
