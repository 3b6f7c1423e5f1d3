"""What coders work with: marks in ELAN, BORIS, WebVTT, ActivityNet's JSON and CSV.

:func:`read` and :func:`write` choose the format by the name of the file; what a format cannot
show is kept beside it, so that marks come back as they were.  Nothing a coder made is lost:
tiers of coders are never replaced.
Source: ecosystem section 3.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from mescope.annotations import (
    activitynet,
    boris,
    boris_read,
    elan,
    elan_read,
    tables,
    webvtt,
)
from mescope.annotations.clock import Clock, all_timed, timed
from mescope.annotations.files import read_json
from mescope.annotations.marks import Contents, Mark, Sheet, normal
from mescope.annotations.marks import flags as _flags
from mescope.errors import DatasetError, OutputError
from mescope.io.atomic import write_atomically

__all__ = [
    "FORMATS",
    "Clock",
    "Contents",
    "Mark",
    "Sheet",
    "dumps",
    "flags",
    "format_of",
    "normal",
    "read",
    "timed",
    "write",
]

FORMATS = ("csv", "elan", "boris", "vtt", "activitynet")
"""Names of the formats that are written; ``analysis``, the JSON of an analysis, is read too."""

_SUFFIXES = {
    ".csv": "csv",
    ".eaf": "elan",
    ".boris": "boris",
    ".vtt": "vtt",
    ".json": "activitynet",
}


def format_of(path: str | Path) -> str:
    """Return the format that the ending of a name means; ``.json`` is ActivityNet's.

    Raises:
        DatasetError: the ending is none of those known.
    """
    name = Path(path).name
    suffix = Path(name).suffix.lower()
    if suffix not in _SUFFIXES:
        raise DatasetError(
            f"cannot tell the format of {name!r}: expected a name that ends in "
            f"{', '.join(_SUFFIXES)}, or say which of {', '.join(FORMATS)} it is"
        )
    return _SUFFIXES[suffix]


def read(
    path: str | Path, *, format: str | None = None, clock: Clock | None = None
) -> Contents:
    """Return the marks of a file, with remarks on what was left out or changed.

    Args:
        path: a file in one of :data:`FORMATS`, or the JSON of an analysis or of a review.
        format: which, if the ending does not say it.
        clock: the times of the recording: needed where a file knows seconds only, and used to
            give times to marks that have frames only.

    Raises:
        DatasetError: the file cannot be read, is of another format, or is damaged; one line.
    """
    path = Path(path)
    chosen = format or format_of(path)
    if chosen not in (*FORMATS, "analysis"):
        raise DatasetError(f"expected a format of {', '.join(FORMATS)}, found {chosen!r}")
    if chosen == "csv":
        contents = tables.read_csv(path)
    elif chosen == "elan":
        contents = elan_read.read(path, clock=clock)
    elif chosen == "boris":
        contents = boris_read.read(path, clock=clock)
    elif chosen == "vtt":
        contents = webvtt.read(path, clock=clock)
    else:
        contents = _read_json(path, clock)
    return all_timed(contents, clock)


def _read_json(path: Path, clock: Clock | None) -> Contents:
    document: Any = read_json(path)
    if isinstance(document, dict) and document.get("format") == "mescope-analysis":
        return tables.read_analysis(document, path)
    if isinstance(document, dict) and document.get("format") == "mescope-review":
        return tables.read_review(document, path)
    return activitynet.read(path, clock=clock)


def dumps(
    sheets: Sequence[Sheet], format: str, *, media: str = "", date: str | None = None
) -> bytes:
    """Return the bytes of a file in one of :data:`FORMATS`.

    Args:
        sheets: one for ELAN and WebVTT, any number for the others.
        format: which.
        media: where the only video lies, as a path relative to the file.
        date: when it was made, ISO 8601 with zone; fixed if not given.

    Raises:
        DatasetError: a mark has no times and the format needs them, several videos for a
            format of one, or an unknown format.
    """
    ready = tuple(sheets) if format == "csv" else tuple(timed(sheet) for sheet in sheets)
    when = {} if date is None else {"date": date}
    if format == "csv":
        return tables.dumps(ready).encode("utf-8")
    if format == "elan":
        url = quote(media.replace(os.sep, "/"), errors="replace")
        near = url if not url or url.startswith("../") else f"./{url}"
        return elan.dumps(elan.only(ready, "an EAF file"), media=near, **when)
    if format == "boris":
        when = {} if date is None else {"date": date[:19]}
        return boris.dumps(ready, media=media, **when).encode("utf-8", "replace")
    if format == "vtt":
        return webvtt.dumps(elan.only(ready, "a WebVTT file")).encode("utf-8")
    if format == "activitynet":
        return activitynet.dumps(ready).encode("utf-8")
    raise DatasetError(f"expected a format of {', '.join(FORMATS)}, found {format!r}")


def write(
    sheets: Sequence[Sheet],
    path: str | Path,
    *,
    format: str | None = None,
    media: str | Path | None = None,
    date: str | None = None,
    force: bool = False,
) -> Path:
    """Write marks to a file in one step and return its path.

    Args:
        sheets: as for :func:`dumps`.
        path: the file; its ending means the format unless ``format`` says it.
        format: one of :data:`FORMATS`.
        media: the video on this machine, linked by its path relative to the file.
        date: as for :func:`dumps`.
        force: replace a file.  An EAF with tiers of a coder that are not among ``sheets`` is
            kept even so (ecosystem 3.4).

    Raises:
        DatasetError: as :func:`dumps`.
        OutputError: the file exists, or cannot be written.
    """
    path = Path(path)
    chosen = format or format_of(path)
    there = os.path.lexists(path)
    if there and not force:
        raise OutputError(f"{path} exists already and is kept; --force replaces it")
    link = "" if media is None else _relative(Path(media), path.parent)
    data = dumps(sheets, chosen, media=link, date=date)
    if there and chosen == "elan":
        _keep_coders(path, data)
    write_atomically(path, data)
    return path


def flags(sheets: Sequence[Sheet], format: str) -> tuple[str, ...]:
    """Return, in words, what a format cannot show of sheets although it keeps it (E99)."""
    if format not in ("elan", "boris", "vtt"):
        return ()
    return tuple(flag for sheet in sheets for flag in _flags(timed(sheet)))


def _keep_coders(path: Path, data: bytes) -> None:
    """Refuse to replace tiers of a coder by a file without them."""
    try:
        tiers = elan_read.coders(path)
    except DatasetError:
        return  # no EAF: nothing of a coder is in it
    kept = {tier.get("TIER_ID") for tier in ElementTree.fromstring(data).iter("TIER")}
    lost = [tier for tier in tiers if tier not in kept]
    if lost:
        raise OutputError(
            f"{path} holds a coder's tier {lost[0][:40]!r}, which --force does not replace; "
            "choose another name"
        )


def _relative(media: Path, folder: Path) -> str:
    try:
        return os.path.relpath(media, folder or ".").replace(os.sep, "/")
    except ValueError:  # another drive
        return media.name
