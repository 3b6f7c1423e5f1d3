"""Whether a file can be read at all: a disk that was taken off looks like a file cut short.

FFmpeg's readers of containers take a failing disk for the end of the file.  So where a run ends
before its time the file itself is asked.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from mescope.errors import VideoError

WAITS = (0.5, 1.0, 2.0)
"""Seconds to wait for a disk to come back, one after the other."""

_BLOCK = 1 << 16
_BLOCKS = 128


def was_interrupted(path: Path) -> bool:
    """Say whether reading a file failed, and works again now.

    Raises:
        VideoError: it still fails after some time; what was measured until then is kept.
    """
    error = _failure(path)
    if error is None:
        return False
    for seconds in WAITS:
        time.sleep(seconds)
        error = _failure(path)
        if error is None:
            return True
    raise VideoError(
        f"{path.name}: reading it failed ({(error.strerror or str(error)).lower()}); the disk "
        "or network drive it is on was taken off or fails: put it back and start again, what "
        "was measured is kept"
    ) from error


def _failure(path: Path) -> OSError | None:
    """Return how reading parts from the first byte to the last fails, or None."""
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            count = min(_BLOCKS, 1 + size // _BLOCK)
            for number in range(count):
                file.seek(max(0, size - _BLOCK) * number // max(1, count - 1))
                file.read(_BLOCK)
    except OSError as error:
        return error
    return None
