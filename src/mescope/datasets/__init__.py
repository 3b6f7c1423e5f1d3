"""Data sets: folders of recordings or clips in, checked records out; never pixels.

A reader registers itself by :func:`~mescope.datasets.base.reader_of`, here or in a plug-in.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path

from mescope.annotations.problems import Problem

# In the order in which `mescope datasets` lists them.
from mescope.datasets import (  # noqa: F401  # isort: skip
    folder,
    casme,
    casme2,
    samm,
    samm_long,
    casmesq,
    casme3,
    casme3c,
    smic,
    smic_long,
    mmew,
    fourdme,
    dfme,
    mmme,
    composite,
    megc_test,
    flow28,
)
from mescope.datasets.base import (
    DATASETS,
    RENDERED_MARK,
    Checked,
    Clip,
    Correction,
    Dataset,
    Folders,
    Source,
    as_rendered,
    reader_of,
    signed_licence,
)
from mescope.datasets.flow28 import FlowMaps
from mescope.errors import DatasetError
from mescope.events import Seconds

__all__ = [
    "DATASETS",
    "Checked",
    "Clip",
    "Correction",
    "Dataset",
    "FlowMaps",
    "Folders",
    "Problem",
    "Seconds",
    "Source",
    "open_dataset",
    "read",
    "reader_of",
    "signed_licence",
]


def open_dataset(
    name: str,
    root: str | Path,
    *,
    table: str | Path | None = None,
    sheets_only: bool = False,
    choices: Mapping[str, str] | None = None,
) -> Dataset | FlowMaps:
    """Return the data set ``name`` (see ``mescope datasets``) that lies in ``root``.

    Args:
        name: one of :data:`DATASETS`.
        root: its folder; of flow maps, also the .npz file.
        table: the annotation table, if it has another name than those the reader knows.
        sheets_only: look at no picture, where a reader can (SAMM Long Videos, CAS(ME)^3 part
            A): recordings have no path, their number 1 is frame 0, and they are as long as
            their last row says.
        choices: what else a reader lets choose, by name: ``missing_offset`` of CAS(ME)^2
            (``apex``, ``apex+20`` or ``drop``), ``pictures`` of CASME II.

    Raises:
        DatasetError: unknown name, the folder does not hold that data set (the message says
            what was looked for), a table or a choice was given for a data set that has none,
            or it cannot be read by its sheets alone.
    """
    source = DATASETS.named(name)
    path = None if table is None else Path(table)
    found = _read(source, Path(root), path, sheets_only, choices or {})
    if not isinstance(found, Dataset | FlowMaps):
        raise DatasetError(
            f"expected a Dataset from the reader of {source.title}, found "
            f"{type(found).__name__}; correct its plug-in"
        )
    if isinstance(found, Dataset) and (Path(root) / RENDERED_MARK).is_file():
        return as_rendered(found)
    return found


def read(name: str, root: str | Path, *, table: str | Path | None = None) -> Dataset:
    """Return the records of the data set ``name`` that lies in the folder ``root``.

    Args:
        name: one of :data:`DATASETS` whose clips or recordings are published.
        root: the folder.
        table: the annotation table, if it has another name than those the reader knows.

    Raises:
        DatasetError: as :func:`open_dataset`, or there are no clips or recordings, only maps.
    """
    found = open_dataset(name, root, table=table)
    if not isinstance(found, Dataset):
        raise DatasetError(f"expected clips or recordings, {name} has only flow maps")
    return found


def _read(
    source: Source,
    root: Path,
    table: Path | None,
    sheets_only: bool,
    choices: Mapping[str, str],
) -> object:
    if not (root.is_dir() or (source.one_file and root.is_file())):
        raise DatasetError(f"expected the folder of {source.title}, found none at {root}")
    known = inspect.signature(source.reader).parameters
    given = ("root", "table", "sheets_only", "corrections")
    free = [name for name in known if name not in given]
    options: dict[str, object] = dict(choices)
    for name in choices:
        if name not in free:
            said = f"only {', '.join(free)}" if free else "nothing"
            raise DatasetError(f"{source.title} lets {said} be chosen, found {name!r}")
    if sheets_only:
        if "sheets_only" not in known:
            raise DatasetError(
                f"{source.title} cannot be read by its sheets alone; give the folder with its "
                "pictures"
            )
        options["sheets_only"] = True
    if table is not None:
        if "table" not in known:
            raise DatasetError(
                f"{source.title} is read without a single table; leave --table out"
            )
        if not table.is_file():
            raise DatasetError(f"expected the annotation table of {source.title} at {table}")
        options["table"] = table
    return source.reader(root, **options)
