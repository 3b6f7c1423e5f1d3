"""One pass over a recording: frames in, flow of windows out, memory flat in the length.

The pass runs in the calling thread (decoding, looking for the face) and hands each window, and
each hop in which the face is followed, to a pool of threads; OpenCV and the compiled kernels
work without the interpreter lock, dlib holds it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from mescope.face.box import Mode
from mescope.face.crop import CroppedFace, crop_face
from mescope.face.detector import Face, FaceTracker, Grey, Landmarks
from mescope.face.landmark_track import CloseUps, LandmarkTrack
from mescope.face.visibility import STRIDE, Sighting
from mescope.motion.regions import Region, Shares
from mescope.motion.roi_flow_plain import WindowFlow
from mescope.motion.scene_cut import Thumbs
from mescope.motion.windows import Plan

if TYPE_CHECKING:
    from mescope.video.reading import Video

WHOLE_EVERY = 6  # looks between two searches of the whole frame (about five seconds)
THIN = 2  # frames: of those that two windows share the younger one measures every second

WindowWorker = Callable[..., WindowFlow]


@dataclass
class Tables:
    """What a pass fills in; everything is allocated once.

    ``values`` (W, 2R, k); ``boxes`` (W, 4) and ``landmarks`` (W, 68, 2), nan where no face;
    ``reference`` (W,) position of the reference frame, -1 where the window has none;
    ``looks`` (W + 2, 4) int64 the sightings (at, seen, before, after);
    ``present`` (n,) frames that were decoded; ``cuts`` (n,) first frames of new scenes;
    ``dropped`` (W,) vectors that were nonsense; ``close`` what single
    frames show of the face, None if not asked for.
    """

    values: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float32]
    reference: npt.NDArray[np.int64]
    looks: npt.NDArray[np.int64]
    present: npt.NDArray[np.bool_]
    cuts: npt.NDArray[np.bool_]
    dropped: npt.NDArray[np.int64]
    close: CloseUps | None = None

    @classmethod
    def empty(cls, plan: Plan, regions: int, *, close: bool = False) -> Tables:
        """Return tables of nothing."""
        count, window = plan.count, plan.timing.window
        return cls(
            values=np.zeros((count, 2 * regions, window), dtype=np.float32),
            boxes=np.full((count, 4), np.nan, dtype=np.float32),
            landmarks=np.full((count, 68, 2), np.nan, dtype=np.float32),
            reference=np.full(count, -1, dtype=np.int64),
            looks=np.full((count + 2, 4), -1, dtype=np.int64),
            present=np.zeros(plan.used, dtype=bool),
            cuts=np.zeros(plan.used, dtype=bool),
            dropped=np.zeros(count, dtype=np.int64),
            close=CloseUps.empty(plan.used) if close else None,
        )


@dataclass
class Pass:
    """The state of one pass.

    With ``thin``, of the frames that two windows share the younger one measures every
    :data:`THIN`-th only, and straight lines join those.

    ``states`` holds what the tracker knew before each window that is not yet collected, so that
    a pass which starts at a later window goes on exactly as this one.
    """

    plan: Plan
    tables: Tables
    tracker: FaceTracker
    worker: WindowWorker
    regions: Sequence[Region]
    shares: Shares
    jobs: int
    first_window: int = 0
    done: Callable[[int], None] | None = None
    mode: Mode = "clean"
    thin: bool = False
    states: dict[int, list[Any]] = field(default_factory=dict)
    frames: dict[int, Grey] = field(default_factory=dict)
    _thumbs: Thumbs = field(default_factory=Thumbs)
    joints: set[int] = field(default_factory=set)
    _running: deque[tuple[int, Future[WindowFlow], Future[None] | None]] = field(
        default_factory=deque
    )

    def run(self, video: Video) -> None:
        """Fill in the windows from ``first_window`` on; calls ``done(window)`` in order."""
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # one window per thread is faster than many threads per window
        try:
            # One thread more for what waits for dlib.
            with ThreadPoolExecutor(self.jobs + (self.tables.close is not None)) as pool:
                self._run(video, pool)
        finally:
            cv2.setNumThreads(threads)

    def _run(self, video: Video, pool: ThreadPoolExecutor) -> None:
        plan, hop = self.plan, self.plan.timing.hop
        self.joints = joints_of(video, plan)
        ready = self.first_window
        for position, grey in positions(video, plan, max(0, (ready - 1) * hop)):
            # A window is complete as soon as a frame after it arrives, decoded or not.
            while ready < plan.count and position >= (ready + 2) * hop:
                self.start(ready, pool)
                ready += 1
            self.take(position, grey, ready)
        for window in range(ready, plan.count):
            self.start(window, pool)
        self.finish(pool)

    def finish(self, pool: ThreadPoolExecutor) -> None:
        """Look at the end, and wait for all that was handed to the pool."""
        last = self.close(pool)
        if last is not None:
            last.result()  # before the last window, with which the last hop is kept
        while self._running:
            self.collect()

    def take(self, position: int, grey: Grey, ready: int) -> None:
        """Look at a frame for cuts and remember it; ``ready`` is the next window."""
        self.note_frame(position, self.newest(), grey)
        self._keep(position, grey, ready)

    def newest(self) -> int:
        """Return the position of the frame that came last; -1 without one."""
        return max(self.frames, default=-1)

    def note_frame(self, position: int, last: int, grey: Grey) -> None:
        """Note that a frame is there, and whether the scene is cut between it and the last.

        A joint whose own frame is damaged parts the frames around it all the same.
        """
        tables, before = self.tables, self.frames.get(last)
        # A resumed pass has the tables of earlier positions already.
        if self.first_window and position < (self.first_window + 1) * self.plan.timing.hop:
            return
        tables.present[position] = self.plan.near[position]
        if before is not None and before is not grey:
            cut = self._thumbs.cut(before, grey, self.tracker.last)
            joined = any(last < joint <= position for joint in self.joints)
            tables.cuts[position] = cut or joined

    def _keep(self, position: int, grey: Grey, ready: int) -> None:
        """Remember a frame, and forget those that no window and no look needs any more."""
        self.frames[position] = grey
        hop = self.plan.timing.hop
        oldest = (ready - 1) * hop
        for stale in [p for p in self.frames if p < oldest]:
            del self.frames[stale]

    def start(self, window: int, pool: ThreadPoolExecutor) -> None:
        """Look for the face of a window and hand the window to the pool."""
        hop = self.plan.timing.hop
        at = window * hop
        self.states[window] = self.tracker.state()
        reference = self.first_usable(at)
        sighting, face, where = self._look(window, reference if reference >= 0 else at)
        followed = self._follow(at, face, where, pool)
        crop = None
        if face is not None and reference >= 0 and self.connected(where, reference):
            seen_in = self.frames[where]
            crop = crop_face(seen_in, face.landmarks, self.tracker.finder, self.mode)
        if crop is None or not (sighting.seen or sighting.brief(hop)):
            task = no_flow(self.tables.values[window])
        else:
            self._note(window, reference, crop)
            images = self._images(at, reference)
            spared = self._spared(window, reference, images)
            task = pool.submit(self._work, images, self.frames[reference], crop, spared)
        self._running.append((window, task, followed))
        while len(self._running) > self.jobs + 1:
            self.collect()

    def _follow(
        self, at: int, face: Face | None, where: int, pool: ThreadPoolExecutor
    ) -> Future[None] | None:
        """Have the face measured in the frames of the hop that begins at ``at``."""
        last = min(at + self.plan.timing.hop, self.plan.real) - 1
        close = self.tables.close
        if close is None or face is None or not at <= where <= last:
            return None
        frames = {  # as they are now: the pass forgets them, and may find cuts in later ones
            position: self.frames[position]
            for position in range(at, last + 1)
            if self.usable(position) and self.connected(where, position)
        }
        track = LandmarkTrack(
            self.tracker.finder, self.plan.timing.rate, close,
            None if self.tracker.finder else self._known,
        )  # fmt: skip
        return pool.submit(track.follow, frames.get, where, at, last, face.landmarks)

    def _known(self, position: int, near: npt.NDArray[np.float32]) -> Landmarks | None:
        return self.tracker.known(int(self.plan.frames[position]), near)

    def _work(
        self,
        images: list[Grey | None],
        reference: Grey,
        crop: CroppedFace,
        spared: Sequence[int] = (),
    ) -> WindowFlow:
        result = self.worker(
            images, reference, crop, self.regions, mode=self.mode, shares=self.shares,
            spared=spared,
        )  # fmt: skip
        if spared:
            known = np.setdiff1d(np.arange(len(images)), spared)
            for row in result.values:
                row[spared] = np.interp(spared, known, row[known])
        return result

    def _spared(self, window: int, reference: int, images: list[Grey | None]) -> list[int]:
        """Return the frames of a window that the one before has measured, and this need not.

        They lie between two that this window measures.
        """
        before = int(self.tables.reference[window - 1]) if window else -1
        if not self.thin or before < 0 or not self.connected(before, reference):
            return []
        hop = self.plan.timing.hop
        spared: list[int] = []
        for first in range(0, hop, THIN):
            last = min(first + THIN, hop)
            if images[first] is not None and images[last] is not None:
                spared += range(first + 1, last)
        return spared

    def _images(self, at: int, reference: int) -> list[Grey | None]:
        """Return the window's frames up to the next scene cut; None where there is none."""
        end = at + self.plan.timing.window
        cuts = np.flatnonzero(self.tables.cuts[reference + 1 : end])
        stop = reference + 1 + int(cuts[0]) if len(cuts) else end
        return [
            self.frames[p] if reference <= p < stop and self.usable(p) else None
            for p in range(at, end)
        ]

    def first_usable(self, at: int) -> int:
        """Return the first frame of the hop from ``at`` on that is there; -1 without one."""
        hop = self.plan.timing.hop
        return next((p for p in range(at, at + hop) if self.usable(p)), -1)

    def usable(self, position: int) -> bool:
        """Say whether a frame is at hand and sound."""
        return position in self.frames and bool(self.tables.present[position])

    def connected(self, a: int, b: int) -> bool:
        """Say whether no scene cut lies between two positions."""
        return not self.tables.cuts[min(a, b) + 1 : max(a, b) + 1].any()

    def _look(self, look: int, at: int) -> tuple[Sighting, Face | None, int]:
        """Look for the face at ``at``, and around it where it is missing."""
        hop = self.plan.timing.hop
        before = self._sighting(look - 1)
        if before is not None and not self.connected(before.at, at):
            self.tracker.forget()  # another scene: choose the face anew
        face = self._see(at, whole=look % WHOLE_EVERY == 0)
        if face is not None:
            sighting, where = Sighting(at, True), at
        else:
            # If the last look found nothing from there to here, nothing is to be found.
            hopeless = before is not None and not before.seen and before.after < 0
            back, face_back = self._walk(at, -STRIDE, 0 if hopeless else hop)
            ahead, face_ahead = self._walk(at, STRIDE, hop)
            sighting = Sighting(at, False, back, ahead)
            nearer_back = face_ahead is None or (back >= 0 and at - back <= ahead - at)
            where, face = (back, face_back) if nearer_back else (ahead, face_ahead)
        self.tables.looks[look] = (at, sighting.seen, sighting.before, sighting.after)
        return sighting, face, where

    def _sighting(self, look: int) -> Sighting | None:
        return read_looks(self.tables.looks[look : look + 1])[0] if look >= 0 else None

    def _see(self, position: int, *, whole: bool = False, thorough: bool = True) -> Face | None:
        grey = self.frames.get(position)
        if grey is None or not self.tables.present[position]:
            return None
        number = int(self.plan.frames[position])
        return self.tracker.see(number, grey, whole=whole, thorough=thorough)

    def _walk(self, at: int, stride: int, reach: int) -> tuple[int, Face | None]:
        """Look at frames ever further from ``at``; return the first with the face, or -1."""
        for distance in range(STRIDE, reach, STRIDE):
            position = at + (distance if stride > 0 else -distance)
            face = self._see(position, thorough=False)
            if face is not None:
                return position, face
        return -1, None

    def close(self, pool: ThreadPoolExecutor) -> Future[None] | None:
        """Look at the ends of the last two hops, so that their frames have bounds."""
        followed = None
        for look in (self.plan.count, self.plan.count + 1):
            at = min(look * self.plan.timing.hop, self.plan.real - 1)
            _, face, where = self._look(look, at)
            if look == self.plan.count:
                followed = self._follow(at, face, where, pool)
        return followed

    def _note(self, window: int, reference: int, crop: CroppedFace) -> None:
        self.tables.reference[window] = reference
        self.tables.boxes[window] = crop.box
        self.tables.landmarks[window] = crop.raw

    def collect(self) -> None:
        """Wait for the oldest window that was handed to the pool, and enter it."""
        window, future, followed = self._running.popleft()
        result = future.result()
        if followed is not None:
            followed.result()
        self.tables.values[window] = result.values
        self.tables.dropped[window] = result.dropped
        if self.done is not None:
            self.done(window)
        self.states.pop(window, None)


