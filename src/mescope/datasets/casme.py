"""CASME: spontaneous micro-expressions filmed at 60 frames per second by two cameras.

Source  Yan et al. 2013, doi:10.1109/FG.2013.6553799; a signed licence is needed
Layout  ROOT/casme.xlsx, sheet with the header in its first row and two blank columns, and
        ROOT/CASME_raw_selected/sub01/EP01_5/EP01_5-12.jpg (the clip's name again in each)
Frames  the sheet writes picture numbers; a clip is cut from onset to offset

A backslash stands for a second apex that there is not; of two apexes the first is used.  Five
rows of the release contradict the pictures.  Corrections by row number are in use elsewhere but
fit one copy of the sheet only, so here the pictures count wherever the sheet disagrees.
"""

from __future__ import annotations

from pathlib import Path

from mescope.datasets.base import Dataset, Folders, reader_of, signed_licence
from mescope.datasets.clips import (
    Findings,
    Sample,
    by_pictures,
    check_counts,
    clip_folders,
    make_clip,
    match,
    picture_roots,
    table_rows,
)
from mescope.datasets.people import number_of
from mescope.datasets.workbook import SheetRow, find_workbook, whole
from mescope.labels import RAW_COUNTS

NAME = "casme"
TITLE = "CASME"
FOLDERS = Folders(TITLE, r"sub\d{2}", r"EP\w+")
RATE = 60.0
"""Frames per second of every recording."""

TABLES = ("casme.xlsx", "casme.xls", "CASME.xlsx")
COLUMNS = ("Subject", "Filename", "OnsetF", "ApexF1", "ApexF2", "OffsetF", "AU", "Emotion")
WHOLE = "CASME_raw_selected"


@reader_of(NAME, TITLE, obtain=signed_licence("Chinese Academy of Sciences"), folders=FOLDERS)
def read(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the clips of CASME in the order of its sheet.

    Args:
        root: folder of the table and the pictures; of whole and cropped pictures, the whole
            ones are taken.
        table: the sheet, if it has another name than those known.

    Raises:
        DatasetError: the table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    roots = picture_roots(root, FOLDERS, findings)
    whole_first = sorted(roots, key=lambda f: WHOLE.lower() not in str(f).lower())
    rows = table_rows(path, TITLE, ("Filename", "OnsetF"), COLUMNS, findings)
    samples = [_sample(row) for row in rows]
    check_counts(samples, RAW_COUNTS[NAME], TITLE, findings)
    clips = []
    for sample, folder in match(samples, clip_folders(whole_first[0], FOLDERS), findings):
        right = by_pictures(sample, folder, RATE, findings)
        clip = make_clip(right, folder, NAME, RATE, findings)
        if clip is not None:
            clips.append(clip)
    problems = findings.problems()
    return Dataset(name=NAME, clips=tuple(clips), problems=problems, table_rows=findings.rows)


def subject_id(cell: object) -> str:
    """Return the person as the folders name it.

    >>> subject_id("01"), subject_id(1), subject_id("sub01"), subject_id("s1")
    ('sub01', 'sub01', 'sub01', 'sub01')
    """
    number = number_of(cell)
    return str(cell).strip() if number is None else f"sub{number:02d}"


def _sample(row: SheetRow) -> Sample:
    cells = row.cells
    units = cells["AU"]
    return Sample(
        where=row.where,
        subject=subject_id(cells["Subject"]),
        name=str(cells["Filename"]).strip(),
        onset=whole(cells["OnsetF"]),
        apex=_first(whole(cells["ApexF1"]), whole(cells["ApexF2"])),
        offset=whole(cells["OffsetF"]),
        emotion=str(cells["Emotion"] or ""),
        action_units="" if units is None else str(units),
    )


def _first(*apexes: int | None) -> int | None:
    return next((apex for apex in apexes if apex is not None), None)
