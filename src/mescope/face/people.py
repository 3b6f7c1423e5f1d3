"""Who is who: which stretches are one person's face, and where that has to be asked.

Nobody is recognised: faces of one recording are compared with each other alone, by place, size
and the shape of brows, eyes and nose from landmarks.  Landmarks do not tell people apart for
certain (:mod:`mescope.face.person_change` has the figures), so what is neither plainly the same
nor plainly another stays apart and is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mescope.errors import FaceError
from mescope.face.stretches import Stretch, difference, mean_shape

SAME = 0.04
"""Difference of shapes up to which a face is the same anywhere, if no other is as near."""
LIKELY = 0.06
"""The same for a face that comes back to its place in the same scene, however late."""
OTHER = 0.09
"""From here on it is another; below, one that left its place for a moment is the same."""
MARGIN = 0.02
"""By which the second best must be worse."""

BRIEF = 3  # looks, about two seconds
HERE = 0.5  # widths within which a place is the same
SIZES = (0.75, 1.33)  # of faces at the same place
LONGEST_NAME = 40
_MOST_ASKED = 2  # questions about one stretch

Verdict = Literal["same", "unsure", "other"]


class FaceDoubt(NamedTuple):
    """Two stretches that may be one person's: the ids, and what was measured."""

    earlier: str
    later: str
    shape: float
    """Difference of the shapes, see :data:`SAME`."""
    moved: float
    """Widths of the face by which the place differs."""


