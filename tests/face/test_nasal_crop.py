"""Crops along the bridge of the nose: where things land, what is filled in, what is calmed."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from planted_landmarks import LANDMARKS

from mescope.errors import FaceError
from mescope.face.detector import default_finder
from mescope.face.nasal_crop import crop_clip, filled, nasal_crop, smoothed
from mescope.synthesis.portraits import test_portraits


@pytest.fixture
def plan():
    return np.array(LANDMARKS, np.float64)


def test_the_square_of_the_specification(plan):
    """spec_rsmix_videomamba, section 8, check 13: bridge (160, 115), chin (160, 270)."""
    crop = nasal_crop(plan, size=330)
    assert crop.side == 330
    np.testing.assert_array_equal(crop.matrix, [[1, 0, 5], [0, 1, 50]])  # x from -5, y from -50
    picture = np.random.default_rng(0).integers(0, 256, (320, 320), dtype=np.uint8)
    square = crop.cut(picture)
    expected = np.pad(picture, ((50, 10), (5, 5)), mode="edge")[:330]
    np.testing.assert_array_equal(square, expected[:330, :330])
    np.testing.assert_allclose(crop.points(plan), plan + np.array([5, 50]))


def test_the_tight_square(plan):
    """Section 2, reading (b): 0.75 d + 10 to the sides, 0.5 d + 10 up, 10 below the chin."""
    crop = nasal_crop(plan, size=252, extent="tight")
    assert crop.side == round(1.5 * 155 + 20) == 252
    np.testing.assert_allclose(crop.matrix[:, 2], [0.75 * 155 + 10 - 160, 0.5 * 155 + 10 - 115])
    assert crop.points(plan)[8, 1] == pytest.approx(252 - 10, abs=1)


@settings(max_examples=40, deadline=None)
@example(0.0, 0.55, 0.0, 112, "tight")  # a side that is a half
@example(0.3, 0.57, -31.0, 224, "tight")
@given(
    st.floats(-0.7, 0.7), st.floats(0.3, 3), st.floats(-400, 400),
    st.sampled_from([112, 224, 448]), st.sampled_from(["square", "tight"]),
)  # fmt: skip
def test_any_pose_gives_an_upright_face_of_the_same_extent(angle, scale, shift, size, extent):
    marks = np.random.default_rng(3).uniform(-50, 50, (68, 2))
    marks[[27, 30, 8]] = (0, 0), (0, 40), (5, 100)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    crop = nasal_crop(marks @ turn.T + shift, size=size, extent=extent)
    top, tip, chin = crop.points((marks @ turn.T + shift)[[27, 30, 8]])
    half = (100 if extent == "square" else 75) * scale + 10
    px = size / crop.side
    assert abs(crop.side - 2 * half) < 0.5 + 1e-6  # whole px; halves may go either way
    assert tip[0] == pytest.approx(top[0], abs=1e-6)
    assert chin[1] - top[1] == pytest.approx(100 * scale * px)
    assert top[0] + 0.5 == pytest.approx((half + 0.5) * px)


@pytest.mark.parametrize("size", [96, 224, 500])
@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_pixels_go_where_the_points_go(plan, size, angle):
    """A blob drawn in the frame lies in the crop where the landmarks say, in grey and RGB."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    marks = (plan - 160) @ turn.T + (300, 260)
    crop = nasal_crop(marks, size=size)
    y, x = np.mgrid[:520, :600]
    blob = np.exp(-((x - marks[54, 0]) ** 2 + (y - marks[54, 1]) ** 2) / 200) * 250
    grey = np.round(blob).astype(np.uint8)
    cut = crop.cut(grey)
    weight = cut.astype(float)
    cy, cx = (np.sum(weight * axis) / weight.sum() for axis in np.mgrid[:size, :size])
    np.testing.assert_allclose((cx, cy), crop.points(marks)[54], atol=0.1)
    colour = crop.cut(np.dstack([grey, grey, 255 - grey]))
    assert colour.shape == (size, size, 3)
    np.testing.assert_array_equal(colour[..., 0], cut)


def test_shrinking_averages_over_what_it_passes(plan):
    stripes = np.zeros((640, 640), np.uint8)
    stripes[:, ::2] = 255
    assert nasal_crop(plan * 2, size=64).cut(stripes)[8:-8, 8:-8].std() < 25


def test_the_astronaut_is_framed_as_measured():
    """Section 2: bridge to chin 76 px, a square of 172 px in a photograph of 512."""
    skimage = pytest.importorskip("skimage.data")
    photo = skimage.astronaut()
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    marks = default_finder().find(grey)[0].landmarks
    assert nasal_crop(marks).side == pytest.approx(172, abs=6)


