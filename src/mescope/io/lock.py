"""Locks on files, which the system releases when the process ends, however it ends."""

from __future__ import annotations

import os
import sys


def take(handle: int) -> None:
    """Lock an open file for this process, or fail at once.

    Args:
        handle: of :func:`os.open`, for writing; closing it gives the lock back.

    Raises:
        OSError: another process holds it.
    """
    if sys.platform == "win32":
        import msvcrt

        # Far behind the number of the process, which others may read.
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
