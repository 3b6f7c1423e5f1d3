"""The submission files and the truth list of the MEGC spotting challenges; logs: ``megc_log``.

The truth list of CAS(ME)^2, and one of the same form for SAMM Long Videos, has subject, code,
kind, onset, apex, offset.

The file of the spot-then-recognise track of 2024 and 2025 is a CSV of subject, video, onset,
offset and emotion (of 2025 negative, positive or surprise; others are left out).  Its frames
count from 1 in the original recording; the truth of the metric's own code counts from 0.
Source: what the published code of BoostingVRME writes for it; an entry of 2024 wrote the same
columns.

The file of the spotting tracks on unseen videos (2022 and 2023) is a CSV of vid, pred_onset,
pred_offset (an entry of 2023: onset, offset) and type (``me`` or ``mae``), one for each of the
two parts, ``samm_pred.csv`` and ``cas_pred.csv``.
Source: files and code that two entries published (MTSN, 2022; Qin et al., 2023).  Where their
frames start is not stated; here they count from 1, as in 2025.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mescope.annotations.expression_table import KINDS, read_interval, read_lines, read_text
from mescope.errors import DatasetError
from mescope.evaluation.interval_table import (
    Row,
    Table,
    named_alike,
    read_table,
    table_of,
    with_people,
)
from mescope.evaluation.megc_log import (
    DATASETS,
    LogLine,
    interval_in,
    is_log,
    log_lines,
    table_of_log,
    truth_of_log,
)
from mescope.events import Interval
from mescope.moved import renamed
from mescope.spotting.proposals import kind_of

SUBMITTED = ("negative", "positive", "surprise")
"""Emotions of the spot-then-recognise track of 2025."""

UNSUBMITTED = ("others", "neutral")
"""What that track does not ask for."""

_CELLS = 6  # of a line of the truth list
_NO_APEX = "-1"
_SUBMISSION = ("subject", "video", "onset", "offset", "emotion")
_SPOTTING = ("vid", "pred_onset", "pred_offset", "type")


def is_table(path: str | Path) -> bool:
    """Say whether a file starts as a table of intervals does, whatever its name ends in."""
    head = _first_line(path).lower()
    named = {"subject", "video", "vid", "recording", "onset", "offset", "type", "kind"}
    return head.startswith("sep=") or bool(named & set(re.split(r"[^\w]+", head)))


def _first_line(path: str | Path) -> str:
    """Return the first line that is not blank; none of what cannot be read."""
    try:
        return read_text(Path(path)).strip().splitlines()[0].strip()
    except DatasetError:
        return ""


def read_truth(path: str | Path) -> Table:
    """Read a truth list, of CAS(ME)^2 or of SAMM Long Videos.

    Raises:
        DatasetError: with file and line.
    """
    path = Path(path)
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        tabs = [cell.strip() for cell in line.split("\t")]
        cells = tabs if len(tabs) == _CELLS else line.split()
        if not cells:
            continue
        kind = KINDS.get(cells[2].lower()) if len(cells) == _CELLS else None
        if kind is None:
            raise DatasetError(
                f"{path.name}, line {number}: expected subject, code, kind, onset, apex and "
                f"offset, found {' '.join(cells)[:60]!r}"
            )
        subject = cells[0].removeprefix("s")
        interval = interval_in(path, number, cells[3], cells[5])
        if interval is None:
            raise DatasetError(f"{path.name}, line {number}: expected frames, found dashes")
        if cells[4].removesuffix(".0") != _NO_APEX:  # not used; the list has some outside
            interval_in(path, number, cells[4], cells[4])
        video = f"{subject}_{cells[1]}"
        rows.append(Row(subject=subject, video=video, interval=interval, kind=kind))
    return table_of(rows)


class Files(NamedTuple):
    """What was read to be scored, and the lines of the log, if the detections are one."""

    found: Table
    truth: Table
    log: tuple[LogLine, ...] = ()


def read_files(found: str | Path, truth: str | Path) -> tuple[Table, Table]:
    """Read detections and truth; see :func:`open_files`."""
    files = open_files(found, truth)
    return files.found, files.truth


def open_files(
    found: str | Path, truth: str | Path, *, rate: float | None = None, first: int = 0
) -> Files:
    """Read detections and truth, each a table or the challenge's own file, as its content says.

    The truth list names videos with expressions only; those that a log names beside are added.
    Of a log of two data sets the part that the truth is about is kept.  Videos are matched by
    :func:`~mescope.evaluation.interval_table.named_alike`.  What was taken for granted stands
    in the tables' remarks.

    Args:
        found: detections: a table, a challenge's file or a log.
        truth: a table, a truth list, or a log, whose true intervals are taken.
        rate: frames per second of videos whose rate no file says: a detection without a type
            is then micro up to half a second.
        first: number of the first frame in ``found``, which tables count as 0 and files of
            challenges as 1.

    Raises:
        DatasetError: a file cannot be read, with file and line.
    """
    theirs = _truth(truth)
    lines: tuple[LogLine, ...] = ()
    if is_log(found):
        lines, left = _about(log_lines(found), theirs)
        mine = table_of_log(lines, Path(found).name)
        mine = replace(mine, remarks=(*mine.remarks, *left))
        theirs = replace(theirs, videos=theirs.videos | mine.videos)
    else:
        mine = read_table(found, clamp=True)
        mine = _typed(mine, Path(found).name, rate)
        if first == 0 and _of_a_challenge(found) and not _of_a_challenge(truth):
            text = (
                f"{Path(found).name}: has the columns of a MEGC challenge's file, whose frames "
                "count from 1; they are taken as they stand: --first 1 if the truth counts "
                "from 0"
            )
            mine = replace(mine, remarks=(*mine.remarks, text))
    mine = _from_0(mine, first)
    if not any(subject for subject, _ in theirs.videos):
        theirs = with_people(named_alike(theirs, mine))
    mine = named_alike(mine, theirs)
    rates = {} if rate is None else dict.fromkeys(mine.videos | theirs.videos, rate)
    rates |= {**mine.rates, **theirs.rates}
    return Files(replace(mine, rates=rates), replace(theirs, rates=rates), lines)


def _of_a_challenge(path: str | Path) -> bool:
    """Say whether the columns of a table are those of a challenge's file and no others."""
    names = tuple(re.split(r"[^\w]+", _first_line(path).lower().strip('"')))
    return names == _SUBMISSION or names[:1] == _SPOTTING[:1]


