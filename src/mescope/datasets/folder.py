"""Your own recordings or clips: a folder of them with one CSV table of expressions.

Layout  ROOT/**/<recording>.mp4 (.avi, .mov, ...) or folders of numbered pictures, and
        ROOT/expressions.csv (or truth.csv of a rendered corpus, or the only other CSV with
        the columns below)
Frames  from 0, both ends included, as everywhere in mescope; frame 0 is the first picture
Table   recording (or video), onset, offset, kind (or type: micro, macro); optional: apex,
        emotion, subject, au, objective_class, rate, status, onset_s, apex_s, offset_s.  More
        columns are ignored, so the interval table that mescope writes can be read back.

A row that a person rejected is no expression: its frames are neutral to what is trained.  Where
the column reason says what it was (blink, speech, head, gaze), and the row has seconds, it is
an event of its recording.
Rows of one recording, interval and kind are one expression: the first counts.
A row with a recording but neither onset nor offset says that the recording holds nothing.
Without a subject the recording's name counts as the person, and a warning says so.  Pictures
have no times: their rate is that of the table, of ROOT/recordings.csv, or else
:data:`ASSUMED_RATE` and a warning.
ROOT/recordings.csv, if there is one, also adds recordings without expressions; see
``recording_list.py``.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, get_args

from mescope.annotations.expression_table import NEEDED, TableRow, read_table
from mescope.annotations.problems import Problem, place
from mescope.datasets.base import Dataset, reader_of, some
from mescope.datasets.people import doubts
from mescope.datasets.recording_list import Listed, read_listed
from mescope.errors import DatasetError, VideoError
from mescope.events import EventKind, Expression, FaceEvent, Interval, Recording, Seconds
from mescope.video.image_folders import has_numbered_pictures
from mescope.video.reading import open_video
from mescope.video.source import Video

NAME = "folder"
"""Data set name of the user's own recordings."""

TITLE = "your own videos or clips with one CSV table of expressions"
OBTAIN = "nothing to obtain: put expressions.csv beside the videos or folders of pictures"

ASSUMED_RATE = 30.0
"""Frames a second of a folder of pictures for which nobody says a rate."""

TABLES = ("expressions.csv", "truth.csv")
"""Names looked for first, in this order."""

VIDEO_SUFFIXES = frozenset(
    {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".mpeg", ".mts", ".webm", ".wmv"}
)


@reader_of(NAME, TITLE, obtain=OBTAIN)
def read(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the recordings that the table names; only time tables of the videos are read.

    Args:
        root: folder of the videos, searched with its subfolders.
        table: the CSV table; looked for in ``root`` if not given.

    Raises:
        DatasetError: no table, or it is not a table of expressions; the message names the file.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"expected a folder of videos, found no folder {root}")
    path = _find_table(root) if table is None else Path(table)
    rows, problems = read_table(path)
    named = len(problems)
    rows, events = _without_rejected(path, rows, problems)
    named += sum(row.expression is not None for row in rows)
    listed = read_listed(root, problems)
    videos = sorted({*_videos(root), *(path for path in listed if path.is_dir())})
    names = _Names(root, videos)
    recordings = _by_recording(rows, names, path, problems)
    recordings |= {file: [] for file in listed if file not in recordings}
    assumed: list[str] = []
    records = []
    for file, its_rows in recordings.items():
        facts = listed.get(file) or Listed(file, "", None, "")
        if file.is_dir() and facts.rate is None:
            facts = _with_rate(facts, its_rows, assumed)
        record = _recording(file, its_rows, path, problems, names.short(file), facts)
        records += [] if record is None else [record]
    unnamed = [v.relative_to(root).as_posix() for v in videos if v not in recordings]
    said = [_unnamed(unnamed)] if unnamed else []
    said += [_assumed_rate(assumed)] if assumed else []
    shown = [record for record, _ in records]
    nameless = [
        names.short(file)
        for file, many in recordings.items()
        if not _whose(many, listed.get(file))
    ]
    said += doubts(shown, {r.name for r in shown} & {*nameless})
    problems += [Problem("warning", place(path), text) for text in said]
    return Dataset(
        name=NAME,
        events=_events(events, names, {record.name: record for record, _ in records}),
        recordings=tuple(record for record, _ in records),
        problems=tuple(problems),
        seconds={record.name: times for record, times in records},
        table_rows=named,
    )


def _by_recording(
    rows: list[TableRow], names: _Names, table: Path, problems: list[Problem]
) -> dict[Path, list[TableRow]]:
    """Return the rows of every video that they name; note those that name none."""
    recordings: dict[Path, list[TableRow]] = {}
    for row in rows:
        found = names.home(row.recording)
        if isinstance(found, Path):
            recordings.setdefault(found, []).append(row)
        else:
            cost = int(row.expression is not None)
            problems.append(Problem("error", place(table, row.row), found, cost))
    return recordings


