"""MMEW: micro-expressions of seven emotions, filmed at 90 frames per second.

Source  Ben et al. 2022, doi:10.1109/TPAMI.2021.3067464; a signed licence is needed
Layout  ROOT/MMEW_Micro_Exp.xlsx (header in the first row) and
        ROOT/Micro_Expression/happiness/S03-01-002/1.jpg; some copies have a folder of the
        person above the emotion
Frames  the sheet writes picture numbers from 1; a clip is cut from onset to offset

Only the emotion of the sheet is used: the folder of "others" is called "repression" in some
copies.  In sixteen rows of the release apex and offset are wrong; the pictures give the right
offset, and where it is the known one, the known apex is used.  Macro-expressions are single
pictures and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mescope.datasets.base import Dataset, reader_of, signed_licence
from mescope.datasets.clips import (
    Findings,
    Sample,
    by_pictures,
    check_counts,
    make_clip,
    match,
    table_rows,
)
from mescope.datasets.workbook import SheetRow, find_workbook, whole
from mescope.errors import DatasetError
from mescope.labels import RAW_COUNTS

NAME = "mmew"
TITLE = "MMEW"
RATE = 90.0
"""Frames per second of every recording."""

TABLES = ("MMEW_Micro_Exp.xlsx", "MMEW_Micro_Exp_v2.xlsx", "MMEW_Micro_Exp (20).xlsx")
COLUMNS = (
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units",
    "Estimated Emotion",
)  # fmt: skip
APEXES = {
    35: (40, 75), 37: (15, 54), 38: (46, 59), 39: (20, 98), 40: (25, 80), 41: (20, 93),
    42: (23, 58), 43: (28, 61), 44: (32, 68), 144: (56, 88), 145: (32, 80), 147: (27, 85),
    148: (22, 61), 150: (29, 108), 156: (31, 72), 158: (38, 106),
}  # fmt: skip
"""Right apex and offset of the wrong rows of the release, by row as a spreadsheet counts."""

_CLIP = r"(S\d{2})-\d{2}-\d{3}"


@reader_of(NAME, TITLE, obtain=signed_licence("Shandong University"))
def read(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the micro-expressions of MMEW in the order of its sheet.

    Args:
        root: folder of the table and the pictures.
        table: the sheet, if it has another name than those known.

    Raises:
        DatasetError: the table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    folders = _folders(root, findings)
    rows = table_rows(path, TITLE, ("Filename", "OnsetFrame"), COLUMNS, findings)
    known = {sample.where: APEXES.get(row.row) for row in rows for sample in (_sample(row),)}
    samples = [_sample(row) for row in rows]
    check_counts(samples, RAW_COUNTS[NAME], TITLE, findings)
    clips = []
    for sample, folder in match(samples, folders, findings):
        right = by_pictures(sample, folder, RATE, findings)
        right = _with_apex(sample, right, known[sample.where], findings)
        clip = make_clip(right, folder, NAME, RATE, findings)
        if clip is not None:
            clips.append(clip)
    problems = findings.problems()
    return Dataset(name=NAME, clips=tuple(clips), problems=problems, table_rows=findings.rows)


def _with_apex(
    sample: Sample, right: Sample, known: tuple[int, int] | None, findings: Findings
) -> Sample:
    """Correct the apex too, if row and pictures show that the known error stands here."""
    if known is None or sample.offset == known[1] or right.offset != known[1]:
        return right
    text = f"{sample.name}: apex {sample.apex} corrected to {known[0]}, a known error"
    findings.warning(sample.where, text)
    return replace(right, apex=known[0])


def _folders(root: Path, findings: Findings) -> dict[tuple[str, str], Path]:
    """Return the folder of every (person, clip), both in lower case."""
    found: dict[tuple[str, str], Path] = {}
    for folder in _clip_folders(root):
        person = folder.name[:3]
        key = (person.lower(), folder.name.lower())
        if key in found:
            where = str(folder.relative_to(root))
            findings.error(where, "a second folder of this clip, left out", rows=0)
        else:
            found[key] = folder
    if not found:
        raise DatasetError(
            f"{TITLE}: no folders Micro_Expression/<emotion>/S01-01-001 under {root}; give the "
            "folder that holds the table and the pictures"
        )
    return found


def _clip_folders(root: Path) -> Iterator[Path]:
    for pattern in ("*/*/*", "*/*/*/*", "*/*/*/*/*", "*/*"):
        for path in sorted(root.glob(pattern)):
            if re.fullmatch(_CLIP, path.name, re.IGNORECASE) and path.is_dir():
                yield path


def _sample(row: SheetRow) -> Sample:
    cells, name = row.cells, str(row.cells["Filename"]).strip()
    named = re.fullmatch(_CLIP, name, re.IGNORECASE)
    units = cells["Action Units"]
    return Sample(
        where=row.where,
        subject=named[1].upper() if named else str(cells["Subject"]).strip(),
        name=name,
        onset=whole(cells["OnsetFrame"]),
        apex=whole(cells["ApexFrame"]),
        offset=whole(cells["OffsetFrame"]),
        emotion=str(cells["Estimated Emotion"] or "").replace("repression", "others"),
        action_units="" if units is None else str(units),
    )
