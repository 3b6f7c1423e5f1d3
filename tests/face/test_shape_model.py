"""The landmark model read from dlib's file: dlib's own answers, and what is no such file."""

from __future__ import annotations

from pathlib import Path

import dlib
import numpy as np
import pytest

from mescope.errors import FaceError
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
