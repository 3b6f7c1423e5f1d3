"""Flow maps of the MEGC2019 composite, 28 x 28 px, as STSTNet's authors published them.

Source  christy1206/STSTNet and wangzhifengharrison/HTNet pass the pictures on
Layout  ROOT/<subject>/u_test/<class>/<clip>.png, and u_train with the clips of everybody else;
        or one .npz with flow, label, subject, clip and dataset
Maps    u, v and optical strain from onset to apex, each scaled to 0..255 clip by clip by its
        authors: zero motion is not a fixed grey

A second extraction of the same clips may be given beside the first: an .npz of the same keys
whose maps are called flow, or whole as in CausalNet's (tony19980810/CausalNet, MIT).

The one reader that returns pixels: there is nothing else.  In the pictures u is what image
viewers show as red; the published code reads them blue first, which turns the order round.
Only u_test is read: together it holds every clip once, under the person it belongs to.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mescope.annotations.problems import Problem
from mescope.datasets.base import reader_of
from mescope.datasets.clips import Findings
from mescope.errors import DatasetError

if TYPE_CHECKING:
    from pandas import DataFrame

NAME = "flow28"
TITLE = "MEGC2019 composite, 28 x 28 flow maps"
OBTAIN = "the pictures that STSTNet's and HTNet's authors published, or an .npz of them"
CLASSES = ("negative", "positive", "surprise")
"""By the number that names a class folder."""

PUBLISHED = {"negative": 250, "positive": 109, "surprise": 83}
PEOPLE = 68
SIDE = 28

_DATASETS = ((r"sub\d+", "casme2"), (r"s\d+", "smic"), (r"\d+", "samm"))
_KEYS = ("flow", "label", "subject", "clip", "dataset")
_SECOND = ("flow", "whole")  # what the maps of a second extraction may be called


@dataclass(frozen=True, slots=True)
class FlowMaps:
    """All maps with what is known about each, of one length n."""

    flow: NDArray[np.uint8]  # (n, 28, 28, 3), u, v, strain; 6 with a second extraction
    labels: tuple[str, ...]
    persons: tuple[tuple[str, str], ...]  # (data set, subject)
    clips: tuple[str, ...]
    problems: tuple[Problem, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Return what ``mescope datasets check`` shows, by the words that it shows."""
        return {
            "name": NAME,
            "maps": len(self.clips),
            "subjects": len(set(self.persons)),
            "data sets": dict(Counter(dataset for dataset, _ in self.persons)),
            "emotions": dict(Counter(self.labels).most_common()),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary for each map: dataset, subject, name, emotion."""
        return [
            {"dataset": dataset, "subject": subject, "name": name, "emotion": label}
            for (dataset, subject), name, label in zip(
                self.persons, self.clips, self.labels, strict=True
            )
        ]

    def to_pandas(self) -> DataFrame:
        """Return :meth:`rows` as a table; its rows are those of ``flow``."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=["dataset", "subject", "name", "emotion"])


@reader_of(NAME, TITLE, obtain=OBTAIN, one_file=True)
def read(
    root: str | Path, *, table: str | Path | None = None, second: str | Path = ""
) -> FlowMaps:
    """Return the maps of a folder or an .npz file, which may be given as ``table``, too.

    Args:
        root: the folder or the file.
        table: the file, if ``root`` is not it.
        second: an .npz of another extraction of the same clips; its maps stand behind the first
            ones, as channels 3 to 5.

    Raises:
        DatasetError: as :func:`read_flow_maps`, or the second one lacks a clip of the first, or
            calls it otherwise.
    """
    first = read_flow_maps(table or root)
    return _joined(first, Path(second)) if second else first


def read_flow_maps(path: str | Path) -> FlowMaps:
    """Read the maps from a folder of pictures or from an .npz file.

    Raises:
        DatasetError: neither, or nothing in it can be used.
    """
    path = Path(path)
    findings = Findings(path.name)
    if path.is_dir():
        maps = _read_folder(path, findings)
    elif path.is_file():
        maps = _read_archive(path)
    else:
        raise DatasetError(
            f"{TITLE}: expected a folder of <subject>/u_test/<class>/*.png or an .npz file, "
            f"found nothing at {path}"
        )
    _check_counts(maps, findings)
    return FlowMaps(maps.flow, maps.labels, maps.persons, maps.clips, findings.problems())


def _joined(first: FlowMaps, path: Path) -> FlowMaps:
    """Return maps with those of a second extraction of the same clips behind them."""
    other = _read_archive(path, _SECOND)
    keys = [
        list(zip(maps.persons, maps.clips, maps.labels, strict=True)) for maps in (first, other)
    ]
    places = {key: place for place, key in enumerate(keys[1])}
    lacking = [key for key in keys[0] if key not in places]
    if lacking:
        (dataset, subject), clip, label = lacking[0]
        raise DatasetError(
            f"{path.name}: expected the clips of the first extraction, found {len(lacking)} of "
            f"{len(keys[0])} missing or of another class, the first {dataset} {subject}/{clip} "
            f"({label})"
        )
    behind = other.flow[[places[key] for key in keys[0]]]
    return replace(first, flow=np.concatenate([first.flow, behind], axis=-1))


def _read_archive(path: Path, names: tuple[str, ...] = _KEYS[:1]) -> FlowMaps:
    """Return what an .npz holds; ``names`` are those that its maps may have."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            maps = next((name for name in names if name in stored), names[0])
            needed = (maps, *_KEYS[1:])
            missing = [key for key in needed if key not in stored]
            if missing:
                keys = ", ".join(needed)
                raise DatasetError(f"{path.name}: expected {keys}, found no {missing[0]}")
            flow, label, subject, clip, dataset = (stored[key] for key in needed)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, TypeError) as error:
        raise DatasetError(
            f"{path.name}: expected an .npz file of flow maps, cannot read it ({error}); fetch "
            "it again"
        ) from None
    n = len(flow) if flow.ndim else 0
    if flow.shape != (n, SIDE, SIDE, 3) or flow.dtype != np.uint8 or n == 0:
        raise DatasetError(
            f"{path.name}: expected flow (n, {SIDE}, {SIDE}, 3) of bytes, found "
            f"{flow.shape} of {flow.dtype}"
        )
    shapes = [a.shape for a in (label, subject, clip, dataset)]
    if set(shapes) != {(n,)}:
        raise DatasetError(f"{path.name}: expected {n} of each array, found {shapes}")
    if label.dtype.kind not in "iu" or not np.isin(label, range(len(CLASSES))).all():
        raise DatasetError(f"{path.name}: expected labels 0 to 2, found {np.unique(label)[:5]}")
    return FlowMaps(
        flow=flow,
        labels=tuple(CLASSES[i] for i in label),
        persons=tuple((str(d), str(s)) for d, s in zip(dataset, subject, strict=True)),
        clips=tuple(map(str, clip)),
    )


def _read_folder(root: Path, findings: Findings) -> FlowMaps:
    flow: list[NDArray[np.uint8]] = []
    labels: list[str] = []
    persons: list[tuple[str, str]] = []
    clips: list[str] = []
    folders = [p for p in sorted(root.iterdir()) if (p / "u_test").is_dir()]
    if not folders:
        raise DatasetError(
            f"{TITLE}: no folders <subject>/u_test under {root}; give the folder that holds "
            "the people (norm_u_v_os in the published archives)"
        )
    for person in folders:
        dataset = next((d for form, d in _DATASETS if re.fullmatch(form, person.name)), None)
        if dataset is None:
            findings.error(
                person.name, "no subject of CASME II (sub01), SMIC (s01) or SAMM (006)"
            )
            continue
        for clip, label, image in _clips_of(person, root, findings):
            flow.append(image)
            labels.append(label)
            persons.append((dataset, person.name))
            clips.append(clip)
    if not flow:
        raise DatasetError(f"{TITLE}: none of the pictures under {root} can be used")
    return FlowMaps(np.stack(flow), tuple(labels), tuple(persons), tuple(clips))


def _clips_of(
    person: Path, root: Path, findings: Findings
) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    """Yield name, class and map of every clip of a person that can be used."""
    seen: set[str] = set()
    for picture in sorted((person / "u_test").glob("*/*")):
        where = str(picture.relative_to(root))
        label = _label(picture.parent.name)
        image = _picture(picture)
        if label is None:
            found = picture.parent.name
            findings.error(where, f"expected a class folder 0 to 2, found {found!r}")
        elif isinstance(image, str):
            findings.error(where, image)
        elif picture.stem in seen:
            findings.error(where, "the same clip in another class, left out")
        else:
            seen.add(picture.stem)
            yield picture.stem, label, image


def _label(name: str) -> str | None:
    return CLASSES[int(name)] if name.isdigit() and int(name) < len(CLASSES) else None


def _picture(path: Path) -> NDArray[np.uint8] | str:
    """Return a map, or what is wrong with it."""
    try:
        with Image.open(path) as image:
            found = np.asarray(image.convert("RGB") if image.mode == "RGBA" else image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"not a picture that can be read ({error})"
    if found.shape != (SIDE, SIDE, 3) or found.dtype != np.uint8:
        return f"expected {SIDE} x {SIDE} px in colour, found {found.shape}"
    return found


def _check_counts(maps: FlowMaps, findings: Findings) -> None:
    found = Counter(maps.labels)
    differ = [
        f"{name} {found[name]} of {n}" for name, n in PUBLISHED.items() if found[name] != n
    ]
    if differ:
        total = sum(PUBLISHED.values())
        text = f"{len(maps.labels)} maps, published {total}: {', '.join(differ)}"
        findings.warning(findings.file, text)
    people = len(set(maps.persons))
    if people != PEOPLE:
        findings.warning(findings.file, f"{people} people, published {PEOPLE}")
