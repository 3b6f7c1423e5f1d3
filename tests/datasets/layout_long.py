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
