"""Files that are whole or absent, and the cache of what is slow to compute."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from mescope.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` in one step: afterwards the file is the new one or the old one.

    The folder is made if need be.  The bytes go to a temporary file beside ``path``, are synced
    to the disk, and take the name last; nothing is left behind on failure.

    Raises
    ------
    OutputError
        The folder or file cannot be written (read-only, full, no permission).
    """
    draft: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            # mkstemp makes private files; give the mode that open() would have given.
            os.chmod(draft, 0o666 & ~_umask())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        draft = None
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; "
            "choose a folder that can be written and has room"
        ) from error
    finally:
        if draft is not None:
            with contextlib.suppress(OSError):
                os.unlink(draft)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where the system can."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
