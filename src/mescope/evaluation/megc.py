"""The submission files and the truth list of the MEGC spotting challenges.

A log has a line with the number of the data set (1 SAMM Long Videos, 2 CAS(ME)^2), then a line
each: video, true onset, true offset, found onset, found offset, TP, FP or FN, with ``-`` where
there is none.  A detection that hit several expressions has a line for each and counts once as
a detection (so the published counts of CAS(ME)^2 come out).  The truth list of CAS(ME)^2 has
subject, code, kind, onset, apex, offset.  Frame numbers are taken as they stand, both ends
included: the files do not say where they start, and IoU does not depend on it.
Source: the logs of the MEGC2020 baseline.

The file of the spot-then-recognise track of 2025 is a CSV of subject, video, onset, offset and
emotion (negative, positive or surprise; others are left out).  Its frames count from 1 in the
original recording.
Source: what the published code of BoostingVRME writes for it; an entry of 2024 wrote the same
columns.

The file of the spotting tracks on unseen videos (2022 and 2023) is a CSV of vid, pred_onset,
pred_offset and type (``me`` or ``mae``), one for each of the two parts, ``samm_pred.csv`` and
``cas_pred.csv``.
Source: files and code that two entries published (MTSN, 2022; Qin et al., 2023).  Where their
frames start is not stated; here they count from 1, as in 2025.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mescope.annotations.expression_table import (
    KINDS,
    frame,
    read_interval,
    read_lines,
    read_text,
)
from mescope.errors import DatasetError
from mescope.evaluation.interval_table import (
    Row,
    Table,
    VideoKey,
    named_alike,
    read_table,
    table_of,
)
from mescope.events import Interval

DATASETS = {"1": "SAMM Long Videos", "2": "CAS(ME)^2"}
VERDICTS = ("TP", "FP", "FN")
SUBMITTED = ("negative", "positive", "surprise")
"""Emotions of the spot-then-recognise track of 2025."""

UNSUBMITTED = ("others", "neutral")
"""What that track does not ask for."""

_SUBMISSION = ("subject", "video", "onset", "offset", "emotion")
_SPOTTING = ("vid", "pred_onset", "pred_offset", "type")
_CELLS = 6  # of a line of the log, and of the truth list
_COLUMNS = "video, true onset, true offset, found onset, found offset and TP, FP or FN"


def is_log(path: str | Path) -> bool:
    """Say whether a file starts as a submission log does."""
    return _first_line(path) in DATASETS


def is_table(path: str | Path) -> bool:
    """Say whether a file starts as a table of intervals does, whatever its name ends in."""
    head = _first_line(path).lower()
    named = {"subject", "video", "recording", "onset", "offset", "type", "kind"}
    return head.startswith("sep=") or bool(named & set(re.split(r"[^\w]+", head)))


def _first_line(path: str | Path) -> str:
    """Return the first line that is not blank; none of what cannot be read."""
    try:
        return read_text(Path(path)).strip().splitlines()[0].strip()
    except DatasetError:
        return ""


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of the lines that are not blank.

    Cells stand between tabs, as the challenge's code writes them, so that a name may have
    blanks; in a line without enough tabs, between blanks.
    """
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        tabs = [cell.strip() for cell in line.split("\t")]
        cells = tabs if len(tabs) == _CELLS else line.split()
        if cells:
            yield number, cells


def read_log(path: str | Path) -> Table:
    """Read the detections of a log, without a kind; the subject is what stands before ``_``.

    Raises:
        DatasetError: with file and line.
    """
    path = Path(path)
    lines = _lines(path)
    first, head = next(lines)
    if len(head) != 1 or head[0] not in DATASETS:
        raise DatasetError(
            f"{path.name}, line {first}: expected 1 or 2, found {' '.join(head)[:40]!r}"
        )
    rows: dict[Row, None] = {}
    videos: list[VideoKey] = []
    for number, cells in lines:
        if len(cells) != _CELLS or cells[5] not in VERDICTS:
            raise DatasetError(
                f"{path.name}, line {number}: expected {_COLUMNS}, found "
                f"{' '.join(cells)[:60]!r}"
            )
        subject = cells[0].split("_")[0]
        videos.append((subject, cells[0]))
        truth = _interval(path, number, cells[1], cells[2])
        found = _interval(path, number, cells[3], cells[4])
        there = {"TP": (truth, found), "FP": (found,), "FN": (truth,)}[cells[5]]
        if None in there:
            raise DatasetError(
                f"{path.name}, line {number}: expected frames where {cells[5]} needs them, "
                f"found {' '.join(cells)[:60]!r}"
            )
        if found is not None:
            rows[Row(subject=subject, video=cells[0], interval=found)] = None
    return table_of(list(rows), videos)


