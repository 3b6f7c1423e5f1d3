"""Data sets: folders of recordings or clips in, checked records out; never pixels."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

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
from mescope.datasets.base import Clip, Correction, Dataset, Problem, Seconds, Source
from mescope.datasets.flow28 import FlowMaps
from mescope.errors import DatasetError

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

DATASETS: Mapping[str, Source] = MappingProxyType(
    {
        folder.NAME: Source(
            title="your own videos with one CSV table of expressions",
            reader=folder.read,
            obtain="nothing to obtain: put expressions.csv beside the videos",
        ),
        casme.NAME: Source(
            title=casme.TITLE,
            reader=casme.read,
            obtain="from its authors (Chinese Academy of Sciences) under a signed licence",
        ),
        casme2.NAME: Source(
            title="CASME II",
            reader=casme2.read,
            obtain="from its authors (Chinese Academy of Sciences) under a signed licence",
        ),
        samm.NAME: Source(
            title="SAMM",
            reader=samm.read,
            obtain="from its authors (Manchester Metropolitan University), signed licence",
        ),
        samm_long.NAME: Source(
            title=samm_long.TITLE,
            reader=samm_long.read,
            obtain="from its authors (Manchester Metropolitan University), signed licence",
        ),
        casmesq.NAME: Source(
            title=casmesq.TITLE,
            reader=casmesq.read,
            obtain="from its authors (Chinese Academy of Sciences) under a signed licence",
        ),
        smic_long.NAME: Source(
            title=smic_long.TITLE,
            reader=smic_long.read,
            obtain="from its authors (University of Oulu) under a signed licence",
        ),
        casme3.NAME_A: Source(
            title=casme3.TITLE_A,
            reader=casme3.read_a,
            obtain="from its authors (Chinese Academy of Sciences) under a signed licence",
        ),
        casme3.NAME_C: Source(
            title=casme3.TITLE_C,
            reader=casme3.read_c,
            obtain="from its authors (Chinese Academy of Sciences) under a signed licence",
        ),
        **{
            name: Source(
                title=f"SMIC, camera {name.rpartition('-')[2].upper()}, short clips",
                reader=reader,
                obtain="from its authors (University of Oulu) under a signed licence",
            )
            for name, reader in smic.READERS.items()
        },
        fourdme.NAME: Source(
            title=fourdme.TITLE,
            reader=fourdme.read,
            obtain="from its authors (University of Oulu) under a signed licence",
        ),
        mmew.NAME: Source(
            title=mmew.TITLE,
            reader=mmew.read,
            obtain="from its authors (Shandong University) under a signed licence",
        ),
        **{
            name: Source(
                title=f"{dfme.TITLE}, {name.partition('-')[2] or 'train, test A and test B'}",
                reader=reader,
                obtain="from its authors (Shandong University) under a signed licence",
            )
            for name, reader in dfme.READERS.items()
        },
        composite.NAME: Source(
            title=composite.TITLE,
            reader=composite.read,
            obtain="each of its three parts from its own authors; the list from MEGC2019",
        ),
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
