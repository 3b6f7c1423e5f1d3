"""Intervals as people hold them in Python: DataFrames, lists of rows, arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mescope.annotations.expression_table import MOST_FRAMES, columns_of
from mescope.errors import DatasetError
from mescope.evaluation.interval_table import (
    NEEDED,
    Row,
    Table,
    VideoKey,
    read_table,
    table_from,
    table_of,
)
from mescope.events import Interval, Kind


def as_table(value: Any, *, kind: Kind | None = None, clamp: bool = False) -> Table:
    """Return intervals as the table that scores are counted from.

    Args:
        value: one of

            * a table or the path of a CSV table;
            * a DataFrame, or a sequence of mappings, with the columns of such a CSV
              (``video``, ``onset``, ``offset``, ``subject``, ``type``, ``emotion`` ...);
            * an array (n, 2) of onset and offset, frames from 0 and both included, of one
              video, which is called ``video``;
            * a mapping of such arrays by video, or by (subject, video).  An empty array says
              that a video was looked at.
        kind: of the intervals of arrays; None where it is not known (a detection then counts as
            a micro-expression).
        clamp: frames before the recording become its first, see
            :func:`~mescope.evaluation.interval_table.read_table`.

    Raises:
        DatasetError: columns are missing, or rows make no sense.

    >>> as_table({"a": [[3, 9], [20, 31]], "b": []}).rows[1].interval
    Interval(first=20, last=31)
    >>> sorted(as_table({"a": [[3, 9]], ("s1", "b"): []}).videos)
    [('', 'a'), ('s1', 'b')]
    """
    if isinstance(value, Table):
        return value
    if isinstance(value, str | Path):
        return read_table(value, clamp=clamp)
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return _of_rows(value.to_dict("records"), [str(c) for c in value.columns], clamp)
    if isinstance(value, Mapping):
        return _of_arrays(value, kind, clamp)
    if isinstance(value, Sequence) and value and all(isinstance(row, Mapping) for row in value):
        return _of_rows(value, list(dict.fromkeys(str(k) for row in value for k in row)), clamp)
    return _of_arrays({"video": value}, kind, clamp)


def _of_rows(rows: Iterable[Mapping[Any, Any]], columns: Sequence[str], clamp: bool) -> Table:
    name = "the table"
    names = columns_of(columns, NEEDED, name)
    lines = (
        (
            number,
            {new: _text(row.get(old)) for old, new in zip(columns, names, strict=True)},
            False,
        )
        for number, row in enumerate(rows, start=1)
    )
    return table_from(lines, name, clamp=clamp)


def _text(cell: Any) -> str:
    """Return a cell as a CSV would hold it; nothing for None, NaN and NaT."""
    return "" if cell is None or str(cell) in ("nan", "NaT", "<NA>") else str(cell).strip()


def _of_arrays(arrays: Mapping[Any, ArrayLike], kind: Kind | None, clamp: bool) -> Table:
    rows: list[Row] = []
    videos: list[VideoKey] = []
    below = 0
    for key, values in arrays.items():
        subject, video = key if isinstance(key, tuple) else ("", str(key))
        where = (str(subject), str(video))
        videos.append(where)
        ends = np.asarray(values, dtype=np.float64)
        if ends.size == 0:
            continue
        if ends.ndim != 2 or ends.shape[1] != 2:
            raise DatasetError(
                f"{video}: expected an array (n, 2) of onset and offset, found the shape "
                f"{ends.shape}"
            )
        below += int((ends < 0).any(axis=1).sum())
        ends = np.maximum(ends, 0) if clamp else ends
        _check_ends(ends, video)
        rows += [
            Row(subject=where[0], video=where[1], interval=Interval(int(a), int(b)), kind=kind)
            for a, b in ends.tolist()
        ]
    text = f"{below} intervals begin before the recording; they are taken from its first frame"
    return table_of(rows, videos, [text] if below and clamp else [])


def _check_ends(ends: np.ndarray[Any, np.dtype[np.float64]], video: str) -> None:
    whole = np.isfinite(ends).all(axis=1) & (ends == np.round(ends)).all(axis=1)
    good = whole & (ends[:, 0] >= 0) & (ends[:, 1] >= ends[:, 0])
    good &= ends[:, 1] <= MOST_FRAMES
    if not good.all():
        i = int(np.flatnonzero(~good)[0])
        raise DatasetError(
            f"{video}, row {i}: expected whole frames from 0 on, the offset not before the "
            f"onset, found {ends[i].tolist()} ({int((~good).sum())} such rows)"
        )
