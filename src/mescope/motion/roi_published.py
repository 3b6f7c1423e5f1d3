"""The pass over a recording as the published code does it, quirks and all.

Source: the published code of ME-TST.  The face is looked for in every
reference frame at full size, and the detector's first is taken.  Without one, the search goes
back three frames at a time (the step below 0 wraps to the end of the recording), then forward
three at a time; the frame that has a face supplies the reference *image* too.  A frame that is
missing is a copy of the next one.  Scene cuts and gaps are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mescope.face.crop import crop_face
from mescope.face.detector import Face, Grey
from mescope.face.visibility import STRIDE
from mescope.motion.roi_pass import Pass, no_flow

if TYPE_CHECKING:
    from mescope.video.reading import Video


@dataclass
class PublishedPass(Pass):
    """A :class:`~mescope.motion.roi_pass.Pass` in ``as_published`` mode."""

    video: Video | None = None

    def run(self, video: Video) -> None:
        """Fill in the windows; calls ``done(window)`` in order."""
        self.video = video
        super().run(video)

    def _take(self, position: int, grey: Grey, ready: int) -> None:
        self.tables.present[position] = True
        self._keep(position, grey, ready)

    def _start(self, window: int, pool: ThreadPoolExecutor) -> None:
        hop, length = self.plan.timing.hop, self.plan.timing.window
        at = window * hop
        self.states[window] = (None, ())
        images = self._filled(at, length)
        face, reference = self._first_face(at, images[0])
        crop = None
        if face is not None and reference is not None:
            crop = crop_face(reference, face.landmarks, self.tracker.finder, self.mode)
        self.tables.looks[window] = (at, crop is not None, -1, -1)
        if crop is None or reference is None:
            self._running.append((window, no_flow(self.tables.values[window]), None))
        else:
            self._note(window, at, crop)
            task = pool.submit(self._work, images, reference, crop)
            self._running.append((window, task, None))
        while len(self._running) > self.jobs + 1:
            self._collect()

    def _close(self, pool: ThreadPoolExecutor) -> None:
        """Nothing is looked at after the last window."""

    def _filled(self, at: int, length: int) -> list[Grey | None]:
        """Return the window's images, a missing one as a copy of the next (else the last)."""
        images: list[Grey | None] = []
        following = self._frames[max(self._frames)] if self._frames else None
        for position in range(at + length - 1, at - 1, -1):
            following = self._frames.get(position, following)
            images.append(following)
        return images[::-1]

    def _first_face(self, at: int, grey: Grey | None) -> tuple[Face | None, Grey | None]:
        """Return the first face of the walk and the image it is in."""
        if grey is not None:
            faces = self.tracker.finder.find(grey)
            if faces:
                return faces[0], grey
        for position in _walk(at, len(self.plan.frames)):
            image = self._image(position)
            faces = self.tracker.finder.find(image) if image is not None else []
            if faces:
                return faces[0], image
        return None, None

    def _image(self, position: int) -> Grey | None:
        if position in self._frames or self.video is None:
            return self._frames.get(position)
        number = int(self.plan.frames[position])
        return self.video.read([number], grey=True).get(number)


def _walk(at: int, count: int) -> Iterator[int]:
    """Yield positions three apart: back to the start and once round it, then forward."""
    position = at - STRIDE
    while position >= 0:
        yield position
        position -= STRIDE
    if -count <= position < 0:
        yield position + count
    yield from range(at + STRIDE, count, STRIDE)
