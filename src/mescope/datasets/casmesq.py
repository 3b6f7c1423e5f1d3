"""CAS(ME)^2: long videos at 30 frames per second with micro- and macro-expressions.

Source  Qu et al. 2018, doi:10.1109/TAFFC.2017.2654440; a signed licence is needed
Layout  ROOT/CAS(ME)^2code_final.xlsx and, for each video, pictures in
        ROOT/rawpic/s15/15_0101disgustingteeth/img001.jpg or a file
        ROOT/rawvideo/s15/15_0101disgustingteeth.avi; where both are there, the pictures
Frames  the sheet writes picture numbers from 1; offset 0 and apex 0 stand for not annotated

The workbook has three sheets without any header, known by what is in them: the expressions
(person 1 to 22, 'anger1_1', onset, apex, offset, action units, emotion, kind, own report), the
person's folder (15, 's15', 1), and the video's code ('0401', 'anger1').

Subjects are the names of the folders, "s15"; the number in a MEGC log's "15_0401" is the same
person, and that is a recording's name here.  A video belongs to the person in its own name,
whatever folder it lies in: the release has a copy of 23_0502 in s19, so its 98 folders are 97
recordings.  Three of those have no row and are kept without expressions.

44 macro-expressions have no offset.  Most published readings end them at their apex, one 20
frames after it, so ``missing_offset`` names the choice.

Differences: the one with apex 0 has no apex here (elsewhere the middle), nor have three whose
apex lies after their offset; their intervals stay.  The own report, the eye blinks and the cut
pictures (cropped, selectedpic) are not read.  A header in a later release is skipped as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from mescope.annotations.problems import place
from mescope.datasets.base import Dataset, Folders, reader_of, signed_licence
from mescope.datasets.clips import Findings, picture_roots
from mescope.datasets.folder import VIDEO_SUFFIXES
from mescope.datasets.recording_rows import OFFSETS, MissingOffset
from mescope.datasets.recordings import (
    Rules,
    SheetExpression,
    VideoFile,
    assemble,
    check_counts,
    kind_of,
    tally,
)
from mescope.datasets.workbook import find_workbook, read_sheets, whole
from mescope.errors import DatasetError
from mescope.labels import RAW_COUNTS

NAME = "casmesq"
TITLE = "CAS(ME)^2"
FOLDERS = Folders(TITLE, r"s\d{2}", r"\d{2}_\d{4}\w*(\.\w+)?")
RATE = 30.0
"""Frames per second of every recording."""

TABLES = (
    "CAS(ME)^2code_final.xlsx",
    "CAS(ME)^2code_final(Updated).xlsx",
    "code_final.xlsx",
    "CASME_sq_gt.xlsx",
)
PUBLISHED: Mapping[str, int] = MappingProxyType(
    {"micro": 57, "macro": 300, "recordings": 97}
    | {f"micro {emotion}": n for emotion, n in RAW_COUNTS[NAME].items()}
    | {"macro positive": 116, "macro negative": 105, "macro others": 63, "macro surprise": 16}
)
"""Rows of each kind and emotion, and videos, the copy in s19 not counted."""

_PEOPLE = (
    15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40
)  # fmt: skip
SUBJECTS: Mapping[int, str] = MappingProxyType(
    {index: f"s{number}" for index, number in enumerate(_PEOPLE, start=1)}
)
"""Folder of each person by number, for a workbook without that sheet."""

CODES: Mapping[str, str] = MappingProxyType(
    {
        "disgust1": "0101", "disgust2": "0102", "anger1": "0401", "anger2": "0402",
        "happy1": "0502", "happy2": "0503", "happy3": "0505", "happy4": "0507",
        "happy5": "0508",
    }
)  # fmt: skip
"""Code of each film that was shown, by its name, for a workbook without that sheet."""

_LOOKED_AT = 40  # rows of a sheet in which what it holds is looked for
_WIDTH = 8  # columns that are needed of the sheet of expressions
_RULES = Rules(
    dataset=NAME,
    rate=RATE,
    emotions=tuple(RAW_COUNTS[NAME]),
    no_apex=(0,),
)
_Cells = list[object]
_K = TypeVar("_K", int, str)


@dataclass(frozen=True, slots=True)
class _Book:
    """The three sheets of the workbook: expressions with their rows from 1, and two keys."""

    file: str
    sheet: str
    rows: list[tuple[int, _Cells]]
    subjects: Mapping[int, str]
    codes: Mapping[str, str]


@reader_of(NAME, TITLE, obtain=signed_licence("Chinese Academy of Sciences"), folders=FOLDERS)
def read(
    root: str | Path,
    *,
    table: str | Path | None = None,
    missing_offset: MissingOffset = "apex",
) -> Dataset:
    """Return the recordings of CAS(ME)^2 in the order of its sheet.

    Args:
        root: folder of the workbook and of rawpic or rawvideo.
        table: the workbook, if it has another name than those known.
        missing_offset: where a macro-expression ends whose offset nobody annotated: at its
            ``apex`` (most published readings), at ``apex+20`` (one), or ``drop`` such rows.

    Raises:
        DatasetError: the workbook, its sheet of expressions or the whole videos are not there,
            or there is no such choice.
    """
    if missing_offset not in OFFSETS:
        known = ", ".join(OFFSETS)
        raise DatasetError(f"expected missing_offset {known}, found {missing_offset!r}")
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    files = _video_files(root, findings)
    book = _book(path, findings)
    found = [_event(row, cells, book, findings) for row, cells in book.rows]
    events = [event for event in found if event is not None]
    counts = {**tally(events), "recordings": len(files)}
    check_counts(counts, PUBLISHED, TITLE, findings)
    findings.rows += len(book.rows)
    rules = replace(_RULES, missing_offset=missing_offset)
    return assemble(events, files, rules, findings)


def _video_files(root: Path, findings: Findings) -> list[VideoFile]:
    """Return every video once: at its own person before elsewhere, pictures before a file."""
    paths = [
        path
        for folder in picture_roots(root, FOLDERS, findings)
        if not re.search("crop|select", str(folder.relative_to(root)).lower())
        for person in sorted(folder.iterdir())
        if re.fullmatch(r"s\d{2}", person.name, re.IGNORECASE) and person.is_dir()
        for path in sorted(person.iterdir())
        if re.fullmatch(r"\d{2}_\d{4}.*", path.name) and _is_video(path)
    ]
    if not paths:
        raise DatasetError(
            f"{TITLE}: found only cut pictures (cropped, selectedpic) under {root}, expected "
            "the whole videos; give the folder that holds rawpic or rawvideo"
        )
    files: dict[str, VideoFile] = {}
    for path in sorted(paths, key=lambda p: (_misplaced(p), not p.is_dir())):
        name, subject = path.name[:7], f"s{path.name[:2]}"
        known = files.setdefault(name, VideoFile(subject=subject, name=name, path=path))
        if _misplaced(path):
            used = "" if known.path is path else f"; {_short(known.path)} is used"
            text = f"belongs to {subject} by its name, not to {path.parent.name}{used}"
            findings.warning(_short(path), text)
        elif known.path is not path:
            text = "videos are there more than once; pictures go before files"
            findings.each(text, name)
    return sorted(files.values(), key=lambda file: file.name)


def _is_video(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in VIDEO_SUFFIXES


def _misplaced(path: Path) -> bool:
    return path.parent.name.lower() != f"s{path.name[:2]}"


def _short(path: Path | None) -> str:
    return "" if path is None else f"{path.parent.name}/{path.name}"


def _book(path: Path, findings: Findings) -> _Book:
    sheets = read_sheets(path)
    name = next(
        (n for n, rows in sheets.items() if any(map(_is_expression, rows[:_LOOKED_AT]))), None
    )
    if name is None:
        raise DatasetError(
            f"{TITLE}: {path.name} has the sheets {', '.join(sheets)}, but in none the eighth "
            f"column says micro- or macro-expression in the first {_LOOKED_AT} rows; give the "
            "workbook of the annotation"
        )
    rows: list[tuple[int, _Cells]] = []
    remarks: list[int] = []
    for number, cells in enumerate(sheets[name], start=1):
        person = whole(cells[0]) is not None and cells[1] is not None
        marked = _is_expression(cells) and whole(cells[2]) is not None
        if len(cells) >= _WIDTH and (person or marked):
            rows.append((number, cells))
        elif any(cell is not None for cell in cells):
            remarks.append(number)
    if remarks:
        text = f"{len(remarks)} rows of text skipped: {remarks[:5]}"
        findings.warning(place(path, sheet=name), text)
    others = [row for n, cells in sheets.items() if n != name for row in cells]
    return _Book(
        path.name,
        name,
        rows,
        _key(_subjects(others), SUBJECTS, "folders of the people", findings),
        _key(_codes(others), CODES, "codes of the videos", findings),
    )


def _is_expression(cells: _Cells) -> bool:
    return len(cells) >= _WIDTH and kind_of(cells[_WIDTH - 1]) is not None


def _subjects(rows: Iterable[_Cells]) -> dict[int, str]:
    """Return the folder of each person by number, from rows such as 15, 's15', 1."""
    found: dict[int, str] = {}
    for cells in rows:
        number = whole(cells[2]) if len(cells) > 2 else None
        folder = str(cells[1]).strip().lower() if len(cells) > 1 else ""
        if number is not None and re.fullmatch(r"s\d{2}", folder):
            found.setdefault(number, folder)
    return found


def _codes(rows: Iterable[_Cells]) -> dict[str, str]:
    """Return the code of each film shown, from rows such as '0401', 'anger1'."""
    found: dict[str, str] = {}
    for cells in rows:
        number = whole(cells[0]) if len(cells) > 1 else None
        film = str(cells[1]).strip().lower() if len(cells) > 1 else ""
        if number is not None and re.fullmatch(r"[a-z]{2,}\d+", film):
            found.setdefault(film, f"{number:04d}")
    return found


def _key(
    found: Mapping[_K, str], published: Mapping[_K, str], what: str, findings: Findings
) -> Mapping[_K, str]:
    if not found:
        text = f"no sheet has the {what}; the published ones are used"
        findings.warning(findings.file, text)
    return found or published


def _event(row: int, cells: _Cells, book: _Book, findings: Findings) -> SheetExpression | None:
    where = place(book.file, row, book.sheet)
    name = str(cells[1] or "").strip()
    number = whole(cells[0])
    subject = None if number is None else book.subjects.get(number)
    if subject is None:
        findings.error(where, f"{name}: no folder is known for person {cells[0]!r}")
        return None
    film, _, index = name.rpartition("_")
    code = book.codes.get(film.strip().lower())
    if code is None or not index.isdigit():
        known = ", ".join(book.codes)
        findings.error(
            where, f"{name!r} does not name a video; expected {known} and _1, _2, ..."
        )
        return None
    return SheetExpression(
        where=where,
        video=f"{subject[1:]}_{code}",
        name=f"{subject}/{name}",
        kind=cells[7],
        onset=cells[2],
        apex=cells[3],
        offset=cells[4],
        emotion=str(cells[6] or ""),
        action_units=cells[5],
    )
