"""The MEGC2019 composite: SMIC-HS, CASME II and SAMM as one data set of three classes.

Source  See et al. 2019, doi:10.1109/FG.2019.8756611; its list combined_3class_gt.csv
Layout  ROOT holds the three data sets in their own layout, and the list if there is one
Frames  as the readers of the parts give them

With the list, its 442 rows decide which clips belong, and under which class.  Without it the
same follows from the sheets: the 3-class label sets, minus the clips of CASME II that the set
leaves out by name (one without an apex, one whose apex is its onset, and three that have a
class in the sheet of 2019 only).  A person stays the
person of the part, so that folds over several data sets know them.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from mescope.annotations.expression_table import read_text
from mescope.annotations.problems import Problem, place
from mescope.datasets import casme2, samm, smic
from mescope.datasets.base import Clip, Dataset, reader_of
from mescope.datasets.clips import Findings
from mescope.datasets.workbook import whole
from mescope.errors import DatasetError
from mescope.labels import leaves_out, to_classes

NAME = "megc2019"
TITLE = "MEGC2019 composite (SMIC-HS + CASME II + SAMM)"
OBTAIN = "each of its three parts from its own authors; the list from MEGC2019"
LISTS = ("combined_3class_gt.csv", "combined_3_class2_for_optical_flow.csv")
CLASSES = ("negative", "positive", "surprise")
"""By the number that the list has for them."""

COUNTS = {"casme2": (88, 32, 25), "smic": (70, 51, 43), "samm": (92, 26, 15)}
PEOPLE = 68
_PARTS: dict[str, Callable[[str | Path], Dataset]] = {
    "casme2": casme2.read,
    "smic": lambda root: smic.read_camera("HS", root),
    "samm": samm.read,
}
_DEPTH = 2  # folders below the root in which a part may lie

Key = tuple[str, str, str]
"""Data set, subject and clip, spelt as :func:`_key` does."""


@reader_of(NAME, TITLE, obtain=OBTAIN)
def read(root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the clips of all three parts, with their classes as emotions.

    Args:
        root: folder of the three data sets.
        table: the list, if it has another name than those known.

    Raises:
        DatasetError: a part is not there (all that are missing are named), or the list cannot
            be read.
    """
    root = Path(root)
    findings = Findings(root.name)
    parts = _read_parts(root)
    problems = [_of_part(p, part.name) for part in parts.values() for p in part.problems]
    clips = [clip for part in parts.values() for clip in part.clips]
    path = Path(table) if table is not None else _list_in(root)
    chosen = _by_sheets(clips, findings) if path is None else _by_list(clips, path, findings)
    if path is None:
        findings.warning(root.name, f"no list {LISTS[0]}: the sheets decide what belongs")
    _check_counts(chosen, findings)
    return Dataset(name=NAME, clips=tuple(chosen), problems=(*findings.problems(), *problems))


def _read_parts(root: Path) -> dict[str, Dataset]:
    layers = [root, *sorted(p for n in ("*/", "*/*/")[:_DEPTH] for p in root.glob(n))]
    folders = [p for p in layers if p.is_dir()]
    found: dict[str, Dataset] = {}
    failed: dict[str, str] = {}
    for name, reader in _PARTS.items():
        for folder in (
            folders[1:] + folders[:1]
        ):  # the root last: a part has a folder of its own
            try:
                found[name] = reader(folder)
                break
            except DatasetError as error:
                failed.setdefault(name, str(error))
    missing = [name for name in _PARTS if name not in found]
    if missing:
        raise DatasetError(
            f"{TITLE}: expected casme2, smic and samm under {root}, found no "
            f"{' and no '.join(missing)} ({failed[missing[0]]})"
        )
    return found


def _of_part(problem: Problem, part: str) -> Problem:
    return dataclasses.replace(problem, where=f"{part}: {problem.where}")


def _list_in(root: Path) -> Path | None:
    for name in LISTS:
        for path in (root / name, *sorted(root.glob(f"*/{name}"))):
            if path.is_file():
                return path
    return None


