"""Begin slow work before its result is needed, in a thread beside what comes first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


def begun(make: Callable[[], Made]) -> Future[Made]:
    """Begin to make something, and return at once.

    ``result()`` waits for it, and raises there what ``make`` raised.  A process that ends waits
    for the thread: Python cannot leave an import halfway.

    Args:
        make: imports what only it needs; the caller waits before it imports the same, as two
            threads that import one package by different ways may see it half made.
    """
    pool = ThreadPoolExecutor(1, "mescope-ahead")
    try:
        return pool.submit(make)
    finally:
        pool.shutdown(wait=False)
