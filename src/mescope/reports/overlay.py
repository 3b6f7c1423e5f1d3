"""A recording with what the analysis saw drawn on it: landmarks, regions, score, emotion.

One picture out for every picture in, at its own time, so frame numbers and a variable rate stay
what they are.  Pictures pass one by one: memory does not grow with the length.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mescope.errors import OutputError
from mescope.face.box import CROP_SIZE
from mescope.face.choice import FaceChoice
from mescope.face.landmark_tables import LandmarkTable
from mescope.io.atomic import refuse_source
from mescope.io.cache import default_cache
from mescope.io.progress import Progress
from mescope.motion.regions import REGIONS_18, place
from mescope.motion.roi_flow import RoiFlow, extract
from mescope.reports.overlay_paint import Painter
from mescope.synthesis.encode import FORMATS, write_video
from mescope.video.reading import open_video
from mescope.video.source import Picture, Video

if TYPE_CHECKING:
    from mescope.results import Analysis

Floats = npt.NDArray[np.float64]

_JUMP = 0.25  # of the face: further apart than that, two sightings are not one movement


def write_overlay(
    analysis: Analysis,
    source: str | Path,
    path: str | Path,
    *,
    start: float | None = None,
    end: float | None = None,
    rate: float | None = None,
    face: FaceChoice = "largest",
    landmarks: LandmarkTable | str | Path | None = None,
    jobs: int | None = None,
    cache: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write a video of ``source`` with the analysis drawn on it, and return ``path``.

    Args:
        analysis: of that recording, with the same ``start``, ``end``, ``rate`` and ``face``.
        source: the recording, as for the analysis.
        path: a name that ends in .mp4, .mov, .mkv or .avi; H.264, yuv420p.
        start: seconds; the video begins here, and its frame numbers stay the recording's.
        end: seconds; it ends here.
        rate: frames per second of a folder.
        face: whose landmarks.
        landmarks: the table of another program, if the analysis had one.
        jobs: threads, where the landmarks are not in the cache.
        cache: the folder of the analysis's cache, from which the landmarks come; by default
            the usual one.
        force: replace a file.
        progress: called with (frames done, frames in all).

    Raises:
        OutputError: the ending is unknown, the file exists, is the recording itself, or cannot
            be written.
        VideoError: the recording cannot be read.
    """
    path = Path(path)
    check_overlay(path, source, force)
    video = open_video(source, rate=rate, start=start, end=end)
    measured = analysis.provenance.get("parameters", {}).get("extraction", {})
    flow = extract(
        video, overlap=measured.get("overlap", "full"), face=face, landmarks=landmarks,
        jobs=jobs, cache=cache or default_cache(),
    )  # fmt: skip
    drawn = OverlayVideo(video, analysis, Sightings(flow), progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {path.parent}: {error.strerror}") from error
    write_video(drawn, path)
    return path


def check_overlay(path: Path, source: str | Path, force: bool) -> None:
    """Refuse a name that :func:`write_overlay` cannot or must not write.

    Raises:
        OutputError: see there.
    """
    if path.suffix.lower() not in FORMATS:
        raise OutputError(
            f"expected a name ending in {', '.join(FORMATS)}, found {path.name!r}"
        )
    if not os.path.lexists(path):
        return
    refuse_source(path, source)
    if not force:
        raise OutputError(f"{path} exists already and is kept; --force replaces it")


class Sightings:
    """Where landmarks and regions lie in any frame, between the windows that measured them."""

    def __init__(self, flow: RoiFlow) -> None:
        hop = flow.timing.hop
        count = len(flow.landmarks)
        self.at = flow.frames[np.arange(count) * hop]  # (W,) native frames
        self.reach = int(hop * flow.timing.step)  # frames that a sighting stands for
        shapes = [
            np.concatenate([points, region_corners(points, box)])
            for points, box in zip(flow.landmarks, flow.boxes, strict=True)
        ]
        self.shapes: Floats = np.array(shapes, float)  # (W, 68 + 2R, 2)
        self.regions = tuple(region.name for region in REGIONS_18)

    def shape(self, frame: int) -> Floats | None:
        """Return (68 + 2R, 2) x, y in px of the raw frame: the landmarks, then the top left and
        bottom right corner of every region; None where no face is known.
        """
        if not len(self.at):
            return None
        j = int(np.searchsorted(self.at, frame, side="right")) - 1
        if j < 0 or frame - self.at[j] > 2 * self.reach or np.isnan(self.shapes[j, 0, 0]):
            return None
        here: Floats = self.shapes[j]
        if j + 1 == len(self.at) or np.isnan(self.shapes[j + 1, 0, 0]):
            return here
        step = self.shapes[j + 1] - here
        size = float(np.ptp(here[:68, 0]))
        if np.abs(step[:68]).max() > _JUMP * size:  # another scene or face
            return here
        share = (frame - self.at[j]) / max(1, self.at[j + 1] - self.at[j])
        return np.asarray(here + share * step)


def region_corners(landmarks: npt.NDArray[np.float32], box: npt.NDArray[np.float32]) -> Floats:
    """Return (2R, 2) corners of the measured part of every region, px of the raw frame.

    Args:
        landmarks: (68, 2) in the raw frame, nan without a face.
        box: (4,) left, top, right, bottom of the face crop in the raw frame.
    """
    if np.isnan(landmarks).any() or np.isnan(box).any():
        return np.full((2 * len(REGIONS_18), 2), np.nan)
    origin, size = np.asarray(box[:2], float), np.asarray(box[2:] - box[:2], float)
    placed = place((landmarks - origin) * CROP_SIZE / size, REGIONS_18)
    corners = [corner for p in placed for corner in (p.inner[:2], p.inner[2:])]
    return np.asarray(np.array(corners, float) * size / CROP_SIZE + origin)


class OverlayVideo(Video):
    """The range of a recording with everything drawn on it; frames are numbered from 0."""

    def __init__(
        self,
        video: Video,
        analysis: Analysis,
        sightings: Sightings,
        progress: Progress | None = None,
    ) -> None:
        self._video, self._sightings, self._progress = video, sightings, progress
        self._painter = Painter(analysis, (video.width, video.height), sightings.regions)
        self.name, self.path = video.name, video.path
        self.width, self.height = self._painter.size
        self.rate, self.report, self.warnings = video.rate, video.report, video.warnings
        self._first = video.first_frame
        times = video.times[video.first_frame : video.last_frame + 1]
        self.times = times - times[0]
        self.first_frame, self.last_frame = 0, len(times) - 1

    def frames(
        self, *, grey: bool = False, step: int = 1, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """Yield numbers from the start of the range and pictures (H, W, 3) RGB; never grey."""
        if grey:
            raise ValueError("an overlay has colours; ask for grey=False")
        last = len(self) if stop is None else min(stop, len(self))
        first = self._first
        taken = self._video.frames(
            grey=False, step=step, start=start + first, stop=last + first
        )
        for index, picture in taken:
            yield index - first, self._draw(index, picture)
            if self._progress is not None:
                self._progress(index - first + 1, len(self))

    def read(self, indices: Sequence[int], *, grey: bool = False) -> dict[int, Picture]:
        """Return single pictures by their numbers from the start of the range."""
        wanted = [i + self._first for i in self._check_indices(indices)]
        found = self._video.read(wanted, grey=False)
        return {i - self._first: self._draw(i, picture) for i, picture in found.items()}

    def fingerprint(self) -> str:
        """Return the fingerprint of the recording, which is not that of the drawn pictures."""
        return self._video.fingerprint()

    def _draw(self, index: int, picture: Picture) -> Picture:
        second = float(self._video.times[index])
        return self._painter.draw(picture, index, second, self._sightings.shape(index))
