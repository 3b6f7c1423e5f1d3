"""Aligned crops: eyes and nose in place, the same transform for the whole clip."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.errors import FaceError
from mescope.face import aligned as module
from mescope.face.aligned import ABOVE, MARGIN, SIDE, TEMPLATE, align, alignment
from mescope.face.detector import default_finder
from mescope.motion.flow import tvl1
from mescope.synthesis.portraits import drawn_portrait, test_portraits


def grey(portrait):
    return cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)


def anchors(landmarks):
    rows = (slice(36, 42), slice(42, 48), slice(31, 36))
    return np.stack([landmarks[rows_].mean(0) for rows_ in rows])


def face_like_the_template(unit=60.0):
    """68 landmarks whose anchors are exactly the template, ``unit`` px between the eyes."""
    marks = np.random.default_rng(0).normal(0, 1, (68, 2))
    for rows, goal in zip((slice(36, 42), slice(42, 48), slice(31, 36)), TEMPLATE, strict=True):
        marks[rows] += goal - marks[rows].mean(0)
    return marks * unit + (200, 150)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-0.6, 0.6), st.floats(0.3, 4), st.floats(-300, 300), st.floats(-300, 300),
    st.sampled_from([28, 128, 224]),
)  # fmt: skip
def test_any_pose_comes_to_the_same_place(angle, scale, dx, dy, size):
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    marks = face_like_the_template()
    placed = alignment(marks @ turn.T + (dx, dy), size)
    unit = size / (SIDE * (1 + 2 * MARGIN))
    expected = TEMPLATE * unit + (size / 2, (ABOVE + MARGIN * SIDE) * unit)
    found = placed.points(anchors(marks @ turn.T + (dx, dy))) + 0.5
    np.testing.assert_allclose(found, expected, atol=1e-6 * size)
    assert placed.scale == pytest.approx(unit / (60 * scale))


def test_margin_makes_the_face_smaller():
    marks = face_like_the_template()
    wide, tight = alignment(marks, 100, margin=0.25), alignment(marks, 100, margin=0.0)
    assert tight.scale / wide.scale == pytest.approx(1.5)


@pytest.mark.parametrize("factor", [0.35, 0.6, 1.0, 1.7])
def test_pixels_go_where_the_points_go(factor):
    """A blob drawn in the frame lies in the crop where the transform says, at any scale."""
    marks = (face_like_the_template(100.0) - (200, 150)) @ np.array([[0.97, 0.2], [-0.2, 0.97]])
    marks = marks * 0.8 / factor + (400, 300)
    placed = alignment(marks, 200)
    where = marks[31:36].mean(0) + np.array([3.3, -7.6])
    y, x = np.mgrid[:640, :800]
    sigma = 6 / placed.scale
    blob = np.exp(-((x - where[0]) ** 2 + (y - where[1]) ** 2) / (2 * sigma**2)) * 250
    crop = placed.cut(np.round(blob).astype(np.uint8)).astype(float)
    cy, cx = (np.sum(crop * axis) / crop.sum() for axis in np.mgrid[:200, :200])
    np.testing.assert_allclose((cx, cy), placed.points(where[None])[0], atol=0.06)


def test_shrinking_averages_over_what_it_passes():
    stripes = np.zeros((800, 800), np.uint8)
    stripes[:, ::2] = 255
    crop = alignment(face_like_the_template(200.0) + 150, 64).cut(stripes)
    assert crop[8:-8, 8:-8].std() < 20


@pytest.mark.parametrize(
    "portrait", [*test_portraits(), drawn_portrait(3)], ids=lambda p: p.name
)
def test_eyes_and_nose_of_a_real_face_come_to_their_places(portrait):
    matrix = cv2.getRotationMatrix2D((320, 170), 15, 0.9)
    turned = cv2.warpAffine(
        grey(portrait), matrix, portrait.size, borderMode=cv2.BORDER_REFLECT
    )
    crops, warnings = align([turned], 224)
    assert (crops.shape, crops.dtype, warnings) == ((1, 224, 224), np.uint8, ())
    seen = default_finder().find(cv2.copyMakeBorder(crops[0], *4 * (60,), cv2.BORDER_REPLICATE))
    found = anchors(seen[0].landmarks - 60)
    unit = 224 / (SIDE * (1 + 2 * MARGIN))
    expected = TEMPLATE * unit + (112, (ABOVE + MARGIN * SIDE) * unit) - 0.5
    assert np.abs(found - expected).max() < 0.15 * unit


def test_the_transform_of_the_first_frame_serves_all_so_head_motion_stays():
    image = grey(test_portraits()[0])
    shifted = np.roll(image, 6, axis=1)
    crops, _ = align([image, shifted], 224)
    alone, _ = align([shifted], 224)
    placed = alignment(default_finder().find(image)[0].landmarks, 224)
    kept = tvl1(crops[0], crops[1])[60:-60, 60:-60].mean((0, 1))
    lost = tvl1(crops[0], alone[0])[60:-60, 60:-60].mean((0, 1))
    np.testing.assert_allclose(kept, placed.matrix[:, 0] * 6, atol=0.2)
    assert np.linalg.norm(lost) < 1.5  # landmarks in whole pixels place no better


def test_a_picture_that_is_all_face_is_searched_with_a_border():
    portrait = test_portraits()[1]
    (x0, y0), (x1, y1) = (
        portrait.landmarks.min(0).astype(int),
        portrait.landmarks.max(0).astype(int),
    )
    close = np.ascontiguousarray(grey(portrait)[y0 + 12 : y1 - 12, x0 + 14 : x1 - 14])
    assert default_finder().find(close) == []
    crops, _ = align([close], 112)
    wide, _ = align([grey(portrait)], 112)
    inner = (slice(34, 78), slice(34, 78))
    assert np.corrcoef(crops[0][inner].ravel(), wide[0][inner].ravel())[0, 1] > 0.9


def test_no_face_is_said_and_so_is_a_small_one():
    """ecosystem V: no face in the picture."""
    with pytest.raises(FaceError, match="no face was found in the onset frame"):
        align([np.full((240, 320), 90, np.uint8)], 64)
    with pytest.raises(FaceError, match="no face"):
        align([np.zeros((12, 16), np.uint8)], 64)
    with pytest.raises(FaceError, match="too small: 5 px between the eyes"):
        alignment(face_like_the_template(5.0), 64)


def test_nan_landmarks_are_refused():
    with pytest.raises(FaceError, match="too small"):
        alignment(np.full((68, 2), np.nan), 64)


def test_several_faces_are_told():
    both = np.hstack([grey(p)[:, 150:490] for p in test_portraits()])
    _, warnings = align([both], 64)
    assert any("2 faces" in line for line in warnings)


def test_the_template_is_what_faces_look_like():
    """Eyes and nose base of drawn and photographed faces lie near the template."""
    shapes = []
    for portrait in [*test_portraits(), *map(drawn_portrait, range(5))]:
        marks = portrait.landmarks.astype(float)
        placed = module.alignment(marks, 275, margin=0.05)  # 100 px between the eyes
        shapes.append(placed.points(anchors(marks)))
    off = np.mean(shapes, axis=0) + 0.5 - (TEMPLATE * 100 + (137.5, (ABOVE + 0.125) * 100))
    assert np.abs(off).max() < 3
