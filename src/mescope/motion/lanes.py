"""One pass over a recording for all its faces: decoded once, measured once for each of them.

A lane is a :class:`~mescope.motion.roi_pass.Pass` of its own with a tracker of one row
(:mod:`mescope.face.several`); all lanes share the frames.  In a lane one face after the other
may be followed.  There are as many lanes as faces were seen at a time, so memory grows with
that number, not with how often somebody comes and goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2

from mescope.face.detector import FaceFinder, FaceTracker
from mescope.face.several import FaceRow, RowTracker
from mescope.io.progress import Progress
from mescope.motion.lane_cache import LaneCache
from mescope.motion.regions import Region, Shares
from mescope.motion.roi_pass import Pass, Tables, WindowWorker, joints_of, positions
from mescope.motion.windows import Plan

if TYPE_CHECKING:
    from mescope.video.reading import Video

ENLARGED_EVERY = 2  # looks between two searches for small faces


@dataclass
class Lanes:
    """The lanes of a recording while it is measured, and when it was.

    ``base`` keeps the frames and finds the cuts of the whole picture; it follows nobody.
    """

    plan: Plan
    finder: FaceFinder
    worker: WindowWorker
    regions: Sequence[Region]
    shares: Shares
    jobs: int
    thin: bool = False
    cache: LaneCache | None = None
    progress: Progress | None = None
    first_window: int = 0
    lanes: list[Pass] = field(default_factory=list)
    states: dict[int, dict[str, Any]] = field(default_factory=dict)
    _told: int = 0

    def __post_init__(self) -> None:
        self.row = FaceRow(self.finder)
        # Without regions its tables are empty but for what is there and where scenes are cut.
        self.base = self._pass(Tables.empty(self.plan, 0), FaceTracker(self.finder))

    def run(self, video: Video) -> None:
        """Measure every face; what the cache has of it is not measured again."""
        if self.cache is not None:
            self._restore(self.cache)
        if self.first_window >= self.plan.count:
            return
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # as in a pass over one face
        try:
            with ThreadPoolExecutor(self.jobs + 1) as pool:
                self._run(video, pool)
        finally:
            cv2.setNumThreads(threads)

    def _run(self, video: Video, pool: ThreadPoolExecutor) -> None:
        plan, hop = self.plan, self.plan.timing.hop
        self.base.joints = joints_of(video, plan)
        ready = self.first_window
        for lane in self.lanes:
            lane.joints = self.base.joints
        for position, grey in positions(video, plan, max(0, (ready - 1) * hop)):
            while ready < plan.count and position >= (ready + 2) * hop:
                self._start(ready, pool)
                ready += 1
            last = self.base.newest()
            for lane in self.lanes:
                lane.note_frame(position, last, grey)
            self.base.take(position, grey, ready)
        for window in range(ready, plan.count):
            self._start(window, pool)
        for look in (plan.count, plan.count + 1):
            self._look(look, min(look * hop, plan.real - 1))
        for lane in self.lanes:
            lane.finish(pool)
        self._finished(plan.count)

    def _start(self, window: int, pool: ThreadPoolExecutor) -> None:
        """Give faces to the lanes and have each measure the window."""
        self.states[window] = self._state()
        at = window * self.plan.timing.hop
        where = self.base.first_usable(at)
        self._look(window, where if where >= 0 else at)
        for lane in self.lanes:
            lane.start(window, pool)
        self._finished(window - self.jobs)

    def _look(self, look: int, at: int) -> None:
        """Look for every face, once for all lanes."""
        if not self.base.usable(at):
            return
        before = (look - 1) * self.plan.timing.hop
        for lane, tracker in zip(self.lanes, self.row.trackers, strict=True):
            if not lane.connected(max(before, 0), at):
                tracker.rest()
        fresh = not self.base.connected(max(before, 0), at)
        enlarged = fresh or look % ENLARGED_EVERY == 0
        number, grey = int(self.plan.frames[at]), self.base.frames[at]
        for tracker in self.row.look(number, grey, enlarged=enlarged):
            self._add(tracker, at)

    def _add(self, tracker: RowTracker, at: int) -> None:
        """Begin a lane whose face is first seen here."""
        lane = self._lane(tracker)
        ahead = sorted(p for p in self.base.frames if p >= at)
        for last, position in pairwise(ahead):
            lane.note_frame(position, last, self.base.frames[position])

    def _lane(self, tracker: RowTracker) -> Pass:
        tables = Tables.empty(self.plan, len(self.regions), close=True)
        tables.present = self.base.tables.present  # the same for all
        tables.looks[:, 1] = 0
        lane = self._pass(tables, tracker)
        lane.frames, lane.joints = self.base.frames, self.base.joints
        self.lanes.append(lane)
        return lane

    def _pass(self, tables: Tables, tracker: FaceTracker) -> Pass:
        return Pass(
            plan=self.plan, tables=tables, tracker=tracker, worker=self.worker,
            regions=self.regions, shares=self.shares, jobs=self.jobs, thin=self.thin,
        )  # fmt: skip

    # -- what is done is told and kept ---------------------------------------------------

    def _finished(self, done: int) -> None:
        """Note that all lanes have measured the windows before ``done``."""
        for window in range(max(self._told, self.first_window), done):
            if self.cache is not None:
                state = self.states.get(window + 1) or self._state()
                self.cache.keep(self.base.tables, self._tables(), window, state)
            self.states.pop(window, None)
            if self.progress is not None:
                self.progress(window + 1, self.plan.count)
        self._told = max(self._told, done)

    def _tables(self) -> list[Tables]:
        return [lane.tables for lane in self.lanes]

    def _state(self) -> dict[str, Any]:
        return {"row": self.row.state(), "left_out": self.row.left_out}

    def _restore(self, cache: LaneCache) -> None:
        state = cache.restore(self.base.tables, self._restored)
        self.first_window = self._told = self.base.first_window = cache.done
        for lane in self.lanes:
            lane.first_window = cache.done
        if state is not None:
            self.row.left_out = int(state["left_out"])
        if self.progress is not None and cache.done:
            self.progress(cache.done, self.plan.count)

    def _restored(self, state: dict[str, Any]) -> list[Tables]:
        """Make lanes for the trackers of a state that the cache kept."""
        self.row.restore(state["row"])
        for number, tracker in enumerate(self.row.trackers):
            if number < len(self.lanes):
                self.lanes[number].tracker = tracker
            else:
                self._lane(tracker)
        return self._tables()
