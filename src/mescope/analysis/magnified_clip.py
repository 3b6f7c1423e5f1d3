"""A stretch of a recording beside itself: motion magnified, what changed, or where it moved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from mescope.errors import VideoError
from mescope.face.choice import FaceChoice
from mescope.face.detector import FaceTracker, default_finder
from mescope.motion.held_face import HeldFace, View, check_stretch
from mescope.video.source import Picture, Video

WIDEST = 960
"""Px of one of the two pictures: wider ones are narrowed before anything is measured."""

FACTORS = (1.0, 100.0)


class MagnifiedClip(Video):
    """Frames ``first`` to ``last`` of a recording, each beside its view.

    Pictures are made as they are asked for, so a long stretch takes no more memory.

    Args:
        video: the recording.
        first: the onset, with which all frames are compared; from 0.
        last: the last frame.
        factor: how much motion, grey levels or colours are magnified, 1 to 100.
        kind: what stands on the right.
        face: of several; see :class:`mescope.face.detector.FaceTracker`.

    Raises:
        VideoError: a frame is not there, they are not in order, or the stretch is too long.
    """

    def __init__(
        self,
        video: Video,
        first: int,
        last: int,
        *,
        factor: float = 10.0,
        kind: View = "magnified",
        face: FaceChoice = "largest",
    ) -> None:
        if not 0 <= first < last < len(video):
            raise VideoError(
                f"{video.name}: expected two frames from 0 to {len(video) - 1} in order, found "
                f"{first} and {last}"
            )
        check_stretch(float(video.times[last] - video.times[first]))
        if not (math.isfinite(factor) and FACTORS[0] <= factor <= FACTORS[1]):
            raise VideoError(
                f"expected a factor from {FACTORS[0]:g} to {FACTORS[1]:g}, found {factor:g}"
            )
        self._video, self._first, self._factor, self._kind = video, first, factor, kind
        self.name, self.path, self.report = video.name, video.path, video.report
        self.rate, self.warnings = video.rate, list(video.warnings)
        self.times = video.times[first : last + 1] - video.times[first]
        self.first_frame, self.last_frame = 0, last - first
        onset = video.read([first]).get(first)
        if onset is None:
            raise VideoError(f"frame {first} is damaged; choose the one after it")
        onset = _even(onset)
        self.height, self.width = onset.shape[0], 2 * onset.shape[1]
        tracker = FaceTracker(default_finder(), face)
        seen = tracker.see(first, np.asarray(cv2.cvtColor(onset, cv2.COLOR_RGB2GRAY), np.uint8))
        self.warnings += tracker.warnings
        if seen is None:
            self.warnings.append(
                "no face was found in the first frame: motion of the whole picture is magnified"
            )
        self._held = HeldFace(onset, None if seen is None else seen.landmarks)

    def slow_down(self, times: float) -> None:
        """Let it play so many times slower."""
        self.times, self.rate = self.times * times, self.rate / times

    def frames(
        self, *, grey: bool = True, step: int = 1, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """See :meth:`Video.frames`; numbers count from 0 at the onset."""
        self._check_step(step)
        end = min(self.last_frame + 1, self.last_frame + 1 if stop is None else stop)
        first = self._first
        for number, picture in self._video.frames(
            grey=False, step=step, start=first + max(0, start), stop=first + end
        ):
            yield number - first, self._beside(picture, grey)

    def read(self, indices: Sequence[int], *, grey: bool = False) -> dict[int, Picture]:
        """See :meth:`Video.read`."""
        wanted = [self._first + index for index in self._check_indices(indices)]
        found = self._video.read(wanted)
        return {n - self._first: self._beside(picture, grey) for n, picture in found.items()}

    def fingerprint(self) -> str:
        """Return that of the recording: what is beside it follows from it."""
        return self._video.fingerprint()

    def _beside(self, picture: Picture, grey: bool) -> Picture:
        left = _even(picture)
        both = np.hstack([left, self._held.view(self._kind, left, self._factor)])
        return np.asarray(cv2.cvtColor(both, cv2.COLOR_RGB2GRAY), np.uint8) if grey else both


def _even(picture: Picture) -> Picture:
    """Return a picture of at most :data:`WIDEST` px, of even sides, as encoders need them."""
    high, wide = picture.shape[:2]
    if wide > WIDEST:
        size = (WIDEST, max(2, round(high * WIDEST / wide)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
