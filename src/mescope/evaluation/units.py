"""What several coders say about the same moment: units, which kappa and alpha are counted over.

Coders on a time line do not judge a given list of items; what there is to judge is made by
their marks.  Two views of it are kept apart:

* **marks**: a unit is one expression that at least one coder marked: marks of different coders
  that belong together (:func:`units`).  A coder without a mark in it said ``none``.  No unit is
  ``none`` for all, since nobody counts the moments at which nothing happens; agreement by
  chance is therefore estimated from what was marked, and this kappa is strict.
* **frames**: a unit is one frame; who has no mark over it said ``none`` (:func:`frame_counts`).
  Nearly all frames are ``none`` for all, and long marks weigh more than short ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from mescope.annotations.annotation import Annotation
from mescope.evaluation.matching import match

NONE = "none"
"""What a coder said who has no mark."""

Marks = Mapping[str, Sequence[Annotation]]


@dataclass(frozen=True, slots=True)
class Unit:
    """One expression: of every coder who marked it that mark."""

    marks: Mapping[str, Annotation]

    @property
    def first(self) -> int:
        """Return the first frame that anybody gave to it."""
        return min(mark.interval.first for mark in self.marks.values())

    def kinds(self, coders: Sequence[str]) -> tuple[str, ...]:
        """Return what each coder called it: micro, macro or :data:`NONE`."""
        return tuple(self.marks[c].kind if c in self.marks else NONE for c in coders)


def units(marks: Marks) -> list[Unit]:
    """Put the marks of several coders together that show the same expression, in order.

    Of every two coders those pairs are candidates that
    :func:`mescope.evaluation.matching.match` makes, whatever they call the kind: one to one,
    IoU of 0.5 or more.  Pairs join in order of falling IoU, ties the earlier first, unless a
    unit would hold two marks of one coder.  With two coders these are the pairs of ``match``.

    Args:
        marks: of every coder, of one recording and one face; without those that were rejected.
    """
    home = {(coder, i): {coder: i} for coder, own in marks.items() for i in range(len(own))}
    for _, _, one, other in sorted(_edges(marks)):
        a, b = home[one], home[other]
        if a is b or a.keys() & b.keys():
            continue
        a.update(b)
        for coder, i in b.items():
            home[coder, i] = a
    found = {id(group): group for group in home.values()}.values()
    made = [Unit({c: marks[c][i] for c, i in sorted(group.items())}) for group in found]
    return sorted(made, key=lambda unit: (unit.first, sorted(unit.marks)))


_Place = tuple[str, int]


def _edges(marks: Marks) -> list[tuple[float, int, _Place, _Place]]:
    edges = []
    for one, other in combinations(sorted(marks), 2):
        a, b = ([mark.interval for mark in marks[who]] for who in (one, other))
        for i, j in match(a, b).pairs:
            first = min(a[i].first, b[j].first)
            edges.append((-a[i].iou(b[j]), first, (one, i), (other, j)))
    return edges


def frame_counts(marks: Marks, coders: Sequence[str], frames: int) -> Counter[tuple[str, ...]]:
    """Count the frames of a recording by what each coder says of them.

    A frame in a micro- and a macro-expression of one coder counts as micro, the rarer one.
    Time depends on the number of marks, not of frames.

    Args:
        marks: as for :func:`units`.
        coders: in this order.
        frames: of the recording; marks past the end do not count.

    Returns:
        How many frames have each row of kinds; the sum is ``frames``.
    """
    changes: list[tuple[int, int, str, int]] = []
    for number, coder in enumerate(coders):
        for mark in marks[coder]:
            changes.append((mark.interval.first, number, mark.kind, 1))
            changes.append((mark.interval.last + 1, number, mark.kind, -1))
    open_now = [Counter[str]() for _ in coders]
    counts: Counter[tuple[str, ...]] = Counter()
    reached = 0
    for frame, number, kind, step in sorted(changes):
        if frame > reached and reached < frames:
            counts[_said(open_now)] += min(frame, frames) - reached
            reached = frame
        open_now[number][kind] += step
    if reached < frames:
        counts[_said(open_now)] += frames - reached
    return counts


def _said(open_now: Sequence[Counter[str]]) -> tuple[str, ...]:
    return tuple(
        "micro" if now["micro"] > 0 else "macro" if now["macro"] > 0 else NONE
        for now in open_now
    )


def by_face(marks: Marks, *, keys: bool = False) -> list[dict[str, list[Annotation]]]:
    """Return the marks that count, face by face.

    Marks that were rejected do not count.

    Args:
        marks: of every coder, of one recording.
        keys: faces are named alike by all, as in a project: who marked only Anna and who marked
            only Ben did not mark the same face.  Else (files of different programs) one face
            each is the same, whatever its name.
    """
    kept = {who: [m for m in own if m.status != "rejected"] for who, own in marks.items()}
    faces = {who: {m.face for m in own} for who, own in kept.items()}
    named = set().union(*faces.values()) - {"0"}  # which stands for the only one
    if max(map(len, faces.values()), default=0) <= 1 and not (keys and len(named) > 1):
        return [kept]
    return [
        {who: [m for m in own if m.face == face] for who, own in kept.items()}
        for face in sorted(set().union(*faces.values()))
    ]
