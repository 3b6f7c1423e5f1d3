"""One process for one project: a lock that vanishes with the process that held it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mescope.errors import MescopeError
from mescope.io.lock import take


class ProjectLock:
    """Hold a file so that no other process opens the project.

    The system releases it when the process ends, however it ends: there are no stale locks.

    Raises:
        MescopeError: another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            take(self._handle)
        except OSError as error:
            holder = os.read(self._handle, 20).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise MescopeError(
                f"the project is open in another mescope app (process {holder or 'unknown'}); "
                "use that one, or end it first"
            ) from error
        with contextlib.suppress(OSError):  # a full disk: the number is only for people
            os.ftruncate(self._handle, 0)
            os.write(self._handle, str(os.getpid()).encode())

    def holds(self, path: Path) -> bool:
        """Say whether the file that is held is still the one at a path."""
        try:
            return os.path.samestat(os.fstat(self._handle), os.stat(path))
        except OSError:
            return False

    def release(self) -> None:
        """Let another process have the project."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1
