"""What a process that touches strange files may use, and what the server accepts."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import wait

GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    upload_bytes: int = 64 * GIB
    """Largest recording that is taken over the network."""
    free_bytes: int = GIB
    """Room that an upload must leave on the disk."""
    recordings: int = 10_000
    """Most recordings in one project."""
    body_bytes: int = 1 << 20
    """Largest JSON body."""
    import_bytes: int = 64 << 20
    """Largest file of annotations."""
    import_memory: int = 2 * GIB
    """Memory of a process that reads such a file."""
    import_seconds: float = 120.0
    """Longest time to read it."""
    reader_memory: int = 4 * GIB
    """Memory of a process that reads single frames."""
    reader_seconds: float = 60.0
    """Longest time to answer for one frame."""
    sound_memory: int = 2 * GIB
    """Memory of a process that reads the sound of a recording."""
    sound_bytes: int = 2 * GIB
    """Room on the disk for the sounds of all recordings; two hours take 0.35 GB."""
    worker_memory: int = 12 * GIB
    """Memory of a process that analyzes."""
    stall_seconds: float = 900.0
    """Longest time without progress of an analysis."""
    attempts: int = 2
    """How often an analysis is begun whose worker dies."""


def confine(memory: int) -> None:
    """Limit this process, and end it when its parent ends.

    The limit is on data (``RLIMIT_DATA``), which counts what is used: address space alone says
    little, as torch and FFmpeg reserve much of it.  No core files: they would hold faces.
    Where the system has no such limits (Windows), only the tie to the parent is made.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us
    parent = multiprocessing.parent_process()
    if parent is not None:  # before the limits: without memory a thread's start never returns
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    if sys.platform != "win32":
        import resource

        for which, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CORE, 0)):
            _, hard = resource.getrlimit(which)
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(which, (allowed, hard))


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