def _unnamed(videos: list[str]) -> str:
    return f"{len(videos)} videos have no row and were left out: {some(videos)}"


def _find_table(root: Path) -> Path:
    for name in TABLES:
        if (root / name).is_file():
            return root / name
    others = sorted(p for p in root.glob("*.csv") if p.is_file())
    if len(others) == 1:
        return others[0]
    found = some(p.name for p in others) or "no CSV file"
    raise DatasetError(
        f"{root}: expected a table expressions.csv with the columns {', '.join(NEEDED)}, "
        f"found {found}; name your table expressions.csv"
    )


def _without_rejected(
    path: Path, rows: list[TableRow], problems: list[Problem]
) -> tuple[list[TableRow], list[TableRow]]:
    """Return the rows that count, and those that were rejected as an event; tell the others."""
    rejected = [row for row in rows if row.status == "rejected"]
    named = [row for row in rejected if row.reason in get_args(EventKind) and row.seconds]
    if len(rejected) > len(named):
        text = f"{len(rejected) - len(named)} rows were rejected by a person and are not used"
        problems.append(Problem("warning", place(path), text))
    proposed = sum(row.status == "proposed" for row in rows)
    if proposed:
        text = f"{proposed} rows were proposed by a model and not confirmed by a person"
        problems.append(Problem("warning", place(path), text))
    return [row for row in rows if row.status != "rejected"], named


def _events(
    rows: list[TableRow], names: _Names, records: dict[str, Recording]
) -> dict[str, tuple[FaceEvent, ...]]:
    """Return what rejected rows were instead, by recording; how strong is not known: 0."""
    found: dict[str, list[FaceEvent]] = {}
    for row in rows:
        home = names.home(row.recording)
        record = records.get(names.short(home)) if isinstance(home, Path) else None
        if record is None or row.expression is None or row.seconds is None:
            continue
        interval = row.expression.interval
        if interval.last < record.frames:
            kind: Any = row.reason  # one of EventKind, as was looked
            event = FaceEvent(
                kind=kind, interval=interval, onset_s=row.seconds.onset,
                offset_s=row.seconds.offset, strength=0.0,
            )  # fmt: skip
            found.setdefault(record.name, []).append(event)
    return {name: tuple(sorted(some, key=lambda e: e.interval)) for name, some in found.items()}


def _videos(root: Path) -> list[Path]:
    """Return the video files and the folders of numbered pictures below a folder."""
    found = []
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        here = [name for name in files if not name.startswith(".")]
        videos = [name for name in here if PurePath(name).suffix.lower() in VIDEO_SUFFIXES]
        found += [Path(folder) / name for name in videos]
        if not videos and Path(folder) != root and has_numbered_pictures(here):
            found.append(Path(folder))
    return sorted(found)


def _with_rate(facts: Listed, rows: list[TableRow], assumed: list[str]) -> Listed:
    """Return the facts with the rate of the table, or the assumed one, and note the latter."""
    rates = [row.rate for row in rows if row.rate]
    if not rates:
        assumed.append(facts.path.name)
    return replace(facts, rate=rates[0] if rates else ASSUMED_RATE)


def _assumed_rate(folders: list[str]) -> str:
    return (
        f"{len(folders)} folders of pictures have no rate, {ASSUMED_RATE:g} frames a second "
        f"were assumed ({some(folders)}); seconds and spotting need the true one: add a column "
        "rate"
    )


def _bare(path: Path) -> str:
    """Return a name without ending; a folder's may have a point in it."""
    return path.name if path.is_dir() else path.stem


class _Names:
    """The videos below a folder, by every way in which a table may name them.

    Only these are compared, so a table cannot name a file elsewhere.
    """

    def __init__(self, root: Path, videos: list[Path]) -> None:
        self._root, self._videos = root, videos
        self._by_path: dict[str, list[Path]] = {}
        self._by_name: dict[str, list[Path]] = {}
        self._stems = Counter(_bare(video) for video in videos)
        for video in videos:
            path, bare = video.relative_to(root), _bare(video)
            for form in {path.as_posix().lower(), path.with_name(bare).as_posix().lower()}:
                self._by_path.setdefault(form, []).append(video)
            for form in {video.name.lower(), bare.lower()}:
                self._by_name.setdefault(form, []).append(video)

    def home(self, name: str) -> Path | str:
        """Return the one video of that path or name, with or without ending, or the fault."""
        wanted = PurePosixPath(name.replace("\\", "/")).as_posix().lower()
        for forms in (self._by_path, self._by_name):
            found = forms.get(wanted, [])
            if len(found) == 1:
                return found[0]
            if found:
                several = some(v.relative_to(self._root).as_posix() for v in found)
                return f"recording {name!r} fits several: {several}; write its path"
        there = some(v.relative_to(self._root).as_posix() for v in self._videos) or "no videos"
        return f"no video {name!r} below the folder; found {there}"

    def short(self, file: Path) -> str:
        """Return the name without ending, or the path where two videos share that name."""
        alone = self._stems[_bare(file)] == 1
        return _bare(file) if alone else file.relative_to(self._root).as_posix()


