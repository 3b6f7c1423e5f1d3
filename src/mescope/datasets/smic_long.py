"""SMIC-E HS: the long versions of SMIC's clips, at 100 frames per second.

Source  Li et al. 2013 and 2018, doi:10.1109/TAFFC.2017.2667642; a signed licence is needed
Layout  ROOT/HS_long/SMIC-HS-E_annotation_2019.xlsx (or SMIC-HS-E_annotation.xlsx) and
        ROOT/HS_long/SMIC-HS-E/HS/s01/s1_sur_01/image549990.jpg, with or without the second HS
Frames  the table writes picture numbers, which go on through a recording of a person

A row is a recording with up to three micro-expressions (161 in 157 recordings).  The columns of
onsets have no names of their own, so they are found by where they stand: pairs from the fourth
column on, up to the numbers of the first and last picture.  Below the rows there is text.  The
table has one emotion for a recording; all its expressions get it.  Nobody annotated an apex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
PUBLISHED = {"micro": 161, "recordings": 157}

_FIRST_ONSET = 3  # columns from 0
_MOST = 3  # expressions of a recording
_EMOTION = 16  # where no header says so
_LEVELS = 5

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
    header, rows = _rows(path)
    last = next((i for i, text in enumerate(header) if text.startswith("firstf")), None)
    emotion = header.index("emotion") if "emotion" in header else _EMOTION
    events: list[SheetExpression] = []
    for where, cells in rows:
        events += _events(where, cells, last, emotion)
    files = _video_files(root)
    counts = {**tally(events), "recordings": len(files)}
    check_counts(counts, PUBLISHED, TITLE, findings)
    rules = Rules(dataset=NAME, rate=RATE, emotions=tuple(RAW_COUNTS[PEOPLE]))
    return assemble(events, files, rules, findings)


def _table(root: Path) -> Path:
    for folder in (root, *sorted(p for p in root.glob("*/*") if p.is_dir())):
        try:
            return find_workbook(folder, TITLE, TABLES)
        except DatasetError as error:
            missing = error
    raise missing


def _rows(path: Path) -> tuple[list[str], list[_Row]]:
    """Return the header's texts and the rows of recordings, each with where it stands."""
    for sheet, cells in read_sheets(path).items():
        for start, header in enumerate(cells):
            texts = [re.sub(r"\W", "", str(cell)).lower() for cell in header]
            if "filename" in texts:
                name = texts.index("filename")
                found = [
                    (place(path, number, str(sheet)), row)
                    for number, row in enumerate(cells[start + 1 :], start + 2)
                    if clip_name(str(row[name]).strip()) is not None
                ]
                return texts, [(where, [row[name], *row]) for where, row in found]
    raise DatasetError(f"{TITLE}: {path.name} has no header with 'Filename'; another file?")


def _events(
    where: str, row: list[object], last: int | None, emotion: int
) -> Iterator[SheetExpression]:
    """Yield the expressions of a row; ``row`` is the clip's name and then all cells."""
    named, cells = clip_name(str(row[0]).strip()), row[1:]
    end = min(last or len(cells), _FIRST_ONSET + 2 * _MOST, len(cells) - 1)
    label = str(cells[emotion]) if emotion < len(cells) else ""
    for i, k in enumerate(range(_FIRST_ONSET, end, 2)):
        empty = whole(cells[k]) is None and whole(cells[k + 1]) is None
        if named is None or (i and empty):
            continue
        yield SheetExpression(
            where=where,
            video=named[2],
            onset=cells[k],
            apex=None,
            offset=cells[k + 1],
            kind="micro",
            emotion=label,
        )


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
