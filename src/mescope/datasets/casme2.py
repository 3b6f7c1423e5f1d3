"""CASME II: spontaneous micro-expressions filmed at 200 frames per second.

Source  Yan et al. 2014, doi:10.1371/journal.pone.0086041; a signed licence is needed
Layout  ROOT/CASME2-coding-20140508.xlsx or CASME2-coding-20190701.xlsx (found by their header),
        for the first ROOT/CASME2-ObjectiveClasses.xlsx, and
        ROOT/CASME2_RAW_selected/sub01/EP02_01f/img46.jpg (or CASME2_RAW, the whole clips; or
        Cropped, the faces, reg_img46.jpg)
Frames  the sheet writes picture numbers, from 1; '/' stands for an apex that nobody could see

The sheet of 2019 changes 57 cells of action units and calls three clips of sub24 surprise that
were sadness; see ``COUNTS``.  The two are never mixed: objective classes of a file of their own
belong to the sheet of 2014, those of the workbook itself to that workbook.  Where both sheets
are there, the one of 2014 is read, which papers and composites count, and that is told.

No cell is corrected: the repairs in circulation name rows of a table that is not the released
one.  Clips and cells that disagree are reported instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
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
from mescope.datasets.workbook import (
    SheetRow,
    find_workbook,
    find_workbooks,
    header_text,
    read_sheets,
    whole,
    with_whole,
)
from mescope.errors import DatasetError
from mescope.facs import class_number
from mescope.labels import CASME2_CHANGED_IN_2019, RAW_COUNTS, canonical

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
COUNTS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "2014": RAW_COUNTS["casme2"],
        "2019": MappingProxyType({**RAW_COUNTS["casme2"], "sadness": 4, "surprise": 28}),
    }
)
"""Rows of every emotion by release of the sheet."""
CLASSES = "CASME2-ObjectiveClasses.xlsx"
COLUMNS = (
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame",
    "Action Units", "Estimated Emotion",
)  # fmt: skip
CORRECTIONS: tuple[Correction, ...] = ()

Release = Literal["2014", "2019"]
Pictures = Literal["selected", "raw", "cropped"]
_HEADER_ROWS = 40  # rows in which a header is looked for
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
    _tell_others(root, path, findings)
    kind, folder = _pictures(root, pictures, findings)
    rows = table_rows(path, TITLE, ("Filename", "OnsetFrame"), COLUMNS, findings)
    release = _release(rows, path)
    classes = _classes(root, path, release, findings)
    corrections = tuple(corrections)
    samples = [_sample(row, classes, corrections, findings) for row in rows]
    check_counts(samples, COUNTS[release], f"{TITLE}, sheet of {release},", findings)
    clips = []
    for sample, its_folder in match(samples, clip_folders(folder, FOLDERS), findings):
        clip = make_clip(sample, its_folder, NAME, RATE, findings)
        if clip is not None:
            clips.append(clip)
            if kind != "raw":
                _check_span(clip, sample, findings)
    problems = findings.problems()
    return Dataset(name=NAME, clips=tuple(clips), problems=problems, table_rows=findings.rows)


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


def _tell_others(root: Path, path: Path, findings: Findings) -> None:
    """Tell the sheets that are there and not read: two releases are never mixed."""
    others = [other.name for other in find_workbooks(root, TABLES) if other != path]
    if others and path in find_workbooks(root, TABLES):
        text = f"{' and '.join(others)} lies beside it and is not read; --table FILE reads it"
        findings.warning(path.name, text)


def _release(rows: Iterable[SheetRow], path: Path) -> Release:
    """Return which release a sheet is: by the clips that differ, by its name without them."""
    said = {
        canonical(str(row.cells["Estimated Emotion"] or ""))
        for row in rows
        if subject_id(row.cells["Subject"]) == "sub24"
        and str(row.cells["Filename"]).strip() in CASME2_CHANGED_IN_2019
    }
    if said == {"surprise"}:
        return "2019"
    return "2014" if said or "2019" not in path.stem else "2019"


def _classes(
    root: Path, path: Path, release: Release, findings: Findings
) -> dict[tuple[str, str], int | None]:
    """Return the objective class of every clip: the workbook's own, or those of 2014."""
    own = _classes_in(path)
    if own:
        return own
    there = find_workbooks(root, (CLASSES,))
    if there and release != "2014":
        text = (
            "the objective classes are those of the sheet of 2014 and not used with the one "
            f"of {release}, whose action units differ"
        )
        findings.warning(there[0].name, text)
        return {}
    if not there:
        findings.warning(path.name, "no objective classes in it nor beside it; none are used")
    return _classes_in(there[0]) if there else {}


def _classes_in(path: Path) -> dict[tuple[str, str], int | None]:
    """Return the objective classes of a workbook, in whichever sheet; none if it has none."""
    for rows in read_sheets(path).values():
        for start, header in enumerate(rows[:_HEADER_ROWS]):
            names = [header_text(cell) for cell in header]
            column = next((i for i, name in enumerate(names) if "objective" in name), None)
            if column is None or not {"subject", "filename"} <= set(names):
                continue
            person, clip = names.index("subject"), names.index("filename")
            found = {
                (subject_id(row[person]), str(row[clip]).strip()): class_number(row[column])
                for row in rows[start + 1 :]
            }
            if any(found.values()):
                return found
    return {}


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
