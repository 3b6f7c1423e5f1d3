"""Which row of a table of people is about which recording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from mescope.app.records import StoredRecording


def row_of(
    rows: Mapping[str, Mapping[str, str]], recording: StoredRecording
) -> Mapping[str, str]:
    """Return the row of a recording: by its path, else its file name, else without ending."""
    path = PurePath(recording.name)
    for name in (recording.name, path.name, str(path.with_suffix("")), path.stem):
        if (found := rows.get(known_by(name))) is not None:
            return found
    return {}


def known_by(name: str) -> str:
    """Return by what a recording is known in a table, whatever the case."""
    return name.strip().replace("\\", "/").casefold()


def without(
    kept: Mapping[str, Any], recording: StoredRecording, every: Iterable[StoredRecording]
) -> dict[str, Any]:
    """Return a table as it is kept, without the row of a recording that no other one has."""
    rows = {known_by(row["recording"]): row for row in kept["rows"]}
    gone = row_of(rows, recording)
    if any(row_of(rows, one) is gone for one in every if one.id != recording.id):
        return dict(kept)
    return {**kept, "rows": [row for row in kept["rows"] if row is not gone]}
