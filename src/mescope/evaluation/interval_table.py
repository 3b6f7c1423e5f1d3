"""Tables of intervals: what was annotated or found, one row per expression.

Columns by name: ``subject``, ``video`` (or ``recording``), ``onset``, ``offset``, ``type`` (or
``kind``; micro or macro), and, where there are any, ``emotion``, ``apex`` and ``score``; others
are left alone, so the interval tables that mescope writes can be read back.  Frames count from
0 and both ends are included.  A row with a video and nothing in ``onset`` and ``offset`` says
that the video was looked at: a video without expressions belongs to an evaluation as much as
one with.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mescope.annotations.choice import stem_of
from mescope.annotations.expression_table import number_in, read_interval, read_kind, read_lines
from mescope.errors import DatasetError
from mescope.events import Interval, Kind

NEEDED = ("subject", "recording", "onset", "offset")

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

    @property
    def where(self) -> VideoKey:
        """The video, with its person."""
        return self.subject, self.video


@dataclass(frozen=True, slots=True)
class Table:
    """Intervals and every video that was looked at, those without intervals too."""

    rows: tuple[Row, ...]
    videos: frozenset[VideoKey]


def table_of(rows: Sequence[Row], empty: Sequence[VideoKey] = ()) -> Table:
    """Put rows and videos without rows together."""
    return Table(tuple(rows), frozenset(row.where for row in rows) | frozenset(empty))


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
    return Table(tuple(rows), frozenset(home(where) for where in found.videos))


def read_table(path: str | Path) -> Table:
    """Read a CSV table (comma, semicolon or tab; UTF-8).

    Raises:
        DatasetError: the file cannot be read, columns are missing, or rows make no sense; the
            message names the file, the first such row as an editor counts lines, and how many
            more there are.
    """
    path = Path(path)
    rows: list[Row] = []
    empty: list[VideoKey] = []
    faults: list[str] = []
    for number, cells, extra in read_lines(path, NEEDED):
        try:
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
        raise DatasetError(f"{path.name}, {faults[0]}{more}; correct the table")
    return table_of(rows, empty)


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
    for number, cells, _ in read_lines(path, ("subject", "recording", "frames")):
        try:
            frames = number_in(cells["frames"], "frames")
        except ValueError as error:
            raise DatasetError(f"{path.name}, row {number}: {error}") from None
        if frames < 1 or frames != int(frames):
            raise DatasetError(
                f"{path.name}, row {number}: expected a whole number of frames, found "
                f"{cells['frames']!r}"
            )
        known[cells["subject"], cells["recording"]] = int(frames)
    missing = sorted(set(videos) - known.keys())
    if missing:
        raise DatasetError(
            f"{path.name}: expected the frames of every video, found none for "
            f"{'/'.join(missing[0])} ({len(missing)} missing); add them"
        )
    return {video: known[video] for video in videos}


def _row(cells: dict[str, str], extra: bool) -> Row | VideoKey:
    """Return a row, or the video of a row without an interval."""
    if extra:
        raise ValueError("expected as many cells as columns, found more")
    if not cells["recording"]:
        raise ValueError("expected a video, found an empty cell")
    if not cells["onset"] and not cells["offset"]:
        return cells["subject"], cells["recording"]
    interval, apex = read_interval(cells)
    return Row(
        subject=cells["subject"],
        video=cells["recording"],
        interval=interval,
        kind=read_kind(cells["kind"]) if "kind" in cells else None,
        emotion=cells.get("emotion") or None,
        apex=apex,
        score=number_in(cells["score"], "score") if cells.get("score") else None,
    )
