"""CAS(ME)^3, part A: long videos at 30 frames per second; the colour pictures are read.

Source  Li et al. 2022, doi:10.1109/TPAMI.2022.3174895; a signed licence is needed
Layout  ROOT/CAS(ME)3_part_A_v2.xls, ROOT/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx and
        pictures in ROOT/part_A/spNO.1/a/color/1.jpg (v1 of both tables is read too)
Frames  the tables write picture numbers from 1; some pictures were never written, time goes on

Micro-expressions come from the label table, which has their emotions, and macro-expressions
from the large one; a micro-expression that only the large one has is kept without an emotion.
With one of the tables alone what it has is read.  Four rows of the label table contradict the
large table; they are corrected where the cells still say so.  Onset 0, which no picture has,
stands for an expression under way when the video starts (one of each kind); it is used from
the first picture on.  spNO.214/c 5 to 3460 is called micro in the release; it stays so, with a
note.  The sheet of eye blinks becomes the events of a recording.

People whom nobody annotated (spNO.199, spNO.205) are left out; all other videos of annotated
people are kept, also without expressions.  Part C: ``casme3c.py``.
"""

from __future__ import annotations

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
)
from mescope.datasets.casme3_tables import (
    annotated,
    joined,
    named,
    person_of_a,
    video_files,
)
from mescope.datasets.clips import Findings, table_rows
from mescope.datasets.recordings import (
    Rules,
    SheetBlink,
    SheetExpression,
    assemble,
    check_counts,
    tally,
)
from mescope.datasets.workbook import (
    SheetRow,
    find_workbook,
    find_workbooks,
    read_rows,
    with_whole,
)
from mescope.errors import DatasetError
from mescope.labels import RAW_COUNTS
from mescope.moved import renamed

NAME_A = "casme3a"
TITLE_A = "CAS(ME)^3 part A"
OBTAIN = signed_licence("Chinese Academy of Sciences")
PERSON = r"spNO\.?\d+"
FOLDERS = Folders("CAS(ME)^3", PERSON, r"[a-zA-Z]")
RATE = 30.0
"""Frames per second of every recording."""

TABLES_A = ("CAS(ME)3_part_A_v2.xls", "CAS(ME)3_part_A_v1.xls")
LABELS_A = (
    "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
    "cas(me)3_part_A_ME_label_JpgIndex_v2.xls",
    "cas(me)3_part_A_ME_label_JpgIndex_v1.xls",
)
BLINKS = ("CAS(ME)3_part_A_v2_eye blink.csv", "eye blink.csv", "eye_blink.csv")
"""Names of the sheet of eye blinks, where it was saved as a file of its own."""

