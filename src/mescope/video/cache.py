"""Files that are whole or absent, and the cache of what is slow to compute.

A cache entry is a file of arrays behind a checksum.  An entry that is cut short, edited or
unreadable counts as absent and is computed again.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import tempfile
import uuid
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mescope.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` in one step: the file is then the new one or the old one.

    The folder is made if need be.  The bytes go to a temporary file beside ``path``, are synced
    to the disk, and take the name last; nothing is left behind on failure.

    Raises
    ------
    OutputError
        The folder or file cannot be written (read-only, full, no permission).
    """
    draft = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; "
            "choose a folder that can be written and has room"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Write a CSV table in one step, as :func:`write_atomically` does."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())


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


def default_cache() -> Path:
    """Return the folder for caches: XDG_CACHE_HOME, ``~/.cache``, or a temporary one."""
    stated = os.environ.get("XDG_CACHE_HOME", "")
    if stated and Path(stated).is_absolute():
        return Path(stated) / "mescope"
    try:
        return Path.home() / ".cache" / "mescope"
    except RuntimeError:  # no home: a service account, a container with a bare user id
        return Path(tempfile.gettempdir()) / "mescope-cache"


class Store:
    """The cache entries of one piece of work.

    Parameters
    ----------
    folder
        Where entries lie; made at the first :meth:`save`.
    identity
        Everything that decides the numbers; must go into JSON.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        text = json.dumps(identity, sort_keys=True)
        self.folder = folder
        self.key = hashlib.sha256(text.encode()).hexdigest()[:40]

    def path(self, name: str) -> Path:
        """Return the file of the entry ``name``."""
        return self.folder / f"{self.key}-{name}.cache"

    def save(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep ``arrays`` under ``name``; raises OutputError where that is impossible."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        payload = buffer.getvalue()
        write_atomically(self.path(name), hashlib.sha256(payload).digest() + payload)

    def load(self, name: str) -> dict[str, npt.NDArray[Any]] | None:
        """Return what was kept under ``name``, or None if there is no sound entry."""
        try:
            data = self.path(name).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            return None
        try:
            with np.load(io.BytesIO(data[32:]), allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except (ValueError, zipfile.BadZipFile):
            return None