def read_truth(path: str | Path) -> Table:
    """Read the truth list of CAS(ME)^2.

    Raises:
        DatasetError: with file and line.
    """
    path = Path(path)
    rows = []
    for number, cells in _lines(path):
        kind = KINDS.get(cells[2].lower()) if len(cells) == _CELLS else None
        if kind is None:
            raise DatasetError(
                f"{path.name}, line {number}: expected subject, code, kind, onset, apex and "
                f"offset, found {' '.join(cells)[:60]!r}"
            )
        subject = cells[0].removeprefix("s")
        interval = _interval(path, number, cells[3], cells[5])
        if interval is None:
            raise DatasetError(f"{path.name}, line {number}: expected frames, found dashes")
        _interval(path, number, cells[4], cells[4])  # not used; the list has some outside
        video = f"{subject}_{cells[1]}"
        rows.append(Row(subject=subject, video=video, interval=interval, kind=kind))
    return table_of(rows)


def read_files(found: str | Path, truth: str | Path) -> tuple[Table, Table]:
    """Read detections and truth, each a table or the challenge's own file, as its content says.

    The truth list names videos with expressions only; those that a log names beside are added.
    Videos are matched by :func:`~mescope.evaluation.interval_table.named_alike`.
    """
    mine = read_log(found) if is_log(found) else read_table(found)
    theirs = read_table(truth) if is_table(truth) else read_truth(truth)
    if is_log(found):
        theirs = Table(theirs.rows, theirs.videos | mine.videos)
    return named_alike(mine, theirs), theirs


def write_log(
    dataset: str,
    found: Mapping[VideoKey, Sequence[Interval]],
    truth: Mapping[VideoKey, Sequence[Interval]],
    pairs: Mapping[VideoKey, Sequence[tuple[int, int]]],
) -> str:
    """Return a log: for each video its hits, then its false alarms, then its misses.

    Args:
        dataset: "1" or "2".
        found: detections by video.
        truth: expressions by video.
        pairs: indices (detection, expression) of the hits by video.
    """
    lines = [dataset]
    for video in sorted({*found, *truth}):
        mine, theirs, hits = found.get(video, ()), truth.get(video, ()), pairs.get(video, ())
        hit, seen = {i for i, _ in hits}, {j for _, j in hits}
        lines += [_line(video, theirs[j], mine[i], "TP") for i, j in hits]
        lines += [_line(video, None, p, "FP") for i, p in enumerate(mine) if i not in hit]
        lines += [_line(video, g, None, "FN") for j, g in enumerate(theirs) if j not in seen]
    return "\n".join(lines) + "\n"


def _line(video: VideoKey, truth: Interval | None, found: Interval | None, verdict: str) -> str:
    ends = [f"{i.first}\t{i.last}" if i else "-\t-" for i in (truth, found)]
    return "\t".join([video[1], *ends, verdict])


def _interval(path: Path, number: int, onset: str, offset: str) -> Interval | None:
    """Return an interval, None where there is a dash for each end."""
    if onset == offset == "-":
        return None
    try:
        return Interval(frame(onset, "onset"), frame(offset, "offset"))
    except ValueError as error:
        raise DatasetError(f"{path.name}, line {number}: {error}") from None


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
        if row.emotion in UNSUBMITTED:
            continue
        if row.emotion not in SUBMITTED:
            raise DatasetError(
                f"{'/'.join(row.where)}, frame {row.interval.first}: expected one of the "
                f"emotions {', '.join((*SUBMITTED, *UNSUBMITTED))}, found "
                f"{row.emotion or 'none'}; map the emotions first"
            )
        ends = (row.interval.first * step + 1, row.interval.last * step + 1)
        table.writerow((row.subject, row.video, *ends, row.emotion))
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
