"""Folders of numbered pictures become recordings, once their frames per second are said."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mescope.app.intake import folder_for
from mescope.app.project import Project
from mescope.app.safety import UnsafeError
from mescope.app.trouble import told
from mescope.app.uploads import Draft
from mescope.errors import MescopeError
from mescope.io.file_names import printable
from mescope.video.image_folders import has_numbered_pictures
from mescope.video.picture_lists import list_of, write_list


def without_rate(project: Project) -> Iterator[Path]:
    """Yield the folders of numbered pictures in a project that are no recordings yet."""
    for folder, inner, files in os.walk(project.folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        path = Path(folder)
        fresh = path != project.folder and not list_of(path).exists()
        if fresh and has_numbered_pictures(files):
            yield path


def told_of(project: Project) -> list[dict[str, str]]:
    """Return what is said about folders of pictures whose rate is not known."""
    return [
        {
            "name": printable(os.path.relpath(path, project.folder)),
            "error": project.words("server.pictures_without_rate"),
        }
        for path in without_rate(project)
    ]


def make_recordings(project: Project, rate: float) -> dict[str, Any]:
    """Make recordings of all folders of pictures that are none yet, at one rate.

    Raises:
        MescopeError: the rate is none, or there is no such folder.
    """
    folders = list(without_rate(project))
    if not folders:
        raise MescopeError("expected a folder of numbered pictures in the project, found none")
    for folder in folders:
        write_list(folder, rate)
    return project.rescan()


def place(project: Project, draft: Draft) -> str:
    """Give an uploaded picture its place in its folder; return where that is.

    Raises:
        UnsafeError: it belongs into no folder, or another picture has its name.
    """
    if not draft.folder:
        raise UnsafeError("expected a folder of pictures, found a picture alone")
    path = folder_for(project, draft.folder) / draft.name
    if path.exists():
        if path.read_bytes() != draft.path.read_bytes():
            raise UnsafeError(
                f"{printable(draft.name)}: another picture of this name is in "
                f"{printable(draft.folder)}; send the folder under another name"
            )
        draft.discard()
    else:
        with told():
            os.replace(draft.path, path)
    return f"{draft.folder}/{draft.name}"
