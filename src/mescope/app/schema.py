"""The tables of a project and how they are opened safely."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from mescope.app import exchange_schema
from mescope.app.faces_table import FACES_TABLE
from mescope.app.outlines import OUTLINES, outline
from mescope.app.study_schema import STUDY_TABLES
from mescope.app.trouble import told
from mescope.errors import MescopeError, OutputError

PATIENCE = 2.0
"""Seconds that a step waits for another program before it gives up."""

_TABLES = """
CREATE TABLE recordings (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL, sha256 TEXT, fingerprint TEXT, added TEXT NOT NULL,
  facts TEXT, error TEXT
) STRICT;
CREATE UNIQUE INDEX recording_path ON recordings (path);
CREATE TABLE analyses (
  number INTEGER PRIMARY KEY AUTOINCREMENT, recording TEXT NOT NULL, at TEXT NOT NULL,
  document TEXT NOT NULL, traces TEXT NOT NULL, detections INTEGER NOT NULL
) STRICT;
CREATE INDEX analysis_recording ON analyses (recording);
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, recording TEXT NOT NULL, revision INTEGER NOT NULL,
  at TEXT NOT NULL, coder TEXT NOT NULL, action TEXT NOT NULL, mark TEXT,
  "values" TEXT NOT NULL, undoes INTEGER, key TEXT,
  UNIQUE (recording, revision), UNIQUE (recording, key)
) STRICT;
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, recording TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, at TEXT NOT NULL, error TEXT
) STRICT;
CREATE INDEX job_recording ON jobs (recording);
CREATE INDEX job_state ON jobs (state);
"""


_STEPS = {
    1: """
CREATE INDEX event_review ON events (action) WHERE action IN ('reviewed', 'undo');
CREATE INDEX event_coder ON events (recording, coder);
CREATE INDEX analysis_short ON analyses (recording, detections, traces);
CREATE INDEX recording_sha256 ON recordings (sha256);
CREATE INDEX recording_size ON recordings (size);
""",
    2: OUTLINES,
    3: STUDY_TABLES,
    4: exchange_schema.TABLES,
    5: FACES_TABLE,
}
"""From a layout to the next one; a new project takes all steps."""

VERSION = max(_STEPS) + 1
"""The layout of the tables; raised by a step."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the database of a project for writing, or make one.

    Every commit is on the disk before it is acknowledged, and what is deleted is
    overwritten.  A project of an earlier layout is brought to this one, in one step, after a
    copy of it was put beside it.

    Raises:
        BusyError: another program holds it.
        OutputError: it cannot be written, or there is no room for the copy.
        MescopeError: the file is damaged, not a database of the app, or of a later version;
            it is left as it is.
    """
    connection = None
    try:
        with told():
            connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=PATIENCE
            )
            _prepare(connection, path)
    except MescopeError as error:
        if connection is not None:
            connection.close()
        if isinstance(error.__cause__, sqlite3.DatabaseError) and _is_damage(error.__cause__):
            raise _damaged(path, error.__cause__) from error
        raise
    except sqlite3.DatabaseError as error:
        if connection is not None:
            connection.close()
        raise _damaged(path, error) from error
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the database of a project for reading only; raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None,
        check_same_thread=False, timeout=PATIENCE,
    )  # fmt: skip
    connection.row_factory = sqlite3.Row
    return connection


def copies(path: Path) -> list[Path]:
    """Return the copies of a database that earlier layouts left beside it."""
    return sorted(path.parent.glob(f"{path.stem}.layout*.sqlite*"))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise MescopeError(
            f"the project was written by a later mescope (layout {found}, this one reads "
            f"{VERSION}); nothing was changed: update mescope, or work on a copy of the folder"
        )
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    if found and (said := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(str(said).replace("\n", " "))
    if 0 < found < VERSION:
        _copy(connection, path.with_name(f"{path.stem}.layout{found}.sqlite"))
    if found < VERSION:
        _upgrade(connection, found)


def _upgrade(connection: sqlite3.Connection, found: int) -> None:
    """Take all steps from a layout to this one, or none."""
    steps = [_TABLES] if found == 0 else []
    steps += [_STEPS[layout] for layout in range(max(1, found), VERSION)]
    script = f"BEGIN IMMEDIATE;{''.join(steps)}PRAGMA user_version = {VERSION};COMMIT;"
    connection.create_function("outline", 1, outline, deterministic=True)
    try:
        connection.executescript(script)
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _copy(connection: sqlite3.Connection, path: Path) -> None:
    """Copy a whole database to a file; one that is there stays, as it is older."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.unlink(missing_ok=True)
        _copy_to(connection, draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    except sqlite3.Error as error:
        raise OutputError(
            f"the project must be brought to the layout of this mescope, and there is no room "
            f"for a copy of it first ({error}); nothing was changed: make room and start again"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _copy_to(connection: sqlite3.Connection, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as target:
        connection.backup(target)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _damaged(path: Path, error: sqlite3.DatabaseError) -> MescopeError:
    return MescopeError(
        f"expected the database of a project at {path.name}, found: {error}; copy the "
        "folder .mescope to a safe place, then put back a backup, or remove it and "
        "analyze again"
    )
