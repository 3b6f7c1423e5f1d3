"""Pictures beside a frame: its motion magnified, what changed, where it moved.

Runs in the process that reads frames; the face of an onset is found once.
"""

from __future__ import annotations

from collections import OrderedDict

from mescope.app.face_pictures import Picture, to_grey
from mescope.face.detector import FaceTracker, default_finder
from mescope.motion.held_face import HeldFace, View

WIDEST = 960
"""Px of a view: wider pictures are narrowed before anything is measured."""

_KEPT = 4  # onsets


class HeldFaces:
    """The faces of the onsets that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], HeldFace] = OrderedDict()

    def view(
        self,
        key: tuple[object, ...],
        onset: Picture,
        picture: Picture,
        kind: View,
        factor: float,
    ) -> Picture:
        """Return a view of a picture.

        Args:
            key: names the onset and the content of its file.
            onset: (h, w, 3) RGB.
            picture: of the same size.
            kind: what is shown.
            factor: of motion, of grey levels, or of colour.
        """
        if key not in self._kept:
            face = FaceTracker(default_finder()).see(0, to_grey(onset))
            self._kept[key] = HeldFace(onset, None if face is None else face.landmarks)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key].view(kind, picture, factor)
