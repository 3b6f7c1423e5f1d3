"""Motion of every face of a recording: one pass for all lanes, then one result for each face.

Design: ``docs/decisions/0013-several-faces.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mescope.face.detector import FaceFinder, default_finder
from mescope.face.people import FaceAnswers, FaceDoubt, names_of, people
from mescope.face.several import MOST_FACES
from mescope.face.stretches import LaneLooks, Stretch, stretches
from mescope.face.visibility import visible
from mescope.io.cache import Store
from mescope.io.cores import cores
from mescope.io.progress import Progress
from mescope.motion.head_motion import Head, steady
from mescope.motion.lane_cache import LaneCache
from mescope.motion.lanes import Lanes
from mescope.motion.regions import REGIONS_18, Region
from mescope.motion.roi_flow import RoiFlow, decode_report_of, parameters_of, result_of
from mescope.motion.roi_pass import Tables, read_looks
from mescope.motion.roi_window import window_flow
from mescope.motion.windows import SHORTEST, Overlap, Plan, Timing, plan
from mescope.video.reading import Video

ALL = "all"
"""The choice of face that stands for every face."""


@dataclass(frozen=True)
class FaceFlow:
    """One face: its name, where it was followed, and how its regions moved."""

    name: str
    stretches: tuple[Stretch, ...]
    flow: RoiFlow


@dataclass(frozen=True)
class FacesFlow:
    """All faces of a recording in order of their appearance, then from left to right.

    Without a face there is one entry that has no stretch, and in which nothing is valid.
    ``doubts`` are pairs of stretches that may be one person's; ``warnings`` one line each.
    """

    faces: tuple[FaceFlow, ...]
    doubts: tuple[FaceDoubt, ...] = ()
    warnings: tuple[str, ...] = ()


def extract_faces(
    video: Video,
    *,
    regions: Sequence[Region] = REGIONS_18,
    timing: Timing | None = None,
    head: Head = "face",
    overlap: Overlap = "full",
    finder: FaceFinder | None = None,
    answers: FaceAnswers | None = None,
    jobs: int | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> FacesFlow:
    """Measure how the regions of every face move, in ``clean`` mode; decodes once.

    Up to :data:`~mescope.face.several.MOST_FACES` faces are followed at a time.  A face that is
    seen for less than half a second is left out.

    Args:
        video: an open recording.
        regions: which regions.
        timing: windows, see :func:`mescope.motion.roi_flow.extract`.
        head: likewise.
        overlap: likewise.
        finder: face detector; dlib by default.
        answers: what a person said about who is who.
        jobs: threads; by default one per core that this process may use.
        cache: folder that keeps results and the state of interrupted work; None keeps nothing.
        progress: called with (windows done, windows in all).

    Raises:
        VideoError: the recording is shorter than a window.
        FaceError: the landmark model is not installed.
    """
    planned = plan(video, timing, "clean")
    thin = overlap == "thin"
    parameters = parameters_of(planned, regions, "clean", "default", "walk", ALL)
    parameters |= {"overlap": overlap} if thin else {}
    keeper = None
    if cache is not None and finder is None:  # what another finder does has no name to key by
        store = Store(cache, parameters | {"video": video.fingerprint(), "most": MOST_FACES})
        keeper = LaneCache(store, planned)
    lanes = Lanes(
        plan=planned, finder=finder or default_finder(), worker=window_flow, regions=regions,
        shares="default", jobs=jobs or cores(), thin=thin, cache=keeper, progress=progress,
    )  # fmt: skip
    lanes.run(video)
    decode = decode_report_of(video, planned, lanes.first_window, keeper)
    found = _Measured(lanes, tuple(regions), head, parameters, decode)
    result = found.faces(answers)
    return result if keeper is None else _told(result, keeper.warnings)


def _told(result: FacesFlow, warnings: Sequence[str]) -> FacesFlow:
    return replace(result, warnings=(*result.warnings, *warnings))


@dataclass
class _Measured:
    """What was measured in all lanes, to be put together face by face."""

    lanes: Lanes
    regions: tuple[Region, ...]
    head: Head
    parameters: dict[str, Any]
    decode: dict[str, Any]

    @property
    def plan(self) -> Plan:
        return self.lanes.plan

    def faces(self, answers: FaceAnswers | None) -> FacesFlow:
        """Say who is who, and put the result of each together."""
        hop = self.plan.timing.hop
        frames = self.plan.frames[: self.plan.count * hop : hop]
        cuts = answers.cuts if answers else ()
        every = stretches(self._looks(), frames, cuts)
        long = [one for one in every if self._shown(one) >= min(SHORTEST, hop)]
        scene = np.cumsum(self.lanes.base.tables.cuts, dtype=np.int64)
        who = people(long, scene[: self.plan.count * hop : hop], answers)
        names = names_of(who.faces, answers)
        faces = [
            FaceFlow(name, face, self._flow(face))
            for name, face in zip(names, who.faces, strict=True)
        ]
        return FacesFlow(
            faces=tuple(faces or [FaceFlow("no face", (), self._flow(()))]),
            doubts=who.doubts,
            warnings=(*who.warnings, *self._left_out(len(every) - len(long))),
        )

    def _left_out(self, short: int) -> list[str]:
        lines = []
        if short:
            faces, were = ("1 face", "was") if short == 1 else (f"{short} faces", "were")
            lines.append(f"{faces} seen for less than half a second {were} left out")
        if more := self.lanes.row.left_out:
            lines.append(
                f"of more than {MOST_FACES} faces at a time the {MOST_FACES} largest are "
                f"followed; up to {more} were left out"
            )
        return lines

    def _looks(self) -> list[LaneLooks]:
        """Return what each lane saw."""
        found = []
        for lane, tracker in zip(self.lanes.lanes, self.lanes.row.trackers, strict=True):
            tables = lane.tables
            scene = np.cumsum(tables.cuts, dtype=np.int64)[np.maximum(tables.reference, 0)]
            begun = frozenset(self._look_of(frame) for frame in tracker.begun)
            found.append(LaneLooks(landmarks=tables.landmarks, scene=scene, begun=begun))
        return found

    def _look_of(self, frame: int) -> int:
        """Return the look that saw a native frame."""
        at = int(np.searchsorted(self.plan.frames[: self.plan.real], frame))
        return at // self.plan.timing.hop

    def _shown(self, one: Stretch) -> int:
        """Return in how many decimated frames a stretch shows its face."""
        tables = self._tables((one,))
        hop = self.plan.timing.hop
        seen = visible(read_looks(tables.looks), self.plan.used, hop)
        return int((seen & tables.present).sum())

    def _flow(self, face: Sequence[Stretch]) -> RoiFlow:
        tables = self._tables(face)
        if self.head == "face":
            names = [region.name for region in self.regions]
            tables.values = steady(tables.values, tables.boxes, tables.landmarks, names)
        parameters = self.parameters | {"head": self.head}
        return result_of(
            self.plan, tables, self.regions, "clean", parameters, (), dict(self.decode),
            told=False,
        )  # fmt: skip

    def _tables(self, face: Sequence[Stretch]) -> Tables:
        """Return the tables of one face, put together from its stretches."""
        base, planned = self.lanes.base.tables, self.plan
        out = Tables.empty(planned, len(self.regions), close=True)
        out.present, out.cuts = base.present, base.cuts.copy()
        ends = np.minimum(np.arange(planned.count + 2) * planned.timing.hop, planned.real - 1)
        out.looks[:, 0], out.looks[:, 1] = ends, 0
        for one in face:
            _copy(self.lanes.lanes[one.lane].tables, out, one, planned)
            self._copy_looks(one, out.looks)
        return out

    def _copy_looks(self, one: Stretch, out: npt.NDArray[np.int64]) -> None:
        """Copy what was seen in a stretch, and when the face came and went."""
        tables = self.lanes.lanes[one.lane].tables
        looks, after = tables.looks, one.last + 1
        out[one.first : after] = looks[one.first : after]
        if one.first and not looks[one.first - 1, 1] and not out[one.first - 1, 1]:
            out[one.first - 1, 3] = looks[one.first - 1, 3]
        begun = {self._look_of(frame) for frame in self.lanes.row.trackers[one.lane].begun}
        while after < len(looks):
            cut = _first_cut(tables.cuts, int(looks[one.last, 0]), int(looks[after, 0]))
            stays = looks[after, 1] and cut is None and after not in begun
            if stays and (after >= self.plan.count or tables.reference[after] < 0):
                out[after] = looks[after]  # seen, though no window could be measured
                after += 1
                continue
            if cut is not None:  # up to there the face was in the picture
                out[after, 2] = cut - 1
            elif not looks[after, 1]:
                out[after, 2] = looks[after, 2]
            return


def _copy(lane: Tables, out: Tables, one: Stretch, planned: Plan) -> None:
    """Copy what a lane measured in a stretch."""
    hop = planned.timing.hop
    rows = slice(one.first, one.last + 1)
    for name in ("values", "boxes", "landmarks", "reference", "dropped"):
        getattr(out, name)[rows] = getattr(lane, name)[rows]
    end = planned.used if one.last + 1 == planned.count else (one.last + 1) * hop
    covered = slice(one.first * hop, min(end + hop, planned.used))
    out.cuts[covered] |= lane.cuts[covered]
    if out.close is not None and lane.close is not None:
        hops = slice(one.first * hop, end)
        for name in ("points", "eyes", "light"):
            getattr(out.close, name)[hops] = getattr(lane.close, name)[hops]


def _first_cut(cuts: npt.NDArray[np.bool_], first: int, last: int) -> int | None:
    """Return the first cut after one position and up to another; None without one."""
    found = np.flatnonzero(cuts[first + 1 : last + 1])
    return first + 1 + int(found[0]) if len(found) else None
