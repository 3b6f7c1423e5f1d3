"""Every face of a picture: a row of trackers, of which none takes another's face.

A tracker of the row follows one face until it loses it, rests, and is then given another.  Who
is who is not asked here: :mod:`mescope.face.people` decides that when all was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mescope.face.box import Box, gap, overlap
from mescope.face.detector import (
    LEAST_OVERLAP,
    SAME_PLACE,
    Face,
    FaceFinder,
    FaceTracker,
    Grey,
)

MOST_FACES = 12
"""Faces that are followed at a time, the largest; further ones are counted and told."""

FARTHEST = 1.0  # widths that a face may be away from its last place and still be that face
SIZES = (0.6, 1.6)  # of its width then
MISSES = 2  # looks without the face, after which its tracker rests
LEAST_WIDTH = 24  # px: what is smaller has no features to follow
_KEPT = 128  # searched pictures


@dataclass
class RowTracker(FaceTracker):
    """Follows one face of several; ``last`` is None while it rests.

    ``row`` holds all trackers, this one included.
    """

    row: FaceRow = field(kw_only=True)
    place: Box | None = None  # where its face was last, kept while it rests
    missed: int = 0  # looks in a row without the face
    begun: list[int] = field(default_factory=list)  # frames in which it was given a face
    _at: int = -1
    _seen: Face | None = None

    def see(
        self, index: int, grey: Grey, *, whole: bool = False, thorough: bool = True
    ) -> Face | None:
        """Return the face in this image, or None; a tracker that rests sees nothing."""
        if self.last is None:
            return None
        if index == self._at:
            return self._seen
        found = self._near(grey, self.last) or self._again(index, grey, self.last)
        if found is not None:
            self.last = found.box
        return found

    def look(self, index: int, grey: Grey) -> Face | None:
        """See as :meth:`see`, for all who ask about this image; twice without: rest."""
        found = self.see(index, grey)
        self._at, self._seen = index, found
        self.missed = 0 if found is not None else self.missed + 1
        if self.missed >= MISSES:
            self.rest()
        return found

    def begin(self, index: int, grey: Grey, face: Face) -> None:
        """Follow this face from here on."""
        self.last, self.missed = face.box, 0
        self._at, self._seen = index, self._looked_at(grey, face)
        self.begun.append(index)

    def rest(self) -> None:
        """Let go of the face."""
        self.place = self.last or self.place
        self.last, self.missed, self._seen = None, 0, None

    def forget(self) -> None:
        """Do nothing: the row gives faces to its trackers, also in another scene."""

    def _nearest(self, faces: Sequence[Face], last: Box) -> Face | None:
        """Return the nearest face that lies not nearer to another tracker's."""
        own = [
            face
            for face in faces
            if overlap(face.box, last) >= LEAST_OVERLAP and not self._is_others(face, last)
        ]
        return max(own, key=lambda face: overlap(face.box, last), default=None)

    def _is_others(self, face: Face, last: Box) -> bool:
        mine = overlap(face.box, last)
        return any(overlap(face.box, box) > mine for box in self.row.places(self))

    def _again(self, index: int, grey: Grey, last: Box) -> Face | None:
        """Look for the face in the whole image, not far from where it was."""
        near = [
            face
            for face in self.row.faces(index, grey)
            if gap(face.box, last) <= FARTHEST
            and SIZES[0] < face.box.width / max(1, last.width) < SIZES[1]
            and not any(overlap(face.box, box) > 0 for box in self.row.places(self))
        ]
        best = min(near, key=lambda face: gap(face.box, last), default=None)
        return None if best is None else self._looked_at(grey, best)


@dataclass
class FaceRow:
    """The trackers of all faces that are seen at a time.

    ``left_out`` is the largest number of faces that had to be left out at a time.
    """

    finder: FaceFinder
    most: int = MOST_FACES
    trackers: list[RowTracker] = field(default_factory=list)
    left_out: int = 0
    _searched: dict[int, list[Face]] = field(default_factory=dict)

    def places(self, but: RowTracker | None = None) -> list[Box]:
        """Return where the faces of all trackers are, but for one."""
        return [one.last for one in self.trackers if one is not but and one.last is not None]

    def faces(self, index: int, grey: Grey, *, enlarged: bool = False) -> list[Face]:
        """Return all faces of an image, without landmarks; searched once, whoever asks.

        Args:
            index: frame number.
            grey: (h, w) uint8 image.
            enlarged: find small faces, too.
        """
        if enlarged or index not in self._searched:
            found = FaceTracker(self.finder).search(grey, enlarged=enlarged)
            self._searched[index] = [f for f in found if f.box.width >= LEAST_WIDTH]
            while len(self._searched) > _KEPT:
                del self._searched[next(iter(self._searched))]
        return self._searched[index]

    def look(self, index: int, grey: Grey, *, enlarged: bool) -> list[RowTracker]:
        """Have every tracker look, and give the faces that nobody follows to those who rest.

        Args:
            index: frame number.
            grey: (h, w) uint8 image.
            enlarged: look for small faces, too.

        Returns:
            The trackers that were made for this.
        """
        for tracker in self.trackers:
            tracker.look(index, grey)
        taken = self.places()
        free = [
            face
            for face in self.faces(index, grey, enlarged=enlarged)
            if all(overlap(face.box, box) < SAME_PLACE for box in taken)
        ]
        made: list[RowTracker] = []
        for face in sorted(free, key=lambda one: (-one.box.area, one.box)):
            fitting = self._resting(face)
            if fitting is None and len(self.trackers) < self.most:
                fitting = self.add()
                made.append(fitting)
            if fitting is not None:
                fitting.begin(index, grey, face)
        self.left_out = max(self.left_out, len(free) - len(self.begun_at(index)))
        return made

    def begun_at(self, index: int) -> list[RowTracker]:
        """Return the trackers that were given a face in this frame."""
        return [one for one in self.trackers if one.begun and one.begun[-1] == index]

    def add(self) -> RowTracker:
        """Return one more tracker, which rests."""
        tracker = RowTracker(self.finder, row=self)
        self.trackers.append(tracker)
        return tracker

    def _resting(self, face: Face) -> RowTracker | None:
        """Return the tracker that rests and had its face nearest to this one."""
        resting = [one for one in self.trackers if one.last is None]
        return min(resting, key=lambda one: _away(face.box, one.place), default=None)

    def state(self) -> list[dict[str, Any]]:
        """Return what the trackers know, for JSON."""
        return [
            {
                "last": one.last, "place": one.place, "missed": one.missed,
                "begun": list(one.begun), "warnings": list(one.warnings),
            }
            for one in self.trackers
        ]  # fmt: skip

    def restore(self, state: Iterable[dict[str, Any]]) -> None:
        """Make the trackers what they were when :meth:`state` was asked."""
        self.trackers.clear()
        for known in state:
            one = self.add()
            one.last = None if known["last"] is None else Box(*known["last"])
            one.place = None if known["place"] is None else Box(*known["place"])
            one.missed, one.begun = int(known["missed"]), list(known["begun"])
            one.warnings = list(known["warnings"])


def _away(box: Box, place: Box | None) -> float:
    return np.inf if place is None else gap(box, place)
