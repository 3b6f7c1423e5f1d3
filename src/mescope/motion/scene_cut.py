"""Where a scene ends: neighbouring frames, compared at the size of a thumb."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mescope.face.box import Box
from mescope.face.detector import Grey

THUMB = 24  # side of the pictures in which scene cuts are looked for, px
CUT_LIKENESS = 0.5  # correlation of two neighbouring frames below which the scene changed
CUT_CHANGE = 12.0  # and by at least this mean difference in grey levels

Thumb = npt.NDArray[np.float32]
Part = tuple[slice, slice]


def scene_cut(before: Grey, after: Grey, face: Box | None) -> bool:
    """Say whether two neighbouring frames show different scenes, judged around the face."""
    part = _around(before, face)
    return _differ(_thumb(before[part]), _thumb(after[part]))


@dataclass
class Thumbs:
    """Answers as :func:`scene_cut` does, and makes every thumb once in a run of frames."""

    _grey: Grey | None = None
    _part: Part = (slice(None), slice(None))
    _last: Thumb | None = None

    def cut(self, before: Grey, after: Grey, face: Box | None) -> bool:
        """Say whether two neighbouring frames show different scenes."""
        part = _around(before, face)
        known = self._last if before is self._grey and part == self._part else None
        first = _thumb(before[part]) if known is None else known
        self._grey, self._part, self._last = after, part, _thumb(after[part])
        return _differ(first, self._last)


def _around(image: Grey, face: Box | None) -> Part:
    """Return the part of an image around the face; all of it where that would be too small."""
    whole = slice(None), slice(None)
    if face is None:
        return whole
    reach = face.width // 4
    rows = slice(max(0, face.top - reach), max(1, face.bottom + reach))
    part = rows, slice(max(0, face.left - reach), max(1, face.right + reach))
    return whole if min(image[part].shape) < THUMB else part


def _differ(a: Thumb, b: Thumb) -> bool:
    a, b = a - a.mean(), b - b.mean()  # a change of exposure is no cut
    if float(np.abs(a - b).mean()) < CUT_CHANGE:
        return False
    likeness = float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-9))
    return likeness < CUT_LIKENESS


def _thumb(image: Grey) -> Thumb:
    skip = max(1, min(image.shape) // (4 * THUMB))  # sixteen pixels and more make one
    small = cv2.resize(image[::skip, ::skip], (THUMB, THUMB), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)
