"""MMME: micro- and macro-expressions at about 150 frames per second.

Source  Ma et al. 2025, arXiv:2506.09834; a signed licence is needed (Mac0504/MMME)
Layout  ROOT/coding_file.xlsx (any sheet with its columns) and, anywhere below ROOT,
        either a video or a folder of pictures of every expression, named as its row says,
        Micro/video_angry_p0120230802_116_1.70_1.97_2.20_143.avi (video_ and the rate at the end
        may be missing), or the whole trials, folders of pictures that are named by time stamp,
        with the row's Filename and Marker in their path, .../p01_20230802/116/12.345.jpg
Frames  the sheet writes seconds of a trial (OnsetTime, ApexTime, OffsetTime); the frame nearest
        to each is taken

Column names, and the names of the cut videos, are those of the code that the authors
published; the rest of the layout is described nowhere, so folders are found by what their names
hold.  Time stamps may count from the start of the trial or be those of a clock; either way the
trial starts with its first picture.  Every cut expression is a recording of its own, from onset
to offset.  Emotions stay as written (angry becomes anger, happy happiness).  EEG and the other
signals are not read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mescope.datasets.base import Dataset, reader_of, signed_licence, some
from mescope.datasets.clips import Findings, table_rows
from mescope.datasets.folder import VIDEO_SUFFIXES
from mescope.datasets.recordings import (
    Rules,
    SheetExpression,
    VideoFile,
    assemble,
    check_counts,
    kind_of,
    tally,
)
from mescope.datasets.workbook import SheetRow, find_workbook
from mescope.errors import DatasetError, VideoError
from mescope.video.image_folders import numbered_files
from mescope.video.reading import open_video

NAME = "mmme"
TITLE = "MMME"
RATE = 150.0
"""Frames per second of the camera; a cut video says its own."""

TABLES = ("coding_file.xlsx", "coding_file_combined.xlsx", "MMME_coding_file.xlsx")
COLUMNS = (
    "Subject",
    "Filename",
    "Marker",
    "OnsetTime",
    "ApexTime",
    "OffsetTime",
    "Macro/Micro",
)
EMOTIONS = (
    "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise", "tense",
    "others",
)  # fmt: skip
"""Words that the authors' code has, and those of the seven basic emotions."""

PUBLISHED: Mapping[str, int] = MappingProxyType({"micro": 634, "macro": 2841})
"""Expressions of each kind, as the paper gives them."""

_EMOTION, _UNITS = "Estimated Emotion", ("Action Units", "AU", "AUs")
_CUT = re.compile(
    r"(?:video_)?(?P<who>\w+?_\w+)_(?P<onset>\d+\.\d+)_(?P<apex>\d+\.\d+)_(?P<offset>\d+\.\d+)"
    r"(?:_(?P<rate>\d+(?:\.\d+)?))?",
    re.IGNORECASE,
)
_LEVELS = 6  # folders between the root and the pictures
_SLACK = 1.5  # frames between a written time and the nearest picture

_Times = tuple[float, float | None, float]


