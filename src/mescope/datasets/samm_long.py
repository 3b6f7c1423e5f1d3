"""SAMM Long Videos: the recordings that SAMM was cut from, micro- and macro-expressions.

Source  Yap, Kendrick and Yap 2020, arXiv:1911.01519; a signed licence is needed
Layout  ROOT/SAMM_LongVideos_V1_Release.xlsx (V2, V3 alike as far as is known), sheet
        FACS_Movement_Only with rows of text above the header, and
        ROOT/SAMM_longvideos/006_1/006_1_0001.jpg: a folder per video, no level of people
Frames  the sheet writes picture numbers; -1 stands for an apex that nobody could see

Video 006_1 shows the expressions 006_1_2, 006_1_3, ...  The same name may be a micro- and a
macro-expression (037_4_1).  The videos are trimmed: expressions with onset 0 are under way when
their video starts, some go on after its end; both are used as far as the video shows them.
Macro rows have parts of frames, multiples of 0.2, for an unpublished reason; halves are rounded
up.  The duration is a formula and is not used.

People: subject "006" here is subject "006" of SAMM, and every clip of SAMM is cut from the
video that :func:`video_of` names.  So in a split over both data sets each person has to be the
one ``(PEOPLE, subject)``, or the same pixels stand in training and test.

Differences: papers drop the ten macro rows of onset 0, or cut the parts of frames off.  The
sheet has no emotions; where SAMM's own table is at hand the micro-expressions take theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from mescope.datasets import samm
from mescope.datasets.base import Dataset, Folders, reader_of, signed_licence
from mescope.datasets.clips import Findings, picture_roots, table_rows
from mescope.datasets.recordings import (
    Rules,
    SheetExpression,
    VideoFile,
    assemble,
    check_counts,
    kind_of,
    tally,
)
from mescope.datasets.workbook import SheetRow, find_workbook, read_rows, whole
from mescope.errors import DatasetError
from mescope.labels import RAW_COUNTS

NAME = "samm-lv"
TITLE = "SAMM Long Videos"
FOLDERS = Folders(TITLE, r"\d{3}_\d", r"\d{3}_\d_\d+\.\w+")
RATE = 200.0
"""Frames per second of every recording."""

PEOPLE = samm.NAME
"""The data set that the people of this one are from, under the same subject ids."""

TABLES = (
    "SAMM_LongVideos_V3_Release.xlsx",
    "SAMM_LongVideos_V2_Release.xlsx",
    "SAMM_LongVideos_V1_Release.xlsx",
    "SAMMLV_gt.xlsx",
)
COLUMNS = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Action Units")
PUBLISHED: Mapping[str, int] = MappingProxyType({"micro": 159, "macro": 343, "recordings": 147})
"""Rows of each kind, and videos."""

SHIFTS: Mapping[str, int] = MappingProxyType(
    {
        "006_1": 2000, "006_2": 100, "006_3": 500, "006_5": 300, "007_3": 1800,
        "007_4": 5600, "007_5": 2500, "007_6": 100, "007_7": 300, "009_2": 3000,
        "009_3": 500, "010_4": 3000, "011_3": 2000, "012_7": 7000, "014_1": 499,
        "014_3": 1000, "015_5": 5500, "016_7": 1000, "017_6": 500, "018_1": 10000,
        "018_5": 1500, "018_7": 10000, "019_3": 500, "019_4": 4000, "019_5": 4000,
        "020_1": 500, "021_7": 2000, "023_1": 4500, "024_2": 3000, "025_4": 1500,
        "025_5": 2000, "025_6": 2000, "026_5": 4500, "026_6": 3500, "026_7": 1000,
        "030_1": 2000, "030_5": 1500, "031_3": 3500, "032_3": 3000, "032_6": 4000,
        "033_1": 5000, "034_3": 3000, "035_1": 9000,
    }
)  # fmt: skip
"""Picture number in SAMM less that in the long video, where it is not 0.

