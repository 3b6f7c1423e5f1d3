"""Keep the finished windows of a pass, so that interrupted work goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mescope.errors import OutputError
from mescope.face.detector import FaceTracker
from mescope.io.cache import Store
from mescope.io.json_text import json_value
from mescope.motion.roi_pass import Pass, Tables
from mescope.motion.windows import Plan
from mescope.moved import renamed

SEGMENT = 64  # windows per entry: about a minute of 30 frames per second
BY_WINDOW = ("values", "boxes", "landmarks", "reference", "looks", "dropped")
BY_POSITION = ("present", "cuts")
BY_HOP = ("points", "eyes", "light")  # of the close-ups: measured when a hop's window starts


@dataclass
class ReportCache:
    """Keeps the decode report beside what was measured."""

    store: Store
    warnings: list[str] = field(default_factory=list, kw_only=True)

    def decode(self) -> dict[str, Any] | None:
        """Return the decode report of the pass that filled the cache."""
        arrays = self.store.load("decode")
        if arrays is None:
            return None
        report: dict[str, Any] = json_value(arrays["report"].tobytes())
        return report

    def keep_decode(self, report: dict[str, Any]) -> None:
        """Save a decode report."""
        if self.warnings:
            return
        try:
            text = np.frombuffer(json.dumps(report).encode(), dtype=np.uint8)
            self.store.save("decode", {"report": text})
        except OutputError as error:
            self.warnings.append(f"nothing is cached: {error}")


@dataclass
class WindowCache(ReportCache):
    """Save tables in segments of :data:`SEGMENT` windows and restore them.

    A segment also holds what the tracker knew before the next window: a resumed pass gives the
    same numbers as one that was never interrupted.
    """

    tables: Tables

    def restore(self, plan: Plan, tracker: FaceTracker) -> int:
        """Fill in the tables and the tracker; return the first window still to be done."""
        done = 0
        while done < plan.count:
            end = min(done + SEGMENT, plan.count)
            arrays = self.store.load(f"{done:06d}")
            if arrays is None:
                break
            for name, rows in rows_of(plan, self.tables, done, end).items():
                table_of(self.tables, name)[rows] = arrays[name]
            tracker.restore(json_value(arrays["tracker"].tobytes()))
            done = end
        return done

    def keep(self, work: Pass, window: int) -> None:
        """Save a segment if ``window`` is its last; windows arrive in order."""
        end, count = window + 1, work.plan.count
        if (end % SEGMENT and end != count) or self.warnings:
            return
        first = (window // SEGMENT) * SEGMENT
        rows = rows_of(work.plan, self.tables, first, end)
        arrays: dict[str, npt.NDArray[Any]] = {
            name: table_of(self.tables, name)[where] for name, where in rows.items()
        }
        state = work.states.get(end) or work.tracker.state()
        arrays["tracker"] = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
        try:
            self.store.save(f"{first:06d}", arrays)
        except OutputError as error:
            self.warnings.append(f"nothing is cached: {error}")


def table_of(tables: Tables, name: str) -> npt.NDArray[Any]:
    """Return a table by its name."""
    owner = tables.close if name in BY_HOP else tables
    table: npt.NDArray[Any] = getattr(owner, name)
    return table


def rows_of(plan: Plan, tables: Tables, first: int, end: int) -> dict[str, slice]:
    """Return which rows of each table belong to windows from ``first`` to before ``end``."""
    hop, last = plan.timing.hop, end == plan.count
    windows = slice(first, end)
    rows = dict.fromkeys(BY_WINDOW, windows)
    if last:
        rows["looks"] = slice(first, end + 2)
    start = (first + 1) * hop if first else 0
    if tables.close is not None:
        stop = plan.used if last else end * hop
        rows |= dict.fromkeys(BY_HOP, slice(first * hop, stop))
    return rows | dict.fromkeys(
        BY_POSITION, slice(start, plan.used if last else (end + 1) * hop)
    )


__getattr__ = renamed(__name__, {"Keeper": "mescope.motion.window_cache.WindowCache"})
