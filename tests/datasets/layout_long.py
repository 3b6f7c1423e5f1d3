"""Writes tiny data sets of long videos in their real layout, with invented numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layouts import picture, save


@dataclass
class LongRow:
    """A row of SAMM Long Videos as the sheet has it."""

    name: str
    onset: Any
    apex: Any
    offset: Any
    kind: str = "Macro"
    units: Any = "4"
    subject: Any = None  # the first letters of the name if None


SAMM_LONG_ROWS = (
    LongRow("006_1_1", 12.4, 20.6, 31.5, units="4+R12 or R14"),  # parts of frames
    LongRow("006_1_2", 25, 28, 33, "Micro - 1/2", "A14C"),
    LongRow("006_1_3", 0, 9, 11, units=7),  # under way; a number as units
    LongRow("007_2_1", 9996, -1, 10003, "Micro - 1/2", "ref(7B)+43"),
    LongRow("007_2_2", 10001.2, 10004, 10012.4),  # goes on after the end
    LongRow("007_2_3", 10041.4, 10100, 10124.6),  # all after the end
    LongRow("037_4_1", 3, 5, 8, "Micro - 1/2"),
    LongRow("037_4_1", 2, 6, 9),  # the name is used twice
)
SAMM_LONG_PICTURES: Mapping[str, range] = {
    "006_1": range(1, 51),
    "007_2": range(9990, 10011),
    "008_3": range(1, 6),  # without a row
    "037_4": range(1, 31),
}


def write_samm_long(
    root: Path,
    rows: Iterable[LongRow] = SAMM_LONG_ROWS,
    pictures: Mapping[str, Iterable[int]] = SAMM_LONG_PICTURES,
    *,
    table: str = "SAMM_LongVideos_V1_Release.xlsx",
    preamble: int = 9,
) -> Path:
    """SAMM Long Videos: 9 rows of text, the duration a formula, numbers of 4 and 5 digits."""
    header = [
        "Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration",
        "Type", "Action Units", "Notes",
    ]  # fmt: skip
    lines: list[list[Any]] = [[f"remark {i}"] for i in range(preamble)]
    lines.append(header)
    for r in rows:
        i = len(lines) + 1
        subject = r.name[:3] if r.subject is None else r.subject
        lines.append(
            [subject, r.name, int(r.name[4]) if r.name[4:5].isdigit() else None, r.onset,
             r.apex, r.offset, f"=SUM(F{i}-D{i})+1", r.kind, r.units, None]
        )  # fmt: skip
    save(root / table, {"FACS_Movement_Only": lines, "Sheet2": []})
    for video, numbers in pictures.items():
        for n in numbers:
            picture(root / "SAMM_longvideos" / video / f"{video}_{n:04d}.jpg", n)
    return root


@dataclass
class SquareRow:
    """A row of CAS(ME)^2 as the sheet has it."""

    person: Any
    name: str
    onset: Any
    apex: Any
    offset: Any
    units: Any = "4+7"
    emotion: Any = "negative"
    kind: str = "macro-expression"
    report: str = "disgust"


SQUARE_FOLDERS = {1: 15, 3: 19, 7: 23}
SQUARE_CODES = (
    ("0101", "disgust1"), ("0102", "disgust2"), ("0401", "anger1"), ("0402", "anger2"),
    ("0502", "happy1"), ("0503", "happy2"), ("0505", "happy3"), ("0507", "happy4"),
    ("0508", "happy5"),
)  # fmt: skip
SQUARE_ROWS = (
    SquareRow(1, "disgust1_1", 4, 9, 14),
    SquareRow(1, "disgust1_2", 10, 12, 19, 12, "positive", "micro-expression", "happyiness"),
    SquareRow(1, "anger1_1", 3, 8, 0),  # offset not annotated
    SquareRow(3, "anger1_1", 5, 0, 11, emotion="Other"),  # apex not annotated
    SquareRow(7, "happy1_1", 6, 17, 16, emotion="surprise"),  # apex after the offset
)
SQUARE_VIDEOS: Mapping[str, range] = {
    "s15/15_0101disgustingteeth": range(1, 31),
    "s15/15_0401girlcrashing": range(1, 21),
    "s15/15_0508funnydunkey": range(998, 1003),  # without a row; 3 digits and 4
    "s19/19_0401girlcrashing": range(1, 21),
    "s19/23_0502funnyerrors": range(1, 26),  # a copy in the wrong place
    "s23/23_0502funnyerrors": range(1, 26),
}


def write_casmesq(
    root: Path,
    rows: Iterable[SquareRow] = SQUARE_ROWS,
    videos: Mapping[str, Iterable[int]] = SQUARE_VIDEOS,
    *,
    folders: Mapping[int, int] = SQUARE_FOLDERS,
    header: bool = False,
    keys: bool = True,
    table: str = "CAS(ME)^2code_final.xlsx",
) -> Path:
    """CAS(ME)^2: three sheets without a header, codes as text, 3 digits and more."""
    rows = list(rows)
    lines = [
        [r.person, r.name, r.onset, r.apex, r.offset, r.units, r.emotion, r.kind, r.report]
        for r in rows
    ]
    if header:
        lines.insert(
            0, ["subject", "video", "onset", "apex", "offset", "AU", "emotion", "type"]
        )
    sheets: dict[str, list[list[Any]]] = {"CASFEcode_final": lines}
    if keys:
        sheets["naming rule1"] = [
            [folders[r.person], f"s{folders[r.person]}", r.person]
            for r in rows
            if r.person in folders
        ]
        sheets["naming rule2"] = [list(pair) for pair in SQUARE_CODES]
    save(root / table, sheets)
    for video, numbers in videos.items():
        for n in numbers:
            picture(root / "rawpic" / video / f"img{n:03d}.jpg", n)
    return root
