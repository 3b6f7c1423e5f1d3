"""The pictures of a clip: which are there, what they hold, and their content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mescope.datasets.base import Clip
from mescope.errors import VideoError
from mescope.face.detector import Grey
from mescope.video.image_folders import numbered_files
from mescope.video.reading import open_video

SLACK = 10
"""A picture that is missing is replaced by one at most 1 / SLACK of the expression away (and
by a neighbour in any case), where the motion is nearly the same; else the clip is refused."""


def pictures_of(clip: Clip) -> ClipPictures:
    """Return the pictures of a clip: a folder's, or the frames of a video file.

    Raises:
        VideoError: neither can be opened; see :class:`ClipPictures`.
        OSError: the folder cannot be read.
    """
    return ClipFrames(clip) if clip.folder.is_file() else ClipPictures(clip)


class ClipPictures:
    """The pictures of one clip, by frame; frame 0 is the picture ``clip.first_number``.

    A picture that turns out to be damaged counts as missing from then on.

    Raises:
        VideoError: the folder holds no numbered pictures, or two of one number.
        OSError: the folder cannot be read.
    """

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        listing = numbered_files(clip.folder, clip.rate)
        self._first = listing.numbers[0] - clip.first_number  # frame of the first picture
        span = clip.expression.interval
        self._files: dict[int, Path] = {
            number - clip.first_number: file
            for number, file in zip(listing.numbers, listing.files, strict=True)
            if span.first <= number - clip.first_number <= span.last
        }

    def present(self) -> list[int]:
        """Return the frames from onset to offset that have a picture, in order."""
        return list(self._files)

    def nearest(self, frame: int, what: str) -> int:
        """Return the frame, or the nearest of the expression that has a picture.

        Of two equally near ones the earlier is taken.

        Raises:
            VideoError: there is none within reach (see :data:`SLACK`); ``what`` names it.
        """
        reach = max(1, len(self.clip.expression.interval) // SLACK)
        found = min(self._files, key=lambda f: (abs(f - frame), f), default=None)
        if found is None or abs(found - frame) > reach:
            near = "none is there" if found is None else f"the nearest is {self._number(found)}"
            raise VideoError(
                f"the {what} picture {self._number(frame)} is missing or damaged and {near}; "
                f"expected one at most {reach} away: copy the pictures again"
            )
        return found

    def swapped(self, frame: int, used: int, what: str) -> str:
        """Return a warning that another picture stands for a frame, or "" if it is the same."""
        if frame == used:
            return ""
        return f"the {what} picture {self._number(frame)} is missing, {self._number(used)} used"

    def digest(self, frames: Sequence[int]) -> str:
        """Return SHA-256 (hex) of the bytes of the files of ``frames``, in that order.

        Raises:
            OSError: a file cannot be read.
        """
        whole = hashlib.sha256()
        known: dict[int, bytes] = {}
        for frame in frames:
            if frame not in known:
                known[frame] = hashlib.sha256(self._files[frame].read_bytes()).digest()
            whole.update(known[frame])
        return whole.hexdigest()

    def load(self, frames: Sequence[int]) -> list[Grey] | None:
        """Return grey pictures (h, w) of ``frames``; None if some were damaged.

        The damaged ones are then missing, so that others can be chosen.

        Raises:
            VideoError: pictures differ in size, or none can be read.
        """
        wanted = sorted(set(frames))
        pictures = self._read([frame - self._first for frame in wanted])
        damaged = [frame for frame in wanted if frame - self._first not in pictures]
        for frame in damaged:
            del self._files[frame]
        return None if damaged else [pictures[frame - self._first] for frame in frames]

    def _read(self, frames: Sequence[int]) -> dict[int, Grey]:
        video = open_video(self.clip.folder, rate=self.clip.rate)
        return video.read(frames, grey=True)

    def _number(self, frame: int) -> int:
        return frame + self.clip.first_number


class ClipFrames(ClipPictures):
    """The frames of a clip in a video file.

    Raises:
        VideoError: the file cannot be opened.
    """

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self._first = 0
        self._video = open_video(clip.folder)
        span = clip.expression.interval
        last = min(span.last, len(self._video) - 1)
        self._files = dict.fromkeys(range(span.first, last + 1), clip.folder)

    def digest(self, frames: Sequence[int]) -> str:
        """Return SHA-256 (hex) of the file's fingerprint and the numbers of the frames."""
        known = f"{self._video.fingerprint()} {list(frames)}"
        return hashlib.sha256(known.encode()).hexdigest()

    def _read(self, frames: Sequence[int]) -> dict[int, Grey]:
        return self._video.read(frames, grey=True)
