"""Where mpv, the player within BORIS, begins to count.

Other players show the zero of a file's stamps as 0:00 (``containers.clock_of`` tells which);
mpv shows the first stamp of any stream so, except in MP4 and QuickTime.  They differ only
where nothing begins at zero.  Source: mpv 0.35, its option ``rebase-start-time``, and what it
shows of files of nine formats.
"""

from __future__ import annotations

import av

from mescope.video.containers import clock_of, opened
from mescope.video.source import Video


def mpv_zero(video: Video) -> float:
    """Return what other players show where mpv shows 0:00, in seconds.

    Raises:
        VideoError: the file is gone.
    """
    if video.path is None or not video.start_offset:
        return 0.0
    with opened(video.path) as container:
        first, zero = container.start_time, clock_of(container).zero
        if first is None or zero is None or "mov" in container.format.name.split(","):
            return 0.0
        return max(0.0, round(float(first / av.time_base - zero), 6))
