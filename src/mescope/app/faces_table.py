"""The table of what people said about the faces of a recording."""

from __future__ import annotations

FACES_TABLE = """
CREATE TABLE IF NOT EXISTS recording_faces (
  recording TEXT PRIMARY KEY, every INTEGER NOT NULL, answers TEXT NOT NULL
) STRICT;
"""
"""Of a recording: whether every face is analyzed, and the answers as JSON."""
