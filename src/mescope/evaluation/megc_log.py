"""The logs of the MEGC spotting challenges: every detection with its verdict, line by line.

A line with the number of a data set (1 SAMM Long Videos, 2 CAS(ME)^2) begins a part, then a
line each: video, true onset, true offset, found onset, found offset, TP, FP or FN, with ``-``
where there is none; a log may have both parts.  Entries also publish this as CSV without that
line, with empty cells for ``-``, with or without a line that names the columns and a column of
row numbers; an entry of 2021 has a log of each kind without that line, ``__`` for ``-`` and
``s15/15_0102*`` for a video.  There the names of the videos tell the data set.  A detection
that hit several expressions has a line for each and counts once as a detection (so the
published counts come out).  Frame numbers are taken as they stand, both ends included: the
files do not say where they start, and IoU does not depend on it.

A log has no types.  A detection is micro up to half a second in frames of its data set, 15 of
30 a second in CAS(ME)^2 and 100 of 200 in SAMM Long Videos.
Source: the logs and code of the MEGC2020 baseline (He et al. 2020); the code of an entry of
2021 that writes its log as in "the official provided sample.log" (zhang-0829/MEGC2021), and the
logs of another (xly135846/MEGC2021).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mescope.annotations.expression_table import frame, read_text
from mescope.datasets import casmesq, samm_long
from mescope.errors import DatasetError
from mescope.evaluation.interval_table import Row, Table, VideoKey, table_of
from mescope.evaluation.matching import HALF, Counts
from mescope.events import Interval, Kind
from mescope.spotting.proposals import kind_of

DATASETS = {"1": samm_long.TITLE, "2": casmesq.TITLE}
"""Title of each data set by its number in a log."""

RATES = {"1": samm_long.RATE, "2": casmesq.RATE}
"""Frames per second of each."""

VERDICTS = ("TP", "FP", "FN")

_CELLS = 6
_COLUMNS = "video, true onset, true offset, found onset, found offset and TP, FP or FN"
_VIDEOS = {"1": r"\d{3}_\d{1,2}", "2": r"\d{2}_\d{4}"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: what is true, what was found, and the verdict that the log itself has."""

    number: int
    part: str
    video: VideoKey
    truth: Interval | None
    found: Interval | None
    flag: str
    clamped: bool = False  # began before the recording; taken from its first frame


def is_log(path: str | Path) -> bool:
    """Say whether a file starts as a log does, that of the challenge or one as CSV."""
    try:
        lines = read_text(Path(path)).strip().splitlines()
    except DatasetError:
        return False
    first = _cells(lines[0])
    flagged = len(first) >= _CELLS and first[5] in VERDICTS
    return lines[0].strip() in DATASETS or flagged or _titled(lines)


def _titled(lines: Sequence[str]) -> bool:
    """Say whether the first line names the columns of the second, which is of a log."""
    some = [_cells(line) for line in lines if line.strip()][:2]
    if [len(cells) for cells in some] != [_CELLS, _CELLS]:
        return False
    return some[1][5] in VERDICTS and all(re.match(r"[A-Za-z_]", cell) for cell in some[0])


def log_lines(path: str | Path) -> list[LogLine]:
    """Return every line of a log.

    Raises:
        DatasetError: with file and line.
    """
    path = Path(path)
    part = ""
    found: list[LogLine] = []
    for number, cells in _numbered(path):
        if len(cells) == 1 and cells[0] in DATASETS:
            part = cells[0]
            continue
        if len(cells) != _CELLS or cells[5] not in VERDICTS:
            first = "1 or 2, or " if not found and not part else ""
            raise DatasetError(
                f"{path.name}, line {number}: expected {first}{_COLUMNS}, found "
                f"{' '.join(cells)[:60]!r}"
            )
        negative = [bool(re.fullmatch(r"-\d+(\.0*)?", cell)) for cell in cells[1:5]]
        cells[1:5] = ["0" if low else c for c, low in zip(cells[1:5], negative, strict=True)]
        truth = interval_in(path, number, cells[1], cells[2])
        detected = interval_in(path, number, cells[3], cells[4])
        needed = {"TP": (truth, detected), "FP": (detected,), "FN": (truth,)}[cells[5]]
        if None in needed:
            raise DatasetError(
                f"{path.name}, line {number}: expected frames where {cells[5]} needs them, "
                f"found {' '.join(cells)[:60]!r}"
            )
        video = video_name(cells[0])
        which = part or part_of(video) or _unknown(path, number, video)
        key = (video.split("_")[0], video)
        found.append(LogLine(number, which, key, truth, detected, cells[5], any(negative)))
    if not found:
        raise DatasetError(f"{path.name}: expected lines of {_COLUMNS}, found none")
    return found


def read_log(path: str | Path) -> Table:
    """Read the detections of a log, with the kinds that their lengths give them.

    The subject is what stands before ``_`` in a video's name.

    Raises:
        DatasetError: with file and line.
    """
    return table_of_log(log_lines(path), Path(path).name)


def table_of_log(lines: Sequence[LogLine], name: str) -> Table:
    """Return the detections of a log, each once, and the rate of every video."""
    rows = {_row(line, line.found): None for line in lines if line.found is not None}
    return _table(list(rows), lines, f"{name}: detections have no types; {_half(lines)}")


def truth_of_log(path: str | Path) -> Table:
    """Read what is true according to a log, each expression once.

    Raises:
        DatasetError: with file and line.
    """
    lines = log_lines(path)
    rows = {_row(line, line.truth): None for line in lines if line.truth is not None}
    name = Path(path).name
    return _table(list(rows), lines, f"{name}: expressions have no types; {_half(lines)}")


