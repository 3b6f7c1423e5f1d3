"""Writes tiny copies of CASME, MMEW, DFME and 4DME in their real layouts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layouts import Row, picture, save

CASME_ROWS = (
    Row(1, "EP01_5", 6, 10, 16, "L12", "happiness"),
    Row(1, "EP03_2", 100, 104, 112, "R1+R2", "surprise"),
    Row(7, "EP06_1", 3, 5, 30, "4+14", "tense"),
    Row(19, "EP09_3", 57, None, 74, "4", "disgust"),  # apex was missing in the release
)


def write_casme(root: Path, rows: Iterable[Row] = CASME_ROWS, *, second: Any = "\\") -> Path:
    """Twelve columns, two of them blank; a clip's name again in each of its pictures."""
    header = [
        "Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "Onset",
        "Total", "AU", "Emotion",
    ]  # fmt: skip
    lines: list[list[Any]] = [header]
    for r in rows:
        total = int(r.offset) - int(r.onset) + 1
        lines.append(
            [r.subject, r.name, None, r.onset, r.apex, second, r.offset, None, 4, total,
             r.units, r.emotion]
        )  # fmt: skip
    save(root / "casme.xlsx", {"Sheet1": lines})
    for i, r in enumerate(rows):
        clip = f"sub{int(r.subject):02d}/{r.name}"
        for n in (r.pictures or range(int(r.onset), int(r.offset) + 1)) if r.files else ():
            number = f"{n:03d}" if i % 2 else str(n)  # one of the two cameras pads
            picture(root / "CASME_raw_selected" / clip / f"{r.name}-{number}.jpg", n)
            picture(root / "Cropped" / clip / f"reg_{r.name}-{number}.jpg", n)
    return root


MMEW_ROWS = (
    Row(3, "S03-01-002", 1, 9, 20, "6+12", "happiness"),
    Row(13, "S13-07-001", 1, 5, 18, 4, "anger"),
    Row(13, "S13-02-004", 1, 7, 12, "4+7", "others"),
)


def write_mmew(
    root: Path, rows: Iterable[Row] = MMEW_ROWS, *, people: bool = False,
    others: str = "repression", before: int = 0,
) -> Path:  # fmt: skip
    """Folders by emotion, with or without the person; ``before`` rows of other clips first."""
    header = [
        "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units",
        "Estimated Emotion", "remarks",
    ]  # fmt: skip
    lines: list[list[Any]] = [header]
    lines += [[1, f"S01-01-{i:03d}", 1, 2, 3, 4, "fear", None] for i in range(before)]
    for r in rows:
        cells = [r.subject, r.name, r.onset, r.apex, r.offset, r.units, r.emotion, None]
        lines.append(cells)
    save(root / "MMEW_Micro_Exp.xlsx", {"Sheet1": lines})
    for r in rows:
        emotion = others if r.emotion == "others" else r.emotion
        person = f"S{int(r.subject):02d}"
        middle = Path(person) / emotion if people else Path(emotion)
        for n in (r.pictures or range(int(r.onset), int(r.offset) + 1)) if r.files else ():
            picture(root / "Micro_Expression" / middle / r.name / f"{n}.jpg", n)
    picture(root / "Macro_Expression/S01/anger/S01-07-001.jpg", 1)
    return root


@dataclass
class DfmeRow(Row):
    """A row of DFME: with a rate and a part."""

    rate: Any = 300
    part: str = "train"


DFME_ROWS = (
    DfmeRow("sub0003", "sub0003_01", 0, 9, 20, "4", "disgust", rate=200),
    DfmeRow("sub0003", "sub0003_02", 5, 12, 30, 12, "happiness", rate=200),
    DfmeRow("sub0008", "sub0008_01", 0, 4, 9, "1+2+AD38", "surprise", part="testA", rate=500),
    DfmeRow("sub0001", "sub0001_01", 2, 4, 9, "L14+M57", "contempt", part="testB"),
)
DFME_FOLDERS = {"train": "train_data", "testA": "test_data_A", "testB": "test_data_B"}
DFME_TABLES = {
    "train": "training_full_with_AU.xlsx",
    "testA": "testA_full_with_AU.xlsx",
    "testB": "testB_full_with_AU.xlsx",
}
_IDS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")


def write_dfme(root: Path, rows: Iterable[DfmeRow] = DFME_ROWS) -> Path:
    """Folders inside folders of the same name, pictures and sheets from 0."""
    header = [
        "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "EmotionId",
        "Fps", "AU",
    ]  # fmt: skip
    rows = tuple(rows)
    for part, table in DFME_TABLES.items():
        lines: list[list[Any]] = [header]
        for r in (r for r in rows if r.part == part):
            number = _IDS.index(r.emotion) if r.emotion in _IDS else None
            cells = [r.subject, r.name, r.onset, r.apex, r.offset, r.emotion, number, r.rate]
            lines.append([*cells, r.units])
        if len(lines) > 1:
            save(root / "full_release_annotation" / table, {"Sheet1": lines})
    for r in rows:
        folder = root / DFME_FOLDERS[r.part] / DFME_FOLDERS[r.part] / r.name
        for n in (r.pictures or range(int(r.offset) + 3)) if r.files else ():
            picture(folder / f"{n:05d}.png", n)
    return root


@dataclass
class FourRow(Row):
    """A row of 4DME: its emotion is written and flagged."""

    flags: tuple[int, ...] | None = None


FOUR_ROWS = (
    FourRow("S13_1st", "S13_1st_001_01_1", 2480, 2490, 2500, "AU4(k)+L7", "Negative"),
    FourRow("S13_2nd", "S13_2nd_004_02_1", 120, 126, 140, "12(k)+45", "Surprise+Positive"),
    FourRow("S7", "S7_002_01_1", 9, 12, 20, "AUR2", "Repression"),
)
FOUR_FLAGS = ("Positive", "Negative", "Surprise", "Repression", "Others")


def write_4dme(root: Path, rows: Iterable[FourRow] = FOUR_ROWS, *, crop: bool = False) -> Path:
    """Numbers of the long recording; a column for each action unit and for each emotion."""
    header = ["fold", "sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs"]
    header += ["AU1", "AU4", "eye blink", *FOUR_FLAGS]
    lines: list[list[Any]] = [header]
    for i, r in enumerate(rows):
        words = str(r.emotion).split("+")
        flags = r.flags or tuple(int(name in words) for name in FOUR_FLAGS)
        cells = [i, r.subject, r.name, r.emotion, r.onset, r.apex, r.offset, r.units, 0, 0, 0]
        lines.append([*cells, *flags])
    save(root / "4DME_Labelling_Micro_release v1.xlsx", {"Sheet1": lines})
    pictures = root / ("gray_micro_crop" if crop else "gray_micro")
    for r in rows:
        for n in (r.pictures or range(int(r.onset), int(r.offset) + 1)) if r.files else ():
            picture(pictures / r.subject / r.name / f"{n:09d}.jpg", n)
    return root
