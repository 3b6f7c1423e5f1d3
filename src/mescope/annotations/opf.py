"""What is in a file of Datavyu: a zip from elsewhere, opened with care.

Only the entries ``db`` and ``project`` and the settings of viewers are read, each to a limit,
whatever the zip says of their size; nothing is ever unpacked to the disk.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from mescope.annotations.files import MAX_BYTES, read_bytes
from mescope.annotations.problems import Remarks
from mescope.errors import DatasetError

_MOST_PROJECT = 1_000_000  # bytes; a project of ten videos takes 3,000
_MOST_VIEWERS = 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FEED = re.compile(r"^\s*(?:- )?(?:!vs\s+)?feed:\s*(.+?)\s*$", re.MULTILINE)
_SETTINGS = re.compile(r"^\s*(?:- )?settingsId:\s*['\"]?([\w.-]{1,40})['\"]?\s*$", re.MULTILINE)
_OFFSET = re.compile(r"^offset=(-?\d{1,11})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Project:
    """The spreadsheet as text, and path and offset (ms) of each video."""

    sheet: str
    videos: tuple[tuple[str, int], ...]


def read_opf(path: Path, remarks: Remarks) -> Project:
    r"""Return what an ``.opf`` holds; line ends of the spreadsheet are ``\n``.

    Raises:
        DatasetError: it is no zip, damaged, locked by a password, without a spreadsheet, or
            one that grows beyond :data:`~mescope.annotations.files.MAX_BYTES`.
    """
    read_bytes(path)  # refuses what is huge, empty, or not a plain file
    try:
        with zipfile.ZipFile(path) as archive:
            sheet = _entry(archive, "db", MAX_BYTES, path.name)
            project = _text(_entry(archive, "project", _MOST_PROJECT, path.name, missing=b""))
            videos = _videos(archive, project, path.name)
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
        ValueError, OSError,
    ) as error:  # fmt: skip
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(
            f"{path.name}: expected an .opf of Datavyu (a zip), found: "
            f"{str(error)[:80] or type(error).__name__}; open it in Datavyu and save it again"
        ) from None
    return Project(_sheet(sheet, path.name, remarks), videos)


def _entry(
    archive: zipfile.ZipFile, name: str, most: int, file: str, missing: bytes | None = None
) -> bytes:
    """Return the bytes of an entry, at most so many."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        if missing is not None:
            return missing
        raise DatasetError(
            f"{file}: expected a spreadsheet {name!r} in the zip, found "
            f"{', '.join(one[:30] for one in archive.namelist()[:5]) or 'nothing'}"
        ) from None
    if info.compress_type not in _METHODS or info.flag_bits & 1:
        raise DatasetError(
            f"{file}: expected a zip as Datavyu writes it, found {name!r} compressed in "
            "another way or locked by a password"
        )
    with archive.open(info) as packed:
        data = packed.read(most + 1)
    if len(data) > most:
        raise DatasetError(f"{file}: expected at most {most} bytes in {name!r}, found more")
    return data


def _videos(archive: zipfile.ZipFile, project: str, file: str) -> tuple[tuple[str, int], ...]:
    """Return path and offset of the videos of a project, in their order."""
    feeds = [_unquoted(found) for found in _FEED.findall(project)[:_MOST_VIEWERS]]
    settings = _SETTINGS.findall(project)[:_MOST_VIEWERS]
    offsets = []
    for name in settings:
        said = _OFFSET.search(_text(_entry(archive, name, _MOST_PROJECT, file, missing=b"")))
        offsets.append(int(said[1]) if said else 0)
    offsets += [0] * (len(feeds) - len(offsets))
    return tuple(zip(feeds, offsets, strict=False))


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").replace("\r\n", "\n")


def _sheet(data: bytes, name: str, remarks: Remarks) -> str:
    """Return the text of a spreadsheet; older Datavyus wrote it as their system did."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        remarks.add(name, "it is no UTF-8 and was read as Windows-1252; check accented letters")
    return text.replace("\r\n", "\n").replace("\r", "\n")
