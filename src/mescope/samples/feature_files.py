"""Measured recordings as a folder: ``features.json`` and one file of arrays a recording.

What ``mescope datasets import-features`` writes and ``mescope evaluate --features`` reads, so
that a spotting model is trained and tested without any video.  Nothing here unpickles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mescope.errors import DatasetError
from mescope.events import Recording, expression_of
from mescope.io.atomic import write_atomically
from mescope.io.cache import Store
from mescope.io.json_text import json_value
from mescope.samples.recording_windows import RecordingWindows, from_arrays, to_arrays

INDEX = "features.json"
VERSION = 1


def write_features(
    folder: Path, some: Sequence[RecordingWindows], *, regions: str, about: str
) -> None:
    """Write measured recordings of one data set.

    Args:
        folder: made if absent.
        some: at least one, all of one mode.
        regions: the name of their regions in a recipe: ``[data] regions``.
        about: where they come from, for people.

    Raises:
        OutputError: the folder cannot be written.
    """
    store = _store(folder)
    for number, one in enumerate(some):
        store.save(f"{number:05d}", to_arrays(one))
    index = {
        "version": VERSION, "about": about, "regions": regions, "mode": some[0].mode,
        "region_names": list(some[0].regions),
        "recordings": [asdict(one.recording) for one in some],
    }  # fmt: skip
    write_atomically(folder / INDEX, json.dumps(index, indent=1).encode())


def read_features(folder: Path) -> tuple[tuple[RecordingWindows, ...], dict[str, Any]]:
    """Return the recordings of a folder, and its index without them.

    Raises:
        DatasetError: the folder holds no such features, or a file of it is damaged.
    """
    path = folder / INDEX
    try:
        index = json_value(path.read_text(encoding="utf-8"))
        version, regions = index["version"], tuple(index["region_names"])
        mode, records = str(index["mode"]), [_record(r) for r in index.pop("recordings")]
    except OSError as error:
        raise DatasetError(
            f"{folder}: expected measured recordings with {INDEX}, cannot read it ({error}); "
            "`mescope datasets import-features` makes such a folder"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path} is damaged ({type(error).__name__}: {error}); import the features again"
        ) from None
    if version != VERSION:
        raise DatasetError(
            f"{path}: expected version {VERSION}, found {version!r}; import the features again"
        )
    return tuple(_read(folder, n, r, regions, mode) for n, r in enumerate(records)), index


def _read(
    folder: Path, number: int, record: Recording, regions: tuple[str, ...], mode: str
) -> RecordingWindows:
    arrays = _store(folder).load(f"{number:05d}")
    if arrays is None:
        raise DatasetError(
            f"{folder}: the features of {record.subject}/{record.name} are missing or damaged; "
            "import them again"
        )
    return from_arrays(record, arrays, regions, mode)


def _record(values: dict[str, Any]) -> Recording:
    return Recording(
        **{**values, "expressions": tuple(map(expression_of, values["expressions"]))}
    )


def _store(folder: Path) -> Store:
    return Store(folder, {"features": VERSION})
