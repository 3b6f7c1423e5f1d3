"""CASME II: spontaneous micro-expressions filmed at 200 frames per second.

Source  Yan et al. 2014, doi:10.1371/journal.pone.0086041; a signed licence is needed
Layout  ROOT/CASME2-coding-20140508.xlsx (or a later table, found by its header), optionally
        ROOT/CASME2-ObjectiveClasses.xlsx, and ROOT/CASME2_RAW_selected/sub01/EP02_01f/img46.jpg
        (or CASME2_RAW, the whole clips; or Cropped, the faces, reg_img46.jpg)
Frames  the sheet writes picture numbers, from 1; '/' stands for an apex that nobody could see

No cell is corrected: the repairs in circulation name rows of a table that is not the released
one.  Clips and cells that disagree are reported instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from mescope.datasets.base import (
    Clip,
    Correction,
    Dataset,
    Folders,
    corrected,
    reader_of,
    signed_licence,
)
from mescope.datasets.casme import subject_id
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
from mescope.datasets.workbook import SheetRow, find_workbook, read_rows, whole, with_whole
from mescope.errors import DatasetError
from mescope.labels import RAW_COUNTS

NAME = "casme2"
TITLE = "CASME II"
FOLDERS = Folders(TITLE, r"sub\d{2}", r"EP\w+")
RATE = 200.0
"""Frames per second of every recording."""

TABLES = (
    "CASME2-coding-20140508.xlsx",
    "CASME2-coding-20190701.xlsx",
    "CASME2-coding-updated.xlsx",
    "CASME2_label_Ver_2.xls",
)
CLASSES = "CASME2-ObjectiveClasses.xlsx"
COLUMNS = (
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame",
    "Action Units", "Estimated Emotion",
)  # fmt: skip
CORRECTIONS: tuple[Correction, ...] = ()

Pictures = Literal["selected", "raw", "cropped"]
_PREFERRED: tuple[Pictures, ...] = ("selected", "raw", "cropped")


@reader_of(NAME, TITLE, obtain=signed_licence("Chinese Academy of Sciences"), folders=FOLDERS)
def read(
    root: str | Path,
    *,
    table: str | Path | None = None,
    pictures: Pictures | None = None,
    corrections: Iterable[Correction] = CORRECTIONS,
) -> Dataset:
    """Return the clips of CASME II in the order of its sheet.

    Args:
        root: folder of the table and the pictures.
        table: the sheet, if it has another name than those known.
        pictures: which pictures; the first there of selected (onset to offset), raw (with what
            is before and after) and cropped (faces) if not given.
        corrections: applied where the sheet still says the wrong value.

    Raises:
        DatasetError: the table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    kind, folder = _pictures(root, pictures, findings)
    rows = table_rows(path, TITLE, ("Filename", "OnsetFrame"), COLUMNS, findings)
    classes = _classes(root)
    corrections = tuple(corrections)
    samples = [_sample(row, classes, corrections, findings) for row in rows]
    check_counts(samples, RAW_COUNTS[NAME], TITLE, findings)
    clips = []
    for sample, its_folder in match(samples, clip_folders(folder, FOLDERS), findings):
        clip = make_clip(sample, its_folder, NAME, RATE, findings)
        if clip is not None:
            clips.append(clip)
            if kind != "raw":
                _check_span(clip, sample, findings)
    return Dataset(name=NAME, clips=tuple(clips), problems=findings.problems())


def _pictures(root: Path, wanted: Pictures | None, findings: Findings) -> tuple[Pictures, Path]:
    """Return the folder of the people and which pictures it holds."""
    found: dict[Pictures, Path] = {}
    for folder in picture_roots(root, FOLDERS, findings):
        below = folder.relative_to(root).as_posix().lower()
        crop: Pictures = "selected" if "selected" in below else "raw"
        found.setdefault("cropped" if "crop" in below else crop, folder)
    for kind in _PREFERRED if wanted is None else (wanted,):
        if kind in found:
            return kind, found[kind]
    raise DatasetError(f"{TITLE}: no {wanted} pictures under {root}, only {', '.join(found)}")


def _classes(root: Path) -> dict[tuple[str, str], int | None]:
    """Return the objective class of every clip, if that table is there."""
    try:
        path = find_workbook(root, TITLE, (CLASSES,))
    except DatasetError:
        return {}  # the table is an extra
    columns = ("Subject", "Filename", "Objective Class")
    rows, _ = read_rows(path, TITLE, columns, columns)
    return {
        (subject_id(r.cells["Subject"]), str(r.cells["Filename"]).strip()): whole(
            r.cells["Objective Class"]
        )
        for r in rows
    }


def _sample(
    row: SheetRow,
    classes: dict[tuple[str, str], int | None],
    corrections: tuple[Correction, ...],
    findings: Findings,
) -> Sample:
    subject = subject_id(row.cells["Subject"])
    name = str(row.cells["Filename"]).strip()
    numbers = with_whole(row.cells, ("OnsetFrame", "ApexFrame", "OffsetFrame"))
    cells, messages = corrected(numbers, (subject, name), corrections)
    for message in messages:
        findings.warning(row.where, f"{subject}/{name}: {message}")
    units = cells["Action Units"]
    return Sample(
        where=row.where,
        subject=subject,
        name=name,
        onset=whole(cells["OnsetFrame"]),
        apex=_apex(cells["ApexFrame"]),
        offset=whole(cells["OffsetFrame"]),
        emotion=str(cells["Estimated Emotion"] or ""),
        action_units="" if units is None else str(units),
        objective_class=classes.get((subject, name)),
    )


def _apex(cell: object) -> int | None:
    """Return the apex; an unreadable cell becomes -1, which lies outside every clip."""
    if cell is None or str(cell).strip() == "/":
        return None
    number = whole(cell)
    return -1 if number is None else number


def _check_span(clip: Clip, sample: Sample, findings: Findings) -> None:
    """Selected and cropped clips run from onset to offset, by the release notes."""
    last = clip.first_number + clip.frames - 1
    if (clip.first_number, last) != (sample.onset, sample.offset):
        findings.warning(
            sample.where,
            f"{clip.subject}/{clip.name}: table {sample.onset} to {sample.offset}, "
            f"folder {clip.first_number} to {last} ({clip.frames - len(clip.missing)} files)",
        )
