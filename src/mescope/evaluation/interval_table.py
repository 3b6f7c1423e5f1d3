"""Tables of intervals: what was annotated or found, one row per expression.

Columns by name: ``video`` (or ``recording``, ``vid``), ``onset``, ``offset`` (or
``pred_onset``, ``pred_offset``), and, where there are any, ``subject``, ``type`` (or ``kind``;
micro or macro, me or mae), ``emotion``, ``apex``, ``score`` and ``au``; others are left alone,
so the interval tables that mescope writes can be read back.  Frames count from 0 and both ends
are included.  A row with a video and nothing in ``onset`` and ``offset`` says that the video
was looked at: a video without expressions belongs to an evaluation as much as one with.

What a table leaves open is told in its ``remarks``: a table with emotions and without types is
one of micro-expressions (spot then recognise); an onset before the recording is taken as its
first frame, where that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mescope.annotations.choice import stem_of
from mescope.annotations.expression_table import (
    MOST_FRAMES,
    number_in,
    read_interval,
    read_kind,
    read_lines,
)
from mescope.errors import DatasetError
from mescope.events import Interval, Kind

NEEDED = ("recording", "onset", "offset")

VideoKey = tuple[str, str]
"""(subject, video): the same file name may occur with two people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One interval of a table; ``kind`` is None where the table has no type column."""

    subject: str
    video: str
    interval: Interval
    kind: Kind | None = None
    emotion: str | None = None
    apex: int | None = None
    score: float | None = None
    units: str | None = None  # action units as they are written; None without that column

    @property
    def where(self) -> VideoKey:
        """The video, with its person."""
        return self.subject, self.video


@dataclass(frozen=True, slots=True)
class Table:
    """Intervals and every video that was looked at, those without intervals too.

    ``rates`` are frames per second of videos, as far as they are known; ``remarks`` say in
    sentences what was taken for granted.
    """

    rows: tuple[Row, ...]
    videos: frozenset[VideoKey]
    rates: Mapping[VideoKey, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def table_of(
    rows: Sequence[Row], empty: Sequence[VideoKey] = (), remarks: Sequence[str] = ()
) -> Table:
    """Put rows and videos without rows together."""
    videos = frozenset(row.where for row in rows) | frozenset(empty)
    return Table(tuple(rows), videos, remarks=tuple(remarks))


def named_alike(found: Table, truth: Table) -> Table:
    """Give detections the subject and video name of the truth where these differ in form only.

    An analysis knows a file (``a.mp4``, no subject), an annotation a person and a name
    (``s1``, ``a``).  A detection whose video is not in the truth goes to the one video there
    with the same name without ending, and the same subject if it has one; where there are none
    or several it stays as it is.
    """
    alike: dict[VideoKey, list[VideoKey]] = {}
    for subject, video in truth.videos:
        for key in {(subject, stem_of(video)), ("", stem_of(video))}:
            alike.setdefault(key, []).append((subject, video))

    def home(where: VideoKey) -> VideoKey:
        homes = alike.get((where[0], stem_of(where[1])), [])
        return homes[0] if where not in truth.videos and len(homes) == 1 else where

    rows = []
    for row in found.rows:
        subject, video = home(row.where)
        rows.append(replace(row, subject=subject, video=video))
    return replace(
        found,
        rows=tuple(rows),
        videos=frozenset(home(where) for where in found.videos),
        rates={home(where): rate for where, rate in found.rates.items()},
    )


def person_in(video: str) -> str:
    """Return the person whom a video's name begins with.

    >>> person_in("001_2"), person_in("dzw_a1"), person_in("sub01")
    ('001', 'dzw', 'sub01')
    """
    return video.split("_")[0]


def with_people(table: Table) -> Table:
    """Give rows without a subject the one that a video's name begins with: 001 of 001_2."""
    nobody = sorted({video for subject, video in table.videos if not subject})
    if not nobody:
        return table

    def home(where: VideoKey) -> VideoKey:
        return (where[0] or person_in(where[1]), where[1])

    text = (
        f"{len(nobody)} videos have no subject; it is what stands before the _ in their names "
        f"({nobody[0]}: {home(('', nobody[0]))[0]})"
    )
    return replace(
        table,
        rows=tuple(replace(row, subject=home(row.where)[0]) for row in table.rows),
        videos=frozenset(home(where) for where in table.videos),
        rates={home(where): rate for where, rate in table.rates.items()},
        remarks=(*table.remarks, text),
    )


def read_table(path: str | Path, *, clamp: bool = False) -> Table:
    """Read a CSV table (comma, semicolon or tab; UTF-8).

    Args:
        path: the table.
        clamp: frames before the recording, which some published detectors name, become its
            first; without it they are a fault.

    Raises:
        DatasetError: the file cannot be read, columns are missing, or rows make no sense; the
            message names the file, the first such row as an editor counts lines, and how many
            more there are.
    """
    path = Path(path)
    return table_from(read_lines(path, NEEDED), path.name, clamp=clamp)


