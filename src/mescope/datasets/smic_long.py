"""SMIC-E HS: the long versions of SMIC's clips, at 100 frames per second.

Source  Li et al. 2013 and 2018, doi:10.1109/TAFFC.2017.2667642; a signed licence is needed
Layout  ROOT/HS_long/SMIC-HS-E_annotation_2019.xlsx (or SMIC-HS-E_annotation.xlsx) and
        ROOT/HS_long/SMIC-HS-E/HS/s01/s1_sur_01/image549990.jpg, with or without the second HS
Frames  the table writes picture numbers, which go on through a recording of a person

A row is a recording with up to three micro-expressions, in 157 recordings.  Papers report 161;
the released tables hold 166 (17 columns) and 167 (an older one of 14 columns, which has no
third expression).  Onsets and offsets are found by their headers (OnsetF, Onset2F, ...), or,
where these are blank, as pairs from the fourth column on up to the first without a partner.
Some cells of the third expression hold something else; such pairs are told and not read.  Below
the rows there is text.  The table has one emotion for a recording; all its expressions get it.
Nobody annotated an apex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mescope.annotations.problems import place
from mescope.datasets.base import Dataset, reader_of, signed_licence
from mescope.datasets.clips import Findings
from mescope.datasets.recordings import (
    Rules,
    SheetExpression,
    VideoFile,
    assemble,
    check_counts,
    tally,
)
from mescope.datasets.smic import clip_name, person_of
from mescope.datasets.workbook import find_workbook, read_sheets, whole
from mescope.errors import DatasetError
from mescope.labels import RAW_COUNTS

NAME = "smic-e-hs"
TITLE = "SMIC-E HS, long videos"
RATE = 100.0
"""Frames per second of every recording."""

PEOPLE = "smic"
"""Data set whose people these are, for folds over several data sets."""

TABLES = ("SMIC-HS-E_annotation_2019.xlsx", "SMIC-HS-E_annotation.xlsx")
RELEASED = {2: 167, 3: 166}
"""Micro-expressions in the released tables, by how many a recording can have there."""

RECORDINGS = 157

_FIRST_ONSET = 3  # columns from 0
_MOST = 3  # expressions of a recording
_LEVELS = 5


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where things stand in a row, from 0; None for a column that there is not."""

    name: int
    pairs: tuple[tuple[int, int], ...]  # of onset and offset
    first: int | None  # number of the first picture
    last: int | None
    emotion: int


_Row = tuple[str, list[object]]


