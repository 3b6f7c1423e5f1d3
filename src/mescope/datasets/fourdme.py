"""4DME: micro-expressions with several emotions at once; the grey video at 60 frames a second.

Source  Li et al. 2022, doi:10.1109/TAFFC.2022.3182342; a signed licence is needed
Layout  ROOT/4DME_Labelling_Micro_release v1.xlsx (header in the first row) and
        ROOT/gray_micro/<sub_ID>/<fold_name>/*.jpg
Frames  the sheet and the pictures have the numbers of the long recording; a clip is cut from
        onset to offset

Five columns of 0 and 1 say which emotions an expression shows.  All of them stand in the
clip's ``emotions``; its expression has an emotion only where there is exactly one.  People who
were recorded twice (S13_1st and S13_2nd) are one person.  The order of the columns is not
known, so they are found by name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from mescope.datasets.base import Clip, Dataset, reader_of, signed_licence
from mescope.datasets.clips import Findings, Sample, by_pictures, make_clip, match, table_rows
from mescope.datasets.workbook import SheetRow, find_workbook, whole
from mescope.errors import DatasetError

NAME = "4dme"
TITLE = "4DME"
RATE = 60.0
"""Frames per second of the grey video."""

PUBLISHED = 267
TABLES = ("4DME_Labelling_Micro_release v1.xlsx", "4DME_Labelling_Micro_release_v1.xlsx")
FLAGS = ("Positive", "Negative", "Surprise", "Repression", "Others")
COLUMNS = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", *FLAGS)
_PICTURES = ("gray_micro", "gray_micro_crop")


@reader_of(NAME, TITLE, obtain=signed_licence("University of Oulu"))
def read(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the micro-expressions of 4DME in the order of its sheet.

    Args:
        root: folder of the table and of gray_micro.
        table: the sheet, if it has another name than those known.

    Raises:
        DatasetError: the table, its columns or the pictures are not there.
    """
    root = Path(root)
    path = find_workbook(root, TITLE, TABLES) if table is None else Path(table)
    findings = Findings(path.name)
    folders = _folders(root)
    rows = table_rows(path, TITLE, ("fold_name", "Onset"), COLUMNS, findings)
    samples = [_sample(row) for row in rows]
    flags = {row.where: _flags(row, findings) for row in rows}
    if len(samples) != PUBLISHED:
        text = f"{TITLE} has {len(samples)} rows, published {PUBLISHED}"
        findings.warning(findings.file, text)
    for person in sorted({person_of(sample.subject) for sample in samples}):
        names = sorted({s.subject for s in samples if person_of(s.subject) == person})
        if len(names) > 1:
            text = f"{' and '.join(names)} are one person, {person}"
            findings.warning(findings.file, text)
    clips = []
    for sample, folder in match(samples, folders, findings):
        shown = flags[sample.where]
        if not shown:
            findings.error(sample.where, f"{sample.name}: none of {', '.join(FLAGS)} is 1")
            continue
        right = replace(by_pictures(sample, folder, RATE, findings), emotion="+".join(shown))
        clip = make_clip(right, folder, NAME, RATE, findings, emotions=(right.emotion,))
        if clip is not None:
            clips.append(_with_emotions(clip, sample, shown))
    problems = findings.problems()
    return Dataset(name=NAME, clips=tuple(clips), problems=problems, table_rows=findings.rows)


def person_of(text: str) -> str:
    """Return the person of a recording.

    >>> person_of("S13_1st"), person_of("S49_2"), person_of("s7")
    ('S13', 'S49', 'S7')
    """
    return text.strip().split("_")[0].upper()


def _with_emotions(clip: Clip, sample: Sample, shown: tuple[str, ...]) -> Clip:
    one = shown[0] if len(shown) == 1 else None
    expression = replace(clip.expression, emotion=one)
    return replace(
        clip,
        subject=person_of(sample.subject),
        expression=expression,
        emotions=shown,
        emotion_raw=sample.emotion,
    )


def _flags(row: SheetRow, findings: Findings) -> tuple[str, ...]:
    """Return the emotions whose column says 1; note what is neither 0 nor 1, or contradicts."""
    values = {name: whole(_bare(row.cells[name])) for name in FLAGS}
    odd = [name for name, value in values.items() if value not in (0, 1, None)]
    if odd:
        text = f"expected 0 or 1 in {', '.join(odd)}, found {values[odd[0]]}"
        findings.warning(row.where, text)
    shown = tuple(name.lower() for name, value in values.items() if value == 1)
    written = {w.lower() for w in re.findall(r"[A-Za-z]+", str(row.cells["Emotion"] or ""))}
    if written and written != set(shown):
        text = f"Emotion says {row.cells['Emotion']!r}, the columns {'+'.join(shown) or 'none'}"
        findings.warning(row.where, f"{text}; the columns count")
    return shown


def _bare(cell: object) -> object:
    """Return a cell without the apostrophe that early copies put behind values."""
    return cell.rstrip("'") if isinstance(cell, str) else cell


def _folders(root: Path) -> dict[tuple[str, str], Path]:
    """Return the folder of every (recording, clip), whole pictures before cropped ones."""
    for name in _PICTURES:
        for pictures in (root / name, *sorted(root.glob(f"*/{name}"))):
            if pictures.is_dir():
                return {
                    (one.name.lower(), clip.name.lower()): clip
                    for one in sorted(pictures.iterdir())
                    if one.is_dir()
                    for clip in sorted(one.iterdir())
                    if clip.is_dir()
                }
    raise DatasetError(
        f"{TITLE}: no folder gray_micro/<sub_ID>/<fold_name> under {root}; give the folder "
        "that holds the table and gray_micro"
    )


def _sample(row: SheetRow) -> Sample:
    cells, units = row.cells, row.cells["AUs"]
    return Sample(
        where=row.where,
        subject=str(_bare(cells["sub_ID"])).strip(),
        name=str(_bare(cells["fold_name"])).strip(),
        onset=whole(_bare(cells["Onset"])),
        apex=whole(_bare(cells["Apex"])),
        offset=whole(_bare(cells["Offset"])),
        emotion=str(_bare(cells["Emotion"]) or ""),
        action_units="" if units is None else str(units),
    )
