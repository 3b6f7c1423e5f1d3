"""What is in the way of the app and passes: a full disk, a lock, a folder that is away.

Nothing is lost by it and nobody is at fault.  A request is told to come again; work waits.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from mescope.errors import MescopeError, OutputError


class BusyError(MescopeError):
    """Another program, or another request, holds the database."""


class GoneError(MescopeError):
    """The folder of the project is not there at the moment."""


PASSING = (BusyError, GoneError, OutputError)
"""Errors that go away without anybody changing the request."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    }
)

BUSY = (
    "another program holds the database of the project; nothing was changed: it goes on by "
    "itself once that program lets go, so try again in a moment"
)
FULL = (
    "the disk is full; nothing was lost: make room, then try again (what waits goes on by "
    "itself)"
)


@contextmanager
def told() -> Iterator[None]:
    """Raise what SQLite and the system say about the world around as known errors.

    Raises:
        BusyError: the database is locked.
        OutputError: the disk is full, or the file cannot be written or is damaged.
    """
    try:
        yield
    except sqlite3.Error as error:
        found = _of_database(error)
        if found is None:
            raise
        raise found from error
    except OSError as error:
        raise of_system(error) from error


def of_system(error: OSError) -> MescopeError:
    """Return what a failed call of the system means for the app."""
    if error.errno in _FULL:
        return OutputError(FULL)
    return OutputError(
        f"the folder of the project cannot be used ({error.strerror or error}); nothing was "
        "lost: check the disk and its rights, then try again"
    )


def _of_database(error: sqlite3.Error) -> MescopeError | None:
    """Return what an error of SQLite means; None for one that is a bug of ours."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in _BUSY:
        return BusyError(BUSY)
    if code == sqlite3.SQLITE_FULL:
        return OutputError(FULL)
    if code in _DAMAGED:
        return OutputError(
            f"the database of the project is damaged ({error}); end the app, copy the folder "
            ".mescope to a safe place, then put back a backup"
        )
    if code in _UNWRITABLE:
        return OutputError(
            f"the database of the project cannot be used ({error}); nothing was lost: check "
            "the disk and its rights, then try again"
        )
    return None
