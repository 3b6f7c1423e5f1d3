"""What follows the face of a recording: in its pictures, or through another program's table."""

from __future__ import annotations

from pathlib import Path

from mescope.errors import FaceError
from mescope.face.box import Mode
from mescope.face.choice import FaceChoice
from mescope.face.detector import FaceFinder, FaceTracker, default_finder
from mescope.face.landmark_tables import LandmarkTable, TableTracker, read_landmarks
from mescope.face.moment import placed
from mescope.video.source import Video


def follower(
    video: Video,
    finder: FaceFinder | None,
    landmarks: LandmarkTable | str | Path | None,
    face: FaceChoice,
    mode: Mode,
) -> FaceTracker:
    """Return what follows the face: in the pictures, or through a table.

    Args:
        video: the recording.
        finder: finds faces in pictures; the default one if None.
        landmarks: a result table of another program, or its file; None looks at pictures.
        face: whose face.
        mode: of the extraction.

    Raises:
        FaceError: a table in a mode that looks at pictures, or no such face.
    """
    if landmarks is None:
        seeing = finder or default_finder()
        return FaceTracker(seeing, placed(face, video, lambda: FaceTracker(seeing)))
    if mode != "clean":
        raise FaceError(
            "landmarks of a table are for clean mode: as published, the face is looked for in "
            "the pictures; choose other weights, or leave the table out"
        )
    known = landmarks if isinstance(landmarks, LandmarkTable) else read_landmarks(landmarks)
    table = known.in_px(video.width, video.height, video.stored_size)
    whose = placed(face, video, lambda: TableTracker(None, table=table))
    return TableTracker(None, whose, warnings=table.told(len(video)), table=table)
