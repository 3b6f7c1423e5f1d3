"""Tables for what comes from other programs: tiers as they stand, and what they mean."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS tiers (
  number INTEGER PRIMARY KEY AUTOINCREMENT, recording TEXT NOT NULL, at TEXT NOT NULL,
  file TEXT NOT NULL, content TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS tier_recording ON tiers (recording);
CREATE TABLE IF NOT EXISTS mappings (
  number INTEGER PRIMARY KEY, at TEXT NOT NULL, content TEXT NOT NULL
) STRICT;
"""