@reader_of(NAME, TITLE, obtain=signed_licence("University of Oulu"))
def read(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the long recordings in the order of the table.

    Args:
        root: folder of the table and the pictures.
        table: the table, if it has another name than those known.

    Raises:
        DatasetError: the table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = _table(root) if table is None else Path(table)
    findings = Findings(path.name)
    columns, rows = _rows(path, findings)
    events: list[SheetExpression] = []
    for where, cells in rows:
        events += _events(where, cells, columns, findings)
    findings.rows += len(events)
    files = _video_files(root)
    counts = {**tally(events), "recordings": len(files)}
    released = {"micro": RELEASED.get(len(columns.pairs), 0), "recordings": RECORDINGS}
    check_counts(counts, released, TITLE, findings)
    rules = Rules(dataset=NAME, rate=RATE, emotions=tuple(RAW_COUNTS[PEOPLE]))
    return assemble(events, files, rules, findings)


def _table(root: Path) -> Path:
    for folder in (root, *sorted(p for p in root.glob("*/*") if p.is_dir())):
        try:
            return find_workbook(folder, TITLE, TABLES)
        except DatasetError as error:
            missing = error
    raise missing


def _rows(path: Path, findings: Findings) -> tuple[_Columns, list[_Row]]:
    """Return where things stand and the rows of recordings, each with its place."""
    for sheet, cells in read_sheets(path).items():
        for start, header in enumerate(cells):
            texts = [re.sub(r"\W", "", str(cell or "")).lower() for cell in header]
            if "filename" not in texts:
                continue
            columns = _columns(texts)
            found, text = [], []
            for number, row in enumerate(cells[start + 1 :], start + 2):
                where = place(path, number, str(sheet))
                if clip_name(str(row[columns.name]).strip()) is not None:
                    found.append((where, row))
                elif sum(whole(cell) is not None for cell in row[_FIRST_ONSET:]) > 1:
                    named = f"expected a clip such as s1_ne_01, found {row[columns.name]!r}"
                    findings.error(where, f"{named}; the row was left out")
                    findings.rows += 1
                elif any(cell is not None for cell in row):
                    text.append(number)
            if text:
                findings.warning(path.name, f"{len(text)} rows of text skipped: {text[:5]}")
            return columns, found
    raise DatasetError(f"{TITLE}: {path.name} has no header with 'Filename'; another file?")


def _columns(header: list[str]) -> _Columns:
    """Return where things stand by the header's texts, in small letters without blanks."""
    first, last = (
        next((i for i, text in enumerate(header) if text.startswith(word)), None)
        for word in ("firstf", "lastf")
    )
    pairs = [
        (i, next(j for j in range(i + 1, len(header)) if header[j] == f"offset{text[5:]}"))
        for i, text in enumerate(header)
        if text.startswith("onset") and f"offset{text[5:]}" in header[i + 1 :]
    ]
    # Pairs whose headers are blank follow the named ones; a single blank column is none.
    end = next(i for i in (first, last, len(header)) if i is not None)
    start = max((offset for _, offset in pairs), default=_FIRST_ONSET - 1) + 1
    while len(pairs) < _MOST and start + 1 < end and not (header[start] or header[start + 1]):
        pairs.append((start, start + 1))
        start += 2
    emotion = header.index("emotion") if "emotion" in header else len(header) - 1
    return _Columns(
        header.index("filename"), tuple(sorted(pairs)[:_MOST]), first, last, emotion
    )


def _events(
    where: str, row: list[object], columns: _Columns, findings: Findings
) -> Iterator[SheetExpression]:
    """Yield the expressions of a row."""
    named = clip_name(str(row[columns.name]).strip())
    label = str(row[columns.emotion]) if columns.emotion < len(row) else ""
    for i, (onset, offset) in enumerate(columns.pairs):
        pair = row[onset], row[offset]
        if named is None or (i and pair == (None, None)):
            continue
        if i == _MOST - 1 and not _plausible(pair, row, columns):
            text = f"the third expression is {pair[0]!r} to {pair[1]!r}, no pair of pictures"
            findings.warning(where, f"{named[2]}: {text}; not read")
            continue
        yield SheetExpression(
            where=where,
            video=named[2],
            onset=pair[0],
            apex=None,
            offset=pair[1],
            kind="micro",
            emotion=label,
        )


def _plausible(pair: tuple[object, object], row: list[object], columns: _Columns) -> bool:
    """Say whether two cells are numbers of pictures in order and inside their recording."""
    onset, offset = whole(pair[0]), whole(pair[1])
    if onset is None or offset is None or onset > offset:
        return False
    lowest = whole(row[columns.pairs[0][0]]) or 0  # the third comes after the first
    highest = None if columns.last is None else whole(row[columns.last])
    return onset > lowest and (highest is None or offset <= highest)


def _video_files(root: Path) -> list[VideoFile]:
    """Return the folder of every recording, of people up to four levels down."""
    layer, found = [root], []
    for _ in range(_LEVELS):
        folders = [p for parent in layer for p in sorted(parent.iterdir()) if p.is_dir()]
        for one in (p for p in folders if person_of(p.name)):
            for clip in sorted(one.iterdir()):
                named = clip_name(clip.name)
                if named is not None and clip.is_dir():
                    found.append(VideoFile(subject=named[0], name=named[2], path=clip))
        layer = [p for p in folders if not person_of(p.name)]
    if not found:
        raise DatasetError(
            f"{TITLE}: no folders SMIC-HS-E/s01/s1_ne_01 under {root}; give the folder that "
            "holds the table and the pictures"
        )
    return found
