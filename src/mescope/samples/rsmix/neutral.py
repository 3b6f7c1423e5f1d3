"""Neutral stretches of a long video, each of whose frames serves once.

Neutral is what lies outside every annotated expression, micro and macro, and outside a guard
band on both sides of it.  The RSMix paper names neither
the guard nor the order of search.  Expressions whose rows a reader had to leave
out are not known here and count as neutral.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from mescope.errors import DatasetError
from mescope.events import Interval

GUARD = 5
"""Frames on each side of an expression that are not neutral: annotated borders are rough."""

Rule = Literal["first fit", "after the source", "longest"]


@dataclass(frozen=True, slots=True)
class Target:
    """As many neutral frames as a source has; the last one repeated where they are too few.

    ``frames`` are frame numbers of the recording; ``repeated`` counts the repetitions.
    """

    frames: tuple[int, ...]
    rule: Rule
    repeated: int


class NeutralFrames:
    """The neutral frames of one recording that nothing was mixed into yet.

    Args:
        frames: frames of the recording.
        expressions: all that is annotated, of every kind; blinks too, to keep them out.
        guard: frames kept away on both sides of each.

    Raises:
        DatasetError: a negative guard.
    """

    def __init__(
        self, frames: int, expressions: Iterable[Interval], *, guard: int = GUARD
    ) -> None:
        if guard < 0:
            raise DatasetError(f"expected a guard band of 0 frames or more, found {guard}")
        self._free = np.ones(frames, bool)
        for interval in expressions:
            self._free[max(0, interval.first - guard) : interval.last + guard + 1] = False

    def stretches(self) -> list[Interval]:
        """Return the runs of frames that are still free, in order."""
        edges = np.flatnonzero(np.diff(self._free, prepend=False, append=False)).tolist()
        return [Interval(a, b - 1) for a, b in list(pairwise(edges))[::2]]

    def find(self, source: Interval) -> Target | None:
        """Return frames for a source of this interval; None where nothing is free.

        The first run that is long enough gives its first frames.  If none is, the first run
        after the source is used and its last frame repeated; if none is there, the longest run
        of the recording (the first of equals).
        """
        runs, wanted = self.stretches(), len(source)
        for run in runs:
            if len(run) >= wanted:
                return Target(tuple(range(run.first, run.first + wanted)), "first fit", 0)
        later = next((run for run in runs if run.first > source.last), None)
        if later is not None:
            return _padded(later, wanted, "after the source")
        return _padded(max(runs, key=len), wanted, "longest") if runs else None

    def use(self, frames: Iterable[int]) -> None:
        """Take frames out, because they were used or cannot be."""
        self._free[list(frames)] = False


def _padded(run: Interval, wanted: int, rule: Rule) -> Target:
    more = wanted - len(run)
    return Target((*range(run.first, run.last + 1), *[run.last] * more), rule, more)