@reader_of(NAME, TITLE, obtain=signed_licence("Mac0504/MMME"))
def read(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the recordings of MMME: whole trials, or one for each expression.

    Args:
        root: folder of the coding file and of videos or pictures.
        table: the coding file, if it has another name than those known.

    Raises:
        DatasetError: the coding file, its columns or any videos are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    rows = table_rows(
        path, TITLE, ("Filename", "OnsetTime"), COLUMNS, findings, optional=(_EMOTION, *_UNITS)
    )
    media = _Media(root)
    events: list[SheetExpression] = []
    files: dict[str, VideoFile] = {}
    for row in rows:
        found = _event(row, media, findings)
        if found is not None:
            events.append(found[0])
            files.setdefault(found[1].name, found[1])
    check_counts(tally(events), PUBLISHED, TITLE, findings)
    media.tell_unused(findings)
    rules = Rules(dataset=NAME, rate=RATE, emotions=EMOTIONS)
    return assemble(events, files.values(), rules, findings)


class _Media:
    """The videos and folders of pictures below a root, by what their names say."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cut: dict[tuple[str, ...], Path] = {}
        self._trials: list[Path] = []
        for path in _below(root):
            key = _key_of(path)
            if key is not None:
                self._cut.setdefault(key, path)
            elif path.is_dir():
                self._trials.append(path)
        self._used: set[Path] = set()
        self._opened: dict[Path, _Opened | VideoError] = {}
        if not self._cut and not self._trials:
            raise DatasetError(
                f"{TITLE}: no videos such as angry_p0120230802_116_1.70_1.97_2.20_143.avi and "
                f"no folders of pictures under {root}; give the folder that holds them"
            )

    def of(self, row: SheetRow, times: _Times) -> tuple[Path, bool] | None:
        """Return where a row is seen, and whether that is cut to it; None if nowhere."""
        cells = row.cells
        person, marker = _plain(cells["Subject"]), _plain(cells["Marker"])
        file = _plain(cells["Filename"])
        date = file.rsplit("_", 1)[-1][:8]
        apex = times[2] if times[1] is None else times[1]
        written = tuple(f"{value:.2f}" for value in (times[0], apex, times[2]))
        whose = (f"{person}{date}", marker)
        emotion = _plain(cells[_EMOTION])
        for who in ((emotion, *whose), whose):
            path = self._cut.get(("_".join(who), *written))
            if path is not None:
                self._used.add(path)
                return path, True
        for path in self._trials:
            inside = path.relative_to(self._root).as_posix().lower()
            named = file in inside or (person in inside and date in inside)
            if named and re.search(rf"(?<!\d){re.escape(marker)}(?!\d)", inside):
                self._used.add(path)
                return path, False
        return None

    def opened(self, path: Path) -> _Opened:
        """Return the times of a video's frames.

        Raises:
            VideoError: it cannot be read.
        """
        if path not in self._opened:
            rate = RATE
            named = _CUT.fullmatch(path.stem if path.is_file() else path.name)
            if named and named["rate"]:
                rate = float(named["rate"])
            try:
                video = open_video(path, rate=rate if path.is_dir() else None)
                first = numbered_files(path, rate).numbers[0] if path.is_dir() else 1
                self._opened[path] = _Opened(video.times, video.rate, first)
            except VideoError as error:
                self._opened[path] = error
        found = self._opened[path]
        if isinstance(found, VideoError):
            raise found
        return found

    def tell_unused(self, findings: Findings) -> None:
        """Tell the cut videos that no row names."""
        left = sorted(p.name for p in self._cut.values() if p not in self._used)
        if left:
            text = f"{len(left)} cut videos have no row in the table, left out: {some(left)}"
            findings.warning(findings.file, text)


@dataclass(frozen=True, slots=True)
class _Opened:
    times: NDArray[np.float64]
    rate: float
    first: int  # number of frame 0


def _event(
    row: SheetRow, media: _Media, findings: Findings
) -> tuple[SheetExpression, VideoFile] | None:
    """Return a row in numbers of pictures, and its video; None if it cannot be used."""
    cells = row.cells
    label = f"{cells['Filename']}/{_plain(cells['Marker'])} from {cells['OnsetTime']}"
    times = _times(row, label, findings)
    if times is None:
        return None
    seen = media.of(row, times)
    if seen is None:
        findings.error(row.where, f"{label}: there is no video of it")
        return None
    path, cut = seen
    try:
        opened = media.opened(path)
    except (VideoError, OSError) as error:
        findings.error(row.where, f"{label}: {error}")
        return None
    frames = _frames(times, opened, cut)
    if frames is None:
        last = float(opened.times[-1])
        text = f"{times[0]:g} to {times[2]:g} s expected, the video has 0 to {last:g} s"
        findings.error(row.where, f"{label}: {text}")
        return None
    name = path.stem if path.is_file() else path.name
    if not cut:
        name = f"{cells['Filename']}/{_plain(cells['Marker'])}"
    event = SheetExpression(
        where=row.where,
        video=name,
        onset=frames[0] + opened.first,
        apex=None if frames[1] is None else frames[1] + opened.first,
        offset=frames[2] + opened.first,
        kind=_kind(cells["Macro/Micro"]),
        emotion=str(cells[_EMOTION] or ""),
        action_units=next((cells[c] for c in _UNITS if cells[c] is not None), None),
    )
    return event, VideoFile(subject=_plain(cells["Subject"]), name=name, path=path)


def _times(row: SheetRow, label: str, findings: Findings) -> _Times | None:
    """Return onset, apex and offset in seconds, None where they make no sense."""
    onset, apex, offset = (_second(row.cells[name]) for name in COLUMNS[3:6])
    if onset is None or offset is None or onset > offset:
        text = (
            f"expected seconds of onset and offset in order, found {row.cells['OnsetTime']!r}"
        )
        findings.error(row.where, f"{label}: {text} and {row.cells['OffsetTime']!r}")
        return None
    return onset, apex, offset


def _second(cell: object) -> float | None:
    """Return seconds, also with a decimal comma, as sheets saved as text have it."""
    try:
        value = float(re.sub(r"^(\d+),(\d+)$", r"\1.\2", str(cell).strip()))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _frames(times: _Times, opened: _Opened, cut: bool) -> tuple[int, int | None, int] | None:
    """Return the frames nearest to the times; None where the video does not reach so far."""
    stamps = opened.times
    start = times[0] if cut else 0.0
    if times[2] - start > stamps[-1] + _SLACK / opened.rate and not cut:
        return None
    found = [None if t is None else int(np.abs(stamps - (t - start)).argmin()) for t in times]
    onset, apex, offset = found
    if onset is None or offset is None:
        return None
    return onset, apex, len(stamps) - 1 if cut else offset


def _kind(cell: object) -> object:
    return kind_of(cell) or cell


def _plain(cell: object) -> str:
    """Return a cell as names hold it: small letters, 116 for 116.0."""
    return str(cell if cell is not None else "").strip().lower().removesuffix(".0")


def _key_of(path: Path) -> tuple[str, ...] | None:
    """Return whose expression a cut video shows and its written times."""
    name = path.name if path.is_dir() else path.stem
    found = _CUT.fullmatch(name)
    if found is None:
        return None
    return found["who"].lower(), found["onset"], found["apex"], found["offset"]


def _below(root: Path) -> Iterator[Path]:
    """Yield video files, and the folders that hold no folders, as far down as they may be."""
    layer: Sequence[Path] = [root]
    for _ in range(_LEVELS):
        deeper: list[Path] = []
        for folder in layer:
            inside = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
            folders = [p for p in inside if p.is_dir()]
            deeper += folders
            yield from (p for p in inside if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
            if not folders and folder != root:
                yield folder
        layer = deeper
