"""Writes tiny parts A and C of CAS(ME)^3 in their real layout; all cells of part A are text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layouts import picture, save


@dataclass
class RowA:
    """A row of part A: micro rows stand in both tables."""

    person: str
    video: str
    onset: Any
    apex: Any
    offset: Any
    kind: str = "Macro"
    units: str = "4"
    emotion: str = ""
    large: tuple[Any, Any, Any] | None = None  # what the large table says, if something else


ROWS_A = (
    RowA("spNO.1", "a", 5, 9, 30),
    RowA("spNO.1", "a", 34, 37, 40, "Micro", "R4+L10", "disgust"),
    RowA("spNO.1", "b", 1, 1, 12, "Micro", "12", "happy"),
    RowA("spNO.11", "J", 3, 8, 14, "Micro", "T5", "Others"),  # a capital letter
    RowA("spNO.40", "e", 1812, 1824, 0, "Micro", "1+2", "surprise", (1812, 1824, 1845)),
    RowA("spNO.149", "d", 112, 83, 358, "Micro", "4", "sad", (112, 160, 358)),
    RowA("spNO.216", "d", 3647, 2668, 2694, "Micro", "4", "fear", (2647, 2668, 2694)),
    RowA("spNO.216", "e", 0, 0, 25, "Micro", "4", "anger"),
)
PICTURES_A = {
    "spNO.1/a": range(1, 51), "spNO.1/b": range(1, 21), "spNO.1/c": range(1, 6),
    "spNO.11/j": range(1, 20), "spNO.40/e": range(1800, 1850), "spNO.149/d": range(60, 360),
    "spNO.216/d": range(2640, 2700), "spNO.216/e": range(1, 30), "spNO.199/a": range(1, 5),
}  # fmt: skip


def write_part_a(
    root: Path, rows: Iterable[RowA] = ROWS_A, *, release: str = "v2", labels: bool = True,
    colour: bool = True, pictures: dict | None = None, blinks: list | None = None,
) -> Path:  # fmt: skip
    rows = tuple(rows)
    header = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU"]
    large: list[list[Any]] = [[*header, "Expression type", "Objective class"]]
    label: list[list[Any]] = [[*header, "Objective class", "emotion"]]
    for r in rows:
        numbers = r.large or (r.onset, r.apex, r.offset)
        cells = [r.person, r.video, *map(str, numbers), r.units]
        large.append([*cells, f"{r.kind}-expression", "VII"])
        if r.kind == "Micro":
            own = [r.person, r.video, str(r.onset), str(r.apex), str(r.offset), r.units]
            label.append([*own, "VII", r.emotion])
    blink = [["Subject", "Filename", "Onset", "Offset"]]
    blink += [["spNO.1", "a", "1", "4"]] if blinks is None else blinks
    folder = root / "annotation"
    save(folder / f"CAS(ME)3_part_A_{release}.xls", {"AU+Emotion": large, "eye blink": blink})
    if labels:
        ending = "xlsx" if release == "v2" else "xls"
        name = f"cas(me)3_part_A_ME_label_JpgIndex_{release}.{ending}"
        save(folder / name, {"label": label, "Sheet2": [], "Sheet3": []})
    for video, numbers in (PICTURES_A if pictures is None else pictures).items():
        for n in numbers:
            inside = f"{video}/color" if colour else video
            picture(root / "part_A" / inside / f"{n}.jpg", n)
        picture(root / "part_A_depth" / video / "1.png", 1)
    return root


@dataclass
class RowC:
    """A row of part C."""

    person: int
    onset: Any
    offset: Any
    micro: bool = False
    units: Any = None
    emotion: str = ""
    both: bool = True  # micro rows: in both tables
    large: bool = True  # a row with an emotion that is not in the large one


ROWS_C = (
    RowC(4, 10, 40),
    RowC(4, 20, 26, True, "R4,5", "negative"),
    RowC(4, 30, 33, True, "4\uff0c11", "surprise"),
    RowC(1, 12, 18, True, "14,L24,", "others", both=False),
    RowC(17, 5, 9, True, emotion="", both=False),  # only in the large table
)


def write_part_c(root: Path, rows: Iterable[RowC] = ROWS_C) -> Path:
    large: list[list[Any]] = [["Subject", "Onset", "Offset", "diff", "Exp_type", "risk"]]
    label: list[list[Any]] = [["sub", "count", "onset", "offset", "au", "emotion"]]
    for i, r in enumerate(rows):
        if r.large and (r.both or not r.emotion):
            large.append([r.person, r.onset, r.offset, None, int(r.micro), 1])
        if r.micro and r.emotion:
            label.append([r.person, i, r.onset, r.offset, r.units, r.emotion])
    save(root / "CAS(ME)3_part_C.xls", {"organize": large})
    save(root / "CAS(ME)3_part_C_ME.xlsx", {"mockCrimeME": label})
    for person in sorted({r.person for r in rows}):
        for n in range(1, 51):
            picture(
                root / "part_C" / "part_C" / f"{person:02d}" / "a" / "color" / f"{n}.jpg", n
            )
        picture(root / "part_C" / "part_C" / f"{person:02d}" / "a" / "depth" / "1.png", 1)
    return root
