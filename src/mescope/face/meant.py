"""Of the faces in a picture the one that is meant, and what there is to say of it.

Apart from :mod:`mescope.face.choice`, which the command line reads before any array is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

from mescope.face.box import Box
from mescope.face.choice import Point

FARTHEST = 1.0
"""Widths of a face between its middle and a point that means it."""


class Boxed(Protocol):
    """What lies in a box."""

    @property
    def box(self) -> Box:
        """The box, px."""


Seen = TypeVar("Seen", bound=Boxed)


def choose(
    faces: Sequence[Seen], face: str | int | Point, shape: tuple[int, ...]
) -> Seen | None:
    """Return the face meant by ``face`` in an image of ``shape``.

    None where an index counts more faces than there are.
    """

    def away(one: Boxed, x: float, y: float) -> float:
        box = one.box
        return math.hypot((box.left + box.right) / 2 - x, (box.top + box.bottom) / 2 - y)

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