def _from_0(table: Table, first: int) -> Table:
    """Take the number of the first frame off; what lies before it is taken from there."""

    def moved(row: Row) -> Row:
        ends = (max(0, end - first) for end in (row.interval.first, row.interval.last))
        apex = None if row.apex is None else max(0, row.apex - first)
        return replace(row, interval=Interval(*ends), apex=apex)

    return replace(table, rows=tuple(map(moved, table.rows))) if first else table


def _typed(table: Table, name: str, rate: float | None) -> Table:
    """Give detections without a type one, and say so."""
    untyped = sum(row.kind is None for row in table.rows)
    if not untyped:
        return table
    if rate is None:
        text = f"{name}: {untyped} detections have no type; they count as micro-expressions"
        return replace(table, remarks=(*table.remarks, text))
    rows = tuple(
        row if row.kind else replace(row, kind=kind_of(row.interval, rate))
        for row in table.rows
    )
    text = f"{name}: {untyped} detections have no type; micro is up to {rate / 2:g} frames"
    return replace(table, rows=rows, remarks=(*table.remarks, text))


def _truth(path: str | Path) -> Table:
    if is_log(path):
        return truth_of_log(path)
    return read_table(path) if is_table(path) else read_truth(path)


def _about(
    lines: Sequence[LogLine], truth: Table
) -> tuple[tuple[LogLine, ...], tuple[str, ...]]:
    """Return the lines of the data sets that the truth has videos of, and what is left out."""
    parts = sorted({line.part for line in lines})
    known = [p for p in parts if any(x.part == p and x.video in truth.videos for x in lines)]
    if not known or known == parts:
        return tuple(lines), ()
    left = tuple(
        f"part {part} of the log ({DATASETS[part]}) is not in the truth and left out"
        for part in parts
        if part not in known
    )
    return tuple(line for line in lines if line.part in known), left


def write_submission(found: Table, *, step: int = 1) -> str:
    """Return the file of the spot-then-recognise track of 2025; rows keep their order.

    Onset and offset become ``frame * step + 1``.  The published code writes
    ``frame * step - step + 1``, the same number, since its frames count from 1.

    Args:
        found: detections with emotions, frames from 0; others and neutral are left out.
        step: original frames from one frame of ``found`` to the next; 1 for detections that
            are in frames of the original recording.

    Raises:
        DatasetError: a detection has another emotion or none, or the step is less than 1.
    """
    if step < 1:
        raise DatasetError(f"expected a step of 1 or more, found {step}")
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_SUBMISSION)
    for row in found.rows:
        emotion = (row.emotion or "").lower()
        if emotion in UNSUBMITTED:
            continue
        if emotion not in SUBMITTED:
            raise DatasetError(
                f"{'/'.join(row.where)}, frame {row.interval.first}: expected one of the "
                f"emotions {', '.join((*SUBMITTED, *UNSUBMITTED))}, found "
                f"{row.emotion or 'none'}; map the emotions first"
            )
        ends = (row.interval.first * step + 1, row.interval.last * step + 1)
        table.writerow((row.subject, row.video, *ends, emotion))
    return text.getvalue()


def write_spotting(found: Table) -> str:
    """Return the file of the spotting tracks of 2022 and 2023; rows keep their order.

    Args:
        found: detections in frames of the original recording, from 0; a kind that is not given
            is micro, and who is seen is not said: a video's name has to be enough.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_SPOTTING)
    for row in found.rows:
        kind = "mae" if row.kind == "macro" else "me"
        table.writerow((row.video, row.interval.first + 1, row.interval.last + 1, kind))
    return text.getvalue()


def read_submission(path: str | Path) -> Table:
    """Read the file of the spot-then-recognise track of 2025: micro-expressions, frames from 0.

    Raises:
        DatasetError: with file and line.
    """
    path = Path(path)
    rows = []
    for number, cells, extra in read_lines(path, ("subject", "recording", *_SUBMISSION[2:])):
        try:
            rows.append(_submitted(cells, extra))
        except ValueError as error:
            raise DatasetError(f"{path.name}, row {number}: {error}") from None
    return table_of(rows)


def _submitted(cells: Mapping[str, str], extra: bool) -> Row:
    """Return a row of a submission; ValueError says what is wrong with it."""
    if extra:
        raise ValueError("expected as many cells as columns, found more")
    if cells["emotion"] not in SUBMITTED:
        raise ValueError(
            f"expected the emotion {', '.join(SUBMITTED)}, found {cells['emotion']!r}"
        )
    counted, _ = read_interval(cells)
    if counted.first < 1:
        raise ValueError("expected frames that count from 1, found an onset of 0")
    return Row(
        subject=cells["subject"],
        video=cells["recording"],
        interval=Interval(counted.first - 1, counted.last - 1),
        kind="micro",
        emotion=cells["emotion"],
    )


__getattr__ = renamed(
    __name__,
    {
        name: f"mescope.evaluation.megc_log.{name}"
        for name in ("read_log", "write_log", "VERDICTS")
    },
)