def table_from(
    lines: Iterable[tuple[int, Mapping[str, str], bool]], name: str, *, clamp: bool = False
) -> Table:
    """Make a table of rows as :func:`~mescope.annotations.expression_table.read_lines` yields.

    Args:
        lines: number, cells by column, and whether there were more cells than columns.
        name: of where they are from, for messages.
        clamp: as in :func:`read_table`.

    Raises:
        DatasetError: rows make no sense.
    """
    rows: list[Row] = []
    empty: list[VideoKey] = []
    faults: list[str] = []
    clamped: list[int] = []
    typed, named = True, False
    for number, given, extra in lines:
        cells = dict(given)
        typed, named = "kind" in cells, named or bool(cells.get("emotion"))
        try:
            if clamp and _clamp(cells):
                clamped.append(number)
            row = _row(cells, extra)
        except ValueError as error:
            faults.append(f"row {number}: {error}")
            continue
        if isinstance(row, Row):
            rows.append(row)
        else:
            empty.append(row)
    if faults:
        more = f" (and {len(faults) - 1} more such rows)" if len(faults) > 1 else ""
        raise DatasetError(f"{name}, {faults[0]}{more}; correct the table")
    remarks = []
    if clamped:
        which = f"row{'s' if len(clamped) > 1 else ''} {', '.join(map(str, clamped[:5]))}"
        more = f" and {len(clamped) - 5} more" if len(clamped) > 5 else ""
        remarks.append(
            f"{name}: {len(clamped)} intervals begin before the recording ({which}{more}); "
            "they are taken from its first frame"
        )
    if again := len(rows) - len(set(rows)):
        remarks.append(f"{name}: {again} rows are the same as others, and each of them counts")
    if rows and named and not typed:
        remarks.append(
            f"{name}: has emotions and no types, as files of spot then recognise have; every "
            "row counts as a micro-expression"
        )
        rows = [replace(row, kind="micro") for row in rows]
    return table_of(rows, empty, remarks)


def _clamp(cells: dict[str, str]) -> bool:
    """Move frames below 0 to 0, and say whether there were any."""
    below = [
        name
        for name in ("onset", "offset", "apex")
        if re.fullmatch(r"-\d+(\.0*)?", cells.get(name) or "") and float(cells[name]) < 0
    ]
    cells.update(dict.fromkeys(below, "0"))
    return bool(below)


def read_lengths(path: str | Path, videos: Collection[VideoKey]) -> dict[VideoKey, int]:
    """Read how many frames each video has: a table of subject, video and frames.

    Args:
        path: a CSV table as for :func:`read_table`.
        videos: all that are needed; others in the table are left alone.

    Raises:
        DatasetError: the table cannot be read, a number is not one, or a video is missing.
    """
    path = Path(path)
    known: dict[VideoKey, int] = {}
    for number, cells, extra in read_lines(path, ("recording", "frames")):
        try:
            if extra:
                raise ValueError("expected as many cells as columns, found more")
            frames = number_in(cells["frames"], "frames")
        except ValueError as error:
            raise DatasetError(f"{path.name}, row {number}: {error}") from None
        if not 1 <= frames <= MOST_FRAMES or frames != int(frames):
            raise DatasetError(
                f"{path.name}, row {number}: expected a whole number of frames, found "
                f"{cells['frames']!r}"
            )
        named = cells.get("subject")  # or nobody, who is called as with_people does
        for subject in {named} if named else {"", person_in(cells["recording"])}:
            known[subject, cells["recording"]] = int(frames)
    missing = sorted(set(videos) - known.keys())
    if missing:
        raise DatasetError(
            f"{path.name}: expected the frames of every video, found none for "
            f"{'/'.join(missing[0])} ({len(missing)} missing); add them"
        )
    return {video: known[video] for video in videos}


def spelled(table: Table, names: Sequence[str]) -> Table:
    """Return a table whose emotions are spelled as these names are; capitals do not count."""
    known = {name.lower(): name for name in names}
    rows = (
        replace(row, emotion=known.get((row.emotion or "").strip().lower(), row.emotion))
        for row in table.rows
    )
    return replace(table, rows=tuple(rows))


def _row(cells: Mapping[str, str], extra: bool) -> Row | VideoKey:
    """Return a row, or the video of a row without an interval."""
    if extra:
        raise ValueError("expected as many cells as columns, found more")
    if not cells["recording"]:
        raise ValueError("expected a video, found an empty cell")
    subject = cells.get("subject", "")
    if not cells["onset"] and not cells["offset"]:
        return subject, cells["recording"]
    interval, apex = read_interval(cells)
    return Row(
        subject=subject,
        video=cells["recording"],
        interval=interval,
        kind=read_kind(cells["kind"]) if "kind" in cells else None,
        emotion=cells.get("emotion") or None,
        apex=apex,
        score=number_in(cells["score"], "score") if cells.get("score") else None,
        units=cells.get("action_units"),
    )
