"""Open any recording: a file, a folder of numbered pictures, or an array.

Every time comes from a frame's own time stamp; files are never opened by
address and never point at other files.  What is read, repaired and refused is
laid down in ``docs/decisions/0002-time-and-damaged-files.md``.

>>> import numpy as np
>>> video = open_video(np.zeros((90, 48, 64), np.uint8), rate=30)
>>> len(video), video.rate, [index for index, _ in video.frames(step=40)]
(90, 30.0, [0, 40, 80])
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mescope.errors import VideoError
from mescope.events import Recording
from mescope.video.arrays import ArrayVideo
from mescope.video.containers import local_path
from mescope.video.decode_report import DecodeReport
from mescope.video.files import FileVideo
from mescope.video.image_folders import FolderVideo
from mescope.video.picture_lists import SUFFIX, listed
from mescope.video.source import Picture, Policy, Video

__all__ = ["DecodeReport", "Picture", "Policy", "Video", "open_recording", "open_video"]


def open_video(
    source: str | Path | NDArray[np.uint8],
    *,
    rate: float | None = None,
    start: float | None = None,
    end: float | None = None,
    policy: Policy = "skip",
) -> Video:
    """Open a recording; its pictures are decoded when they are asked for.

    Args:
        source: a file that FFmpeg reads, a folder of numbered pictures or the file that tells
            its rate (:mod:`mescope.video.picture_lists`), or an array (n, H, W) grey or
            (n, H, W, 3) RGB of uint8.
        rate: frames per second.  Needed for folders and arrays, which have no time stamps.  For
            a file it replaces the rate of the time stamps and stretches all times alike: for
            high-speed recordings stored for slow replay.
        start: seconds after the first displayed frame; frame numbers stay those of the whole
            recording.
        end: seconds after the first displayed frame, included.
        policy: what to do about damage: ``"skip"`` leaves out the damaged frames and reports
            them, ``"fail"`` stops at the first.

    Raises:
        VideoError: not a local recording that can be decoded, or an empty range.
    """
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise VideoError(f"expected a rate above 0 frames/s, found {rate}")
    if policy not in ("skip", "fail"):
        raise VideoError(f"expected the policy 'skip' or 'fail', found {policy!r}")
    video = _open(source, rate, policy)
    if start is not None or end is not None:
        video._limit(start, end)
        video.report.frames = video.last_frame - video.first_frame + 1
    return video


def open_recording(recording: Recording) -> Video:
    """Open the video of a data set's record, a file or a folder of pictures.

    Raises:
        VideoError: it has none, or see :func:`open_video`.
    """
    if recording.path is None:
        raise VideoError(f"{recording.name}: there is no video of this recording")
    path = Path(recording.path)
    return open_video(path, rate=recording.rate if path.is_dir() else None)


def _open(source: str | Path | NDArray[np.uint8], rate: float | None, policy: Policy) -> Video:
    if isinstance(source, np.ndarray):
        return ArrayVideo(source, _needed(rate, "an array"))
    path = local_path(source)
    if path.suffix.lower() == SUFFIX:
        folder, own = listed(path)
        return FolderVideo(folder, rate=rate or own, policy=policy)
    if path.is_dir():
        return FolderVideo(path, rate=_needed(rate, "a folder of pictures"), policy=policy)
    return FileVideo(path, rate=rate, policy=policy)


def _needed(rate: float | None, what: str) -> float:
    if rate is None:
        raise VideoError(f"{what} has no time stamps; give its rate in frames per second")
    return rate
