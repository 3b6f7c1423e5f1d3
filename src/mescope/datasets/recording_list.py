"""The optional table of recordings beside your own videos: which there are, whose, how fast.

Layout  ROOT/recordings.csv with the columns file, subject and rate, and dataset if the people
        are those of another data set; more are ignored, so the table of a rendered corpus
        will do; capitals in the header do not count
Use     it makes folders of numbered pictures into recordings (they have no times, so the rate
        is needed), and says that a recording without any expression was looked at
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mescope.annotations.delimited import UnreadableError, split
from mescope.annotations.expression_table import read_text
from mescope.annotations.problems import Problem, place
from mescope.errors import DatasetError

TABLE = "recordings.csv"


@dataclass(frozen=True, slots=True)
class Listed:
    """One row: a video file, or a folder of pictures with its frames per second.

    ``dataset`` is where its person belongs, "" for this folder itself: clips that were made of
    a data set show its people, and no split may tell the two apart.
    """

    path: Path
    subject: str
    rate: float | None
    dataset: str


def read_listed(root: Path, problems: list[Problem]) -> dict[Path, Listed]:
    """Return the rows of ROOT/recordings.csv that make sense, by path; none without it.

    Raises:
        DatasetError: the table is there, but is not text, or a quote swallows rows.
    """
    path = root / TABLE
    if not path.is_file():
        return {}
    try:
        (_, first), *rows = split(read_text(path))
    except UnreadableError as error:
        raise DatasetError(f"{place(path, error.row)}: {error}") from None
    header = [cell.strip().lower() for cell in first]  # as in the table of expressions
    if "file" not in header:
        text = f"expected the columns file, subject and rate, found {first}; not used"
        problems.append(Problem("warning", place(path), text))
        return {}
    found: dict[Path, Listed] = {}
    for number, cells in rows:
        listed = _listed(dict(zip(header, cells, strict=False)), root)
        if isinstance(listed, str):
            problems.append(Problem("error", place(path, number), listed, rows=0))
        else:
            found[listed.path] = listed
    return found


def _listed(row: dict[str, str], root: Path) -> Listed | str:
    name = (row.get("file") or "").strip().replace("\\", "/")
    inside = PurePosixPath(name)
    if not name or inside.is_absolute() or ".." in inside.parts:
        return f"expected a path below the folder, found {name!r}"
    path = root / inside
    if not path.exists():
        return f"there is no {name}"
    try:
        rate = float(row.get("rate") or "nan")
    except ValueError:
        rate = math.nan
    sensible = math.isfinite(rate) and rate > 0
    if path.is_dir() and not sensible:
        return f"{name}: a folder of pictures needs a rate above 0, found {row.get('rate')!r}"
    subject, dataset = ((row.get(name) or "").strip() for name in ("subject", "dataset"))
    return Listed(path, subject, rate if sensible else None, dataset)
