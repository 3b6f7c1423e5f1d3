"""SAMM: spontaneous micro-expressions filmed in grey at 200 frames per second.

Source  Davison et al. 2018, doi:10.1109/TAFFC.2016.2573832; a signed licence is needed
Layout  ROOT/SAMM_Micro_FACS_Codes_v2.xlsx, sheet MICRO_ONLY with some rows of text above the
        header, and ROOT/006/006_1_2/006_05562.jpg
Frames  the sheet writes picture numbers; -1 stands for an apex that nobody could see

Three cells of the release are typing errors.  The offset of 013_1_9 contradicts its own
duration, which says 5739.  The apex 1930 of 032_3_1 lies far before its onset 4896; with its
first digit right it is 4930.  The apex 1143 of 028_4_1 lies after its offset 1134; the repairs
in circulation differ (1100, 1105, 1124), so it counts as not annotated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from mescope import facs
from mescope.datasets.base import (
    Clip,
    Correction,
    Dataset,
    Folders,
    corrected,
    reader_of,
    signed_licence,
)
from mescope.datasets.clips import (
    Findings,
    Sample,
    check_counts,
    clip_folders,
    make_clip,
    match,
    picture_roots,
    table_rows,
)
from mescope.datasets.people import number_of
from mescope.datasets.workbook import SheetRow, find_workbook, whole, with_whole
from mescope.labels import RAW_COUNTS

NAME = "samm"
TITLE = "SAMM"
FOLDERS = Folders(TITLE, r"\d{3}", r"\d{3}_\d_\d{1,2}")
RATE = 200.0
"""Frames per second of every recording."""

TABLES = (
    "SAMM_Micro_FACS_Codes_v2.xlsx",
    "SAMM_20181215_Micro_FACS_Codes_v2.xlsx",
    "SAMM_Micro_FACS_Codes.xlsx",
    "SAMM.xlsx",
)
COLUMNS = (
    "Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units",
    "Estimated Emotion",
)  # fmt: skip
MORE = ("Duration", "Objective Classes")
"""Columns that copies of the sheet may lack."""

CORRECTIONS = (
    Correction(
        subject="013",
        name="013_1_9",
        column="Offset Frame",
        given={"Onset Frame": 5658, "Duration": 82},
        now=5739,
        why="the duration of 82 frames and the long video agree on it",
    ),
    Correction(
        subject="032",
        name="032_3_1",
        column="Apex Frame",
        given={"Onset Frame": 4896, "Apex Frame": 1930, "Offset Frame": 4970},
        now=4930,
        why="its first digit is mistyped",
    ),
    Correction(
        subject="028",
        name="028_4_1",
        column="Apex Frame",
        given={"Onset Frame": 1071, "Apex Frame": 1143, "Offset Frame": 1134},
        now=-1,
        why="it lies after the offset, and nobody knows where it is",
    ),
)


@reader_of(NAME, TITLE, obtain=signed_licence("Manchester Metropolitan"), folders=FOLDERS)
def read(
    root: str | Path,
    *,
    table: str | Path | None = None,
    corrections: Iterable[Correction] = CORRECTIONS,
) -> Dataset:
    """Return the clips of SAMM in the order of its sheet.

    Args:
        root: folder of the table and the pictures; of whole and cropped pictures, the whole
            ones are taken.
        table: the sheet, if it has another name than those known.
        corrections: applied where the sheet still contradicts itself as known.

    Raises:
        DatasetError: the table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    folders = picture_roots(root, FOLDERS, findings)
    whole_first = sorted(folders, key=lambda f: "crop" in str(f.relative_to(root)).lower())
    key = ("Filename", "Onset Frame")
    rows = table_rows(path, TITLE, key, COLUMNS, findings, optional=MORE)
    corrections = tuple(corrections)
    samples = [_sample(row, corrections, findings) for row in rows]
    check_counts(samples, RAW_COUNTS[NAME], TITLE, findings)
    clips = []
    for sample, folder in match(samples, clip_folders(whole_first[0], FOLDERS), findings):
        clip = make_clip(sample, folder, NAME, RATE, findings)
        if clip is not None:
            clips.append(clip)
            _check_class(clip, findings)
    problems = findings.problems()
    return Dataset(name=NAME, clips=tuple(clips), problems=problems, table_rows=findings.rows)


def subject_id(cell: object) -> str:
    """Return the person with the zeros that a spreadsheet takes off.

    >>> subject_id("006"), subject_id(6), subject_id(6.0), subject_id("sub6")
    ('006', '006', '006', '006')
    """
    number = number_of(cell)
    return str(cell).strip() if number is None else f"{number:03d}"


def _sample(row: SheetRow, corrections: tuple[Correction, ...], findings: Findings) -> Sample:
    subject = subject_id(row.cells["Subject"])
    name = str(row.cells["Filename"]).strip()
    numbers = with_whole(row.cells, ("Onset Frame", "Apex Frame", "Offset Frame", "Duration"))
    cells, messages = corrected(numbers, (subject, name), corrections)
    for message in messages:
        findings.warning(row.where, f"{name}: {message}")
    units = cells["Action Units"]
    sample = Sample(
        where=row.where,
        subject=subject,
        name=name,
        onset=whole(cells["Onset Frame"]),
        apex=_apex(cells["Apex Frame"]),
        offset=whole(cells["Offset Frame"]),
        emotion=str(cells["Estimated Emotion"] or ""),
        action_units="" if units is None else str(units),
        objective_class=facs.class_number(cells["Objective Classes"]),
    )
    _check_duration(sample, whole(cells["Duration"]), findings)
    return sample


def _apex(cell: object) -> int | None:
    """Return the apex; an unreadable cell becomes 0, which lies outside every clip."""
    number = whole(cell)
    if cell is None or number == -1:
        return None
    return 0 if number is None else number


def _check_duration(sample: Sample, duration: int | None, findings: Findings) -> None:
    if sample.onset is None or sample.offset is None or duration is None:
        return
    length = sample.offset - sample.onset + 1
    if length != duration:
        findings.warning(
            sample.where,
            f"{sample.name}: offset {sample.offset} gives {length} frames but Duration says "
            f"{duration}; is it {sample.onset + duration - 1}?",
        )


def _check_class(clip: Clip, findings: Findings) -> None:
    """The column stays as it is; published tables differ from their own rule in places."""
    numbers = re.findall(r"\d+", " ".join(clip.expression.action_units))
    understood = facs.parse(clip.au_raw).complete and clip.objective_class is not None
    if understood and facs.objective_class(numbers) != clip.objective_class:
        findings.each("clips have another objective class than usual", clip.name)
