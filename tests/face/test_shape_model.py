"""The landmark model read from dlib's file: dlib's own answers, and what is no such file."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest

from mescope.errors import FaceError
from mescope.face import shape_model
from mescope.face.box import Box
from mescope.face.detector import default_finder, landmark_model
from mescope.face.shape_model import ShapeModel
from mescope.synthesis.portraits import test_portraits as portraits


def test_landmarks_are_those_of_dlib() -> None:
    theirs = dlib.shape_predictor(str(landmark_model()))
    rng = np.random.default_rng(1)
    for portrait in portraits():
        grey = np.ascontiguousarray(portrait.image.mean(axis=2).astype(np.uint8))
        face = default_finder().find(grey)[0].box
        boxes = [face, Box(-40, -30, 90, 100), Box(600, 320, 700, 420)]  # half out of it
        boxes += [Box(*(np.array(face) + rng.integers(-25, 26, 4)).tolist()) for _ in range(20)]
        for box in boxes:
            rectangle = dlib.rectangle(box.left, box.top, box.right - 1, box.bottom - 1)
            wanted = [(p.x, p.y) for p in theirs(grey, rectangle).parts()]
            np.testing.assert_array_equal(default_finder().landmarks(grey, box), wanted)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x01\x02", id="another version"),
        pytest.param(b"\x01\x01\x81\x02\x81\x01", id="cut off"),
        pytest.param(b"no model at all", id="text"),
    ],
)
def test_a_file_that_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.dat"
    path.write_bytes(content)
    with pytest.raises(FaceError, match=r"model\.dat is no landmark model"):
        ShapeModel.read(path)


def test_a_model_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.dat"
    path.write_bytes(landmark_model().read_bytes()[:100_000])
    with pytest.raises(FaceError, match="cut off"):
        ShapeModel.read(path)


def test_numbers_of_every_length_are_read(tmp_path: Path) -> None:
    """Short ones are taken as words, long ones byte by byte; a column may mix them."""
    numbers = [(0, 0), (1, 0), (-1, 3), (8_388_607, -23), (-12_345, 130), (2**40 + 1, -60)]
    numbers += [(-(2**55), -90), (7, 255), (7, -255), (3, -300), (255, -1), (256, 1)]
    rng = np.random.default_rng(3)
    for _ in range(40):
        column = [numbers[i] for i in rng.integers(0, len(numbers), rng.integers(1, 30))]
        written = stored(-len(column)) + stored(-1)
        written += b"".join(stored(m) + stored(e) for m, e in column)
        path = tmp_path / "column"
        path.write_bytes(written)
        data, words = shape_model._bytes_of(path)
        found, end = shape_model._column(data, words, 0)
        with np.errstate(over="ignore"):
            wanted = np.array([m * 2.0**e for m, e in column]).astype(np.float32)
        np.testing.assert_array_equal(found, wanted)
        assert end == len(written)


def stored(number: int) -> bytes:
    """Return a whole number as dlib writes it: sign and length, then bytes, low first."""
    count = max(1, (abs(number).bit_length() + 7) // 8)
    return bytes([count | (0x80 if number < 0 else 0)]) + abs(number).to_bytes(count, "little")


@pytest.mark.parametrize(("scale", "corner"), [(1.0, (150.0, 40.0)), (0.5, (140.3, 60.7))])
def test_a_square_that_is_never_made_has_the_landmarks_of_one_that_is(scale, corner) -> None:
    side, box = 480, Box(80, 80, 400, 400)
    model = ShapeModel.read(landmark_model())
    for portrait in portraits():
        grey = np.ascontiguousarray(portrait.image.mean(axis=2).astype(np.uint8))
        square = made(grey, scale, corner, side)
        np.testing.assert_array_equal(
            model.enlarged(grey, box, scale, corner, side), model(square, *box)
        )


def made(grey: np.ndarray, scale: float, corner: tuple[float, float], side: int) -> np.ndarray:
    """Cut a square out and bring it to ``side`` px, linearly, in single precision."""
    (x, y), i = np.array(corner, np.float32), np.arange(side, dtype=np.float32)
    rows = np.float32(scale) * i + y
    columns = (float(np.float32(scale)) * i.astype(float) + float(x)).astype(np.float32)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, along = (rows - top.astype("f4"))[:, None], columns - left.astype("f4")
    high, wide = grey.shape

    def at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        picked = grey[np.clip(row, 0, high - 1)][:, np.clip(column, 0, wide - 1)]
        return picked.astype(np.float32)

    above = at(top, left) + along * (at(top, left + 1) - at(top, left))
    under = at(top + 1, left) + along * (at(top + 1, left + 1) - at(top + 1, left))
    return np.rint(above + down * (under - above)).astype(np.uint8)
