"""CAS(ME)^3, parts A and C: long videos at 30 frames per second; the colour pictures are read.

Source  Li et al. 2022, doi:10.1109/TPAMI.2022.3174895; a signed licence is needed
Layout  part A: ROOT/CAS(ME)3_part_A_v2.xls, ROOT/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx and
        pictures in ROOT/part_A/spNO.1/a/color/1.jpg (v1 of both tables is read too);
        part C: ROOT/CAS(ME)3_part_C.xls, ROOT/CAS(ME)3_part_C_ME.xlsx and
        ROOT/part_C/01/a/color/1.jpg
Frames  the tables write picture numbers from 1; some pictures were never written, time goes on

Part A: micro-expressions come from the label table, which has their emotions, and
macro-expressions from the large one.  Four rows of the label table contradict the large table,
and one expression begins at picture 0, which does not exist; they are corrected where the cells
still say so.  spNO.214/c 5 to 3460 is called micro in the release; it stays so, with a note.
People whom nobody annotated (spNO.199, spNO.205) are left out; all other videos of annotated
people are kept, also without expressions.

Part C: micro-expressions come from the ME table (emotions, no apex), macro-expressions from the
large one; micro rows that only one of both has are noted.  Commas stand between action units.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mescope.datasets.base import (
    Correction,
    Dataset,
    Folders,
    corrected,
    reader_of,
    signed_licence,
    some,
)
from mescope.datasets.clips import Findings, table_rows
from mescope.datasets.recordings import (
    Rules,
    SheetExpression,
    VideoFile,
    assemble,
    check_counts,
    kind_of,
    tally,
)
from mescope.datasets.workbook import SheetRow, find_workbook, whole, with_whole
from mescope.errors import DatasetError
from mescope.labels import RAW_COUNTS

NAME_A, NAME_C = "casme3a", "casme3c"
TITLE_A, TITLE_C = "CAS(ME)^3 part A", "CAS(ME)^3 part C"
OBTAIN = signed_licence("Chinese Academy of Sciences")
FOLDERS = Folders("CAS(ME)^3", r"spNO\.?\d+", r"[a-zA-Z]")
RATE = 30.0
"""Frames per second of every recording."""

TABLES_A = ("CAS(ME)3_part_A_v2.xls", "CAS(ME)3_part_A_v1.xls")
LABELS_A = (
    "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
    "cas(me)3_part_A_ME_label_JpgIndex_v2.xls",
    "cas(me)3_part_A_ME_label_JpgIndex_v1.xls",
)
TABLES_C, LABELS_C = ("CAS(ME)3_part_C.xls",), ("CAS(ME)3_part_C_ME.xlsx",)
PUBLISHED_A: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "v2": {"micro": 860, "macro": 3346}
        | {f"micro {emotion}": n for emotion, n in RAW_COUNTS[NAME_A].items()},
        "v1": {"micro": 921, "macro": 3285},
    }
)
"""Rows of each kind and emotion, by release of the tables."""

PUBLISHED_C = {"micro": 165, "macro": 303} | {
    f"micro {emotion}": n for emotion, n in RAW_COUNTS[NAME_C].items()
}

_LEVELS = 4  # folders between the root and the people
_NUMBERS = ("Onset", "Apex", "Offset")
_REPAIR = "the large table of part A says so"


def _repair(
    person: str, video: str, column: str, given: dict[str, int], now: int, why: str
) -> Correction:
    return Correction(subject=person, name=video, column=column, given=given, now=now, why=why)


CORRECTIONS = (
    _repair("spNO.149", "d", "Apex", {"Onset": 112, "Apex": 83, "Offset": 358}, 160, _REPAIR),
    _repair(
        "spNO.216", "d", "Onset", {"Onset": 3647, "Apex": 2668, "Offset": 2694}, 2647, _REPAIR
    ),
    _repair(
        "spNO.40", "e", "Offset", {"Onset": 1812, "Apex": 1824, "Offset": 0}, 1845, _REPAIR
    ),
    _repair(
        "spNO.40", "e", "Offset", {"Onset": 2327, "Apex": 2363, "Offset": 0}, 2403, _REPAIR
    ),
    _repair("spNO.216", "e", "Apex", {"Onset": 0, "Apex": 0, "Offset": 25}, 1, "no picture 0"),
    _repair("spNO.216", "e", "Onset", {"Onset": 0, "Apex": 1, "Offset": 25}, 1, "no picture 0"),
    _repair(
        "spNO.216", "e", "Onset", {"Onset": 0, "Apex": 17, "Offset": 25}, 1, "no picture 0"
    ),
)
"""Applied one after the other, each where all its cells stand in one row."""


@reader_of(NAME_A, TITLE_A, obtain=OBTAIN, folders=FOLDERS)
def read_a(
    root: str | Path,
    *,
    table: str | Path | None = None,
    corrections: Iterable[Correction] = CORRECTIONS,
    sheets_only: bool = False,
) -> Dataset:
    """Return the recordings of part A in the order of its tables.

    Args:
        root: folder of the tables and the pictures.
        table: the large table, if it has another name than those known.
        corrections: applied where the label table still says the wrong values.
        sheets_only: look at no picture, see :func:`mescope.datasets.open_dataset`.

    Raises:
        DatasetError: a table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE_A, TABLES_A) if table is None else Path(table)
    findings = Findings(path.name)
    columns = ("Subject", "Filename", *_NUMBERS, "AU", "Expression type", "Objective class")
    rows = table_rows(path, TITLE_A, ("Subject", "Expression type"), columns, findings)
    events = [_event_a(row, row.cells["Expression type"], None) for row in rows]
    release = "v1" if "v1" in path.stem.lower() else "v2"
    labels = _labels_a(root, release, findings)
    if labels is not None:
        fixes = tuple(corrections)
        labelled = [_labelled_a(row, fixes, findings) for row in labels]
        large = [e for e in events if kind_of(e.kind) == "micro"]
        _report_only(_keys(large) - _keys(labelled), "large table, not used", findings)
        events = [e for e in events if kind_of(e.kind) != "micro"] + labelled
    if release == "v1":
        text = "this is version 1; version 2 corrected 65 types and 575 apexes"
        findings.warning(path.name, text)
    check_counts(tally(events), PUBLISHED_A[release], TITLE_A, findings)
    rules = Rules(dataset=NAME_A, rate=RATE, emotions=tuple(RAW_COUNTS[NAME_A]))
    files = (
        _named(events)
        if sheets_only
        else _annotated(_video_files(root, r"spNO\.?\d+", r"[a-z]", TITLE_A), events, findings)
    )
    return assemble(events, files, rules, findings)