def _by_sheets(clips: list[Clip], findings: Findings) -> list[Clip]:
    chosen = []
    for clip in clips:
        emotion = clip.expression.emotion or ""
        label = to_classes(emotion, "3-class", clip.dataset)
        if leaves_out("3-class", clip.dataset, clip.subject, clip.name):
            findings.each("clips are left out by the composite", f"{clip.dataset}/{clip.name}")
        elif label is None:
            text = f"clips of {clip.dataset} say {emotion}, which is none of the three classes"
            findings.each(f"{text}; left out", clip.name)
        else:
            chosen.append(_labelled(clip, label))
    return chosen


def _by_list(clips: list[Clip], path: Path, findings: Findings) -> list[Clip]:
    """Return the clips that the list names, in its order, under its classes."""
    known = {_key(clip.dataset, clip.subject, clip.name): clip for clip in clips}
    chosen: dict[Key, Clip] = {}
    for row, key, label in _rows(path, findings):
        where = place(path, row)
        if key in chosen:
            findings.error(where, f"{'/'.join(key)} is in the list twice")
        elif key not in known:
            findings.error(where, f"{'/'.join(key)} is in the list, but not among the clips")
        else:
            clip = known[key]
            own = to_classes(clip.expression.emotion or "", "3-class", clip.dataset)
            if own not in (label, None):
                text = (
                    f"{'/'.join(key)}: the list says {label}, the sheet {own}; the list counts"
                )
                findings.warning(where, text)
            chosen[key] = _labelled(clip, label)
    for key in known.keys() - chosen.keys():
        findings.each("clips are not in the list, left out", "/".join(key))
    return list(chosen.values())


def _rows(path: Path, findings: Findings) -> Iterator[tuple[int, Key, str]]:
    """Yield row, key and class of every row that makes sense."""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        cells = [cell.strip().strip('"') for cell in re.split(r"[,;\t]", line)]
        if not any(cells) or cells[0].lower() == "dataset":
            continue
        where = place(path, number)
        if len(cells) < 4 or cells[0].lower() not in COUNTS:
            findings.error(
                where, f"expected dataset,subject,filename,label, found {line[:60]!r}"
            )
        elif (label := whole(cells[3])) is None or not 0 <= label < len(CLASSES):
            findings.error(where, f"expected a label 0 to 2, found {cells[3]!r}")
        else:
            yield number, _key(*cells[:3]), CLASSES[label]


def _key(dataset: str, subject: str, clip: str) -> Key:
    """Return what a clip is known by: the numbers of subjects without their zeros.

    >>> _key("CASME2", "sub01", "EP02_01f"), _key("samm", "006", "006_1_2")
    (('casme2', '1', 'ep02_01f'), ('samm', '6', '006_1_2'))
    >>> _key("smic", "s01", "s1_ne_01")
    ('smic', '1', 's01_ne_01')
    """
    number = re.sub(r"\D", "", subject).lstrip("0")
    if dataset.lower() == "smic":
        named = smic.clip_name(clip)
        clip = named[2] if named else clip
    return dataset.lower(), number, clip.lower()


def _labelled(clip: Clip, label: str) -> Clip:
    return dataclasses.replace(
        clip, expression=dataclasses.replace(clip.expression, emotion=label)
    )


def _check_counts(clips: list[Clip], findings: Findings) -> None:
    found = Counter((clip.dataset, clip.expression.emotion) for clip in clips)
    differ = [
        f"{part} {label} {found[part, label]} of {n}"
        for part, counts in COUNTS.items()
        for label, n in zip(CLASSES, counts, strict=True)
        if found[part, label] != n
    ]
    if differ:
        total = sum(map(sum, COUNTS.values()))
        text = f"{len(clips)} clips, published {total}: {', '.join(differ)}"
        findings.warning(findings.file, text)
    people = len({(clip.dataset, clip.subject) for clip in clips})
    if people != PEOPLE:
        findings.warning(findings.file, f"{people} people, published {PEOPLE}")
