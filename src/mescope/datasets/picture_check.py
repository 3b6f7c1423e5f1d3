"""Open every picture of a data set's clips and recordings, to find what cannot be decoded.

Readers list pictures and open none, since there are up to millions; this is the slow check.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from mescope.annotations.problems import Problem
from mescope.datasets.base import Dataset, some
from mescope.errors import VideoError
from mescope.io.progress import Progress
from mescope.video.image_folders import numbered_files


def check_pictures(dataset: Dataset, progress: Progress | None = None) -> tuple[Problem, ...]:
    """Return a problem for every folder with pictures that cannot be decoded or change in size.

    Both are warnings: when flow or frames are made from a clip, a neighbouring picture stands
    in for a damaged one, and a clip of mixed sizes is refused then.
    """
    folders = {clip.folder: f"{clip.subject}/{clip.name}" for clip in dataset.clips}
    folders |= {
        Path(r.path): r.name for r in dataset.recordings if r.path and Path(r.path).is_dir()
    }
    found: list[Problem] = []
    for done, (folder, name) in enumerate(folders.items(), 1):
        found += _check(folder, name)
        if progress:
            progress(done, len(folders))
    return tuple(found)


def _check(folder: Path, name: str) -> list[Problem]:
    try:
        files = numbered_files(folder).files
    except (VideoError, OSError):
        return []  # the reader has reported it
    damaged: list[str] = []
    sizes: dict[tuple[int, int], str] = {}
    for path in files:
        try:
            with Image.open(path) as image:
                image.load()
                sizes.setdefault(image.size, path.name)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            damaged.append(path.name)
    problems = []
    if damaged:
        text = f"{len(damaged)} of {len(files)} pictures cannot be decoded: {some(damaged)}"
        problems.append(Problem("warning", name, text))
    if len(sizes) > 1:
        shown = ", ".join(f"{file} is {w}x{h}" for (w, h), file in sizes.items())
        problems.append(Problem("warning", name, f"pictures of several sizes: {shown}"))
    return problems