def joints_of(video: Video, plan: Plan) -> set[int]:
    """Return where recordings were joined or paused: between, nothing is known, as in a cut."""
    return {*np.searchsorted(plan.frames, video.report.joints).tolist(), *plan.pauses}


def positions(video: Video, plan: Plan, start: int) -> Iterator[tuple[int, Grey]]:
    """Yield ``(position, grey)`` for the frames of ``plan`` from position ``start`` on.

    A native frame that stands for several ticks is yielded for each of them.
    """
    wanted = plan.frames[: plan.used]
    if start >= len(wanted):
        return
    # read on to the very end, so that the decode report covers the whole recording
    begin = int(wanted[start])
    for number, grey in video.frames(grey=True, step=step_of(plan), start=begin):
        low, high = np.searchsorted(wanted, [number, number + 1])
        for position in range(max(start, int(low)), int(high)):
            yield position, grey


def step_of(plan: Plan) -> int:
    """Return the step at which the recording is read for a plan."""
    regular = bool(np.all(np.diff(plan.frames[: plan.real]) == plan.timing.step))
    return plan.timing.step if regular else 1


def read_looks(looks: npt.NDArray[np.int64]) -> list[Sighting]:
    """Return the sightings that a table of looks holds."""
    return [Sighting(int(a), bool(s), int(b), int(c)) for a, s, b, c in looks]


def no_flow(like: npt.NDArray[np.float32]) -> Future[WindowFlow]:
    """Return the finished task of a window without a face."""
    future: Future[WindowFlow] = Future()
    future.set_result(WindowFlow(np.zeros_like(like), 0))
    return future
