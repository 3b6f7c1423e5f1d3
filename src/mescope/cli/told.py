"""In words what a command found in its folder: nothing, a part of its work, or all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mescope.cli.console import explain

_DEEPEST = 3  # folders below that of a run: folds/seed-0/000.json


@contextmanager
def told(folder: Path, mark: str) -> Iterator[None]:
    """Say afterwards whether the work was finished before, or was completed now.

    Files are left alone where they would be written with the same bytes, so what was finished
    shows by its times.

    Args:
        folder: of the run.
        mark: a file or folder in it that shows that the run had begun.
    """
    begun, before = (folder / mark).exists(), _files(folder)
    yield
    if not begun:
        return
    if _files(folder) == before:
        explain(f"{folder} was finished before and is kept")
    else:
        explain(f"{folder} was completed: what was there is kept")


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of every file of a run."""
    found: dict[str, tuple[int, int]] = {}
    for where, folders, names in os.walk(folder):
        if len(Path(where).relative_to(folder).parts) >= _DEEPEST:
            folders.clear()
        for name in names:
            path = os.path.join(where, name)
            try:
                about = os.lstat(path)
            except OSError:
                continue
            found[path] = (about.st_size, about.st_mtime_ns)
    return found
