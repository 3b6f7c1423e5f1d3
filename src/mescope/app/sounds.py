"""The sound of recordings: read once by another process, kept on the disk, heard in pieces.

What is kept is a copy that can go at any time: it is made again when somebody asks.  The sounds
of a project take no more room than :attr:`Limits.sound_bytes`; those that were heard longest
ago go first.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.app import sound_reader
from mescope.app.downsampling import Curves, curves
from mescope.app.limits import Limits
from mescope.app.records import StoredRecording
from mescope.app.sandbox import ChildProcess
from mescope.app.sound_reader import LOUDNESS, NOTES, SAMPLES
from mescope.app.trouble import FULL, BusyError
from mescope.errors import MescopeError, OutputError, VideoError
from mescope.video.slow_sound import slowed
from mescope.video.sound import RATE, SoundStream

LONGEST_PIECE = 30.0
"""Seconds that one piece may take to be heard."""

_COMING = "the sound is being read; ask again in a moment"
_WAIT = 0.5  # seconds for one message of the process
_STALL = 120.0  # seconds without a message
_STREAMS = 256  # recordings whose streams are remembered


@dataclass(frozen=True)
class SoundWish:
    """A stream of sound that somebody asked for; ``times`` is the file of its frames' times."""

    recording: StoredRecording
    path: Path
    times: Path
    stream: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Name the sound: another content of the file has another one."""
        return self.recording.id, self.recording.version, self.stream


class Sounds:
    """The sounds of a project.

    Args:
        home: the folder that holds a folder for each recording.
        limits: of room on the disk and of memory.
        streams: looks into a file for its streams.
    """

    def __init__(
        self, home: Path, limits: Limits, streams: Callable[[Path], list[SoundStream]]
    ) -> None:
        self._home, self._limits, self._look = home, limits, streams
        self._changed = threading.Condition()
        self._waiting: list[SoundWish] = []
        self._failed: dict[tuple[str, str, int], str] = {}
        self._doing: SoundWish | None = None
        self._ready = 0  # samples of the sound that is being read
        self._thread: threading.Thread | None = None
        self._closing = False
        self._streams: OrderedDict[tuple[str, str], list[SoundStream]] = OrderedDict()

    def close(self) -> None:
        """End the process that reads; what it had not finished is read again later."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(20)

    # -- what is asked -------------------------------------------------------------------

    def streams(self, recording: StoredRecording, path: Path) -> list[SoundStream]:
        """Return the streams of sound of a recording; raises VideoError."""
        key = recording.id, recording.version
        if key not in self._streams:
            self._streams[key] = self._look(path)
            while len(self._streams) > _STREAMS:
                self._streams.popitem(last=False)
        return self._streams[key]

    def state(self, wish: SoundWish) -> dict[str, Any]:
        """Return what there is to hear, and have it read if it is not there.

        Returns:
            ``streams``; ``state``: none, waiting, coming, ready or failed; ``ready_s``: seconds
            that can be heard; ``error``; ``notes`` about the sound; ``rate`` of its samples.
        """
        found = self.streams(wish.recording, wish.path)
        answer: dict[str, Any] = {
            "streams": [asdict(one) for one in found], "state": "none", "ready_s": 0.0,
            "error": None, "notes": [], "rate": RATE,
        }  # fmt: skip
        if not found:
            return answer
        if all(one.number != wish.stream for one in found):
            raise VideoError(
                f"expected a stream from 0 to {len(found) - 1}, found {wish.stream}"
            )
        notes = self._notes(wish)
        if notes is not None:
            return answer | {
                "state": "ready", "ready_s": notes["samples"] / RATE, "notes": notes["notes"],
            }  # fmt: skip
        with self._changed:
            reason = self._failed.pop(wish.key, None)
            if reason is not None:  # told once; who asks again has it tried again
                return answer | {"state": "failed", "error": reason}
            if self._doing is not None and self._doing.key == wish.key:
                return answer | {"state": "coming", "ready_s": self._ready / RATE}
            self._queue(wish)
        return answer | {"state": "waiting"}

    def piece(self, wish: SoundWish, start: float, seconds: float, speed: float) -> bytes:
        """Return a piece as a WAV file: one channel, 16 bits, :data:`RATE` samples a second.

        Args:
            wish: the sound.
            start: where it begins, seconds since frame 0.
            seconds: of the recording.
            speed: 1, or less: longer, its pitch kept.

        Raises:
            BusyError: that part is not read yet.
            MescopeError: it cannot be read, or the piece is too long.
        """
        if seconds / speed > LONGEST_PIECE:
            raise MescopeError(
                f"expected a piece of at most {LONGEST_PIECE:g} s, found {seconds / speed:g}; "
                "ask for it in parts"
            )
        state = self._heard_so_far(wish)
        if state["state"] != "ready" and state["ready_s"] < start + seconds + 1.0:
            raise BusyError(_COMING)
        try:
            path = self._folder(wish) / SAMPLES
            os.utime(path)  # heard last
            samples = _samples(path)
        except OSError as error:
            raise BusyError(_COMING) from error
        count = round(seconds / speed * RATE)
        return _wav(slowed(samples, round(start * RATE), count, speed))

    def loudness(self, wish: SoundWish, times: NDArray[np.float64]) -> Curves:
        """Return how loud every frame is, in decibels, as the curve ``loudness``.

        Raises:
            BusyError: the sound is not read yet.
        """
        if self._heard_so_far(wish)["state"] != "ready":
            raise BusyError(_COMING)
        try:
            levels = np.fromfile(self._folder(wish) / LOUDNESS, "<f4")
        except OSError as error:
            raise BusyError(_COMING) from error
        count = min(len(levels), len(times))
        frames = np.arange(count, dtype=np.int64)
        return curves(frames, times[:count], ["loudness"], levels[None, :count])

    def _heard_so_far(self, wish: SoundWish) -> dict[str, Any]:
        """Return the state of a sound that there is; raises VideoError."""
        state = self.state(wish)
        if state["state"] == "failed":
            raise VideoError(state["error"])
        if state["state"] == "none":
            raise VideoError("expected a recording with sound, found one without")
        return state

    # -- reading -------------------------------------------------------------------------

    def _queue(self, wish: SoundWish) -> None:
        """Put a wish before the others; who opened a recording last waits for it now."""
        self._waiting = [one for one in self._waiting if one.key != wish.key] + [wish]
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._work, name="sound", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                wish = self._doing = self._waiting.pop()
                self._ready = 0
            reason = self._read(wish)
            with self._changed:
                self._doing = None
                if reason is not None:
                    self._failed[wish.key] = reason

    def _read(self, wish: SoundWish) -> str | None:
        """Read one sound; return why it could not be, or None."""
        facts, folder = wish.recording.facts, self._folder(wish)
        if facts is None:
            return "expected a recording that was looked at, this one waits"
        try:
            self._make_room(wish, folder, round(2 * RATE * facts.seconds))
            child = ChildProcess(sound_reader.run, self._limits.sound_memory)
        except (MescopeError, OSError) as error:
            return str(error)
        try:
            child.send(
                {
                    "path": str(wish.path), "folder": str(folder), "stream": wish.stream,
                    "times": str(wish.times), "seconds": facts.seconds,
                    "start_offset": facts.start_offset or 0.0,
                }
            )  # fmt: skip
            return self._follow(child)
        except (EOFError, OSError, ValueError):
            return (
                "the process that reads the sound ended unexpectedly; it may be damaged: "
                "convert the recording to hear it"
            )
        finally:
            child.end()

    def _follow(self, child: ChildProcess) -> str | None:
        quiet = 0.0
        while not self._closing:
            said = child.receive(_WAIT, 1 << 20)
            quiet = quiet + _WAIT if said is None else 0.0
            if quiet > _STALL:
                return f"reading the sound gave nothing for {_STALL:g} s and was stopped"
            if said is not None and "samples" in said:
                self._ready = int(said["samples"])
            elif said is not None:
                return None if said.get("done") else str(said.get("error"))
        return None

    def _make_room(self, wish: SoundWish, folder: Path, size: int) -> None:
        """Remove older contents of the recording, and sounds that were not heard for long.

        Raises:
            OutputError: there is no room for this one.
        """
        limit = self._limits
        if size > limit.sound_bytes:
            raise OutputError(
                f"the sound would take {size >> 20} MiB, {limit.sound_bytes >> 20} are allowed "
                "for all; cut the recording into parts to hear it"
            )
        current = f"sound-{wish.recording.version}-"
        for old in folder.parent.glob("sound-*"):
            if not old.name.startswith(current):
                shutil.rmtree(old, ignore_errors=True)
        kept = sorted(self._home.glob(f"*/sound-*/{SAMPLES}"), key=_heard)
        room = limit.sound_bytes - size - sum(_size(path) for path in kept)
        for path in kept:
            if room >= 0:
                break
            room += _size(path)
            shutil.rmtree(path.parent, ignore_errors=True)
        self._home.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._home).free - size < limit.free_bytes:
            raise OutputError(FULL)

    def _folder(self, wish: SoundWish) -> Path:
        identity, version, stream = wish.key
        return self._home / identity / f"sound-{version}-{stream}"

    def _notes(self, wish: SoundWish) -> dict[str, Any] | None:
        """Return what was noted about a sound that is wholly there, or None."""
        folder = self._folder(wish)
        try:
            notes: dict[str, Any] = json.loads((folder / NOTES).read_bytes())
            whole = (folder / SAMPLES).stat().st_size == 2 * notes["samples"]
        except (OSError, ValueError, KeyError):
            return None
        return notes if whole else None


def _heard(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _samples(path: Path) -> NDArray[np.int16]:
    if not path.stat().st_size:
        return np.zeros(0, np.int16)
    return np.memmap(path, "<i2", "r")


def _wav(samples: NDArray[np.int16]) -> bytes:
    """Return samples as a WAV file (RIFF, format 1)."""
    body = samples.astype("<i2").tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + len(body), b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data",
        len(body),
    )  # fmt: skip
    return head + body
