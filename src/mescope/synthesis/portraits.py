"""Portraits: a picture of one face on a canvas, with its 68 landmarks at rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import util
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.errors import FaceError, VideoError
from mescope.face.detector import FaceFinder, default_finder
from mescope.synthesis.drawn import draw_traits
from mescope.synthesis.glasses import Glasses
from mescope.synthesis.painting import paint
from mescope.synthesis.shut_eyes import ShutEyes, shut_eyes

CANVAS = (640, 360)
"""Width and height of a portrait unless another is asked for, px."""

FACE_WIDTH = 200
"""Width of the jaw on a 640x360 canvas, px: five times the width that dlib's detector needs."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """A face at rest.

    ``image`` is (h, w, 3) uint8 RGB; ``landmarks`` is (68, 2) float32 x, y in it, dlib order.
    ``drawn`` is true of a drawn identity, false of a photograph.
    """

    name: str
    image: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    drawn: bool = field(default=False)
    glasses: Glasses | None = None  # not part of ``image``: they follow no expression
    shut: ShutEyes | None = None  # painted lids, where a photograph needs them

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return int(self.image.shape[1]), int(self.image.shape[0])


def drawn_portrait(seed: int, size: tuple[int, int] = CANVAS) -> Portrait:
    """Return drawn identity number ``seed`` on a canvas of ``size`` (width, height).

    Landmarks are known by construction.  Equal seeds give equal pixels on one machine.
    """
    width, height = size
    traits = draw_traits(seed)
    unit = FACE_WIDTH * height / CANVAS[1] / float(np.ptp(traits.plan[:17, 0]))
    centre = np.array([width / 2, 0.46 * height])
    # Painted twice as large, then averaged down: thin lines stay smooth.
    picture = paint(traits, (2 * width, 2 * height), 2 * unit, 2 * centre + 0.5, seed)
    image = np.round(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)).astype(np.uint8)
    cos, sin = np.cos(traits.tilt), np.sin(traits.tilt)
    landmarks = traits.plan @ np.array([[cos, sin], [-sin, cos]]) * unit + centre
    return Portrait(f"drawn-{seed:05d}", image, landmarks.astype(np.float32), drawn=True)


def place_portrait(
    name: str,
    photo: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    size: tuple[int, int] = CANVAS,
) -> Portrait:
    """Scale and crop a photograph (h, w, 3 RGB) so that its face fills a canvas well.

    The jaw becomes 200 px wide per 360 px of canvas height, the face is centred, and where the
    photograph ends it is continued by its blurred mirror image.
    """
    width, height = size
    scale = FACE_WIDTH * height / CANVAS[1] / float(np.ptp(landmarks[:17, 0]))
    eyes = np.asarray(landmarks[36:48]).mean(axis=0)
    shift = np.array([width / 2, 0.44 * height]) - scale * (eyes + 0.5) + scale / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    source = photo
    if scale < 0.7:  # warpAffine does not average, so shrink first
        source = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=kind)
        ratio = source.shape[1] / photo.shape[1]
        matrix = np.array([[scale / ratio, 0, shift[0]], [0, scale / ratio, shift[1]]])
    image = cv2.warpAffine(
        source, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    picture, points = (
        np.asarray(image, np.uint8),
        (landmarks * scale + shift).astype(np.float32),
    )
    return Portrait(name, picture, points, shut=shut_eyes(picture, points))


def portrait_from(
    photo: str | Path | NDArray[np.uint8],
    size: tuple[int, int] = CANVAS,
    *,
    name: str | None = None,
    finder: FaceFinder | None = None,
) -> Portrait:
    """Return the portrait of the largest face in a photograph (a file, or (h, w, 3) RGB).

    Raises:
        VideoError: the file is missing or not a picture.
        FaceError: no face is found; nothing is guessed.
    """
    if isinstance(photo, np.ndarray):
        picture, title = photo, name or "photo"
    else:
        picture, title = _read_photo(Path(photo)), name or Path(photo).stem
    finder = finder or default_finder()
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    for scale in (1.0, 2.0):  # the detector needs faces of about 80 px
        view = grey if scale == 1 else cv2.resize(grey, None, fx=scale, fy=scale)
        faces = finder.find(np.asarray(view, np.uint8))
        if faces:
            largest = max(faces, key=lambda face: face.box.area)
            return place_portrait(title, picture, largest.landmarks / scale, size)
    raise FaceError(
        f"no face found in {title}; a frontal face at least 40 px wide is needed: "
        "crop or enlarge the picture"
    )


def test_portraits(size: tuple[int, int] = CANVAS) -> tuple[Portrait, ...]:  # noqa: PT028
    """Return the two faces that measure models and are never trained on.

    Both are in the public domain and come with installed packages: Grace Hopper (U.S. Navy)
    with matplotlib, the astronaut Eileen Collins (NASA) with scikit-image; the second is left
    out where scikit-image is missing.
    """
    folder = util.find_spec("matplotlib")
    if folder is None or folder.origin is None:
        raise FaceError("the test portraits come with matplotlib; run: pip install matplotlib")
    file = Path(folder.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    portraits = [portrait_from(file, size, name="grace-hopper")]
    if util.find_spec("skimage") is not None:
        from skimage import data  # optional: only the tests and benchmarks install it

        portraits.append(portrait_from(data.astronaut(), size, name="astronaut"))
    return tuple(portraits)


test_portraits.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test


def _read_photo(path: Path) -> NDArray[np.uint8]:
    """Return the picture (h, w, 3) RGB, turned as its EXIF tag says."""
    if not path.is_file():
        raise VideoError(f"expected a picture, but there is no file {path}")
    # Decoded from memory, because OpenCV cannot open every non-ASCII name.
    data = np.fromfile(path, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise VideoError(f"{path.name} is not a picture that can be read; give a JPEG or PNG")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
