"""The cache of what is slow to compute.

A cache entry is a file of arrays behind a checksum.  An entry that is cut short, edited or
unreadable counts as absent and is computed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mescope.io.arrays import read_arrays
from mescope.io.atomic import write_atomically
from mescope.moved import renamed


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

    Args:
        folder: where entries lie; made at the first :meth:`save`.
        identity: everything that decides the numbers; must go into JSON.
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
            return read_arrays(data[32:])
        except (ValueError, zipfile.BadZipFile):
            return None


__getattr__ = renamed(__name__, {"write_table": "mescope.io.atomic.write_table"})
