"""Files on their way in: nowhere to be seen until they are complete."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from mescope.app.safety import UnsafeError
from mescope.app.trouble import told
from mescope.errors import MescopeError


class TooLargeError(MescopeError):
    """More than the server takes."""


class Draft:
    """An upload on its way.

    Args:
        name: that it will get.
        folder: in which it will be, relative to the folder of the project; may be empty.
        path: where it is written until then; must not exist.
        room: bytes it may have.
    """

    def __init__(self, name: str, folder: str, path: Path, room: int) -> None:
        self.name, self.folder, self.path = name, folder, path
        self.digest, self.size = hashlib.sha256(), 0
        self._room = room
        with told():
            self._file = path.open("xb")

    def write(self, data: bytes) -> None:
        """Take in some bytes; raises TooLargeError beyond the limit, whatever was announced."""
        self.size += len(data)
        if self.size > self._room:
            raise TooLargeError(too_large(self._room))
        with told():
            self._file.write(data)
        self.digest.update(data)

    def finish(self) -> None:
        """Put everything on the disk.

        Raises:
            UnsafeError: nothing came.
        """
        with told():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        if not self.size:
            raise UnsafeError("expected a recording, found an empty file; choose another")

    def discard(self) -> None:
        """Remove what came so far."""
        with contextlib.suppress(OSError):  # what it still holds finds no room, either
            self._file.close()
        self.path.unlink(missing_ok=True)


def too_large(most: int) -> str:
    """Return what is said about a file of more than ``most`` bytes."""
    return (
        f"expected at most {most // 1_000_000} MB, found more; copy the file into the project "
        "folder by hand and rescan"
    )