@reader_of(NAME_C, TITLE_C, obtain=OBTAIN, folders=FOLDERS)
def read_c(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the recordings of part C, one for each person.

    Args:
        root: folder of the tables and the pictures.
        table: the large table, if it has another name than those known.

    Raises:
        DatasetError: a table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE_C, TABLES_C) if table is None else Path(table)
    findings = Findings(path.name)
    columns = ("Subject", "Onset", "Offset", "Exp_type")
    rows = table_rows(path, TITLE_C, ("Subject", "Exp_type"), columns, findings)
    labels = find_workbook(root, TITLE_C, LABELS_C)
    cells = ("sub", "count", "onset", "offset", "au", "emotion")
    micro = table_rows(labels, TITLE_C, ("sub", "onset"), cells, findings)
    events = [_event_c(row) for row in rows if whole(row.cells["Exp_type"]) != 1]
    events += [_labelled_c(row) for row in micro]
    _compare_c(rows, micro, findings)
    check_counts(tally(events), PUBLISHED_C, TITLE_C, findings)
    rules = Rules(dataset=NAME_C, rate=RATE, emotions=tuple(RAW_COUNTS[NAME_C]))
    files = _annotated(_video_files(root, r"\d{2}", r"a", TITLE_C), events, findings)
    return assemble(events, files, rules, findings)


def person_of(text: str) -> str:
    """Return the person in the spelling used here.

    >>> person_of("spNO.1"), person_of("spNo210"), person_of("4"), person_of("04")
    ('spNO.1', 'spNO.210', '04', '04')
    """
    found = re.fullmatch(r"spno\.?0*(\d+)", text.strip(), re.IGNORECASE)
    if found:
        return f"spNO.{found[1]}"
    number = whole(text)
    return text.strip() if number is None else f"{number:02d}"


def _labels_a(root: Path, release: str, findings: Findings) -> list[SheetRow] | None:
    """Return the rows of the label table of the same release, None without one."""
    names = [name for name in LABELS_A if release in name]
    try:
        path = find_workbook(root, TITLE_A, names)
    except DatasetError:
        text = f"no label table ({names[0]}): micro-expressions have no emotions"
        findings.warning(findings.file, text)
        return None
    columns = ("Subject", "Filename", *_NUMBERS, "AU", "emotion")
    return table_rows(path, TITLE_A, ("Subject", "emotion"), columns, findings)


def _event_a(row: SheetRow, kind: Any, emotion: str | None) -> SheetExpression:
    cells = row.cells
    return SheetExpression(
        where=row.where,
        video=f"{person_of(str(cells['Subject']))}/{str(cells['Filename']).strip()}",
        onset=cells["Onset"],
        apex=cells["Apex"],
        offset=cells["Offset"],
        kind=kind,
        emotion=emotion,
        action_units=cells["AU"],
        objective=cells.get("Objective class"),
    )


