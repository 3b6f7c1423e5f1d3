"""Names and paths that come from outside: made safe, or refused.

A recording is addressed by an id that the server made; no path of a request ever reaches the
disk.  Names of uploads are cleaned, and files are opened inside the project folder only.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Collection
from pathlib import Path

from mescope.errors import MescopeError
from mescope.io.file_names import printable
from mescope.video.suffixes import MEDIA

LONGEST_NAME = 120
"""Bytes of an uploaded file's name that are kept; file systems take 255."""

DEEPEST_FOLDER = 8
"""Folders within each other that an upload may ask for."""

IDENTITY = re.compile(r"[0-9a-f]{12}\Z")

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)
_FORBIDDEN = frozenset('<>:"/\\|?*')


class UnsafeError(MescopeError):
    """A name or path that could reach outside the project."""


def safe_name(text: str, allowed: Collection[str] = MEDIA) -> str:
    """Return a file name that is harmless on every file system, with its ending.

    Folders in front, control characters, direction marks and what Windows forbids are taken
    out; names of devices get an underscore; long names are cut.

    Raises:
        UnsafeError: the ending is not one of ``allowed``, by default those of videos.

    >>> safe_name("../../etc/inter view.MP4"), safe_name("con.mp4"), safe_name("a:b?.mkv")
    ('inter view.MP4', '_con.mp4', 'a_b_.mkv')
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", text))[-1]
    kept = "".join(_harmless(c) for c in last[:4096]).rstrip(" .")
    stem, ending = os.path.splitext(kept)
    if not stem.strip() or ending.lower() not in allowed:
        raise UnsafeError(
            f"expected the name of a file that ends in {', '.join(sorted(allowed))}, "
            f"found {kept[:60]!r}; rename or convert it"
        )
    room = LONGEST_NAME - len(ending.encode())
    return _tamed(stem.strip(" .") or "video", room) + ending


def safe_folder(text: str) -> str:
    """Return where in the project folder an upload belongs, such as ``S01/day 2``; or ``""``.

    Every folder becomes harmless as a name of a file does.  None is hidden, and none leads up.

    Raises:
        UnsafeError: more than :data:`DEEPEST_FOLDER` within each other.

    >>> safe_folder("S01/day 2"), safe_folder("../../.mescope/x"), safe_folder("C:")
    ('S01/day 2', 'mescope/x', 'C_')
    """
    plain = unicodedata.normalize("NFC", text[:4096])
    parts = ("".join(_harmless(c) for c in p).strip(" .") for p in re.split(r"[/\\]", plain))
    kept = [_tamed(part, LONGEST_NAME) for part in parts if part]
    if len(kept) > DEEPEST_FOLDER:
        raise UnsafeError(
            f"expected at most {DEEPEST_FOLDER} folders within each other, found {len(kept)}"
        )
    return "/".join(kept)


def clean_text(text: str, longest: int, what: str) -> str:
    """Return text of a person for the database: NFC, no control characters but line ends.

    Raises:
        MescopeError: it is longer than ``longest`` characters.
    """
    if len(text) > longest:
        raise MescopeError(
            f"expected {what} of at most {longest} characters, found {len(text)}; shorten it"
        )
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        c for c in plain if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")
    )
    return unicodedata.normalize("NFC", kept).strip()


def free_name(folder: Path, name: str) -> str:
    """Return ``name``, numbered if a file is called so already on any file system."""
    taken = {_folded(entry) for entry in os.listdir(folder)}
    stem, ending = os.path.splitext(name)
    number, chosen = 1, name
    while _folded(chosen) in taken:
        number += 1
        chosen = f"{stem} ({number}){ending}"
    return chosen


def inside(root: Path, relative: str) -> Path:
    """Return the absolute path of a regular file of the project.

    Raises:
        UnsafeError: it lies outside ``root``, also by way of a link, or is a device, a pipe, a
            socket or a folder.
        MescopeError: it is not there.
    """
    base = os.path.realpath(root)
    try:
        real = os.path.realpath(os.path.join(base, relative))
        mode = os.stat(real).st_mode
    except (OSError, ValueError) as error:
        raise MescopeError(
            f"{_shown(relative)}: expected this recording in the project folder, it is gone; "
            "put it back"
        ) from error
    if os.path.commonpath([base, real]) != base:
        raise UnsafeError(
            f"{_shown(relative)}: leads out of the project folder; copy the recording into it"
        )
    if not stat.S_ISREG(mode):
        raise UnsafeError(f"{_shown(relative)}: expected a file, found something else")
    return Path(real)


def _tamed(stem: str, room: int) -> str:
    """Return a name, of at most ``room`` bytes, that Windows takes for no device."""
    if stem.split(".")[0].strip().lower() in _DEVICES:
        stem = f"_{stem}"
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .")


def _harmless(character: str) -> str:
    if character in _FORBIDDEN:
        return "_"
    return (
        ""
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        else character
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _shown(relative: str) -> str:
    return printable(os.path.basename(relative)[:120])
