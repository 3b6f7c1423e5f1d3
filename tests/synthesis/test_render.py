"""What is planted in the pixels is what optical flow finds there."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mescope.errors import VideoError
from mescope.motion.roi_flow import extract
from mescope.synthesis.dynamics import PlantedExpression, random_script
from mescope.synthesis.motion import UNITS, displacement_basis, inter_ocular
from mescope.synthesis.portraits import drawn_portrait, test_portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.synthesis.warp import FaceWarp

STILL = np.zeros(4)


@pytest.fixture(scope="module")
def faces():
    return (*test_portraits(), drawn_portrait(3))


@pytest.fixture(scope="module")
def warps(faces):
    return [FaceWarp(p.landmarks, p.size) for p in faces]


def grey_of(portrait):
    return cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)


def active(**units):
    activation = np.zeros(len(UNITS), np.float32)
    for unit, value in units.items():
        activation[UNITS.index(unit.lstrip("_"))] = value
    return activation


def flow(before, after):
    return cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 5, 7, 1.5, 0)


def quiet_script(duration=2.0, **changes):
    script = random_script(
        np.random.default_rng(1), duration, level="calm", micro_per_minute=0, macro_per_minute=0
    )
    return replace(script, disturbances=(), nods=(), **changes)


def unmoved(script):
    """The script with a head that does not move and a sensor without noise."""
    flat = tuple(replace(w, amplitudes=(0.0,) * len(w.amplitudes)) for w in script.sway)
    return replace(script, sway=flat, noise=0.0)


# Landmark around which the motion is measured, for strong activations of single units.
PLANTED = [
    ("L12", 54), ("R12", 48), ("L15", 54), ("R20", 48), ("L1", 23), ("R4", 20), ("L2", 25),
    ("17", 57), ("L9", 35),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "landmark"), PLANTED)
def test_measured_motion_is_planted_motion(faces, warps, unit, landmark):
    for portrait, warp in zip(faces, warps, strict=True):
        before = grey_of(portrait)
        after = warp.render(before, active(**{"_" + unit: 1.2}), STILL)
        x, y = np.round(portrait.landmarks[landmark]).astype(int)
        reach = round(0.09 * warp.unit)
        box = np.s_[y - reach : y + reach, x - reach : x + reach]
        rows, columns = np.mgrid[box]
        points = np.column_stack([columns.ravel(), rows.ravel()])
        basis = displacement_basis(portrait.landmarks, points)
        planted = 1.2 * basis[UNITS.index(unit)].mean(axis=0)
        measured = flow(before, after)[box].reshape(-1, 2).mean(axis=0)
        size = np.linalg.norm(planted)
        assert size > 0.8  # px: the check would be empty otherwise
        assert np.linalg.norm(measured - planted) < 0.35 * size, portrait.name
        cosine = measured @ planted / size / np.linalg.norm(measured)
        assert cosine > 0.95, portrait.name


def test_left_smile_moves_the_corner_at_image_right_up_and_out(faces, warps):
    for portrait, warp in zip(faces, warps, strict=True):
        before = grey_of(portrait)
        found = flow(before, warp.render(before, active(L12=1.0), STILL))
        x, y = np.round(portrait.landmarks[54]).astype(int)
        dx, dy = found[y - 6 : y + 6, x - 6 : x + 6].mean(axis=(0, 1))
        assert dx > 0.5
        assert dy < -0.5
        x, y = np.round(portrait.landmarks[48]).astype(int)
        assert np.abs(found[y - 6 : y + 6, x - 6 : x + 6].mean(axis=(0, 1))).max() < 0.15


def test_head_motion_is_a_similarity_inside_the_head_and_nothing_outside(faces, warps):
    pose = np.array([0.02, -0.015, 0.01, 0.0])
    for portrait, warp in zip(faces, warps, strict=True):
        before = grey_of(portrait)
        after = warp.render(before, active(), pose)
        found = flow(before, after)
        nose = np.round(portrait.landmarks[30]).astype(int)
        patch = found[nose[1] - 20 : nose[1] + 10, nose[0] - 14 : nose[0] + 14]
        measured = patch.mean(axis=(0, 1))
        assert measured == pytest.approx(pose[:2] * warp.unit, abs=0.35)
        np.testing.assert_array_equal(before[:, :40], after[:, :40])
        np.testing.assert_array_equal(before[:, -40:], after[:, -40:])


def test_expression_and_pose_add_up(faces, warps):
    """The nose follows the head alone, the mouth corner the head and the smile."""
    pose = np.array([0.03, 0.0, 0.0, 0.0])
    portrait, warp = faces[0], warps[0]
    before = grey_of(portrait)
    found = flow(before, warp.render(before, active(L12=1.0), pose))
    x, y = np.round(portrait.landmarks[54]).astype(int)
    own = displacement_basis(portrait.landmarks, portrait.landmarks[54][None])
    planted = own[UNITS.index("L12"), 0] + pose[:2] * warp.unit
    measured = found[y - 4 : y + 5, x - 4 : x + 5].mean(axis=(0, 1))
    assert measured == pytest.approx(planted, abs=0.6)


def test_inverse_warp_is_exact_where_a_dot_lies():
    """A dot painted on a flat face arrives at its place plus the displacement."""
    portrait = drawn_portrait(3)
    warp = FaceWarp(portrait.landmarks, portrait.size)
    activation = active(L12=2.5, R12=2.5, _26=1.0)
    rows, columns = np.mgrid[0:360, 0:640]
    for landmark in (54, 48, 57, 35):
        at = portrait.landmarks[landmark].astype(float)
        dot = np.exp(-0.5 * ((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / 2.0**2)
        picture = np.round(255 * dot).astype(np.uint8)
        weights = warp.render(picture, activation, STILL).astype(float)
        mean = np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
        basis = displacement_basis(portrait.landmarks, at[None])[:, 0]
        assert mean - at == pytest.approx(activation @ basis, abs=0.3)


def test_nothing_jumps_when_a_unit_starts(faces, warps):
    """The layered eyes take over from the smooth field without a step."""
    for portrait, warp in zip(faces, warps, strict=True):
        before = grey_of(portrait)
        after = warp.render(before, active(blink=0.004, L5=0.004, Rlook=0.004), STILL)
        assert np.abs(after.astype(int) - before).max() <= 8


def test_blink_closes_the_eye_and_leaves_the_cheek(faces, warps):
    for portrait, warp in zip(faces, warps, strict=True):
        before = grey_of(portrait)
        after = warp.render(before, active(blink=1.0), STILL)
        changed = np.abs(after.astype(int) - before) > 25
        for first in (36, 42):
            x, y = np.round(portrait.landmarks[first : first + 6].mean(axis=0)).astype(int)
            assert changed[y - 4 : y + 5, x - 8 : x + 9].mean() > 0.2
        x, y = np.round(portrait.landmarks[33]).astype(int)
        assert not changed[y - 10 : y + 80, x - 60 : x + 60].any()


def test_jaw_darkens_the_gap(faces, warps):
    for portrait, warp in zip(faces, warps, strict=True):
        before = grey_of(portrait)
        x, y = np.round(portrait.landmarks[66]).astype(int)
        patch = np.s_[y - 4 : y + 8, x - 8 : x + 8]
        assert warp.render(before, active(_26=2.5), STILL)[patch].mean() < before[patch].mean()


def test_still_script_gives_still_frames(faces):
    for portrait in faces:
        video = SyntheticVideo(portrait, unmoved(quiet_script()), 30)
        for _, frame in video.frames(step=10):
            np.testing.assert_array_equal(frame, grey_of(portrait))


@pytest.mark.parametrize("level", ["calm", "middle", "hard"])
def test_a_frame_is_the_same_however_it_is_asked_for(level):
    script = random_script(np.random.default_rng(5), 3.0, level=level, micro_per_minute=60)
    video = SyntheticVideo(drawn_portrait(0), script, 30)
    again = SyntheticVideo(drawn_portrait(0), script, 30)
    run = dict(video.frames())
    assert list(run) == list(range(len(video)))
    for index, frame in again.frames(step=7, start=3, stop=60):
        np.testing.assert_array_equal(frame, run[index])
    np.testing.assert_array_equal(again.read([50, 2], grey=True)[2], run[2])
    assert not np.array_equal(run[2], run[3])  # noise is fresh in every frame


def test_noise_has_the_asked_strength_and_no_memory():
    video = SyntheticVideo(drawn_portrait(0), replace(unmoved(quiet_script()), noise=4.0), 30)
    rest = grey_of(video.portrait).astype(float)
    one, two = (f.astype(float) - rest for f in video.read([3, 4], grey=True).values())
    assert one.std() == pytest.approx(4.0, rel=0.05)
    assert abs((one * two).mean()) / 16 < 0.02


def test_grey_and_colour_agree():
    script = random_script(np.random.default_rng(5), 3.0, level="hard", micro_per_minute=60)
    video = SyntheticVideo(test_portraits()[0], script, 30)
    colour, grey = video.read([40])[40], video.read([40], grey=True)[40]
    assert colour.shape == (360, 640, 3)
    gap = np.abs(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY).astype(float) - grey)
    assert gap.mean() < 3


def test_rates_see_the_same_moment():
    """Frame i at 30 frames/s and frame 4i at 120 show the same face (noise aside)."""
    script = unmoved(random_script(np.random.default_rng(5), 3.0, micro_per_minute=60))
    script = replace(script, quality=None)
    portrait = drawn_portrait(0)
    slow, fast = SyntheticVideo(portrait, script, 30), SyntheticVideo(portrait, script, 120)
    gap = np.abs(slow.read([50])[50].astype(int) - fast.read([200])[200])
    assert gap.max() <= 4  # the last bit of a cosine may turn the rounding of a pixel


def test_times_and_truth():
    planted = PlantedExpression(
        onset_s=0.5, apex_s=0.6, offset_s=0.8, kind="micro", emotion="positive",
        action_units=("12",), peak=1.0,
    )  # fmt: skip
    script = quiet_script(expressions=(planted,))
    times = np.sort(np.random.default_rng(0).uniform(0, 2, 80))
    times -= times[0]
    video = SyntheticVideo(drawn_portrait(0), script, times=times)
    (truth,) = video.expressions
    assert times[truth.interval.first] >= 0.5 > times[truth.interval.first - 1]
    assert times[truth.interval.last] <= 0.8 < times[truth.interval.last + 1]
    assert SyntheticVideo(drawn_portrait(0), script, 200).rate == pytest.approx(200)
    assert video.report.complete
    assert video.report.variable_rate
    with pytest.raises(VideoError, match="frame numbers from 0 to 79"):
        video.read([80])
    with pytest.raises(VideoError, match="step"):
        next(video.frames(step=0))


def test_fingerprint_tells_recordings_apart():
    script = quiet_script()
    portrait = drawn_portrait(0)
    prints = {
        SyntheticVideo(portrait, script, 30).fingerprint(),
        SyntheticVideo(portrait, script, 60).fingerprint(),
        SyntheticVideo(portrait, replace(script, noise=3.0), 30).fingerprint(),
        SyntheticVideo(drawn_portrait(1), script, 30).fingerprint(),
    }
    assert len(prints) == 4
    assert SyntheticVideo(portrait, script, 30).fingerprint() in prints


def test_large_and_small_pictures():
    """The warp scales with the face."""
    for size in ((321, 181), (1281, 721)):
        portrait = drawn_portrait(2, size)
        warp = FaceWarp(portrait.landmarks, portrait.size)
        assert warp.unit == pytest.approx(inter_ocular(portrait.landmarks))
        out = warp.render(
            portrait.image, active(L12=1.0, blink=0.5), np.array([0.05, 0, 0.02, 0])
        )
        assert out.shape == portrait.image.shape
        np.testing.assert_array_equal(out[:, :8], portrait.image[:, :8])


def test_the_feature_pipeline_sees_a_rendered_smile():
    """Script to pixels to regions: L12 shows in the image-right mouth corner alone."""
    planted = PlantedExpression(
        onset_s=0.9, apex_s=1.1, offset_s=1.4, kind="micro", emotion="positive",
        action_units=("L12",), peak=1.0,
    )  # fmt: skip
    script = quiet_script(2.5, expressions=(planted,))
    for portrait in (test_portraits()[0], drawn_portrait(3)):
        result = extract(SyntheticVideo(portrait, script, 30), jobs=1)
        assert result.valid.all()
        flow = dict(zip(result.regions, result.windows[0].reshape(-1, 2, 50), strict=True))
        x, y = flow["MOUTH_54"][:, 33]
        assert x > 0.8
        assert y < -0.8
        assert np.abs(flow["MOUTH_48"][:, 33]).max() < 0.5
        assert np.abs(flow["MOUTH_54"][:, [20, 46]]).max() < 0.5