def _labelled_a(
    row: SheetRow, fixes: tuple[Correction, ...], findings: Findings
) -> SheetExpression:
    cells: dict[str, object] = with_whole(row.cells, _NUMBERS)
    person, video = person_of(str(cells["Subject"])), str(cells["Filename"]).strip().lower()
    for fix in fixes:
        same = all(cells[column] == value for column, value in fix.given.items())
        if same and (fix.subject, fix.name) == (person, video):
            cells, messages = corrected(cells, (person, video), [fix])
            for message in messages:
                findings.warning(row.where, f"{person}/{video}: {message}")
    return _event_a(replace(row, cells=cells), "micro", str(cells["emotion"] or ""))


def _event_c(row: SheetRow) -> SheetExpression:
    cells = row.cells
    number = whole(cells["Exp_type"])
    kind = {0: "macro", 1: "micro"}.get(-1 if number is None else number, cells["Exp_type"])
    return SheetExpression(
        where=row.where,
        video=f"{person_of(str(cells['Subject']))}/a",
        onset=cells["Onset"],
        apex=None,
        offset=cells["Offset"],
        kind=kind,
    )


def _labelled_c(row: SheetRow) -> SheetExpression:
    cells, units = row.cells, row.cells["au"]
    text = None if units is None else str(units).replace("\uff0c", ",").strip(" ,")
    return SheetExpression(
        where=row.where,
        video=f"{person_of(str(cells['sub']))}/a",
        onset=cells["onset"],
        apex=None,
        offset=cells["offset"],
        kind="micro",
        emotion=str(cells["emotion"] or ""),
        action_units=None if text is None else text.replace(",", "+"),
    )


def _compare_c(rows: list[SheetRow], micro: list[SheetRow], findings: Findings) -> None:
    """Tell the micro-expressions that only one of the tables has."""

    def keys(found: list[SheetRow], *columns: str) -> set[str]:
        return {
            f"{person_of(str(r.cells[columns[0]]))} {whole(r.cells[columns[1]])}" for r in found
        }

    large = keys([r for r in rows if whole(r.cells["Exp_type"]) == 1], "Subject", "Onset")
    small = keys(micro, "sub", "onset")
    _report_only(small - large, "ME table", findings)
    _report_only(large - small, "large table, not used", findings)


def _report_only(keys: set[str], where: str, findings: Findings) -> None:
    if keys:
        text = f"{len(keys)} micro-expressions are only in the {where}"
        findings.warning(findings.file, f"{text}: {some(sorted(keys))}")


def _keys(events: Iterable[SheetExpression]) -> set[str]:
    """Return video and onset of each; where a table has picture 0, picture 1 is meant."""
    return {f"{e.video.lower()} {max(whole(e.onset) or 0, 1)}" for e in events}


def _video_files(root: Path, person: str, video: str, title: str) -> list[VideoFile]:
    """Return every folder of colour pictures, people in the order of their numbers."""
    found = []
    for one in _people(root, person):
        name = person_of(one.name)
        for folder in sorted(one.iterdir()):
            if re.fullmatch(video, folder.name, re.IGNORECASE) and folder.is_dir():
                colour = folder / "color"
                path = colour if colour.is_dir() else folder
                found.append(VideoFile(subject=name, name=f"{name}/{folder.name}", path=path))
    if not found:
        example = "spNO.1/a/color" if person.startswith("sp") else "01/a/color"
        raise DatasetError(
            f"{title}: no folders of colour pictures such as {example} under {root}; give the "
            "folder that holds the tables and the pictures"
        )
    # Of two folders of one video the one with colour pictures by name comes first and is used.
    found.sort(key=lambda f: f.path is None or f.path.name != "color")
    return sorted(found, key=lambda f: (int(re.sub(r"\D", "", f.subject) or 0), f.name))


def _named(events: list[SheetExpression]) -> list[VideoFile]:
    """Return the videos that the tables name."""
    found = []
    for key in dict.fromkeys((e.video.partition("/")[0], e.video.lower()) for e in events):
        name = f"{key[0]}/{key[1].partition('/')[2]}"
        found.append(VideoFile(subject=key[0], name=name, path=None))
    return found


def _people(root: Path, person: str) -> list[Path]:
    """Return the folders of people up to four levels down, those of depth pictures left out."""
    layer, found = [root], []
    for _ in range(_LEVELS):
        folders = [p for parent in layer for p in sorted(parent.iterdir()) if p.is_dir()]
        folders = [p for p in folders if "depth" not in p.name.lower()]
        found += [p for p in folders if re.fullmatch(person, p.name, re.IGNORECASE)]
        layer = [p for p in folders if not re.fullmatch(person, p.name, re.IGNORECASE)]
    return found


def _annotated(
    files: list[VideoFile], events: list[SheetExpression], findings: Findings
) -> list[VideoFile]:
    """Return the videos of people with rows; nobody looked at those of the others."""
    people = {event.video.partition("/")[0] for event in events}
    others = sorted({file.subject for file in files} - people)
    if others:
        text = f"{len(others)} people have no row at all, left out: {some(others)}"
        findings.warning(findings.file, text)
    return [file for file in files if file.subject in people]