@dataclass(frozen=True, kw_only=True)
class FaceAnswers:
    """What a person said about the faces of a recording; stretches by their ids.

    ``same`` pairs are one person, ``apart`` pairs are not; ``cuts`` (id, native frame) say from
    where on a stretch is another's face; ``names`` go by any stretch of the face.
    """

    same: tuple[tuple[str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    cuts: tuple[tuple[str, int], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the answers as JSON holds them."""
        return {
            "same": [list(pair) for pair in self.same],
            "apart": [list(pair) for pair in self.apart],
            "cuts": [list(cut) for cut in self.cuts],
            "names": dict(self.names),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> FaceAnswers:
        """Return the answers that :meth:`to_json` made into values.

        Raises:
            FaceError: they are something else.
        """
        try:
            return cls(
                same=tuple((str(a), str(b)) for a, b in kept.get("same", ())),
                apart=tuple((str(a), str(b)) for a, b in kept.get("apart", ())),
                cuts=tuple((str(name), int(frame)) for name, frame in kept.get("cuts", ())),
                names={str(a): face_name(b) for a, b in dict(kept.get("names", {})).items()},
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise FaceError(f"expected answers about faces, found {error}") from error


def face_name(text: object) -> str:
    """Return a name for a face, on one line.

    Raises:
        FaceError: it is empty or too long, or has a sign that divides names in files.

    >>> face_name("  the  mother ")
    'the mother'
    """
    name = " ".join(str(text).split())
    if not 0 < len(name) <= LONGEST_NAME or set("#@") & set(name) or not name.isprintable():
        raise FaceError(
            f"expected a name for a face, up to {LONGEST_NAME} letters without # and @, found "
            f"{name[: LONGEST_NAME + 1]!r}"
        )
    return name


@dataclass(frozen=True, kw_only=True)
class People:
    """The faces of a recording, each the ids of its stretches, and what is to be asked.

    Faces are in order of their first appearance, then from left to right.
    """

    faces: tuple[tuple[Stretch, ...], ...]
    doubts: tuple[FaceDoubt, ...] = ()
    warnings: tuple[str, ...] = ()


def people(
    found: Sequence[Stretch],
    scene: npt.NDArray[np.integer],
    answers: FaceAnswers | None = None,
) -> People:
    """Say which stretches are one face.

    Args:
        found: in order of time, see :func:`mescope.face.stretches.stretches`.
        scene: (W,) number of the scene of every look; it rises with every cut of the picture.
        answers: of a person, who knows better.
    """
    said = answers or FaceAnswers()
    linked, doubts = _linked(found, scene)
    apart = {frozenset(pair) for pair in said.apart}
    kept = [pair for pair in linked if frozenset(pair) not in apart]
    faces, warnings = _joined(found, kept, said.same)
    face_of = {one.id: k for k, face in enumerate(faces) for one in face}
    open_doubts = [
        doubt
        for doubt in doubts
        if face_of[doubt.earlier] != face_of[doubt.later]
        and frozenset((doubt.earlier, doubt.later)) not in apart
        and not _meet(faces[face_of[doubt.earlier]], faces[face_of[doubt.later]])
    ]
    return People(
        faces=tuple(tuple(face) for face in faces),
        doubts=tuple(open_doubts),
        warnings=tuple(warnings),
    )


def names_of(faces: Sequence[Sequence[Stretch]], answers: FaceAnswers | None) -> list[str]:
    """Return what each face is called: its name, or "face 1" by its number.

    Two faces of one name are told apart by a number behind it.
    """
    given = {} if answers is None else answers.names
    found: list[str] = []
    for number, face in enumerate(faces, 1):
        name = next((given[one.id] for one in face if one.id in given), f"face {number}")
        again = 2
        plain = name
        while name in found:
            name, again = f"{plain} ({again})", again + 1
        found.append(name)
    return found


def _linked(
    found: Sequence[Stretch], scene: npt.NDArray[np.integer]
) -> tuple[list[tuple[str, str]], list[FaceDoubt]]:
    """Return pairs (earlier, later) that are plainly one face, and those to be asked."""
    persons: list[list[Stretch]] = []
    links: list[tuple[str, str]] = []
    doubts: list[FaceDoubt] = []
    for _, group in groupby(found, key=lambda one: one.first):
        waiting = list(group)
        while pair := _surest(_pairs(waiting, persons, scene)):
            person = persons[pair.person]
            links.append((person[-1].id, pair.stretch.id))
            person.append(pair.stretch)
            waiting.remove(pair.stretch)
        for pair in _asked(_pairs(waiting, persons, scene)):
            earlier = persons[pair.person][-1].id
            doubts.append(FaceDoubt(earlier, pair.stretch.id, pair.shape, pair.moved))
        persons += [[one] for one in waiting]
    return links, doubts


class _Pair(NamedTuple):
    """A stretch and a person whose it may be."""

    stretch: Stretch
    person: int
    verdict: Verdict
    shape: float
    moved: float


def _pairs(
    waiting: Iterable[Stretch], persons: Sequence[list[Stretch]], scene: npt.NDArray[np.integer]
) -> list[_Pair]:
    """Return who each stretch may be: all who are not seen at the same time."""
    return [
        _judged(one, number, person, scene)
        for one in waiting
        for number, person in enumerate(persons)
        if not any(one.meets(other) for other in person)
    ]


def _judged(
    one: Stretch, number: int, person: Sequence[Stretch], scene: npt.NDArray[np.integer]
) -> _Pair:
    last = max(person, key=lambda other: other.last)
    shape = mean_shape([other.shape for other in person], [other.looks for other in person])
    far, moved = difference(one.shape, shape), last.end.away(one.start)
    ratio = one.start.width / max(last.end.width, 1.0)
    back = (
        scene[last.last] == scene[one.first]
        and moved <= HERE
        and SIZES[0] < ratio < SIZES[1]
        and not one.touched
    )
    brief = one.first - last.last <= BRIEF
    most = SAME if not back else OTHER if brief else LIKELY
    verdict: Verdict = "same" if far <= most else "other" if far >= OTHER else "unsure"
    return _Pair(one, number, verdict, far, moved)


def _surest(pairs: Sequence[_Pair]) -> _Pair | None:
    """Return the nearest pair that is the same face, without one that is nearly as near."""
    for pair in sorted((p for p in pairs if p.verdict == "same"), key=lambda p: p.shape):
        rivals = (
            other.shape
            for other in pairs
            if other is not pair
            and other.verdict != "other"
            and (other.stretch is pair.stretch or other.person == pair.person)
        )
        if min(rivals, default=np.inf) >= pair.shape + MARGIN:
            return pair
    return None


def _asked(pairs: Sequence[_Pair]) -> Iterator[_Pair]:
    """Yield the pairs that a person is asked about, at most a few for each stretch."""
    open_pairs = [pair for pair in pairs if pair.verdict != "other"]
    for one in dict.fromkeys(pair.stretch.id for pair in open_pairs):
        mine = [pair for pair in open_pairs if pair.stretch.id == one]
        yield from sorted(mine, key=lambda pair: pair.shape)[:_MOST_ASKED]


def _joined(
    found: Sequence[Stretch],
    links: Iterable[tuple[str, str]],
    same: Iterable[tuple[str, str]],
) -> tuple[list[list[Stretch]], list[str]]:
    """Return the faces that pairs make of stretches, and what could not be joined."""
    faces = {one.id: [one] for one in found}
    warnings = []
    for a, b in [*links, *same]:
        if a not in faces or b not in faces:
            warnings.append(
                f"a person said that {a} and {b} are one face; this analysis has no such "
                "stretch: say it again"
            )
            continue
        one, other = faces[a], faces[b]
        if one is other:
            continue
        if _meet(one, other):
            warnings.append(
                f"{a} and {b} are seen at the same time and cannot be one face; they stay two"
            )
            continue
        one += other
        for stretch in other:
            faces[stretch.id] = one
    different = {id(face): sorted(face, key=lambda s: s.first) for face in faces.values()}
    return sorted(different.values(), key=lambda f: (f[0].first, f[0].start.x)), warnings


def _meet(one: Iterable[Stretch], other: Sequence[Stretch]) -> bool:
    return any(a.meets(b) for a in one for b in other)
