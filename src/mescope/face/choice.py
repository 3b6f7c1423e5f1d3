"""Whose face: which of several is followed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from mescope.errors import FaceError

FaceChoice = str | int | tuple[float, float]
"""``"largest"``, ``"central"``, a number from 0 (leftmost), a point ``(x, y)`` or ``"x,y"`` in
px of the upright picture, or a time such as ``"0:12"`` or ``"12.5s"`` at which it is the
largest."""

EXPECTED = (
    "largest, central, a number from 0 (leftmost), a point x,y in px such as 640,200, or a "
    "time such as 0:12.5 at which the face is the largest"
)
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)(\d+(?:\.\d*)?)|(\d+(?:\.\d*)?)\s*s")
_POINT = re.compile(r"(-?\d+(?:\.\d*)?)\s*[,;]\s*(-?\d+(?:\.\d*)?)")


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
