"""Data sets: folders of recordings or clips in, checked records out; never pixels."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from mescope.annotations.problems import Problem
from mescope.datasets import (
    casme,
    casme2,
    casme3,
    casmesq,
    composite,
    dfme,
    flow28,
    folder,
    fourdme,
    mmew,
    samm,
    samm_long,
    smic,
    smic_long,
)
from mescope.datasets.base import Clip, Correction, Dataset, Source
from mescope.datasets.flow28 import FlowMaps
from mescope.errors import DatasetError
from mescope.events import Seconds

__all__ = [
    "DATASETS",
    "Clip",
    "Correction",
    "Dataset",
    "FlowMaps",
    "Problem",
    "Seconds",
    "Source",
    "open_dataset",
    "read",
]

_OF = "from its authors ({}), under a signed licence"
_CAS, _MMU = _OF.format("Chinese Academy of Sciences"), _OF.format("Manchester Metropolitan")
_OULU, _SHANDONG = _OF.format("University of Oulu"), _OF.format("Shandong University")

_ROWS: tuple[tuple[str, str, Callable[..., Dataset], str], ...] = (
    (
        folder.NAME, "your own videos with one CSV table of expressions", folder.read,
        "nothing to obtain: put expressions.csv beside the videos",
    ),
    (casme.NAME, casme.TITLE, casme.read, _CAS),
    (casme2.NAME, casme2.TITLE, casme2.read, _CAS),
    (samm.NAME, samm.TITLE, samm.read, _MMU),
    (samm_long.NAME, samm_long.TITLE, samm_long.read, _MMU),
    (casmesq.NAME, casmesq.TITLE, casmesq.read, _CAS),
    (casme3.NAME_A, casme3.TITLE_A, casme3.read_a, _CAS),
    (casme3.NAME_C, casme3.TITLE_C, casme3.read_c, _CAS),
    *(
        (name, f"SMIC, camera {name.rpartition('-')[2].upper()}, short clips", reader, _OULU)
        for name, reader in smic.READERS.items()
    ),
    (smic_long.NAME, smic_long.TITLE, smic_long.read, _OULU),
    (mmew.NAME, mmew.TITLE, mmew.read, _SHANDONG),
    (fourdme.NAME, fourdme.TITLE, fourdme.read, _OULU),
    *(
        (name, f"DFME, {name.partition('-')[2] or 'all three parts'}", reader, _SHANDONG)
        for name, reader in dfme.READERS.items()
    ),
    (
        composite.NAME, composite.TITLE, composite.read,
        "each of its three parts from its own authors; the list from MEGC2019",
    ),
)  # fmt: skip

DATASETS: Mapping[str, Source] = MappingProxyType(
    {
        name: Source(title=title, reader=reader, obtain=obtain)
        for name, title, reader, obtain in _ROWS
    }
)
"""Every data set that can be read, by the name to ask for it."""


def open_dataset(
    name: str, root: str | Path, *, table: str | Path | None = None
) -> Dataset | FlowMaps:
    """Return the data set ``name`` (see ``mescope datasets``) that lies in ``root``.

    Args:
        name: one of :data:`DATASETS`, or ``flow28`` for published flow maps.
        root: its folder, or the .npz file of flow maps.
        table: the annotation table, if it has another name than those the reader knows.

    Raises:
        DatasetError: as :func:`read`.
    """
    if name == flow28.NAME:
        return flow28.read_flow_maps(table or root)
    return read(name, root, table=table)


def read(name: str, root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the records of the data set ``name`` that lies in the folder ``root``.

    Args:
        name: one of :data:`DATASETS`.
        root: the folder.
        table: the annotation table, if it has another name than those the reader knows.

    Raises:
        DatasetError: unknown name, the folder does not hold that data set (the message says
            what was looked for), or a table was given for a data set that has none.
    """
    if name not in DATASETS:
        near = difflib.get_close_matches(name.lower(), DATASETS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise DatasetError(f"unknown data set {name!r}; {hint}known: {', '.join(DATASETS)}")
    source = DATASETS[name]
    if not Path(root).is_dir():
        raise DatasetError(f"expected the folder of {source.title}, found none at {root}")
    if table is None:
        return source.reader(Path(root))
    if "table" not in inspect.signature(source.reader).parameters:
        raise DatasetError(f"{source.title} is read without a single table; leave --table out")
    if not Path(table).is_file():
        raise DatasetError(f"expected the annotation table of {source.title} at {table}")
    return source.reader(Path(root), table=Path(table))
