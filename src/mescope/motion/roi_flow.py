"""From a recording to the motion of facial regions, window by window.

Source: the paper of ME-TST+, the code of ME-TST, and the codes of Qin and of He Yuhong that it
descends from.  ``clean`` differs from ``as_published`` in the
boxes (see :mod:`mescope.motion.regions`), in the crop that follows the head (see
:mod:`mescope.face.crop`), and in what happens without a face: landmarks are borrowed from
at most one hop away and only across gaps of at most one hop, and whatever is not seen is marked
as such.  Frames after a scene cut inside a window are marked too.  A change of light between
reference and frame looks like motion to the flow in both modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mescope.face.box import CROP_SIZE, Mode
from mescope.face.choice import FaceChoice, moment_of
from mescope.face.detector import FaceFinder, FaceTracker
from mescope.face.following import follower
from mescope.face.landmark_tables import LandmarkTable, TableTracker
from mescope.face.landmark_track import CloseUps
from mescope.face.visibility import visible
from mescope.io.cache import Store
from mescope.io.cores import cores
from mescope.io.progress import Progress
from mescope.motion.flow_warnings import flow_warnings
from mescope.motion.head_motion import Head, steady
from mescope.motion.regions import REGIONS_18, Reference, Region, Shares
from mescope.motion.roi_pass import Pass, Tables, read_looks, step_of
from mescope.motion.roi_published import LatePass, PublishedPass
from mescope.motion.roi_window import window_flow
from mescope.motion.window_cache import ReportCache, WindowCache
from mescope.motion.windows import Overlap, Plan, Timing, plan, timing
from mescope.video.reading import Video, open_video

__all__ = ["RoiFlow", "Timing", "extract", "timing"]

VERSIONS: dict[Mode, int] = {"clean": 4, "as_published": 3}
"""Raised whenever the same input would give other numbers; part of the cache key."""


@dataclass(frozen=True)
class RoiFlow:
    """Motion of R facial regions in W windows of k frames.

    Attributes:
        windows: (W, 2R, k) float32, region-major, x then y, px of the 320-px face crop,
            relative to the window's first frame; motion of the head removed; 0 where not valid.
        timing: window, hop, step and rate.
        frames: (n,) int64 native frame number of every decimated frame, n >= (W + 1) * hop.
            Position i of window j is ``frames[j * hop + i]``.
        times: (n,) float64 seconds of these frames.
        valid: (W, k) bool; False where there was no face, no frame, or another scene.
        boxes: (W, 4) float32 left, top, right, bottom of each window's face crop in the raw
            frame; nan where the window has no face.
        landmarks: (W, 68, 2) float32 x, y in the raw frame; nan where the window has no face.
        regions: names of the R regions.
        mode: ``clean`` or ``as_published``.
        parameters: everything that decided the numbers, and the counts ``tail_frames`` (not
            covered by a window), ``missing_frames`` (not decoded) and ``dropped_vectors``
            (nonsense, set to 0).
        warnings: one line each.
        padded: how many of the last entries of ``frames`` only repeat the last frame, to fill
            the last window (``clean``).
        decode: the decode report of the pass that measured all this.
        cuts: (n,) bool, the first frames of other scenes; None where none are known.
        close: landmarks, eyes and light of single frames (``clean``; nan and 0 elsewhere): see
            :class:`~mescope.face.landmark_track.CloseUps`.  Some frames are left out.
    """

    windows: npt.NDArray[np.float32]
    timing: Timing
    frames: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    valid: npt.NDArray[np.bool_]
    boxes: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float32]
    regions: tuple[str, ...]
    mode: str
    parameters: dict[str, Any]
    warnings: tuple[str, ...]
    padded: int = 0
    decode: dict[str, Any] = field(default_factory=dict)
    close: CloseUps | None = None
    cuts: npt.NDArray[np.bool_] | None = None

    @property
    def points(self) -> npt.NDArray[np.float32]:
        """Return (n, 68, 2) landmarks x, y of single frames, raw px; nan where not measured."""
        if self.close is None:
            return np.full(((len(self.windows) + 1) * self.timing.hop, 68, 2), np.nan, "f4")
        return self.close.points


def extract(
    video: Video | str | Path | npt.NDArray[np.uint8],
    *,
    rate: float | None = None,
    regions: Sequence[Region] = REGIONS_18,
    mode: Mode = "clean",
    timing: Timing | None = None,
    roi_percent: Shares = "default",
    reference: Reference = "walk",
    head: Head = "face",
    overlap: Overlap = "full",
    face: FaceChoice = "largest",
    finder: FaceFinder | None = None,
    landmarks: LandmarkTable | str | Path | None = None,
    jobs: int | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> RoiFlow:
    """Measure how the regions of a face move.

    Args:
        video: an open recording, a file, a folder of numbered pictures, or an array of frames
            (n, h, w) grey or (n, h, w, 3) RGB, uint8.
        rate: frames per second of pictures and arrays, which have no times.
        regions: which regions; :data:`~mescope.motion.regions.REGIONS_5` for ME-TST.
        mode: ``clean`` (our corrections) or ``as_published`` (bug for bug).
        timing: windows; by default those of :func:`timing` for the recording's rate.
        roi_percent: which share of a region's vectors is averaged, a name of
            :data:`~mescope.motion.regions.SHARES`; ``me-tst-plus`` for that network.
        reference: without a face in a window's first frame, in mode ``as_published``: ``walk``
            of ME-TST, or ``late`` of ME-TST+ (:mod:`mescope.motion.roi_published`).
        head: what is taken for the motion of the head in ``clean`` mode: that of the whole
            ``face`` (:mod:`mescope.motion.head_motion`), or the shift of the ``nose`` alone, as
            published and as weights of version 0.1.0 expect.
        overlap: every frame but those at the ends lies in two windows.  ``full``: both measure
            it, as a network that sees windows needs it.  ``thin`` (``clean`` mode only): where
            the older window did, the younger one measures every second frame and joins them by
            straight lines; enough for a chain of windows
            (:mod:`mescope.spotting.displacement`), which believes the older one
            unless the two disagree, at three quarters of the work.
        face: ``"largest"``, ``"central"``, an index from left to right, a point or a time; see
            :data:`mescope.face.choice.FaceChoice`.
        finder: face detector; dlib by default.
        landmarks: in place of a detector, for ``clean`` mode: the result table of OpenFace,
            py-feat or MediaPipe for this recording (:mod:`mescope.face.landmark_tables`).
        jobs: threads; by default one per core that this process may use.
        cache: folder that keeps results and the state of interrupted work (see
            :func:`mescope.io.cache.default_cache`); None keeps nothing.  Not used with a
            ``finder`` of your own.
        progress: called with (windows done, windows in all).

    Returns:
        Also for a recording without a face: nothing valid, and a warning.

    Raises:
        VideoError: the recording is shorter than a window.
        FaceError: ``face`` is no choice, the landmark model is not installed, or ``landmarks``
            is no table of this recording.

    Example:
        >>> flow = extract(np.zeros((60, 64, 64), np.uint8), rate=30)  # two seconds of nothing
        >>> flow.windows.shape  # windows, x and y of 18 regions, frames
        (2, 36, 50)
        >>> flow.warnings[-1]
        'no face was found in the whole recording'
    """
    if isinstance(video, str | Path | np.ndarray):
        video = open_video(video, rate=rate)
    planned = plan(video, timing, mode)
    tables = Tables.empty(planned, len(regions), close=mode == "clean")
    tracker = follower(video, finder, landmarks, face, mode)
    parameters = parameters_of(planned, regions, mode, roi_percent, reference, tracker.face)
    parameters |= _how_followed(tracker, video, mode)
    thin = overlap == "thin" and mode == "clean"
    if thin:
        parameters["overlap"] = overlap
    keeper = None
    if cache is not None and finder is None:  # what another finder does has no name to key by
        keeper = WindowCache(Store(cache, parameters | {"video": video.fingerprint()}), tables)
    work = _kind(mode, reference)(
        plan=planned,
        tables=tables,
        tracker=tracker,
        worker=window_flow,
        regions=regions,
        shares=roi_percent,
        jobs=jobs or cores(),
        first_window=keeper.restore(planned, tracker) if keeper else 0,
        mode=mode,
        thin=thin,
    )
    _run(work, video, keeper, progress)
    decode = decode_report_of(video, planned, work.first_window, keeper)
    notes = [*tracker.warnings, *(keeper.warnings if keeper else ())]
    if mode == "clean":  # after the cache: what is kept serves both kinds of weights
        parameters |= {"head": head}
        if head == "face":
            names = [region.name for region in regions]
            tables.values = steady(tables.values, tables.boxes, tables.landmarks, names)
    parameters |= moment_of(face)  # after the cache, too: there the place says it
    return result_of(planned, tables, regions, mode, parameters, notes, decode)


def _how_followed(tracker: FaceTracker, video: Video, mode: Mode) -> dict[str, Any]:
    """Return what of following the face decides the numbers, beside the choice of it."""
    if not isinstance(tracker, TableTracker):
        # Earlier versions passed over small faces.
        small = tracker.face != "largest" and mode == "clean"
        return {"search": "small faces too"} if small else {}
    told = [tracker.table.source, tracker.table.digest]
    if video.stored_size != (video.width, video.height):  # earlier versions did not scale
        told.append(f"px of {video.stored_size}")
    return {"landmarks": told}


def _run(
    work: Pass,
    video: Video,
    keeper: WindowCache | None,
    progress: Progress | None,
) -> None:
    """Measure the windows that are missing; keep and report each when it is done."""
    count = work.plan.count

    def finished(window: int) -> None:
        if keeper is not None:
            keeper.keep(work, window)
        if progress is not None:
            progress(window + 1, count)

    work.done = finished
    if progress is not None and work.first_window:
        progress(work.first_window, count)
    if work.first_window < count:
        work.run(video)


def decode_report_of(
    video: Video, planned: Plan, first_window: int, keeper: ReportCache | None
) -> dict[str, Any]:
    """Return the report on the whole recording, also where work was cached or resumed."""
    if keeper is not None and first_window >= planned.count:
        known = keeper.decode()
        if known is not None:
            video.recall(known)  # the warnings of that run are this one's, too
            return known
    if first_window:  # this run decoded a part at most
        video.look_through(step_of(planned))
    report = video.report.to_dict()
    if keeper is not None:
        keeper.keep_decode(report)
    return report


def _kind(mode: Mode, reference: Reference) -> type[Pass]:
    """Return the pass that treats frames without a face as chosen."""
    if mode == "clean":
        return Pass
    return LatePass if reference == "late" else PublishedPass


def parameters_of(
    planned: Plan,
    regions: Sequence[Region],
    mode: Mode,
    shares: Shares,
    reference: Reference,
    face: FaceChoice,
) -> dict[str, Any]:
    """Return everything that decides the numbers, for the key of the cache and for readers."""
    chosen = planned.timing
    found = {
        "version": VERSIONS[mode],
        "mode": mode,
        "regions": {r.name: r.share(shares) for r in regions},
        "crop_size": CROP_SIZE,
        "window": chosen.window,
        "hop": chosen.hop,
        "step": chosen.step,
        "rate": chosen.rate,
        "face": face,
        "frames": [int(planned.frames[0]), int(planned.frames[-1]), len(planned.frames)],
    }
    if planned.pauses:
        found["pauses"] = [int(planned.frames[position]) for position in planned.pauses]
    if _kind(mode, reference) is LatePass:
        found["reference"] = reference
    return found


def result_of(
    planned: Plan,
    tables: Tables,
    regions: Sequence[Region],
    mode: Mode,
    parameters: dict[str, Any],
    warnings: Sequence[str],
    decode: dict[str, Any],
    *,
    told: bool = True,
) -> RoiFlow:
    """Return what was measured; ``told``: say where the face may be another person's."""
    valid = _valid(planned, tables, mode)
    if tables.close is not None:
        tables.close.forget(~_seen(planned, tables))
    tables.values *= valid[:, None, :]
    parameters |= {
        "tail_frames": len(planned.frames) - planned.used,
        "missing_frames": int((~tables.present[: planned.real]).sum()),
        "dropped_vectors": int(tables.dropped.sum()),
    }
    return RoiFlow(
        windows=tables.values,
        timing=planned.timing,
        frames=planned.frames,
        times=planned.times,
        valid=valid,
        boxes=tables.boxes,
        landmarks=tables.landmarks,
        regions=tuple(region.name for region in regions),
        mode=mode,
        parameters=parameters,
        warnings=(*planned.warnings, *warnings, *flow_warnings(planned, tables, valid, told)),
        padded=planned.padded,
        decode=decode,
        close=tables.close,
        cuts=tables.cuts,
    )


def _seen(planned: Plan, tables: Tables) -> npt.NDArray[np.bool_]:
    """Return (n,): frames that are there and show the face."""
    return visible(read_looks(tables.looks), planned.used, planned.timing.hop) & tables.present


def _valid(planned: Plan, tables: Tables, mode: Mode) -> npt.NDArray[np.bool_]:
    """Return (W, k): the face is there, the frame too, and no cut since the reference frame."""
    window, hop = planned.timing.window, planned.timing.hop
    if mode == "as_published":  # the published code believes every window with a face
        return np.repeat(tables.reference[:, None] >= 0, window, axis=1)
    seen = _seen(planned, tables)
    scene = np.cumsum(tables.cuts)
    valid = np.zeros((planned.count, window), dtype=bool)
    for j, reference in enumerate(tables.reference):
        span = slice(j * hop, j * hop + window)
        if reference >= 0 and seen[reference]:
            valid[j] = seen[span] & (scene[span] == scene[reference])
            # Where a window begins with a scene, nothing else parts it from the one before.
            valid[j, reference - j * hop] &= not tables.cuts[reference]
    return valid
