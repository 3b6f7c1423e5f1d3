"""Writes sheets as the releases have them: titles, blank columns, junk cells, text beneath.

Numbers are invented, but where a known error of a release has to carry its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
from layouts import Row, picture, save

SAMM_TITLES = (
    ["SAMM Dataset - Master FACS Codes", None, None, None, "(Note to the users: please cite)"],
    [],
    ["9/9/17 - New updates with Emotional and Objective Classes. For details refer to: "],
    [],
    [],
    ["Symbol Key:"],
    ['"/" = or'],
    ['"?" = some AU\'s continue for a while and have unclear offset'],
    [],
    ["AU Help:"],
    ['"L2 or R2" = Unilateral AU 2 on left side of face / right side of face'],
    ['"A2" = Asymmetric AU 2. Occurs on both sides of face but stronger on one side'],
    [],
)
SAMM_MISTYPED = (
    Row("028", "028_4_1", 1071, 1143, 1134, "A14C", "Contempt", objective=7),
    Row("032", "032_3_1", 4896, 1930, 4970, "4A", "Anger", objective=3),
)
"""The two rows of the release whose apex lies outside; their numbers are theirs."""


def samm_release(root: Path, rows: Iterable[Row]) -> Path:
    """Two blank columns at the end, subjects as numbers, pictures of the borders only."""
    header = [
        "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame",
        "Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
        None, None,
    ]  # fmt: skip
    lines: list[list[Any]] = [*map(list, SAMM_TITLES), header]
    for r in rows:
        length = int(r.offset) - int(r.onset) + 1
        lines.append(
            [int(r.subject), r.name, int(r.name[4]), r.onset, r.apex, r.offset, length,
             "Micro - 1/2", r.units, r.emotion, r.objective, "Blinks", None, None]
        )  # fmt: skip
        for n in (r.onset, r.offset):
            picture(root / f"{r.name[:3]}" / r.name / f"{r.name[:3]}_{n:05d}.jpg", n)
    save(root / "SAMM_20181215_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": lines})
    return root


SMIC_17 = [
    "Subject", "Filename", "TotalMF", "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F",
    "Offset3F", None, "FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalMF3", "TotalVL",
    "Emotion",
]  # fmt: skip
SMIC_14 = [
    "Subject", "Filename", "TotalMF", "OnsetF", "OffsetF", "Onset2F", "Offset2F", None,
    "FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalVL", "Emotion",
]  # fmt: skip


@dataclass
class SmicLine:
    """A row of SMIC-E: its clip, pairs of onset and offset as they stand, its pictures."""

    clip: str
    pairs: Sequence[tuple[Any, Any]]
    first: int
    last: int
    emotion: str = "negative"
    junk: tuple[Any, Any] = (None, None)  # in the cells of the third expression


def smic_e(root: Path, lines: Iterable[SmicLine], columns: int) -> Path:
    """The table of 17 or of 14 columns, with the text that stands below its rows."""
    header = SMIC_17 if columns == 17 else SMIC_14
    table: list[list[Any]] = [header]
    for line in lines:
        cells: list[Any] = [None] * columns
        cells[0], cells[1], cells[2] = int(line.clip.split("_")[0][1:]), line.clip, 30
        for i, (onset, offset) in enumerate(line.pairs):
            cells[3 + 2 * i : 5 + 2 * i] = [onset, offset]
        if columns == 17 and line.junk != (None, None):
            cells[7], cells[8] = line.junk
        at = header.index("FirstF")
        cells[at : at + 2] = [line.first, line.last]
        cells[at + 2], cells[-2], cells[-1] = 20, line.last - line.first + 1, line.emotion
        table.append(cells)
        folder = root / "HS_long" / "SMIC-HS-E" / "HS" / f"s{cells[0]:02d}" / line.clip
        for n in (line.first, line.last):
            picture(folder / f"image{n:06d}.jpg", n)
    table += [[], [None, "Note: the original of three clips is lost"], [None, None, None, 157]]
    name = "SMIC-HS-E_annotation_2019.xlsx" if columns == 17 else "SMIC-HS-E_annotation.xlsx"
    save(root / "HS_long" / name, {"Sheet1": table, "Sheet2": []})
    return root


def casme2_2019(
    root: Path, rows: Iterable[Row], *, classes: str = "column", pictures: bool = True
) -> Path:
    """The sheet of 2019: its classes in a column of it, in a sheet of their own, or nowhere."""
    rows = list(rows)
    header = [
        "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
        "Action Units", "Estimated Emotion", None, None, None, None,
    ]  # fmt: skip
    if classes == "column":
        header[10] = "Objective class"
    lines: list[list[Any]] = [header]
    for r in rows:
        cells = [r.subject, r.name, None, r.onset, r.apex, r.offset, None, r.units, r.emotion]
        lines.append([*cells, None, r.objective if classes == "column" else None, None, None])
    sheets = {"Sheet1": lines}
    if classes == "sheet":
        own = [[r.subject, r.name, r.objective] for r in rows]
        sheets["Objective classes"] = [["Subject", "Filename", "Objective Class"], *own]
    save(root / "CASME2-coding-20190701.xlsx", sheets)
    for r in rows if pictures else ():
        clip = root / "CASME2_RAW_selected" / f"sub{int(r.subject):02d}" / r.name
        for n in (r.onset, r.offset):
            picture(clip / f"img{n}.jpg", n)
    return root


def resaved(path: Path, suffix: str = ".csv", separator: str = ",", head: str = "") -> Path:
    """Save the first sheet of a workbook as text and delete the workbook."""
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), data_only=True)
    sheet = book.worksheets[0]
    new = path.with_name(path.stem + suffix)
    with new.open("w", newline="", encoding="utf-8-sig") as out:
        out.write(head)
        writer = csv.writer(out, delimiter=separator)
        for row in sheet.iter_rows(values_only=True):
            writer.writerow(["" if cell is None else cell for cell in row])
    book.close()
    path.unlink()
    return new


@dataclass
class MmmeRow:
    """A row of MMME: seconds of a trial."""

    subject: str
    date: str
    marker: int
    onset: float
    apex: Any
    offset: float
    kind: str = "Micro"
    emotion: str = "angry"
    units: Any = "4+7"

    @property
    def cut(self) -> str:
        """The name of its own video, without what may be missing."""
        times = "_".join(f"{t:.2f}" for t in (self.onset, self.apex, self.offset))
        return f"{self.emotion}_{self.subject}{self.date}_{self.marker}_{times}"


def mmme(root: Path, rows: Iterable[MmmeRow]) -> Path:
    """The coding file, its Filename ending in the date and the time of a session."""
    header = [
        "Subject", "Filename", "Marker", "OnsetTime", "ApexTime", "OffsetTime", "Macro/Micro",
        "Action Units", "Estimated Emotion",
    ]  # fmt: skip
    lines: list[list[Any]] = [header]
    for r in rows:
        lines.append(
            [r.subject, f"{r.subject}_{r.date}0930", r.marker, r.onset, r.apex, r.offset,
             r.kind, r.units, r.emotion]
        )  # fmt: skip
    save(root / "coding_file.xlsx", {"Sheet1": lines})
    return root
