"""Tables of intervals: what was annotated or found, one row per expression.

Columns by name: ``subject``, ``video``, ``onset``, ``offset``, ``type`` (micro or macro), and,
where there are any, ``emotion``, ``apex`` and ``score``; others are left alone, so the interval
tables that mescope writes can be read back.  Frames count from 0 and both ends are included.  A
row with a video and nothing in ``onset`` and ``offset`` says that the video was looked at: a
video without expressions belongs to an evaluation as much as one with.
Source: spec_spotting_protocol section 1.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from mescope.errors import DatasetError
from mescope.events import Interval, Kind

NEEDED = ("subject", "video", "onset", "offset")
KINDS: dict[str, Kind] = {
    "micro": "micro", "micro-expression": "micro",
    "macro": "macro", "macro-expression": "macro",
}  # fmt: skip

Video = tuple[str, str]
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
    def where(self) -> Video:
        """The video, with its person."""
        return self.subject, self.video


@dataclass(frozen=True, slots=True)
class Table:
    """Intervals and every video that was looked at, those without intervals too."""

    rows: tuple[Row, ...]
    videos: frozenset[Video]


def table_of(rows: Sequence[Row], empty: Sequence[Video] = ()) -> Table:
    """Put rows and videos without rows together."""
    return Table(tuple(rows), frozenset(row.where for row in rows) | frozenset(empty))


def named_alike(found: Table, truth: Table) -> Table:
    """Give detections the subject and video name of the truth where these differ in form only.

    An analysis knows a file (``a.mp4``, no subject), an annotation a person and a name
    (``s1``, ``a``).  A detection whose video is not in the truth goes to the one video there
    with the same name without ending, and the same subject if it has one; where there are none
    or several it stays as it is.
    """
    alike: dict[Video, list[Video]] = {}
    for subject, video in truth.videos:
        for key in {(subject, _stem(video)), ("", _stem(video))}:
            alike.setdefault(key, []).append((subject, video))

    def home(where: Video) -> Video:
        homes = alike.get((where[0], _stem(where[1])), [])
        return homes[0] if where not in truth.videos and len(homes) == 1 else where

    rows = []
    for row in found.rows:
        subject, video = home(row.where)
        rows.append(replace(row, subject=subject, video=video))
    return Table(tuple(rows), frozenset(home(where) for where in found.videos))


def _stem(video: str) -> str:
    """Return a video's name without the ending of a file; ``15_0101`` and ``1.2`` have none."""
    path = PurePath(video)
    return path.stem if path.suffix[1:2].isalpha() else video


def read_table(path: str | Path) -> Table:
    """Read a CSV table (comma or semicolon, UTF-8).

    Raises:
        DatasetError: the file cannot be read, columns are missing, or rows make no sense; the
            message names the file, the first such row as an editor counts lines, and how many
            more there are.
    """
    path = Path(path)
    reader = _reader(path)
    names = {name.strip().lower(): name for name in reader.fieldnames or ()}
    missing = [name for name in NEEDED if name not in names]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "nothing"
        raise DatasetError(
            f"{path.name}: expected the columns {', '.join(NEEDED)}, found {found}; "
            f"add {', '.join(missing)}"
        )
    rows: list[Row] = []
    empty: list[Video] = []
    faults: list[str] = []
    for record in reader:
        cells = {name: (record[column] or "").strip() for name, column in names.items()}
        if not any(cells.values()):
            continue
        try:
            row = _row(cells)
        except ValueError as error:
            faults.append(f"line {reader.line_num}: {error}")
            continue
        if isinstance(row, Row):
            rows.append(row)
        else:
            empty.append(row)
    if faults:
        more = f" (and {len(faults) - 1} more such rows)" if len(faults) > 1 else ""
        raise DatasetError(f"{path.name}, {faults[0]}{more}; mend the table")
    return table_of(rows, empty)


def _reader(path: Path) -> csv.DictReader[str]:
    text = read_text(path)
    head = text.splitlines()[0]
    semicolons = head.count(";") > head.count(",")
    return csv.DictReader(text.splitlines(), delimiter=";" if semicolons else ",")


def read_text(path: Path) -> str:
    """Return the text of a small UTF-8 file that is not empty, or raise DatasetError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path.name}: expected UTF-8 text, found byte {error.object[error.start]:#04x} at "
            f"{error.start}; save the table as UTF-8"
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"{path.name}: cannot be read: {reason}") from None
    if not text.strip():
        raise DatasetError(f"{path.name}: expected a table with a header, found an empty file")
    return text


def _row(cells: dict[str, str]) -> Row | Video:
    """Return a row, or the video of a row without an interval."""
    if not cells["video"]:
        raise ValueError("expected a video, found an empty cell")
    if not cells["onset"] and not cells["offset"]:
        return cells["subject"], cells["video"]
    onset, offset = frame(cells["onset"], "onset"), frame(cells["offset"], "offset")
    if offset < onset:
        raise ValueError(f"expected the offset after the onset, found {onset} to {offset}")
    apex = frame(cells["apex"], "apex") if cells.get("apex") else None
    if apex is not None and not onset <= apex <= offset:
        raise ValueError(f"expected the apex within {onset} to {offset}, found {apex}")
    return Row(
        subject=cells["subject"],
        video=cells["video"],
        interval=Interval(onset, offset),
        kind=_kind(cells["type"]) if "type" in cells else None,
        emotion=cells.get("emotion") or None,
        apex=apex,
        score=_number(cells["score"]) if cells.get("score") else None,
    )


def _kind(text: str) -> Kind:
    if text.lower() not in KINDS:
        raise ValueError(f"expected the type micro or macro, found {text!r}")
    return KINDS[text.lower()]


def frame(text: str, what: str) -> int:
    """Return a frame number, 0 or more: ``12.0`` is one; ``12.5`` and ``nan`` are not."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"expected a frame number as {what}, found {text!r}") from None
    if not math.isfinite(value) or value != int(value) or value < 0:
        raise ValueError(f"expected a frame number from 0 on as {what}, found {text!r}")
    return int(value)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"expected a number as score, found {text!r}")
    return value
