"""Keep the finished windows of all lanes, so that interrupted work goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mescope.errors import OutputError
from mescope.io.json_text import json_value
from mescope.motion.roi_pass import Tables
from mescope.motion.window_cache import BY_POSITION, SEGMENT, ReportCache, rows_of, table_of
from mescope.motion.windows import Plan

State = dict[str, Any]


@dataclass
class LaneCache(ReportCache):
    """Saves the tables of lanes in segments of windows, and restores them.

    A segment also holds what the trackers knew before the next window.  ``done`` windows were
    restored.
    """

    plan: Plan
    done: int = 0

    def keep(self, base: Tables, lanes: Sequence[Tables], window: int, state: State) -> None:
        """Save a segment if ``window`` is its last.

        Args:
            base: what is there, and the cuts of the whole picture.
            lanes: the tables of every lane.
            window: one that all lanes have measured; windows arrive in order.
            state: what is known before the next window.
        """
        end, count = window + 1, self.plan.count
        if (end % SEGMENT and end != count) or self.warnings:
            return
        first = (window // SEGMENT) * SEGMENT
        found: dict[str, npt.NDArray[Any]] = {"state": _packed(state)}
        for name, rows in rows_of(self.plan, base, first, end).items():
            if name in BY_POSITION:
                found[f"base.{name}"] = table_of(base, name)[rows]
        for number, tables in enumerate(lanes):
            for name, rows in rows_of(self.plan, tables, first, end).items():
                found[f"{number}.{name}"] = table_of(tables, name)[rows]
        try:
            self.store.save(f"{first:06d}", found)
        except OutputError as error:
            self.warnings.append(f"nothing is cached: {error}")

    def restore(
        self, base: Tables, lanes_of: Callable[[State], Sequence[Tables]]
    ) -> State | None:
        """Fill in the tables; ``done`` says how many windows need no more work.

        Args:
            base: as in :meth:`keep`.
            lanes_of: makes the lanes that a state tells of and returns the tables of all.

        Returns:
            What was known before the next window; None where nothing is kept.
        """
        state: State | None = None
        while self.done < self.plan.count:
            end = min(self.done + SEGMENT, self.plan.count)
            kept = self.store.load(f"{self.done:06d}")
            if kept is None:
                break
            known: State = json_value(kept["state"].tobytes())
            state = known
            for name, rows in rows_of(self.plan, base, self.done, end).items():
                if name in BY_POSITION:
                    table_of(base, name)[rows] = kept[f"base.{name}"]
            for number, tables in enumerate(lanes_of(known)):
                for name, rows in rows_of(self.plan, tables, self.done, end).items():
                    if f"{number}.{name}" in kept:
                        table_of(tables, name)[rows] = kept[f"{number}.{name}"]
            self.done = end
        return state


def _packed(state: State) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
