"""The submission log and the truth list of the MEGC spotting challenges.

A log has a line with the number of the data set (1 SAMM Long Videos, 2 CAS(ME)^2), then a line
each: video, true onset, true offset, found onset, found offset, TP, FP or FN, with ``-`` where
there is none.  A detection that hit several expressions has a line for each and counts once as
a detection (so the published counts of CAS(ME)^2 come out).  The truth list of CAS(ME)^2 has
subject, code, kind, onset, apex, offset.  Frame numbers are taken as they stand, both ends
included: the files do not say where they start, and IoU does not depend on it.
Source: the logs of the MEGC2020 baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mescope.annotations.expression_table import KINDS, frame, read_text
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
_COLUMNS = "video, true onset, true offset, found onset, found offset and TP, FP or FN"


def is_log(path: str | Path) -> bool:
    """Say whether a file starts as a submission log does."""
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            return file.readline().strip() in DATASETS
    except (OSError, UnicodeDecodeError):
        return False


def read_log(path: str | Path) -> Table:
    """Read the detections of a log, without a kind; the subject is what stands before ``_``.

    Raises:
        DatasetError: with file and line.
    """
    path = Path(path)
    lines = read_text(path).splitlines()
    if lines[0].strip() not in DATASETS:
        raise DatasetError(f"{path.name}, line 1: expected 1 or 2, found {lines[0][:40]!r}")
    rows: dict[Row, None] = {}
    videos: list[VideoKey] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 6 or cells[5] not in VERDICTS:
            raise DatasetError(
                f"{path.name}, line {number}: expected {_COLUMNS}, found {line[:60]!r}"
            )
        subject = cells[0].split("_")[0]
        videos.append((subject, cells[0]))
        if cells[3] != "-":
            interval = _interval(path, number, cells[3], cells[4])
            rows[Row(subject=subject, video=cells[0], interval=interval)] = None
    return table_of(list(rows), videos)


def read_truth(path: str | Path) -> Table:
    """Read the truth list of CAS(ME)^2.

    Raises:
        DatasetError: with file and line.
    """
    path = Path(path)
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 6 or cells[2] not in KINDS:
            raise DatasetError(
                f"{path.name}, line {number}: expected subject, code, kind, onset, apex and "
                f"offset, found {line[:60]!r}"
            )
        subject = cells[0].removeprefix("s")
        interval = _interval(path, number, cells[3], cells[5])
        video = f"{subject}_{cells[1]}"
        rows.append(Row(subject=subject, video=video, interval=interval, kind=KINDS[cells[2]]))
    return table_of(rows)


def read_files(found: str | Path, truth: str | Path) -> tuple[Table, Table]:
    """Read detections and truth, each a CSV table or the challenge's own file.

    The truth list names videos with expressions only; those that a log names beside are added.
    Videos are matched by :func:`~mescope.evaluation.interval_table.named_alike`.
    """
    mine = read_log(found) if is_log(found) else read_table(found)
    theirs = read_table(truth) if Path(truth).suffix == ".csv" else read_truth(truth)
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


def _interval(path: Path, number: int, onset: str, offset: str) -> Interval:
    try:
        return Interval(frame(onset, "onset"), frame(offset, "offset"))
    except ValueError as error:
        raise DatasetError(f"{path.name}, line {number}: {error}") from None