EMOTIONS = tuple(RAW_COUNTS[NAME_A])
PUBLISHED_A: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "v2": {"micro": 860, "macro": 3346}
        | {f"micro {emotion}": n for emotion, n in RAW_COUNTS[NAME_A].items()},
        "v1": {"micro": 921, "macro": 3285},
    }
)
"""Rows of each kind and emotion, by release of the tables."""

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
        table: the large table or, alone, the label table, if it has another name than those
            known.
        corrections: applied where the label table still says the wrong values.
        sheets_only: look at no picture, see :func:`mescope.datasets.open_dataset`.

    Raises:
        DatasetError: there is no table, or its columns or the pictures are not there.
    """
    root = Path(root)
    large, labels = _tables(root, None if table is None else Path(table))
    path = large or labels
    assert path is not None  # or _tables would have raised
    findings = Findings(path.name)
    release = "v1" if "v1" in path.stem.lower() else "v2"
    events = _large(large, findings) if large else []
    labelled = _labelled(labels, tuple(corrections), findings) if labels else []
    if large and labels:
        events = joined(events, labelled, findings)
    else:
        _tell_alone(large, release, findings)
        events = events or labelled
    if release == "v1":
        text = "this is version 1; version 2 corrected 65 types and 575 apexes"
        findings.warning(path.name, text)
    published = PUBLISHED_A[release]
    wanted = {k: n for k, n in published.items() if large or k.startswith("micro")}
    wanted = {k: n for k, n in wanted.items() if labels or " " not in k}
    check_counts(tally(events), wanted, TITLE_A, findings)
    rules = Rules(dataset=NAME_A, rate=RATE, emotions=EMOTIONS, from_zero=True)
    if sheets_only:
        files = named(events)
    else:
        files = annotated(video_files(root, PERSON, r"[a-z]", TITLE_A), events, findings)
    blinks = _blinks(root, large, findings)
    return assemble(events, files, rules, findings, blinks=blinks)


def _tables(root: Path, table: Path | None) -> tuple[Path | None, Path | None]:
    """Return the large table and the label table of the same release; either may be None.

    Raises:
        DatasetError: neither is there.
    """
    if table is not None and _is_label_table(table):
        return None, table
    tables = find_workbooks(root, TABLES_A) if table is None else [table]
    labels = find_workbooks(root, LABELS_A)
    if not tables and not labels:
        find_workbook(root, TITLE_A, (*TABLES_A, *LABELS_A))  # raises, with all names
    large = tables[0] if tables else None
    if large is not None:
        release = "v1" if "v1" in large.stem.lower() else "v2"
        labels = [path for path in labels if release in path.stem.lower()]
    return large, labels[0] if labels else None


def _is_label_table(path: Path) -> bool:
    try:
        read_rows(path, TITLE_A, ("Subject", "Expression type"), ("Subject",))
    except DatasetError:
        try:
            return bool(read_rows(path, TITLE_A, ("Subject", "emotion"), ("Subject",)).rows)
        except DatasetError:
            return False  # reading it as the large table says what is wrong
    return False


def _tell_alone(large: Path | None, release: str, findings: Findings) -> None:
    if large is None:
        text = (
            f"no large table ({TABLES_A[0]}): there are no macro-expressions, so detections of "
            "them cannot be judged"
        )
    else:
        wanted = next(name for name in LABELS_A if release in name)
        text = f"no label table ({wanted}): micro-expressions have no emotions"
    findings.warning(findings.file, text)


def _large(path: Path, findings: Findings) -> list[SheetExpression]:
    columns = ("Subject", "Filename", *_NUMBERS, "AU", "Expression type", "Objective class")
    rows = table_rows(path, TITLE_A, ("Subject", "Expression type"), columns, findings)
    return [_event_a(row, row.cells["Expression type"], None) for row in rows]


def _labelled(
    path: Path, fixes: tuple[Correction, ...], findings: Findings
) -> list[SheetExpression]:
    columns = ("Subject", "Filename", *_NUMBERS, "AU", "emotion")
    key = ("Subject", "emotion")
    extra = ("Objective class",)
    rows = table_rows(path, TITLE_A, key, columns, findings, optional=extra)
    return [_labelled_a(row, fixes, findings) for row in rows]


def _blinks(root: Path, large: Path | None, findings: Findings) -> list[SheetBlink]:
    """Return the rows of the sheet of eye blinks, in the large table or saved by itself."""
    columns = ("Subject", "Filename", "Onset", "Offset")
    own = [p for name in BLINKS for p in find_workbooks(root, (name,))]
    for path in [*([large] if large else []), *own]:
        try:
            found = read_rows(path, TITLE_A, columns, columns, without=("Apex", "AU"))
        except DatasetError:
            continue  # it has no such sheet
        for where, message in found.broken:
            findings.error(where, f"eye blink: {message}", rows=0)
        return [
            SheetBlink(
                where=row.where,
                video=_video(row.cells),
                onset=row.cells["Onset"],
                offset=row.cells["Offset"],
            )
            for row in found.rows
        ]
    return []


def _video(cells: Mapping[str, object]) -> str:
    return f"{person_of_a(str(cells['Subject']))}/{str(cells['Filename']).strip()}"


def _event_a(row: SheetRow, kind: Any, emotion: str | None) -> SheetExpression:
    cells = row.cells
    return SheetExpression(
        where=row.where,
        video=_video(cells),
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
    person, video = _video(cells).lower().split("/", 1)
    person = person_of_a(person)
    for fix in fixes:
        same = all(cells[column] == value for column, value in fix.given.items())
        if same and (fix.subject, fix.name) == (person, video):
            cells, messages = corrected(cells, (person, video), [fix])
            for message in messages:
                findings.warning(row.where, f"{person}/{video}: {message}")
    return _event_a(replace(row, cells=cells), "micro", str(cells["emotion"] or ""))


__getattr__ = renamed(
    __name__,
    {
        "read_c": "mescope.datasets.casme3c.read",
        "NAME_C": "mescope.datasets.casme3c.NAME",
        "TITLE_C": "mescope.datasets.casme3c.TITLE",
        "PUBLISHED_C": "mescope.datasets.casme3c.PUBLISHED",
    },
)
