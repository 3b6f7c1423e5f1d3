"""Analyses without their detections, which of hours are forty megabytes.

Whatever asks for an analysis but for its marks (a page that opens, a list, an export) reads
this alone.
"""

from __future__ import annotations

import json

OUTLINES = """
ALTER TABLE analyses ADD COLUMN outline TEXT NOT NULL DEFAULT '{}';
UPDATE analyses SET outline = outline(document);
"""
"""Keeps :func:`outline` of every analysis; the connection has to know the function."""

_LONG = ("marks", "detections")


def outline(document: str) -> str:
    """Return the JSON of an analysis without its detections and marks."""
    return json.dumps({k: v for k, v in json.loads(document).items() if k not in _LONG})
