"""Grey maps: the close crop lies where it should, and nothing divides by zero."""

import numpy as np
import pytest

from mescope.face.aligned import MARGIN, SIDE, alignment
from mescope.motion.grey_maps import EYE_ROW, EYES_APART, TALL, cut_map, grey_maps
from mescope.synthesis.shapes import mean_shape


def test_eyes_lie_where_the_published_maps_have_them():
    marks = mean_shape()
    placed = alignment(marks, 320)
    eyes = placed.points(np.stack([marks[36:42].mean(0), marks[42:48].mean(0)]))
    planes = np.zeros((1, 320, 320))
    for x, y in np.rint(eyes).astype(int):
        planes[0, y - 2 : y + 3, x - 2 : x + 3] = 1.0
    found = cut_map(planes, 28)[0]
    columns = np.sort(found.sum(0).argsort()[-2:])
    assert found.sum(1).argmax() == pytest.approx(EYE_ROW * 28, abs=1.0)
    # Faces are aligned by eyes and nose: the eyes of this one come out 8 % farther apart.
    assert columns[1] - columns[0] == pytest.approx(1.08 * EYES_APART * 28, abs=1.1)
    assert columns.mean() == pytest.approx(13.5, abs=1.0)


def test_a_face_is_squeezed_as_in_the_published_maps():
    """Two lines as far from each other as the eyes, one pair across and one down."""
    planes = np.zeros((2, 320, 320))
    unit = round(320 / (SIDE * (1 + 2 * MARGIN)))
    for plane, start in ((planes[0], 160 - unit // 2), (planes[1].T, 120)):
        plane[:, start - 2 : start + 3] = plane[:, start + unit - 2 : start + unit + 3] = 1.0
    across, down = cut_map(planes, 56)
    columns, rows = np.flatnonzero(across[28] > 0.3), np.flatnonzero(down[:, 28] > 0.3)
    assert np.ptp(columns) / np.ptp(rows) == pytest.approx(TALL, abs=0.07)


def test_each_channel_of_each_clip_is_scaled_by_itself():
    flow = np.random.default_rng(0).normal(size=(4, 3, 5, 5))
    grey = grey_maps(flow * np.array([1.0, 50.0, 0.01])[:, None, None] + 7.0)
    np.testing.assert_array_equal(grey, grey_maps(flow))


def test_no_motion_at_all_is_black():
    assert not grey_maps(np.full((2, 3, 4, 4), 1.5)).any()


def test_a_face_too_small_is_refused():
    with pytest.raises(ValueError, match="28 px or more are cut out, found 40 px"):
        cut_map(np.zeros((3, 40, 40)), 28)
