"""Files that are whole or absent: written beside their place, and moved there in one step."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import stat
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mescope.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` in one step: the file is then the new one or the old one.

    The folder is made if need be.  The bytes go to a temporary file beside ``path``, are synced
    to the disk, and take the name last; nothing is left behind on failure.  A file that holds
    these very bytes already is left alone.

    Raises:
        OutputError: the folder or file cannot be written (read-only, full, no permission).
    """
    draft = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        if _holds(path, data):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; "
            "choose a folder that can be written and has room"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def refuse_source(path: Path, source: str | Path) -> None:
    """Refuse to write a file that would take the place of what is read.

    Args:
        path: the file to write.
        source: a recording or table that is read; or a folder, none of whose files may go.

    Raises:
        OutputError: they are the same file, by whatever names.
    """
    try:
        if os.path.samefile(path, source):
            raise OutputError(f"{path} is the file that is read; choose another name")
        inside = os.path.isdir(source) and os.path.lexists(path)
        if inside and os.path.samefile(path.resolve().parent, source):
            raise OutputError(f"{path} is a file of the recording; choose another name")
    except (OSError, ValueError):
        return  # one of them is not there, or has a name that no file has


def is_draft(path: Path) -> bool:
    """Say whether a file is the draft of a write that was not finished; nobody reads it."""
    return path.name.startswith(".") and path.suffix in (".tmp", ".part")


def _holds(path: Path, data: bytes) -> bool:
    """Say whether a file is a plain one with these bytes."""
    try:
        found = path.lstat()
        same = stat.S_ISREG(found.st_mode) and found.st_size == len(data)
        return same and path.read_bytes() == data
    except (OSError, ValueError):
        return False


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Write a CSV table in one step, as :func:`write_atomically` does."""
    write_atomically(path, table_text(columns, rows))


def table_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """Return a CSV table as it is written."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where the system can."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
