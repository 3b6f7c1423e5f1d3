"""Recordings that come over the network: begun, and given their place once they are whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from mescope.app.project import Project, has_changed
from mescope.app.records import StoredRecording
from mescope.app.safety import UnsafeError, free_name, inside, safe_folder, safe_name
from mescope.app.trouble import told
from mescope.app.uploads import Draft, TooLargeError, too_large
from mescope.errors import MescopeError, OutputError
from mescope.video.suffixes import MEDIA


def draft(
    project: Project,
    name: str,
    length: int | None,
    folder: str = "",
    allowed: Collection[str] = MEDIA,
) -> Draft:
    """Begin to take in a file that comes over the network.

    Args:
        project: that takes it.
        name: as the sender calls it.
        length: bytes announced, if any.
        folder: in which the sender keeps it, relative to what was sent.
        allowed: endings of names.

    Raises:
        UnsafeError: the name has no ending of a video, or the folder leads elsewhere.
        MescopeError: too large, too many recordings, or no room on the disk.
    """
    most = project.limits.upload_bytes
    if length is not None and length > most:
        raise TooLargeError(too_large(most))
    if len(project.store.recordings()) >= project.limits.recordings:
        raise TooLargeError(project.full())
    free = shutil.disk_usage(project.folder).free - project.limits.free_bytes
    if free < (length or 0):
        raise TooLargeError(
            f"expected room for the recording, only {max(0, free) // 1_000_000} MB may be "
            "used on this disk; make room"
        )
    path = project.home / "incoming" / secrets.token_hex(8)
    return Draft(safe_name(name, allowed), safe_folder(folder), path, min(most, free))


def take(project: Project, draft: Draft) -> tuple[StoredRecording, bool]:
    """Give a complete upload its name; return the recording and whether it is new."""
    digest = draft.digest.hexdigest()
    _learn_digests(project, draft.size)
    with project.scanning:
        for recording in project.store.with_sha256(digest):
            path = project.folder / recording.path
            if path.is_file() and not has_changed(recording, path):
                draft.discard()
                return recording, False
        with told():
            folder = folder_for(project, draft.folder)
            path = folder / free_name(folder, draft.name)
            os.replace(draft.path, path)
        return project.register(path, os.path.join(draft.folder, path.name), digest), True


def _learn_digests(project: Project, size: int) -> None:
    """Read the files of a size that were put here by hand: one may be what comes now."""
    for recording in project.store.of_size(size):
        with contextlib.suppress(MescopeError, OSError):
            path = inside(project.folder, recording.path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if not has_changed(recording, path):
                project.store.change_recording(recording.id, sha256=digest)


def folder_for(project: Project, relative: str) -> Path:
    """Return a folder for uploads, made where it is missing; never by way of a link."""
    folder = project.folder / relative
    base = os.path.realpath(project.folder)
    if os.path.realpath(folder) != os.path.normpath(os.path.join(base, relative)):
        raise UnsafeError(f"{relative[:120]}: is a link; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {relative[:120]} ({error.strerror}); choose another"
        ) from error
    return folder
