"""What is to be read and written: recordings, names of results, checks beforehand."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from mescope.cli.console import explain
from mescope.errors import FaceError, MescopeError, OutputError, VideoError
from mescope.io.atomic import refuse_source
from mescope.io.file_names import LONGEST, fitted
from mescope.video.suffixes import MEDIA

_LEAST_FREE = 30_000_000  # bytes; a report of an hour takes less
_ROOM = LONGEST - 40  # bytes of a name; the longest suffix of a result and a draft's fit behind
_CLOCK = re.compile(r"(?:(?:(\d+):)?([0-5]?\d):)?(\d+(?:\.\d+)?)\Z")


@dataclass(frozen=True, slots=True)
class Job:
    """One recording and the name, without suffix, that its results get."""

    source: str
    name: str


def gather(inputs: Sequence[str]) -> tuple[list[Job], dict[str, MescopeError]]:
    """Return the recordings meant by ``inputs``, in order, and the inputs that mean none.

    A folder of numbered pictures is one recording; any other folder is searched, with all its
    subfolders, for media files and for folders of numbered pictures.  A recording that is meant
    twice is taken once.  A subfolder that cannot be read is one of the inputs that mean none.
    Whatever else is wrong with a file shows when it is opened.
    """
    found: dict[str, str] = {}  # real path -> as written
    failed: dict[str, MescopeError] = {}
    for text in inputs:
        try:
            for source in _recordings(text, failed):
                found.setdefault(os.path.realpath(source), source)
        except MescopeError as error:
            failed[text] = error
    sources = list(found.values())
    return [Job(s, n) for s, n in zip(sources, names(sources), strict=True)], failed


def names(sources: Sequence[str]) -> list[str]:
    """Return a name for the results of every source; no two are alike on any file system.

    >>> names(["a/x.mp4", "a/y.mp4"]), names(["a/x.mp4", "b/x.mp4"]), names(["x.mp4", "x.avi"])
    (['x', 'y'], ['a-x.mp4', 'b-x.mp4'], ['x.mp4', 'x.avi'])
    """
    level, tails = [0] * len(sources), _tails()
    while True:
        chosen = [_name(s, n) for s, n in zip(sources, level, strict=True)]
        taken = Counter(_folded(name + tail) for name in chosen for tail in tails)
        clashes = [
            i
            for i, name in enumerate(chosen)
            if any(taken[_folded(name + tail)] > 1 for tail in tails)
        ]
        deeper = [i for i in clashes if level[i] < _deepest(sources[i])]
        if not deeper:
            return _numbered(chosen)
        for i in deeper:
            level[i] += 1


def _tails() -> list[str]:
    """Return what may stand between a name and the last part of a suffix of its results."""
    from mescope.reports import files_of, formats

    made = [file for suffix in formats().values() for file in files_of(Path(f"x{suffix}"))]
    return sorted({file.stem.removeprefix("x") for file in made})


def seconds(text: str | None) -> float | None:
    """Return seconds from ``SS``, ``M:SS`` or ``H:MM:SS``, each with a fraction if need be.

    >>> seconds("90"), seconds("1:30.5"), seconds("1:00:00"), seconds(None)
    (90.0, 90.5, 3600.0, None)
    """
    if text is None:
        return None
    match = _CLOCK.match(text.strip())
    if not match:
        raise typer.BadParameter(
            f"{text!r}: expected seconds such as 12.5, or m:ss or h:mm:ss, without a unit"
        )
    hours, minutes, rest = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)


def time_range(start: str | None, end: str | None) -> dict[str, float | None]:
    """Return ``start`` and ``end`` in seconds, or refuse an empty range."""
    first, last = seconds(start), seconds(end)
    if first is not None and last is not None and first >= last:
        raise typer.BadParameter(f"--start {start} must come before --end {end}")
    return {"start": first, "end": last}


def rates_for(work: Sequence[Job], rate: float | None) -> dict[str, dict[str, float | None]]:
    """Return the rate of every recording, by its source, as an option of ``analyze``.

    It stretches the times of a video file; but where folders of pictures are among the
    recordings, it is meant for these, which have no times: files keep their own.
    """
    folders = {job.source for job in work if _is_pictures(job.source)}
    chosen = [job for job in work if job.source in folders] or work
    taken = {job.source for job in chosen}
    if rate is not None and len(taken) < len(work):
        explain("--rate is that of the folders of pictures; video files keep their own times")
    return {job.source: {"rate": rate if job.source in taken else None} for job in work}


def face_choice(text: str) -> str | int:
    """Return the face that ``--face`` means, see :data:`mescope.face.choice.FaceChoice`."""
    from mescope.face.choice import chosen

    try:
        meant = chosen(text)
    except FaceError as error:
        raise typer.BadParameter(str(error)) from error
    return meant if isinstance(meant, int) else text


def landmarks_of(job: Job, landmarks: Path | None, total: int) -> dict[str, Path]:
    """Return the landmark table of a recording, as an option of ``analyze``.

    It is the file given, or NAME.csv of the folder; without either nothing is returned.

    Raises:
        VideoError: there is none for this recording.
    """
    if landmarks is None:
        return {}
    if landmarks.is_file() and total == 1:
        return {"landmarks": landmarks}
    if not landmarks.is_dir():
        raise VideoError(
            f"--landmarks {landmarks}: expected a table for one recording, or a folder of "
            f"NAME.csv for {total}, found neither"
        )
    names = [f"{name}.csv" for name in dict.fromkeys((job.name, Path(job.source).stem))]
    for name in names:
        if (landmarks / name).is_file():
            return {"landmarks": landmarks / name}
    raise VideoError(f"expected its landmarks in {landmarks / names[0]}, found no such file")


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written or is full, before any work is done.

    Raises:
        OutputError: with what is wrong; nothing is left behind.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise OutputError(f"{there} is a file; choose a folder for the results with -o")
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"\0")
            file.flush()
        free = shutil.disk_usage(there).free
    except OSError as error:
        raise OutputError(
            f"cannot write in {there} ({error.strerror or error}); "
            "choose another folder with -o"
        ) from error
    if free < _LEAST_FREE:
        raise OutputError(
            f"only {free // 1_000_000} MB are free in {there}, expected at least "
            f"{_LEAST_FREE // 1_000_000}; make room or choose another folder with -o"
        )


def _recordings(text: str, failed: dict[str, MescopeError]) -> list[str]:
    """Return the recordings of an input; its folders that cannot be read go to ``failed``."""
    if not os.path.isdir(text):
        from mescope.video.containers import local_path

        local_path(text)  # refuses what is missing before hours of work on the others
        return [text]
    if _is_frame_folder(text):
        return [text]
    found: list[str] = []
    closed: dict[str, MescopeError] = {}

    def note(error: OSError) -> None:
        folder = str(error.filename)
        closed[folder] = _closed(folder, error)

    for folder, inner, files in os.walk(text, onerror=note):
        inner.sort()
        if folder != text and _is_frame_folder(folder):
            inner.clear()
            found.append(folder)
            continue
        found += [os.path.join(folder, name) for name in sorted(files) if _is_media(name)]
    failed |= closed
    if not found and not closed:
        raise VideoError(
            f"{text}: expected video files or numbered pictures in this folder, found neither; "
            "name a file itself if its ending is unusual"
        )
    return found


def _closed(folder: str, error: OSError) -> VideoError:
    return VideoError(
        f"{folder}: the folder cannot be read ({error.strerror or error}); allow reading it"
    )


def _is_media(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in MEDIA


def _is_pictures(source: str) -> bool:
    from mescope.video.picture_lists import SUFFIX

    return os.path.isdir(source) or source.lower().endswith(SUFFIX)


def _is_frame_folder(folder: str) -> bool:
    """Return whether the folder holds numbered pictures and no media file."""
    from mescope.video.image_folders import has_numbered_pictures

    try:
        files = os.listdir(folder)
    except OSError as error:
        raise _closed(folder, error) from error
    return not any(_is_media(name) for name in files) and has_numbered_pictures(files)


def _name(source: str, level: int) -> str:
    path = Path(os.path.abspath(source))
    if level == 0:
        return fitted(path.name if os.path.isdir(path) else path.stem, _ROOM)
    folders = path.parent.parts[1:]
    return fitted("-".join([*folders[len(folders) - (level - 1) :], path.name]), _ROOM)


def _deepest(source: str) -> int:
    return len(Path(os.path.abspath(source)).parent.parts)


def _folded(name: str) -> str:
    """Return what a file system that ignores case and normal form would compare."""
    return unicodedata.normalize("NFC", name).casefold()


def _numbered(chosen: list[str]) -> list[str]:
    """Number the few names that even whole paths leave alike."""
    seen: Counter[str] = Counter()
    result = []
    for name in chosen:
        seen[_folded(name)] += 1
        number = seen[_folded(name)]
        result.append(name if number == 1 else f"{name} ({number})")
    return result


def refuse_existing(
    files: Sequence[Path],
    force: bool,
    *,
    source: str | Path | None = None,
    sources: Sequence[Path] = (),
) -> None:
    """Refuse files that exist already, unless ``force``; what is read itself in any case.

    Args:
        files: that are to be written.
        force: whether others may be replaced.
        source: the recording or table that is read.
        sources: several of them.

    Raises:
        OutputError: naming the first of them; nothing is lost.
    """
    for read in (*sources, *(() if source is None else (source,))):
        for file in files:
            refuse_source(file, str(read))
    there: Any = next((file for file in files if os.path.lexists(file)), None)
    if there is not None and not force:
        raise OutputError(f"{there} exists already and is kept; --force replaces it")
