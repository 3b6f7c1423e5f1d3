"""CAS(ME)^3, part C, a mock crime: one long video of each person at 30 frames per second.

Source  Li et al. 2022, doi:10.1109/TPAMI.2022.3174895; a signed licence is needed
Layout  ROOT/CAS(ME)3_part_C.xls, ROOT/CAS(ME)3_part_C_ME.xlsx and ROOT/part_C/01/a/color/1.jpg
Frames  the tables write picture numbers from 1; some pictures were never written, time goes on

Micro-expressions come from the ME table (emotions, no apex), macro-expressions from the large
one.  A micro-expression that only the large one has (17, 12580 to 12588) is kept without an
emotion, which makes the 166 of the paper.  Commas stand between action units.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from mescope.datasets.base import Dataset, reader_of, signed_licence
from mescope.datasets.casme3_tables import annotated, joined, person_of, video_files
from mescope.datasets.clips import Findings, table_rows
from mescope.datasets.recordings import Rules, SheetExpression, assemble, check_counts, tally
from mescope.datasets.workbook import SheetRow, find_workbook, whole
from mescope.labels import RAW_COUNTS

NAME = "casme3c"
TITLE = "CAS(ME)^3 part C"
RATE = 30.0
"""Frames per second of every recording."""

TABLES, LABELS = ("CAS(ME)3_part_C.xls",), ("CAS(ME)3_part_C_ME.xlsx",)
PUBLISHED: Mapping[str, int] = MappingProxyType(
    {"micro": 166, "macro": 303}
    | {f"micro {emotion}": n for emotion, n in RAW_COUNTS[NAME].items()}
)
"""Rows of each kind, and of each emotion, which one micro-expression has not."""


@reader_of(NAME, TITLE, obtain=signed_licence("Chinese Academy of Sciences"))
def read(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the recordings of part C, one for each person.

    Args:
        root: folder of the tables and the pictures.
        table: the large table, if it has another name than those known.

    Raises:
        DatasetError: a table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    columns = ("Subject", "Onset", "Offset", "Exp_type")
    rows = table_rows(path, TITLE, ("Subject", "Exp_type"), columns, findings)
    cells = ("sub", "onset", "count", "offset", "au", "emotion")
    micro = table_rows(
        find_workbook(root, TITLE, LABELS), TITLE, ("sub", "onset"), cells, findings
    )
    large = [_event(row) for row in rows]
    events = joined(large, [_labelled(row) for row in micro], findings)
    check_counts(tally(events), PUBLISHED, TITLE, findings)
    rules = Rules(dataset=NAME, rate=RATE, emotions=tuple(RAW_COUNTS[NAME]))
    files = annotated(video_files(root, r"\d{2}", r"a", TITLE), events, findings)
    return assemble(events, files, rules, findings)


def _event(row: SheetRow) -> SheetExpression:
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


def _labelled(row: SheetRow) -> SheetExpression:
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
