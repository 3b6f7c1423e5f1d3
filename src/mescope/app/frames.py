"""Frames for the page: asked of processes of their own, kept in memory for a while."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.app import reader
from mescope.app.limits import Limits
from mescope.app.records import VideoFacts
from mescope.app.sandbox import Sandbox
from mescope.errors import VideoError
from mescope.io.cores import cores
from mescope.video.sound import SoundStream

KEPT_BYTES = 128 << 20
_MOST_READERS = 4  # processes; each decodes on several cores
_ALONG = 3  # frames that are read along with one that somebody steps to
_BACK = 7  # the same backward, where decoding begins at a key frame each time
_NEAR = 4  # frames from one request to the next of somebody who steps or plays
_FOR_ANOTHER = 10.0  # seconds to wait for a frame that another request has read


class PictureCache:
    """The bytes that were asked for last, up to a size in memory."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most, self._size = most_bytes, 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> bytes | None:
        """Return what is kept under a key, or None."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def put(self, key: tuple[Any, ...], data: bytes) -> None:
        """Keep bytes, and drop what was not asked for longest."""
        with self._lock:
            self._size += len(data) - len(self._entries.pop(key, b""))
            self._entries[key] = data
            while self._size > self._most and len(self._entries) > 1:
                self._size -= len(self._entries.popitem(last=False)[1])

    def forget(self, first: Any) -> None:
        """Drop everything whose key begins with ``first``."""
        with self._lock:
            for key in [k for k in self._entries if k[0] == first]:
                self._size -= len(self._entries.pop(key))


class FrameService:
    """Pictures of recordings by frame number.

    Several processes read single frames, so that who reviews one recording hardly waits for who
    reviews another: a recording stays with the process that has it open.  One more process does
    what takes longer (first looks, landmarks, pairs), and one, from when it is first asked, the
    views beside a frame.  Who steps or plays gets the neighbours
    of a frame read along with it.
    """

    def __init__(self, limits: Limits, readers: int | None = None) -> None:
        memory, seconds = limits.reader_memory, limits.reader_seconds
        count = readers or min(_MOST_READERS, max(2, cores()))
        self._readers = [
            Sandbox(reader.serve, memory=memory, seconds=seconds) for _ in range(count)
        ]
        self._others = Sandbox(reader.serve, memory=memory, seconds=5 * seconds)
        self._views = Sandbox(reader.serve, memory=memory, seconds=5 * seconds)
        self._kept = PictureCache()
        self._lock = threading.Lock()
        self._homes: OrderedDict[str, int] = OrderedDict()  # recording: its reader
        self._last: dict[str, int] = {}  # recording: the frame asked for last
        self._coming: dict[tuple[Any, ...], threading.Event] = {}

    def start(self) -> None:
        """Start the processes before somebody waits for them."""
        for one in (*self._readers, self._others):
            one.start()

    def close(self) -> None:
        """End the processes."""
        for one in (*self._readers, self._others, self._views):
            one.close()

    @property
    def pids(self) -> list[int]:
        """Return the numbers of the processes that read single frames and run."""
        return [one.pid for one in self._readers if one.pid is not None]

    def frame(self, identity: str, path: Path, index: int, width: int | None) -> bytes:
        """Return frame ``index`` as JPEG, at most ``width`` px wide.

        Raises:
            VideoError: the frame is damaged or not there.
        """
        key = (identity, "frame", index, width)
        found = self._kept.get(key)
        step = self._step(identity, index)
        if found is not None:
            return found
        with self._lock:
            coming = self._coming.get(key)
        if coming is not None:  # somebody has it read already
            coming.wait(_FOR_ANOTHER)
            found = self._kept.get(key)
        return self._read(identity, path, index, width, step) if found is None else found

    def _step(self, identity: str, index: int) -> int:
        """Return into which direction somebody goes, 1 or -1, or 0."""
        with self._lock:
            before = self._last.get(identity)
            self._last[identity] = index
        step = 0 if before is None else index - before
        return 0 if abs(step) > _NEAR else (step > 0) - (step < 0)

    def _read(
        self, identity: str, path: Path, index: int, width: int | None, step: int
    ) -> bytes:
        """Have a frame read, and those that will be asked for next."""
        count = {1: _ALONG, -1: _BACK, 0: 0}[step]
        wanted = [n for k in range(count + 1) if (n := index + k * step) >= 0]
        event = threading.Event()
        with self._lock:
            keys = [(identity, "frame", n, width) for n in wanted]
            mine = [key for key in keys if key not in self._coming]
            self._coming.update(dict.fromkeys(mine, event))
        try:
            home = self._home(identity)
            found = self._asked(home, path, wanted, width, long=not step)
            for number, data in found.items():
                self._kept.put((identity, "frame", number, width), data)
        finally:
            with self._lock:
                for key in mine:
                    self._coming.pop(key, None)
            event.set()
        if index not in found:
            raise VideoError(f"frame {index} is damaged and cannot be shown; try the next one")
        return found[index]

    @staticmethod
    def _asked(
        sandbox: Sandbox, path: Path, wanted: list[int], width: int | None, *, long: bool
    ) -> dict[int, bytes]:
        answer, data = sandbox.ask(
            long=long, do="frames", path=str(path), wanted=wanted, width=width
        )
        parts, begin = {}, 0
        for number, size in zip(answer["frames"], answer["sizes"], strict=True):
            parts[number] = data[begin : begin + size]
            begin += size
        return parts

    def thumbnail(self, identity: str, path: Path, index: int, width: int) -> bytes:
        """Return a frame for a list, without disturbing those who review; raises VideoError."""
        key = (identity, "thumbnail", index, width)
        found = self._kept.get(key)
        if found is None:
            found = self._asked(self._others, path, [index], width, long=False).get(index)
            if found is None:
                raise VideoError(f"frame {index} is damaged and cannot be shown")
            self._kept.put(key, found)
        return found

    def _home(self, identity: str) -> Sandbox:
        """Return the reader of a recording, for a new one that which has the fewest."""
        with self._lock:
            if identity not in self._homes:
                taken = Counter(self._homes.values())
                order = range(len(self._readers))
                self._homes[identity] = min(order, key=lambda number: taken[number])
                while len(self._homes) > reader.OPEN * len(self._readers):
                    gone, _ = self._homes.popitem(last=False)
                    self._last.pop(gone, None)
            self._homes.move_to_end(identity)
            return self._readers[self._homes[identity]]

    def pair(self, identity: str, path: Path, **wanted: Any) -> bytes:
        """Return a PNG: see :func:`mescope.app.face_pictures.pair`."""
        key = (identity, "pair", *sorted(wanted.items()))
        found = self._kept.get(key)
        if found is None:
            _, found = self._others.ask(do="pair", path=str(path), **wanted)
            self._kept.put(key, found)
        return found

    def view(self, identity: str, path: Path, **wanted: Any) -> bytes:
        """Return a JPEG: see :mod:`mescope.app.moving_views`."""
        key = (identity, "view", *sorted(wanted.items()))
        found = self._kept.get(key)
        if found is None:
            _, found = self._views.ask(do="view", path=str(path), **wanted)
            self._kept.put(key, found)
        return found

    def overlay(self, path: Path, **wanted: Any) -> dict[str, Any]:
        """Return what :func:`mescope.app.face_pictures.overlay` found."""
        answer, _ = self._others.ask(do="overlay", path=str(path), **wanted)
        return answer

    def sound_streams(self, path: Path) -> list[SoundStream]:
        """Return the streams of sound in a file; raises VideoError."""
        answer, _ = self._others.ask(do="streams", path=str(path))
        return [SoundStream(**one) for one in answer["streams"]]

    def probe(self, path: Path) -> tuple[VideoFacts, str, NDArray[np.float64]]:
        """Return the facts about a recording, its fingerprint, and the (n,) seconds of frames.

        Raises:
            VideoError: it cannot be used as a recording.
        """
        facts, body = self._others.ask(do="probe", path=str(path))
        times = np.frombuffer(body, dtype="<f8")
        return VideoFacts.from_json(facts), facts["fingerprint"], times

    def forget(self, identity: str) -> None:
        """Drop the pictures of a recording."""
        self._kept.forget(identity)
        with self._lock:
            self._last.pop(identity, None)
