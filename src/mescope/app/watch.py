"""Whether what the app works on is there: its folder, its database, its recordings."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mescope.app.project import Project
from mescope.app.trouble import of_system
from mescope.errors import OutputError

EVERY = 1.5
"""Seconds between two looks."""

_GROWN = 8 << 20  # bytes: so much more room, and work is tried again at once
_PAUSES = (2.0, 60.0)  # seconds until it is tried again without that: first and longest


class Watch:
    """Notices recordings that go and come back; ``step`` is what a loop repeats.

    Args:
        project: which.
        changed: is told the id of every recording that went or came back.
    """

    def __init__(self, project: Project, changed: Callable[[str], None]) -> None:
        self._project, self._changed = project, changed

    def step(self) -> bool:
        """Look once.

        Raises:
            GoneError: the folder of the project is not there.
        """
        project = self._project
        before = project.absent
        absent = frozenset(
            recording.id
            for recording in project.store.recordings()
            if not os.path.exists(project.folder / recording.path)
        )
        project.absent = absent
        for identity in absent ^ before:
            self._changed(identity)
        project.store.database.check()
        project.store.database.finish_deleting()
        return False


class Hold:
    """Work that could not be written waits: for more room, or for a while.

    Args:
        folder: on the disk that is full.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._error: OutputError | None = None
        self._pause, self._until, self._free = _PAUSES[0], 0.0, 0

    def begin(self, error: OutputError) -> None:
        """Hold work back because of an error; the second time in a row for longer."""
        with self._lock:
            self._error, self._until = error, time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _PAUSES[1])
            self._free = self._room()

    def done(self) -> None:
        """Note that work could be written."""
        with self._lock:
            self._pause = _PAUSES[0]

    def check(self) -> None:
        """Return if work may be tried; raises OutputError as long as it is held back."""
        with self._lock:
            if self._error is None:
                return
            if time.monotonic() < self._until and self._room() < self._free + _GROWN:
                raise self._error
            self._try_to_write()
            self._error = None

    def _room(self) -> int:
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:
            return 0

    def _try_to_write(self) -> None:
        probe = self._folder / ".room"
        try:
            with probe.open("wb") as file:
                file.write(bytes(1 << 20))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise of_system(error) from error
        finally:
            probe.unlink(missing_ok=True)
