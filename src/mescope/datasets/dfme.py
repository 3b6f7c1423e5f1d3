"""DFME, the public part: training set and tests A and B of the CCAC 2024 challenge.

Source  Zhao et al. 2023, arXiv 2301.00985; a signed licence is needed
Layout  ROOT/train_data/train_data/sub0003_01/00000.png, test_data_A, test_data_B likewise, and
        ROOT/full_release_annotation/training_full_with_AU.xlsx, testA_..., testB_...
Frames  the sheets and the pictures count from 0; frames per second (200, 300 or 500) stand in
        the sheet, the same for all clips of a person

People of the three parts are different ones; ``Clip.part`` says which a clip is of, and
``mescope evaluate --protocol fixed`` trains on the first and reports both tests apart.  The
tables that were given out during the challenge had no labels for the tests; then the clips of a
test have neither onset nor emotion and cannot become records: they are counted and left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path

from mescope.datasets.base import Clip, Dataset, reader_of, signed_licence, some
from mescope.datasets.clips import Findings, Sample, check_counts, make_clip, match, table_rows
from mescope.datasets.workbook import SheetRow, find_workbook, whole
from mescope.errors import DatasetError
from mescope.labels import RAW_COUNTS

NAME = "dfme"
TITLE = "DFME"
OBTAIN = signed_licence("Shandong University")

PARTS = {
    "train": ("training_full_with_AU.xlsx", r"train", 1856, 176),
    "testA": ("testA_full_with_AU.xlsx", r"test\w*a$", 474, 42),
    "testB": ("testB_full_with_AU.xlsx", r"test\w*b$", 299, 41),
}
"""Table, folder of pictures (a pattern), clips and people of each part."""

RENAMED = {
    "train": "DFME_training_full_with_AU.xlsx",
    "testA": "DFME_test_A_full_with_AU.xlsx",
    "testB": "DFME_test_B_full_with_AU.xlsx",
}
COLUMNS = (
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Emotion",
    "Fps",
    "AU",
)
RATES = (200, 300, 500)
_CLIP = r"sub\d{4}_\d+"
_LEVELS = 4


@reader_of(NAME, f"{TITLE}, all three parts", obtain=OBTAIN)
def read(root: str | Path, *, part: str | None = None) -> Dataset:
    """Return the clips of all parts that are there, or of one, in the order of their sheets.

    Args:
        root: folder of the tables and the pictures.
        part: one of :data:`PARTS`; all by default.

    Raises:
        DatasetError: no table, its columns or no pictures of a part are there.
    """
    root = Path(root)
    wanted = tuple(PARTS) if part is None else (part,)
    findings = Findings(root.name)
    clips: list[Clip] = []
    samples: list[Sample] = []
    for name in wanted:
        table = _table(root, name)
        if table is None:
            findings.warning(root.name, f"no table of {name}: {PARTS[name][0]}")
            continue
        found, rows = _read_part(root, name, table, findings)
        clips += found
        samples += rows
    if not samples:
        tables = ", ".join(PARTS[name][0] for name in wanted)
        raise DatasetError(f"{TITLE}: no annotation table under {root}. Looked for {tables}.")
    if part is None:
        check_counts(samples, RAW_COUNTS[NAME], TITLE, findings)
    _check_people(clips, findings)
    problems = findings.problems()
    return Dataset(name=NAME, clips=tuple(clips), problems=problems, table_rows=findings.rows)


for _part in PARTS:
    reader_of(f"{NAME}-{_part.lower()}", f"DFME, {_part.lower()}", obtain=OBTAIN)(
        partial(read, part=_part)
    )


def _table(root: Path, part: str) -> Path | None:
    names = (PARTS[part][0], RENAMED[part])
    for folder in (root, *sorted(p for p in root.glob("*/*") if p.is_dir())):
        try:
            return find_workbook(folder, TITLE, names)
        except DatasetError:
            continue
    return None


def _read_part(
    root: Path, part: str, table: Path, findings: Findings
) -> tuple[list[Clip], list[Sample]]:
    _, pattern, published, people = PARTS[part]
    rows = table_rows(table, TITLE, ("Filename", "OnsetFrame"), COLUMNS, findings)
    folders = _folders(root, pattern, part)
    samples, rates = [], {}
    for row in rows:
        sample = _sample(row)
        samples.append(sample)
        rates[sample.where] = whole(row.cells["Fps"])
    clips = []
    for sample, folder in match(samples, folders, findings):
        rate = rates[sample.where]
        if rate not in RATES:
            text = f"{sample.name}: expected frames per second of {RATES}, found {rate}"
            findings.error(sample.where, text)
            continue
        clip = make_clip(sample, folder, NAME, float(rate), findings)
        if clip is not None:
            clips.append(replace(clip, part=part))
    found = len({s.subject for s in samples})
    if (len(samples), found) != (published, people):
        text = f"{part} has {len(samples)} clips of {found} people"
        findings.warning(table.name, f"{text}, published {published} of {people}")
    return clips, samples


def _folders(root: Path, pattern: str, part: str) -> dict[tuple[str, str], Path]:
    """Return the folder of every (person, clip) of a part."""
    layer = [root]
    for _ in range(_LEVELS):
        layer = [p for folder in layer for p in sorted(folder.iterdir()) if p.is_dir()]
        clips = [
            p
            for p in layer
            if re.fullmatch(_CLIP, p.name, re.IGNORECASE)
            and any(re.search(pattern, q.name, re.IGNORECASE) for q in p.parents[:_LEVELS])
        ]
        if clips:
            return {(p.name.split("_")[0].lower(), p.name.lower()): p for p in clips}
        layer = [p for p in layer if not re.fullmatch(_CLIP, p.name, re.IGNORECASE)]
    raise DatasetError(
        f"{TITLE}: no folders of {part} such as {part}/sub0003_01 under {root}; give the "
        "folder that holds train_data, test_data_A and test_data_B"
    )


def _sample(row: SheetRow) -> Sample:
    """Return a row; its person is the one in the clip's name, however the sheet writes it."""
    cells, units = row.cells, row.cells["AU"]
    name = str(cells["Filename"]).strip()
    person = name if re.fullmatch(_CLIP, name, re.IGNORECASE) else str(cells["Subject"]).strip()
    return Sample(
        where=row.where,
        subject=person.split("_")[0].lower(),
        name=name,
        onset=whole(cells["OnsetFrame"]),
        apex=whole(cells["ApexFrame"]),
        offset=whole(cells["OffsetFrame"]),
        emotion=str(cells["Emotion"] or ""),
        action_units="" if units is None else str(units),
        lowest=0,
    )


def _check_people(clips: list[Clip], findings: Findings) -> None:
    """Tell people with several rates, and people of several parts."""
    rates: dict[str, set[float]] = defaultdict(set)
    parts: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        rates[clip.subject].add(clip.rate)
        parts[clip.subject].add(clip.part)
    used = sorted({clip.rate for clip in clips})
    if len(used) > 1:
        text = f"clips of {', '.join(f'{rate:g}' for rate in used)} frames per second: a fixed"
        findings.warning(findings.file, f"{text} step in frames means different times")
    several = [person for person, found in rates.items() if len(found) > 1]
    if several:
        text = f"{len(several)} people have clips of several rates: {some(several)}"
        findings.warning(findings.file, text)
    leaking = [person for person, found in parts.items() if len(found) > 1]
    if leaking:
        text = f"{len(leaking)} people are in several parts, expected none: {some(leaking)}"
        findings.warning(findings.file, text)