def _whose(rows: list[TableRow], facts: Listed | None) -> list[str]:
    """Return the subjects of a recording, sorted: those of its rows, or the listed one."""
    named = sorted({row.subject for row in rows if row.subject})
    return named or ([facts.subject] if facts and facts.subject else [])


def _recording(
    file: Path, rows: list[TableRow], table: Path, problems: list[Problem], name: str,
    facts: Listed,
) -> tuple[Recording, tuple[Seconds, ...]] | None:  # fmt: skip
    """Return a recording with its expressions and their times; None if it cannot be opened."""
    cost = sum(row.expression is not None for row in rows)
    try:
        video = open_video(file, rate=facts.rate if file.is_dir() else None)
    except VideoError as error:
        where = place(table, rows[0].row) if rows else file.name
        problems.append(Problem("error", where, str(error), cost))
        return None
    subjects = _whose(rows, facts)
    if len(subjects) > 1:
        text = f"{name} has the subjects {some(subjects)}; one recording shows one person"
        problems.append(Problem("error", place(table, rows[0].row), text, cost))
        return None
    expressions, times = [], []
    for row in _once(rows, name, table, problems):
        if row.expression is not None and _fits(row, video, table, problems):
            expressions.append(row.expression)
            times.append(_times(row.expression, video))
    record = Recording(
        dataset=facts.dataset or NAME,
        subject=subjects[0] if subjects else name,
        name=name,
        frames=len(video),
        rate=video.rate,
        expressions=tuple(expressions),
        path=str(file),
    )
    return record, tuple(times)


def _once(
    rows: list[TableRow], name: str, table: Path, problems: list[Problem]
) -> list[TableRow]:
    """Return the rows without those that name an expression again, as several coders do."""
    first: dict[tuple[Interval, str], TableRow] = {}
    coders: set[str] = set()
    for row in rows:
        if (mark := row.expression) is None:
            continue
        before = first.get((mark.interval, mark.kind))
        if before is not None:
            text = f"{name}: the frames and the kind of row {before.row} again; counted once"
            problems.append(Problem("error", place(table, row.row), text))
            continue
        for (interval, kind), other in first.items():
            shared = kind == mark.kind and interval.shared(mark.interval)
            if shared and len({row.source, other.source} - {""}) == 2:
                coders |= {row.source, other.source}
        first[mark.interval, mark.kind] = row
    if coders:
        text = (
            f"{name}: rows of {some(sorted(coders))} overlap, and each counts as an "
            "expression; for one truth, export one coder or the consensus"
        )
        problems.append(Problem("warning", place(table), text))
    return list(first.values())


def _fits(row: TableRow, video: Video, table: Path, problems: list[Problem]) -> bool:
    """Say whether the row lies in the video; note where its seconds say something else."""
    expression = row.expression
    if expression is None:
        return False
    where = place(table, row.row)
    if expression.interval.last >= len(video):
        text = f"offset {expression.interval.last}, but {video.name} has frames 0 to "
        hint = "; count frames from 0" if expression.interval.last == len(video) else ""
        problems.append(Problem("error", where, f"{text}{len(video) - 1}{hint}"))
        return False
    times = _times(expression, video)
    if row.seconds is not None:
        apart = abs(times.onset - row.seconds.onset), abs(times.offset - row.seconds.offset)
        if max(apart) > 0.5 / video.rate + 1e-6:
            text = (
                f"the table says {row.seconds.onset:.3f} to {row.seconds.offset:.3f} s, the "
                f"frames are at {times.onset:.3f} to {times.offset:.3f} s; the frames were used"
            )
            problems.append(Problem("warning", where, text))
    return True


def _times(expression: Expression, video: Video) -> Seconds:
    """Return the times of an expression's frames by the video's own time stamps."""
    apex = expression.apex
    return Seconds(
        float(video.times[expression.interval.first]),
        None if apex is None else float(video.times[apex]),
        float(video.times[expression.interval.last]),
    )
