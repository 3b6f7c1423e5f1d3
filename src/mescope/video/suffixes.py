"""Endings of file names that stand for recordings; nothing heavy is imported for them."""

from __future__ import annotations

MEDIA = frozenset(
    {".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"}
    | {".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
)
"""Suffixes that a folder is searched for; a file that is named itself may have any."""