Computed from both sheets; for a video without a micro-expression it cannot be known.
"""

_RULES = Rules(
    dataset=NAME,
    rate=RATE,
    emotions=tuple(RAW_COUNTS[samm.NAME]),
    no_apex=(-1,),
    trimmed=True,
    fractions=True,
)


@reader_of(NAME, TITLE, obtain=signed_licence("Manchester Metropolitan"), folders=FOLDERS)
def read(
    root: str | Path,
    *,
    table: str | Path | None = None,
    samm_table: str | Path | None = None,
    sheets_only: bool = False,
) -> Dataset:
    """Return the recordings of SAMM Long Videos in the order of its sheet.

    Args:
        root: folder of the table and the pictures; of whole and cropped pictures, the whole
            ones are taken.
        table: the sheet, if it has another name than those known.
        samm_table: SAMM's own sheet, for the emotions; looked for under ``root``.
        sheets_only: look at no picture, see :func:`mescope.datasets.open_dataset`.

    Raises:
        DatasetError: the table, its columns or the pictures are not there, or ``samm_table``
            is not a sheet of SAMM.
    """
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    rows = table_rows(path, TITLE, ("Filename", "Onset"), COLUMNS, findings)
    found = [_event(row, findings) for row in rows]
    events = [event for event in found if event is not None]
    files = _named(events) if sheets_only else _video_files(root, findings)
    counts = {**tally(events), "recordings": len(files)}
    wanted = {
        name: n for name, n in PUBLISHED.items() if not (sheets_only and name == "recordings")
    }
    check_counts(counts, wanted, TITLE, findings)
    clips = _samm_rows(root, samm_table)
    if clips:
        events = [_with_emotion(event, clips, findings) for event in events]
        _check_shifts(events, clips, findings)
    return assemble(events, files, _RULES, findings)


def video_of(name: str) -> str:
    """Return the video that shows an expression of this data set or of SAMM.

    >>> video_of("006_1_2")
    '006_1'
    """
    return name.strip().rpartition("_")[0]


def _video_files(root: Path, findings: Findings) -> list[VideoFile]:
    roots = picture_roots(root, FOLDERS, findings)
    whole_ones = [f for f in roots if "crop" not in str(f.relative_to(root)).lower()]
    return [
        VideoFile(subject=folder.name[:3], name=folder.name, path=folder)
        for pictures in whole_ones or roots
        for folder in sorted(pictures.iterdir())
        if re.fullmatch(r"\d{3}_\d", folder.name) and folder.is_dir()
    ]


def _named(events: list[SheetExpression]) -> list[VideoFile]:
    """Return the videos that the sheet names."""
    names = dict.fromkeys(event.video for event in events)
    return [VideoFile(subject=name[:3], name=name, path=None) for name in names]


def _event(row: SheetRow, findings: Findings) -> SheetExpression | None:
    cells = row.cells
    name = str(cells["Filename"]).strip()
    if not re.fullmatch(r"\d{3}_\d_\d+", name):
        text = f"expected a Filename such as '006_1_2', found {name!r}"
        findings.error(row.where, text)
        return None
    subject = samm.subject_id(cells["Subject"])
    if subject != name[:3]:
        text = f"{name} has the Subject {subject}; {name[:3]} is used, as the file says"
        findings.warning(row.where, text)
    return SheetExpression(
        where=row.where,
        video=video_of(name),
        name=name,
        kind=cells["Type"],
        onset=cells["Onset"],
        apex=cells["Apex"],
        offset=cells["Offset"],
        action_units=cells["Action Units"],
    )


def _samm_rows(root: Path, table: str | Path | None) -> dict[str, SheetRow]:
    """Return the rows of SAMM's own sheet by clip; none where it was not given nor found."""
    if table is None:
        try:
            table = find_workbook(root, samm.TITLE, samm.TABLES)
        except DatasetError:
            return {}
    columns = ("Subject", "Filename", "Onset Frame", "Estimated Emotion")
    found = read_rows(Path(table), samm.TITLE, ("Filename", "Onset Frame"), columns)
    return {str(row.cells["Filename"]).strip(): row for row in found.rows}


def _with_emotion(
    event: SheetExpression, clips: Mapping[str, SheetRow], findings: Findings
) -> SheetExpression:
    if kind_of(event.kind) != "micro":
        return event
    if event.name not in clips:
        findings.each("micro-expressions are not in SAMM's table, no emotion", event.name)
        return event
    return replace(event, emotion=str(clips[event.name].cells["Estimated Emotion"] or ""))


def _check_shifts(
    events: list[SheetExpression], clips: Mapping[str, SheetRow], findings: Findings
) -> None:
    """Say where the two sheets do not lie as far apart as published."""
    for event in events:
        onset = whole(event.onset)
        if kind_of(event.kind) != "micro" or event.name not in clips or onset is None:
            continue
        in_samm = whole(clips[event.name].cells["Onset Frame"])
        published = SHIFTS.get(event.video, 0)
        if in_samm is None or in_samm - onset == published:
            continue
        if in_samm == onset:
            text = f"it has SAMM's own picture numbers; the long video needs -{published}"
        else:
            text = f"SAMM's onset less this one is {in_samm - onset}, published {published}"
        findings.warning(event.where, f"{event.name}: {text}")
