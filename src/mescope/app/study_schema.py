"""Tables of a study: its settings, who codes what, and who saw what when."""

from __future__ import annotations

STUDY_TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS assignments (
  recording TEXT NOT NULL, coder TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (recording, coder)
) STRICT;
CREATE TABLE IF NOT EXISTS coder_keys (
  coder TEXT PRIMARY KEY, salt TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sign_ins (
  token TEXT PRIMARY KEY, coder TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sights (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, coder TEXT NOT NULL,
  what TEXT NOT NULL, recording TEXT, detail TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sight_recording ON sights (recording);
"""
"""Added to the tables of a project by one step of its layout."""

OF_RECORDINGS = ("assignments", "sights")
"""Tables with rows about one recording, which go when it is forgotten."""