def test_a_real_face_stands_upright_in_its_crop():
    portrait = test_portraits()[0]
    grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
    turned = cv2.warpAffine(grey, cv2.getRotationMatrix2D((320, 170), 12, 0.9), portrait.size)
    marks = default_finder().find(turned)[0].landmarks
    seen = default_finder().find(nasal_crop(marks, size=300).cut(turned))[0].landmarks
    before, after = (np.degrees(np.arctan2(*(m[30] - m[27]))) for m in (marks, seen))
    assert abs(before) > 10
    assert abs(after) < 6  # a bridge of 49 px, its ends in whole px
    assert np.abs(seen - nasal_crop(marks, size=300).points(marks)).mean() < 4


def test_faces_that_place_no_crop_are_refused(plan):
    for marks in (plan * 0.04, np.full((68, 2), np.nan), np.zeros((68, 2))):
        with pytest.raises(FaceError, match="bridge of the nose down to the chin"):
            nasal_crop(marks)


def track(count, step=(1.0, 2.0)):
    base = np.random.default_rng(5).uniform(0, 300, (68, 2))
    return base + np.arange(count)[:, None, None] * np.array(step)


def test_gaps_are_interpolated_and_ends_take_the_nearest():
    truth = track(10)
    marks = truth.copy()
    marks[[0, 1, 4, 5, 9]] = np.nan
    whole, gaps = filled(marks)
    assert gaps == (0, 1, 4, 5, 9)
    np.testing.assert_allclose(whole[2:9], truth[2:9])
    np.testing.assert_array_equal(whole[:2], truth[[2, 2]])
    np.testing.assert_array_equal(whole[9], truth[8])
    assert np.isnan(marks[0]).all()  # the input is left alone


def test_half_of_the_frames_may_lack_a_face_and_no_more():
    """Section 2: more than 50 % makes a sample unusable."""
    marks = track(4)
    marks[:2] = np.nan
    assert filled(marks)[1] == (0, 1)
    marks[2] = np.nan
    with pytest.raises(FaceError, match="3 of 4 frames show no face, at most 2"):
        filled(marks)
    assert filled(marks, most_missing=1.0)[1] == (0, 1, 2)
    with pytest.raises(FaceError, match="4 of 4"):
        filled(np.full((4, 68, 2), np.nan), most_missing=1.0)


def test_the_running_median_takes_out_a_slip_of_the_placing_landmarks_only():
    marks = np.repeat(track(1), 9, axis=0)
    marks[4] += 30
    calm = smoothed(marks)
    np.testing.assert_array_equal(
        calm[:, [8, 27, 30]], np.repeat(marks[:1], 9, 0)[:, [8, 27, 30]]
    )
    others = [i for i in range(68) if i not in (8, 27, 30)]
    np.testing.assert_array_equal(calm[:, others], marks[:, others])
    np.testing.assert_array_equal(smoothed(marks, "none"), marks)
    np.testing.assert_allclose(smoothed(track(9))[:, 8][2:-2], track(9)[:, 8][2:-2])


def test_slips_at_the_ends_of_a_clip_are_taken_out_too():
    marks = np.repeat(track(1), 9, axis=0)
    marks[[0, 8]] += 30
    assert np.ptp(smoothed(marks)[:, [8, 27, 30]], axis=0).max() == 0


def test_one_place_for_a_whole_clip():
    marks = track(9)
    still = smoothed(marks, "clip")
    np.testing.assert_array_equal(still[:, 27], np.repeat(marks[4:5, 27], 9, axis=0))
    np.testing.assert_array_equal(still[:, 48], marks[:, 48])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_clips_are_smoothed_too(count):
    assert smoothed(track(count)).shape == (count, 68, 2)


def test_a_clip_keeps_its_landmarks_in_crop_px(plan):
    marks = np.repeat(plan[None], 6, axis=0)
    marks[3, [8, 27, 30]] += (4, 0)  # one frame slips
    marks[5] = np.nan
    calm, jumpy = crop_clip(marks, size=330), crop_clip(marks, size=330, smoothing="none")
    assert calm.filled == jumpy.filled == (5,)
    assert calm.landmarks.shape == (6, 68, 2)
    shift = [tuple(c.matrix[:, 2]) for c in calm.crops]
    assert set(shift) == {(5.0, 50.0)}
    assert jumpy.crops[3].matrix[0, 2] == 1.0
    np.testing.assert_allclose(calm.landmarks[3, 27], plan[27] + np.array([9, 50]))
    pictures = np.zeros((6, 320, 320, 3), np.uint8)
    assert calm.cut(list(pictures)).shape == (6, 330, 330, 3)
