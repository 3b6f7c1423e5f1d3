"""Traces of hours, thinned on the server to what a screen can show."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.errors import MescopeError
from mescope.io.arrays import read_arrays

BLOCK = 64
"""Samples of one block of the coarse level."""
_DIGITS = 4
MOST_POINTS = 4000


@dataclass(frozen=True)
class Level:
    """Lowest and highest value of every series in every block; (S, m) float32 each."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


@dataclass(frozen=True)
class Curves:
    """The traces of one recording, ready to be thinned.

    Attributes:
        frames: (n,) int64 native frame numbers, increasing.
        times: (n,) float64 seconds.
        names: S names of series.
        values: (S, n) float32; nan where there is no face.
        coarse: blocks of :data:`BLOCK` samples.
    """

    frames: NDArray[np.int64]
    times: NDArray[np.float64]
    names: tuple[str, ...]
    values: NDArray[np.float32]
    coarse: Level

    def thinned(
        self, first: int, last: int, points: int, wanted: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Return frames ``first`` to ``last`` in at most ``points`` buckets.

        A bucket has the frame and time of its first sample and the lowest and highest value in
        it, so no peak is lost however far somebody zooms out; None where no value is.
        """
        begin = int(np.searchsorted(self.frames, first))
        end = int(np.searchsorted(self.frames, last, side="right"))
        columns = self._columns(wanted)
        names = [self.names[i] for i in columns]
        if begin >= end:
            empty: dict[str, Any] = {name: {"min": [], "max": []} for name in names}
            return {"frames": [], "times": [], "series": empty}
        points = max(1, min(points, MOST_POINTS, end - begin))
        low, high, at = self._reduced(begin, end, points, columns)
        return {
            "frames": self.frames[at].tolist(),
            "times": np.round(self.times[at], 6).tolist(),
            "series": {
                name: {"min": _plain(low[i]), "max": _plain(high[i])}
                for i, name in enumerate(names)
            },
        }

    def _columns(self, wanted: Iterable[str] | None) -> list[int]:
        if wanted is None:
            return list(range(len(self.names)))
        chosen = list(wanted)
        unknown = [name for name in chosen if name not in self.names]
        if unknown:
            raise MescopeError(
                f"expected series of {', '.join(self.names)}, found {unknown[0][:40]!r}"
            )
        return [self.names.index(name) for name in chosen]

    def _reduced(
        self, begin: int, end: int, points: int, columns: list[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """Lowest and highest per bucket (S, b), and the first sample of each bucket (b,)."""
        rows = slice(None) if len(columns) == len(self.names) else columns
        if (end - begin) // points >= 4 * BLOCK:  # whole blocks: edges move by a quarter bucket
            a, b = begin // BLOCK, -(-end // BLOCK)
            edges = np.unique(np.linspace(a, b, points + 1).astype(np.int64)[:-1])
            low = np.fmin.reduceat(self.coarse.low[rows, :b], edges, axis=1)
            high = np.fmax.reduceat(self.coarse.high[rows, :b], edges, axis=1)
            return low, high, np.maximum(edges * BLOCK, begin)
        edges = np.unique(np.linspace(begin, end, points + 1).astype(np.int64)[:-1])
        part = self.values[rows, begin:end]
        low = np.fmin.reduceat(part, edges - begin, axis=1)
        high = np.fmax.reduceat(part, edges - begin, axis=1)
        return low, high, edges


def curves(
    frames: NDArray[np.int64],
    times: NDArray[np.float64],
    names: Iterable[str],
    values: NDArray[np.float32],
) -> Curves:
    """Return curves with their coarse level; ``values`` (S, n)."""
    starts = np.arange(0, len(frames), BLOCK)
    if len(frames) and len(values):
        low = np.fmin.reduceat(values, starts, axis=1)
        high = np.fmax.reduceat(values, starts, axis=1)
    else:
        low = high = values
    return Curves(frames, times, tuple(names), values, Level(low, high))


def pack(
    frames: NDArray[np.int64],
    times: NDArray[np.float64],
    series: dict[str, NDArray[np.floating[Any]]],
) -> bytes:
    """Return traces as the bytes of a file for :func:`unpack`; every series is (n,)."""
    buffer = io.BytesIO()
    stacked = [np.asarray(s, np.float32) for s in series.values()]
    values = np.stack(stacked) if stacked else np.zeros((0, len(frames)), np.float32)
    np.savez(
        buffer,
        allow_pickle=False,
        frames=np.asarray(frames, np.int64),
        times=np.asarray(times, np.float64),
        names=np.array(list(series), dtype=np.str_),
        values=values,
    )
    return buffer.getvalue()


def unpack(path: Path) -> Curves:
    """Return the traces in a file.

    Raises:
        MescopeError: the file is gone or damaged.
    """
    try:
        arrays = read_arrays(path.read_bytes())
        names = [str(name) for name in arrays["names"]]
        return curves(arrays["frames"], arrays["times"], names, arrays["values"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise MescopeError(
            f"expected traces in {path.name}, found none that can be read ({error}); analyze "
            "the recording again"
        ) from error


def _plain(values: NDArray[np.float32]) -> list[float | None]:
    """Return numbers for JSON, which knows no nan."""
    rounded: list[float | None] = np.round(values.astype(np.float64), _DIGITS).tolist()
    for i in np.flatnonzero(~np.isfinite(values)).tolist():
        rounded[i] = None
    return rounded
