"""The pass over a recording as the published code does it, quirks and all.

Source: the published codes of ME-TST and ME-TST+.

ME-TST (:class:`PublishedPass`): the face is looked for in every
reference frame at full size, and the detector's first is taken.  Without one, the search goes
back three frames at a time (the step below 0 wraps to the end of the recording), then forward
three at a time; the frame that has a face supplies the reference *image* too.  A frame that is
missing is a copy of the next one.  Scene cuts and gaps are not looked for.

ME-TST+ (:class:`LatePass`): no walk.  Where a window's first frame shows no face, nothing moves
there and the next frame is tried; the first with a face is the reference of the rest of the
window.  A face is never looked for again in the same window, and a window without any is 0
throughout.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mescope.face.crop import CroppedFace, crop_face
from mescope.face.detector import Face, Grey
from mescope.face.visibility import STRIDE
from mescope.motion.roi_pass import Pass, no_flow

if TYPE_CHECKING:
    from mescope.video.reading import Video


class Found(NamedTuple):
    """The reference of a window: its position in the window, its image, and the face there."""

    position: int
    image: Grey
    crop: CroppedFace


@dataclass
class PublishedPass(Pass):
    """A :class:`~mescope.motion.roi_pass.Pass` in ``as_published`` mode, as ME-TST has it."""

    video: Video | None = None

    def run(self, video: Video) -> None:
        """Fill in the windows; calls ``done(window)`` in order."""
        self.video = video
        super().run(video)

    def take(self, position: int, grey: Grey, ready: int) -> None:
        """Remember a frame; nothing is asked about it."""
        self.tables.present[position] = True
        self._keep(position, grey, ready)

    def start(self, window: int, pool: ThreadPoolExecutor) -> None:
        """Look for the face of a window and hand the window to the pool."""
        hop, length = self.plan.timing.hop, self.plan.timing.window
        at = window * hop
        images = self._filled(at, length)
        found = self._reference(at, images)
        self.tables.looks[window] = (at, found is not None, -1, -1)
        if found is None:
            self._running.append((window, no_flow(self.tables.values[window]), None))
        else:
            first, reference, crop = found
            self._note(window, at + first, crop)
            shown = [None] * first + images[first:]
            self._running.append(
                (window, pool.submit(self._work, shown, reference, crop), None)
            )
        while len(self._running) > self.jobs + 1:
            self.collect()

    def _reference(self, at: int, images: list[Grey | None]) -> Found | None:
        """Return the reference of the window that begins at ``at``."""
        face, reference = self._first_face(at, images[0])
        if face is None or reference is None:
            return None
        crop = crop_face(reference, face.landmarks, self.tracker.finder, self.mode)
        return None if crop is None else Found(0, reference, crop)

    def close(self, pool: ThreadPoolExecutor) -> None:
        """Nothing is looked at after the last window."""

    def _filled(self, at: int, length: int) -> list[Grey | None]:
        """Return the window's images, a missing one as a copy of the next (else the last)."""
        images: list[Grey | None] = []
        following = self.frames[max(self.frames)] if self.frames else None
        for position in range(at + length - 1, at - 1, -1):
            following = self.frames.get(position, following)
            images.append(following)
        return images[::-1]

    def _first_face(self, at: int, grey: Grey | None) -> tuple[Face | None, Grey | None]:
        """Return the first face of the walk and the image it is in."""
        if grey is not None:
            faces = self.tracker.looking.find(grey)
            if faces:
                return faces[0], grey
        for position in _walk(at, len(self.plan.frames)):
            image = self._image(position)
            faces = self.tracker.looking.find(image) if image is not None else []
            if faces:
                return faces[0], image
        return None, None

    def _image(self, position: int) -> Grey | None:
        if position in self.frames or self.video is None:
            return self.frames.get(position)
        number = int(self.plan.frames[position])
        return self.video.read([number], grey=True).get(number)


@dataclass
class LatePass(PublishedPass):
    """A pass in ``as_published`` mode as ME-TST+ and BoostingVRME have it."""

    def _reference(self, at: int, images: list[Grey | None]) -> Found | None:
        """Return the first frame of the window that shows a face, and the face."""
        for position, image in enumerate(images):
            faces = self.tracker.looking.find(image) if image is not None else []
            if image is None or not faces:
                continue
            crop = crop_face(image, faces[0].landmarks, self.tracker.finder, self.mode)
            if crop is not None:
                return Found(position, image, crop)
        return None


def _walk(at: int, count: int) -> Iterator[int]:
    """Yield positions three apart: back to the start and once round it, then forward."""
    position = at - STRIDE
    while position >= 0:
        yield position
        position -= STRIDE
    if -count <= position < 0:
        yield position + count
    yield from range(at + STRIDE, count, STRIDE)
