"""The tables of a project and how they are opened safely."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mescope.errors import MescopeError

VERSION = 1
"""Layout of the tables; a project of a later version is refused, not guessed at."""

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


def connect(path: Path) -> sqlite3.Connection:
    """Open the database of a project, or make one.

    Every commit is on the disk before it is acknowledged, and what is deleted is
    overwritten.

    Raises:
        MescopeError: the file is damaged, not a database of the app, or of a later version;
            it is left as it is.
    """
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10
        )
        _prepare(connection)
    except sqlite3.DatabaseError as error:
        raise MescopeError(
            f"expected the database of a project at {path.name}, found: {error}; copy the "
            "folder .mescope to a safe place, then put back a backup, or remove it and "
            "analyze again"
        ) from error
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        connection.close()
        raise MescopeError(
            f"the project was written by a later mescope (layout {found}, this one reads "
            f"{VERSION}); nothing was changed: update mescope, or work on a copy of the folder"
        )
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    if found == 0:
        connection.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
    elif (said := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(str(said).replace("\n", " "))
