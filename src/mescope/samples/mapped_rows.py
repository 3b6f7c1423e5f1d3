"""Inputs too large for memory: kept in a file, and read from it batch by batch.

CAS(ME)^3's expressions with their RSMix copies, 16 frames of 224 px, are 19 GB.  As an array in
memory they are needed three times: as they come, stacked, and as the part that a fold learns
from.  In a file they are there once, and what a batch takes of them is in memory.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.errors import OutputError
from mescope.io.arrays import map_array

BIG = 2**30
"""Bytes above which rows go into a file, if there is a folder for it."""


def stacked(rows: Iterable[NDArray[Any]], count: int, path: Path | None = None) -> NDArray[Any]:
    """Return rows of one shape as one array (count, ...), each of them held only once.

    Args:
        rows: as many as ``count``, at least one.
        count: how many there are.
        path: a .npy file for an array of more than :data:`BIG` bytes, which then is a map of
            that file, read-only; None keeps it in memory, whatever it takes.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = iter(rows)
    first = next(rows)
    shape = (count, *first.shape)
    if path is None or count * first.nbytes <= BIG:
        made = np.empty(shape, first.dtype)
        _fill(made, first, rows)
        return made
    draft = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(path.parent).free < count * first.nbytes:
            # a page that finds no room as it is written ends the process, without a word
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        mapped = np.lib.format.open_memmap(draft, "w+", first.dtype, shape)
        _fill(mapped, first, rows)
        mapped.flush()
        del mapped
        os.replace(draft, path)
        return map_array(path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; it takes "
            f"{count * first.nbytes / BIG:.1f} GiB beside the cache: choose a folder with room"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _fill(made: NDArray[Any], first: NDArray[Any], rows: Iterable[NDArray[Any]]) -> None:
    made[0] = first
    for place, row in enumerate(rows, 1):
        made[place] = row


class Rows:
    """Some rows of an array, taken out of it when they are asked for.

    Stands for ``array[index]`` where that would not fit into memory: has its shape, and gives
    what NumPy gives when it is indexed, rows first.

    Args:
        array: (n, ...), such as a map of a file.
        index: of the rows (m,), in their order.
    """

    def __init__(self, array: NDArray[Any], index: NDArray[np.int64]) -> None:
        self._array, self._index = array, index
        self.shape = (len(index), *array.shape[1:])
        self.dtype, self.ndim = array.dtype, array.ndim

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        first, *others = key if isinstance(key, tuple) else (key,)
        found: NDArray[Any] = np.asarray(self._array[(self._index[first], *others)])
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[:], dtype, copy=copy)

    def some(self, index: NDArray[np.int64]) -> Rows:
        """Return some of these rows, without reading them."""
        return Rows(self._array, self._index[index])


def in_file(array: Any) -> bool:
    """Say whether rows are read from a file when they are asked for."""
    return isinstance(array, Rows | np.memmap)


def take(array: Any, index: NDArray[np.int64]) -> Any:
    """Return rows of an array; of one that is mapped from a file without reading them."""
    if isinstance(array, Rows):
        return array.some(index)
    return Rows(array, index) if isinstance(array, np.memmap) else array[index]
