"""Frames for the page: asked of a process of its own, kept in memory for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.app import reader
from mescope.app.limits import Limits
from mescope.app.records import VideoFacts
from mescope.app.sandbox import Sandbox

KEPT_BYTES = 128 << 20


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

    Two processes: one for single frames, so that playing never waits for the other, which does
    what takes longer (first looks, landmarks, pairs).
    """

    def __init__(self, limits: Limits) -> None:
        memory, seconds = limits.reader_memory, limits.reader_seconds
        self._frames = Sandbox(reader.serve, memory=memory, seconds=seconds)
        self._others = Sandbox(reader.serve, memory=memory, seconds=5 * seconds)
        self._kept = PictureCache()

    def start(self) -> None:
        """Start the processes before somebody waits for them."""
        self._frames.start()
        self._others.start()

    def close(self) -> None:
        """End the processes."""
        self._frames.close()
        self._others.close()

    def frame(self, identity: str, path: Path, index: int, width: int | None) -> bytes:
        """Return frame ``index`` as JPEG, at most ``width`` px wide.

        Raises:
            VideoError: the frame is damaged or not there.
        """
        return self._cached(
            self._frames, (identity, "frame", index, width),
            do="frame", path=str(path), index=index, width=width,
        )  # fmt: skip

    def pair(self, identity: str, path: Path, **wanted: Any) -> bytes:
        """Return a PNG: see :func:`mescope.app.face_pictures.pair`."""
        key = (identity, "pair", *sorted(wanted.items()))
        return self._cached(self._others, key, do="pair", path=str(path), **wanted)

    def overlay(self, path: Path, **wanted: Any) -> dict[str, Any]:
        """Return what :func:`mescope.app.face_pictures.overlay` found."""
        answer, _ = self._others.ask(do="overlay", path=str(path), **wanted)
        return answer

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

    def _cached(self, sandbox: Sandbox, key: tuple[Any, ...], **request: Any) -> bytes:
        found = self._kept.get(key)
        if found is None:
            _, found = sandbox.ask(**request)
            self._kept.put(key, found)
        return found
