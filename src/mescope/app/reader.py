"""What runs in the process that reads single frames.

Frames are decoded exactly (by the time table of :mod:`mescope.video`).  A decoder that is near
the wanted frame goes on from where it is, and what it passes is kept for a while, so stepping
and playing in either direction decode each frame about once.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.app.limits import confine
from mescope.app.sandbox import answer_requests
from mescope.errors import VideoError
from mescope.video.mpv_clock import mpv_zero
from mescope.video.reading import Video, open_video
from mescope.video.sound import sound_streams

if TYPE_CHECKING:
    from mescope.app.moving_views import HeldFaces
    from mescope.motion.held_face import View

AHEAD = 48  # frames: further ahead a seek is tried
BACK = 24  # frames decoded before the wanted one when somebody steps backwards
BEFORE = 8  # the same when somebody jumps, and may step back from there
OPEN = 12  # recordings
EACH_BYTES = 72 << 20  # of decoded pictures of a recording: BACK and some at 1280 x 720
KEPT_BYTES = 768 << 20  # of all together: where they push each other out, steps back decode
QUALITY = 90

Picture = NDArray[np.uint8]
Key = tuple[str, int, int]


class RecordingFrames:
    """Frames of one open recording, exact and near at hand."""

    def __init__(self, video: Video, most_bytes: int = EACH_BYTES) -> None:
        self.video = video
        self._kept: OrderedDict[int, Picture] = OrderedDict()
        self._most = max(8, most_bytes // max(1, video.width * video.height * 3))
        self._running: Iterator[tuple[int, Picture]] | None = None
        self._next = 0  # the frame that the running decoder gives next, or a later one

    def get(self, index: int) -> Picture | None:
        """Return frame ``index`` (H, W, 3) RGB, or None where it is damaged.

        Raises:
            VideoError: there is no such frame, or the file is gone.
        """
        if not 0 <= index < len(self.video):
            raise VideoError(f"expected a frame from 0 to {len(self.video) - 1}, found {index}")
        if index not in self._kept:
            self._decode(index)
        picture = self._kept.get(index)
        if picture is not None:
            self._kept.move_to_end(index)
        return picture

    @property
    def bytes(self) -> int:
        """Return how much the pictures that are kept take."""
        return len(self._kept) * self.video.width * self.video.height * 3

    def let_go(self) -> None:
        """Keep no pictures; the decoder stays where it is."""
        self._kept.clear()

    def _decode(self, index: int) -> None:
        if self._running is None or not self._next <= index <= self._next + AHEAD:
            stepping_back = any(index < k <= index + 2 for k in self._kept)
            back = min(BACK if stepping_back else BEFORE, self._most - 3)
            self._next = max(0, index - back)
            self._running = self.video.frames(grey=False, start=self._next)
        for number, picture in self._running:
            self._next = number + 1
            self._kept[number] = picture
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            if number >= index:
                return
        self._running = None


class OpenRecordings:
    """The recordings that are open; a changed file is opened anew."""

    def __init__(self) -> None:
        self._open: OrderedDict[Key, RecordingFrames] = OrderedDict()
        self._faces: HeldFaces | None = None

    def frames(self, path: str) -> RecordingFrames:
        """Return the frames of the recording at an absolute path."""
        try:
            found = os.stat(path)
        except OSError as error:
            raise VideoError(
                f"{os.path.basename(path)}: expected this recording, it is gone; put it back"
            ) from error
        key = path, found.st_size, found.st_mtime_ns
        if key not in self._open:
            self._open[key] = RecordingFrames(open_video(path))
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
        self._open.move_to_end(key)
        self._make_room()
        return self._open[key]

    def _make_room(self) -> None:
        """Let the pictures of those recordings go that were not asked for longest."""
        room = KEPT_BYTES
        for recording in reversed(self._open.values()):
            room -= recording.bytes
            if room < 0:
                recording.let_go()

    def pictures(
        self, path: str, wanted: list[int], width: int | None
    ) -> tuple[dict[str, Any], bytes]:
        """Answer with frames as JPEG, at most ``width`` px wide, one behind the other.

        Args:
            path: of the recording.
            wanted: frames in the order in which somebody steps; ``frames`` of the answer are
                those that are sound.
            width: px; None: as wide as it is.
        """
        recording = self.frames(path)
        numbers = [n for n in wanted if 0 <= n < len(recording.video)]
        found = [(n, recording.get(n)) for n in numbers]
        pictures = {n: jpeg(narrowed(p, width)) for n, p in found if p is not None}
        sizes = [len(data) for data in pictures.values()]
        return {"frames": list(pictures), "sizes": sizes}, b"".join(pictures.values())

    def pair(
        self, path: str, onset: int, apex: int, magnify: float
    ) -> tuple[dict[str, Any], bytes]:
        """Answer with a PNG, see :func:`mescope.app.face_pictures.pair`."""
        from mescope.app import face_pictures as pictures  # landmarks take a second to load

        both = self._sound(path, onset), self._sound(path, apex)
        return {}, pictures.png(pictures.pair(*both, magnify))

    def overlay(
        self, path: str, index: int, reference: int | None
    ) -> tuple[dict[str, Any], bytes]:
        """Answer with what :func:`mescope.app.face_pictures.overlay` returns."""
        from mescope.app import face_pictures as pictures

        moving = reference is not None and reference != index
        before = self._sound(path, reference) if moving and reference is not None else None
        return pictures.overlay(self._sound(path, index), before), b""

    def view(
        self, path: str, index: int, onset: int, kind: View, factor: float
    ) -> tuple[dict[str, Any], bytes]:
        """Answer with a JPEG, see :mod:`mescope.app.moving_views`."""
        from mescope.app import moving_views as views

        self._faces = self._faces or views.HeldFaces()
        before = narrowed(self._sound(path, onset), views.WIDEST)
        now = narrowed(self._sound(path, index), views.WIDEST)
        status = os.stat(path)
        key = path, status.st_size, status.st_mtime_ns, onset
        return {}, jpeg(self._faces.view(key, before, now, kind, factor))

    def _sound(self, path: str, index: int) -> Picture:
        picture = self.frames(path).get(index)
        if picture is None:
            raise VideoError(f"frame {index} is damaged and cannot be shown; try the next one")
        return picture

    def streams(self, path: str) -> tuple[dict[str, Any], bytes]:
        """Answer with the streams of sound, see :class:`mescope.video.sound.SoundStream`."""
        return {"streams": [asdict(one) for one in sound_streams(Path(path))]}, b""

    def probe(self, path: str) -> tuple[dict[str, Any], bytes]:
        """Answer with the facts about a recording and the times of its frames (float64)."""
        video = self.frames(path).video
        times = np.ascontiguousarray(video.times, dtype="<f8")
        facts = {
            "seconds": float(times[-1]) + (1 / video.rate if video.rate > 0 else 0.0),
            "rate": round(float(video.rate), 6),
            "frames": len(times),
            "width": video.width,
            "height": video.height,
            "variable_rate": bool(video.report.variable_rate),
            "warnings": list(video.warnings),
            "start_offset": float(video.start_offset),
            "mpv_zero": mpv_zero(video),
            "fingerprint": video.fingerprint(),
        }
        return facts, times.tobytes()


def narrowed(picture: Picture, width: int | None) -> Picture:
    """Return a picture of at most ``width`` px, its shape kept."""
    if width is None or width >= picture.shape[1]:
        return picture
    size = (width, max(1, round(picture.shape[0] * width / picture.shape[1])))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(picture: Picture) -> bytes:
    """Return an RGB picture as JPEG."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise VideoError(f"a picture of {picture.shape[1]}x{picture.shape[0]} is too large")
    return bytes(data.tobytes())


def serve(connection: Connection, memory: int) -> None:
    """Answer requests for frames until the server is gone; runs in its own process."""
    confine(memory)
    cv2.setNumThreads(1)
    library = OpenRecordings()
    answer_requests(
        connection,
        {
            "frames": library.pictures,
            "probe": library.probe,
            "pair": library.pair,
            "overlay": library.overlay,
            "streams": library.streams,
            "view": library.view,
        },
    )