def _row(line: LogLine, interval: Interval) -> Row:
    subject, video = line.video
    kind = kind_of(interval, RATES[line.part])
    return Row(subject=subject, video=video, interval=interval, kind=kind)


def _table(rows: Sequence[Row], lines: Sequence[LogLine], remark: str) -> Table:
    rates = {line.video: RATES[line.part] for line in lines}
    remarks = [remark]
    clamped = [str(line.number) for line in lines if line.clamped]
    if clamped:
        which = ", ".join(clamped[:5])
        text = f"intervals begin before the recording (lines {which}); taken from frame 0"
        remarks.append(f"{len(clamped)} {text}")
    return replace(table_of(rows, list(rates), remarks), rates=rates)


def _half(lines: Sequence[LogLine]) -> str:
    parts = sorted({line.part for line in lines})
    said = [f"{RATES[part] / 2:g} frames in {DATASETS[part]}" for part in parts]
    return f"micro is up to half a second, {' and '.join(said)}"


def flagged(lines: Sequence[LogLine]) -> dict[str, Counts]:
    """Return the counts by data set that the flags of a log say, as its authors print them.

    TP are the expressions that were found, FP all other detections: a detection that hits two
    expressions and one of two that hit the same count as in the published code.
    """
    counts: dict[str, Counts] = {}
    for part in sorted({line.part for line in lines}):
        own = [line for line in lines if line.part == part]
        hits = {(line.video, line.truth) for line in own if line.flag == "TP"}
        found = {(line.video, line.found) for line in own if line.found is not None}
        missed = {(line.video, line.truth) for line in own if line.flag == "FN"}
        counts[part] = Counts(len(hits), len(found) - len(hits), len(missed))
    return counts


def flag_lines(lines: Sequence[LogLine]) -> dict[str, Counts]:
    """Return how many lines of each data set have which flag, as entries print them.

    Two lines of one detection count twice here, and once in :func:`flagged`.
    """
    parts = sorted({line.part for line in lines})
    return {
        part: Counts(
            *(sum(x.part == part and x.flag == flag for x in lines) for flag in VERDICTS)
        )
        for part in parts
    }


def differing(
    lines: Sequence[LogLine], kinds: Mapping[tuple[VideoKey, Interval], Kind | None]
) -> list[LogLine]:
    """Return the lines whose flag is not what the intervals of the log say.

    A detection is a hit if it shares half of the frames with any expression of its kind, and an
    expression is missed if none of the detections of its kind does.

    Args:
        lines: of a log.
        kinds: of detections and expressions, by video and interval; one that is not there is of
            any kind.
    """
    truth: dict[VideoKey, set[Interval]] = {}
    found: dict[VideoKey, set[Interval]] = {}
    for line in lines:
        if line.truth is not None:
            truth.setdefault(line.video, set()).add(line.truth)
        if line.found is not None:
            found.setdefault(line.video, set()).add(line.found)

    def flag_of(line: LogLine) -> str:
        one, others = (line.found, truth) if line.found is not None else (line.truth, found)
        assert one is not None  # or log_lines would have refused it
        mine = kinds.get((line.video, one))
        hit = any(
            one.iou(other) >= HALF and kinds.get((line.video, other), mine) in (mine, None)
            for other in others.get(line.video, ())
        )
        return "TP" if hit else ("FP" if line.found is not None else "FN")

    return [line for line in lines if flag_of(line) != line.flag]


def video_name(text: str) -> str:
    """Return the video of a line without folders and titles.

    >>> video_name("s32/32_0502funnyerrors"), video_name("006_1"), video_name("s15/15_0101*")
    ('32_0502', '006_1', '15_0101')
    """
    name = text.replace("\\", "/").rsplit("/", 1)[-1].removesuffix("*")
    film = re.match(r"(\d{2}_\d{4})[a-z]", name, re.IGNORECASE)
    return film[1] if film else name


def part_of(video: str) -> str | None:
    """Return the number of the data set that a video's name is of, None if of neither."""
    return next((p for p, form in _VIDEOS.items() if re.fullmatch(form, video)), None)


def _unknown(path: Path, number: int, video: str) -> str:
    raise DatasetError(
        f"{path.name}, line {number}: expected a first line that says 1 or 2, or videos such "
        f"as 006_1 and 15_0101, found {video!r}"
    )


def _numbered(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of the lines that are not blank."""
    lines = read_text(path).splitlines()
    titled = _titled(lines)
    for number, line in enumerate(lines, start=1):
        cells = _cells(line)
        if any(cells) and not titled:
            yield number, cells
        titled = titled and not any(cells)


def _cells(line: str) -> list[str]:
    """Return the cells between tabs, commas or semicolons, or else between blanks.

    The challenge's code writes tabs or blanks, so with tabs a name may have blanks.  A seventh
    cell, the row number of a table, is left out, in front or behind; an empty one is a dash.
    """
    for sign in ("\t", ",", ";"):
        cells = [cell.strip().strip('"') for cell in line.split(sign)]
        more = cells[_CELLS:]
        if more == [] or not any(more) or (len(more) == 1 and more[0].isdecimal()):
            cells = cells[:_CELLS]
        elif len(more) == 1 and (not cells[0] or cells[0].isdecimal()):
            cells = cells[1:]
        if len(cells) == _CELLS:
            return [cell or "-" for cell in cells]
    return ["-" if cell == "__" else cell for cell in line.split()]


def interval_in(path: Path, number: int, onset: str, offset: str) -> Interval | None:
    """Return an interval, None where there is a dash for each end.

    Raises:
        DatasetError: these are no frames, with file and line.
    """
    if onset == offset == "-":
        return None
    try:
        return Interval(frame(onset, "onset"), frame(offset, "offset"))
    except ValueError as error:
        raise DatasetError(f"{path.name}, line {number}: {error}") from None


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
