"""The face at a time: looked for in one frame, then chosen by its place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mescope.errors import FaceError
from mescope.face.choice import FaceChoice, Moment, Point, chosen
from mescope.face.detector import FaceTracker
from mescope.video.source import Video

_ASIDE = 12  # frames that are tried around one that is damaged or shows no face


def placed(
    face: FaceChoice, video: Video, fresh: Callable[[], FaceTracker]
) -> str | int | Point:
    """Return a choice of face without a time: the place of the face at that time.

    Args:
        face: the choice.
        video: the recording.
        fresh: returns a tracker that has not seen anything.

    Raises:
        FaceError: it means nothing, or there is no face at that time.
    """
    choice = chosen(face)
    if not isinstance(choice, Moment):
        return choice
    times = video.times
    if not times[video.first_frame] - 1e-6 <= choice.seconds <= times[video.last_frame] + 1.0:
        raise FaceError(
            f"expected a time from {times[video.first_frame]:g} to "
            f"{times[video.last_frame]:g} s for the face, found {choice.seconds:g} s"
        )
    at = int(np.abs(times - choice.seconds).argmin())
    for frame in sorted(range(at - _ASIDE, at + _ASIDE + 1, 3), key=lambda k: abs(k - at)):
        if not video.first_frame <= frame <= video.last_frame:
            continue
        grey = video.read([frame], grey=True).get(frame)
        found = None if grey is None else fresh().see(frame, grey)
        if found is not None:
            box = found.box
            return Point((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    raise FaceError(
        f"expected a face at {choice.seconds:g} s (frame {at}), found none; give a time at "
        "which it is seen"
    )
