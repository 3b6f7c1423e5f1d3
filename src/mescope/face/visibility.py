"""In which frames the face was there, from looking at some of them.

The face is looked for in the first frame of every hop.  Where it is missing, frames around are
tried in steps of :data:`STRIDE`, at most one hop away, so that the bounds of the gap are known
to within a few frames.  A frame counts as *visible* between two sightings with no failed look
between them, or inside a gap of at most one hop (a look that failed, not a face that left).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

STRIDE = 3  # frames between two tries, as published


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at position ``at`` found.

    ``seen``: the face was there.  Otherwise ``before`` and ``after`` are the nearest positions
    at most one hop away where it was, -1 for none.
    """

    at: int
    seen: bool
    before: int = -1
    after: int = -1

    def brief(self, hop: int) -> bool:
        """Say whether the face was only missed for a moment."""
        return (
            not self.seen
            and self.before >= 0
            and self.after >= 0
            and self.after - self.before <= hop
        )


def visible(sightings: list[Sighting], count: int, hop: int) -> npt.NDArray[np.bool_]:
    """Return (count,) bool: the frames in which the face can be taken to be visible."""
    mask = np.zeros(count, dtype=bool)
    for left, right in pairwise(sightings):
        first = left.at if left.seen else left.after
        last = right.at if right.seen else right.before
        if left.seen and not right.seen:
            last = max(last, left.at)
        if right.seen and not left.seen:
            first = first if 0 <= first <= right.at else right.at
        if 0 <= first <= last:
            mask[first : last + 1] = True
    for one in sightings:
        if one.brief(hop):
            mask[one.before : one.after + 1] = True
    return mask
