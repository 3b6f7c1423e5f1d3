"""The database file of a project while it is open: one writer, readers beside it.

Readers have connections of their own (WAL: they see the last commit and wait for no writer).
Writers take turns, and none waits long: who cannot write is told so and asks again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mescope.app.schema import PATIENCE, connect, connect_to_read
from mescope.app.trouble import BUSY, BusyError, GoneError, told
from mescope.io.file_names import valid

_IDLE = 8  # connections of readers that are kept open


class Database:
    """One file; every method may be called from any thread.

    Args:
        path: of the file; made where there is none.
        retake: called before a file that was put in the place of the open one is used.

    Attributes:
        generation: grows when another file took the place of the open one.
        changes: grows when something was changed.
    """

    def __init__(self, path: Path, retake: Callable[[], None] | None = None) -> None:
        self._path, self._retake = path, retake
        self._turn, self._pool = threading.RLock(), threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._mine = threading.local()  # .connection: that of the transaction of this thread
        self._writer = connect(path)
        self._file: tuple[int, int] | None = _identity(path)
        self.generation = self.changes = 0
        self._untidy = False

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            if self._untidy:
                with contextlib.suppress(sqlite3.Error):
                    self._tidy()
            self._drop_readers()
            self._writer.close()

    # -- reading -------------------------------------------------------------------------

    def all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of a query; within a transaction, as it sees them.

        Raises:
            BusyError: another program keeps even readers out.
            OutputError: the file cannot be read.
        """
        with self._reader() as connection, told():
            return connection.execute(query, values).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have all reading of this thread see one state of the database."""
        if self._own() is not None:
            yield
            return
        with self._reader() as connection:
            with told():
                connection.execute("BEGIN")
            self._mine.connection = connection
            try:
                yield
            finally:
                self._mine.connection = None
                with contextlib.suppress(sqlite3.Error):  # it only read
                    connection.execute("ROLLBACK")

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        own = self._own()
        if own is not None:
            yield own
            return
        with self._pool:
            generation = self.generation
            found = self._idle.pop() if self._idle else None
        if found is None:
            with told():
                found = connect_to_read(self._path)
        try:
            yield found
        finally:
            with self._pool:
                keep = generation == self.generation and len(self._idle) < _IDLE
                if keep:
                    self._idle.append(found)
            if not keep:
                found.close()

    @property
    def is_writing(self) -> bool:
        """Whether this thread is within a step that is not on the disk yet."""
        return self._own() is self._writer

    @property
    def is_looking_back(self) -> bool:
        """Whether this thread may see an earlier state than the last one on the disk."""
        return self._own() is not None

    def _own(self) -> sqlite3.Connection | None:
        return getattr(self._mine, "connection", None)

    def _drop_readers(self) -> None:
        with self._pool:
            self.generation += 1
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # -- writing -------------------------------------------------------------------------

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do several things in one step: all of them are on the disk afterwards, or none is.

        Raises:
            BusyError: others write, or another program does, for longer than we wait.
            GoneError: the file is no longer where it was.
            OutputError: the disk is full, or cannot be written.
        """
        if self._own() is not None:  # part of a larger step
            yield
            return
        with self._taking_turn():
            self._check_there()
            connection = self._writer
            with told():
                connection.execute("BEGIN IMMEDIATE")
            self._mine.connection = connection
            try:
                yield
                with told():
                    connection.execute("COMMIT")
                self.changes += 1
            except BaseException:
                # SQLite has rolled back by itself after some errors, but not after all.
                with contextlib.suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                if connection.in_transaction:
                    self._file = None  # nothing more may be written with it: it is opened anew
                raise
            finally:
                self._mine.connection = None

    def run(self, query: str, *values: Any) -> sqlite3.Cursor:
        """Change something, as a step of its own if it is not part of one; errors likewise."""
        kept = [valid(value) if isinstance(value, str) else value for value in values]
        with self.together(), told():
            return self._writer.execute(query, kept)

    def run_many(self, query: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Change many rows, as :meth:`run` changes one."""
        with self.together(), told():
            self._writer.executemany(query, rows)

    @contextmanager
    def _taking_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=PATIENCE):
            raise BusyError(BUSY)
        try:
            yield
        finally:
            self._turn.release()

    def check(self) -> None:
        """See whether the file is still there; take up one that was put in its place.

        Raises:
            GoneError: there is none.
            BusyError: a request writes just now; ask again.
        """
        with self._taking_turn():
            self._check_there()

    def _check_there(self) -> None:
        found = _identity(self._path)
        if found is None:
            raise GoneError(
                f"the folder {self._path.parent.name} of the project is gone; put it back "
                "(a disk that was taken off, a folder that was moved): nothing is kept until "
                "then, what is open goes on by itself"
            )
        if found == self._file:
            return
        # Another file: the folder came back as a copy, or on a disk that was taken on again.
        if self._retake is not None:
            self._retake()
        fresh = connect(self._path)
        self._writer.close()
        self._drop_readers()
        self._writer, self._file = fresh, _identity(self._path)

    def overwrite_deleted(self) -> None:
        """Write the file anew, so that nothing deleted is left in it; later if need be."""
        with self._taking_turn():
            self._untidy = True
            with contextlib.suppress(sqlite3.Error):  # full, or locked: the next time
                self._tidy()

    def finish_deleting(self) -> None:
        """Do what :meth:`overwrite_deleted` could not do yet."""
        if self._untidy:
            self.overwrite_deleted()

    def _tidy(self) -> None:
        self._writer.execute("VACUUM")
        busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        self._untidy = bool(busy)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
