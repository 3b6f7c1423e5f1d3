"""Writes tiny data sets in their real layout: names, sheets, headers, cell types and quirks.

All frame numbers and action units are invented (but for the one known error of SAMM, of which
a row has to carry its own numbers).  Pictures are grey squares of 16 x 12 px.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl  # type: ignore[import-untyped]
from PIL import Image


@dataclass
class Row:
    """A row as the sheet has it, and the numbers of its pictures."""

    subject: Any
    name: str
    onset: Any
    apex: Any
    offset: Any
    units: Any
    emotion: str
    pictures: range | None = None  # onset to offset if None
    objective: int | None = None
    duration: Any = None
    files: bool = True


def picture(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((12, 16), number % 256, np.uint8)).save(path)


def save(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    book.close()


CASME2_ROWS = (
    Row("01", "EP02_01f", 6, 10, 16, "4+L10", "others", objective=3),
    Row("01", "EP19_05f", 3, "/", 14, 12, "happiness", objective=1),  # a number as units
    Row("03", "EP01_2", 5, 5, 15, "R2+15", "surprise"),  # apex on the onset
    Row("07", "EP06_02_01", 8, 12, 130, "14", "repression"),  # longer than half a second
    Row("09", "EP09f", 4, 9, 13, "?", "others"),
)


def write_casme2(
    root: Path, rows: Iterable[Row] = CASME2_ROWS, *, columns: int = 9, raw: bool = True
) -> Path:
    """CASME II with its 9 columns, two of them blank, or 7; a folder without a row."""
    header = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None]
    lines: list[list[Any]] = [[*header, "Action Units", "Estimated Emotion"]]
    for r in rows:
        cells = [r.subject, r.name, None, r.onset, r.apex, r.offset, None, r.units, r.emotion]
        lines.append(cells)
    if columns == 7:
        lines = [[c for i, c in enumerate(line) if i not in (2, 6)] for line in lines]
    save(
        root / "CASME2-coding-20140508.xlsx",
        {"Sheet1": lines, "Sheet2": [], "Sheet3": []},
    )
    classes = [[r.subject, r.name, r.objective] for r in rows if r.objective]
    save(
        root / "CASME2-ObjectiveClasses.xlsx",
        {"Sheet1": [["Subject", "Filename", "Objective Class"], *classes]},
    )
    (root / "readme.pdf").write_bytes(b"%PDF")
    for r in rows:
        if r.files:
            _casme2_pictures(root, r, raw)
    picture(root / "CASME2_RAW_selected/sub09/EP02_02f/img3.jpg", 3)
    (root / "CASME2_RAW_selected/sub01/EP02_01f/Thumbs.db").write_bytes(b"x")
    return root


def _casme2_pictures(root: Path, r: Row, raw: bool) -> None:
    clip = f"sub{int(r.subject):02d}/{r.name}"
    span = r.pictures or range(int(r.onset), int(r.offset) + 1)
    for n in span:
        picture(root / "CASME2_RAW_selected" / clip / f"img{n}.jpg", n)
        picture(root / "Cropped" / clip / f"reg_img{n}.jpg", n)
    for n in range(1, span[-1] + 4) if raw else ():
        picture(root / "CASME2_RAW/CASME2-RAW" / clip / f"img{n}.jpg", n)


SAMM_ROWS = (
    Row("006", "006_1_2", 5562, 5566, 5570, "4+7B", "Anger", objective=3),
    Row("006", "006_1_3", 9996, 10000, 10004, 12, "Happiness", objective=1),
    Row("007", "007_6_1", 30, -1, 40, "R12 or R14", "Other", objective=7),
    Row("009", "009_2_1", 50, 51, 60, "A14C", "Contempt", objective=7),
    Row("013", "013_1_9", 5658, 5700, 5793, "12A", "Happiness", objective=1,
        duration=82, pictures=range(5658, 5740)),
)  # fmt: skip


def write_samm(root: Path, rows: Iterable[Row] = SAMM_ROWS, *, preamble: int = 13) -> Path:
    """SAMM: 13 rows of text, the header in row 14, number padding that differs by clip."""
    header = [
        "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame",
        "Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
    ]  # fmt: skip
    lines: list[list[Any]] = [[f"remark {i}"] for i in range(preamble)]
    lines.append(header)
    for r in rows:
        length = r.duration
        if length is None:
            length = int(r.offset) - int(r.onset) + 1
        lines.append(
            [r.subject, r.name, int(r.name.split("_")[1]), r.onset, r.apex, r.offset, length,
             "Micro - 1/2", r.units, r.emotion, r.objective, None]
        )  # fmt: skip
    save(root / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": lines, "Sheet2": []})
    for i, r in enumerate(rows):
        subject = f"{int(r.subject):03d}"
        for n in (r.pictures or range(int(r.onset), int(r.offset) + 1)) if r.files else ():
            name = f"{subject}_{n:0{5 - i % 2}d}.jpg"
            picture(root / subject / r.name / name, n)
    return root


def truncate(path: Path) -> None:
    """Cut a workbook in half, as an interrupted download does."""
    data = path.read_bytes()
    assert zipfile.is_zipfile(path)
    path.write_bytes(data[: len(data) // 2])
