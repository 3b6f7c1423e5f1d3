"""Flow maps of single frames: on planted flow, and on a recording whose mouth is moved."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from planted_motion import recording, region_flow

from mescope.motion.flow import strain
from mescope.motion.frame_maps import CROP, face_map, frame_maps, scaled, windows_of_pairs
from mescope.synthesis.shapes import mean_shape
from mescope.video.reading import open_video

POINTS = np.rint(np.asarray(mean_shape()) * CROP / 320).astype(int)
MOUTH = slice(21, 42)


def textured(seed=0):
    """A grey picture (320, 320) with something to follow everywhere."""
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.uniform(0, 255, (320, 320)).astype(np.float32), (0, 0), 3) * 3


def moved_mouth(n=100, first=60, px=5.0):
    """A recording (n, 320, 320) whose mouth is ``px`` lower from frame ``first`` on."""
    still = np.clip(textured() - 250, 0, 255)
    x0, y0 = mean_shape()[48:].min(0).astype(int) - 15
    x1, y1 = mean_shape()[48:].max(0).astype(int) + 15
    low = cv2.warpAffine(still, np.float32([[1, 0, 0], [0, 1, px]]), (320, 320))
    other = still.copy()
    other[y0:y1, x0:x1] = low[y0:y1, x0:x1]
    return np.stack([other if t >= first else still for t in range(n)]).astype(np.uint8)


@pytest.fixture(scope="module")
def flow():
    return region_flow(recording(100))


def test_a_shift_of_the_whole_face_is_no_motion():
    shift = np.ones((CROP, CROP, 2), np.float32) * (3.0, -2.0)
    assert face_map(shift.astype(np.float32), POINTS, "softnet").max() == 0.0


def test_eyes_are_left_out_and_brows_are_not():
    eye = np.zeros((CROP, CROP, 2), np.float32)
    x, y = POINTS[36:42].mean(0).astype(int)
    eye[y - 3 : y + 4, x - 3 : x + 4] = 4.0
    assert face_map(eye, POINTS, "softnet").max() == 0.0
    assert face_map(eye, POINTS, "mean").max() > 0.5  # as published, it keeps them
    brow = np.zeros((CROP, CROP, 2), np.float32)
    x, y = POINTS[19]
    brow[max(0, y - 4) : y + 5, x - 4 : x + 5] = 4.0
    found = face_map(brow, POINTS, "softnet")
    assert found[:, :21].max() == pytest.approx(1.0)
    assert found[:2, MOUTH].max() == 0.0


def test_channels_are_u_v_and_strain():
    rng = np.random.default_rng(2)
    noise = cv2.GaussianBlur(rng.normal(size=(CROP, CROP, 2)).astype(np.float32), (0, 0), 5)
    found = face_map(noise, POINTS, "mean")
    assert found.shape == (3, 42, 42)
    assert ((found >= 0) & (found <= 1)).all()
    only_u = noise * np.float32((1, 0))
    flat = face_map(only_u, POINTS, "mean")
    assert np.abs(flat[0] - found[0]).max() == 0.0
    assert flat[1].max() == 0.0
    whole = scaled(strain(only_u)[None])[0]
    assert flat[2].max() <= whole.max()


@pytest.mark.parametrize("style", ["softnet", "mean"])
def test_what_moves_between_the_frames_of_a_pair_shows(flow, style):
    video = open_video(moved_mouth(), rate=30)
    parts = list(frame_maps(video, flow, 6, style=style, jobs=2))
    values = np.concatenate([part.values for part in parts])
    assert [part.first for part in parts] == [0, 64]
    assert values.shape == (94, 3, 42, 42)
    assert all(part.valid.all() for part in parts)
    apart = [np.abs(values - still).max((1, 2, 3)) for still in (values[0], values[-1])]
    moving = np.flatnonzero(np.minimum(*apart) > 0.05)
    assert moving.tolist() == list(range(54, 60))  # i < 60 <= i + 6
    v = np.abs(values[57, 1] - np.median(values[57, 1]))
    assert v[MOUTH].mean() > 2 * v[:21].mean()


def test_results_do_not_depend_on_threads(flow):
    video = moved_mouth()
    one, two = (
        np.concatenate(
            [p.values for p in frame_maps(open_video(video, rate=30), flow, 6, jobs=j)]
        )
        for j in (1, 3)
    )
    np.testing.assert_array_equal(one, two)


def test_pairs_without_a_face_or_across_a_gap_are_marked(flow):
    valid = flow.valid.copy()
    valid[1:] = False  # of 3 windows: nothing behind frame 49
    found = windows_of_pairs(replace(flow, valid=valid), 6)
    assert np.flatnonzero(found == 0).tolist() == list(range(44))
    assert (found[44:] == -1).all()
    assert windows_of_pairs(flow, 6).tolist() == [0] * 25 + [1] * 25 + [2] * 44 + [-1] * 6
    nobody = replace(flow, boxes=np.full_like(flow.boxes, np.nan))
    assert (windows_of_pairs(nobody, 6) == -1).all()
    parts = list(frame_maps(open_video(moved_mouth(), rate=30), nobody, 6))
    assert not any(part.valid.any() or part.values.any() for part in parts)


@pytest.mark.parametrize("k", [99, 100, 5000])
def test_a_recording_shorter_than_a_pair_has_no_maps(flow, k):
    parts = list(frame_maps(open_video(moved_mouth(), rate=30), flow, k))
    assert sum(len(part.values) for part in parts) == max(0, 100 - k)


@pytest.mark.parametrize("wrong", [{"k": 0}, {"style": "x"}, {"method": "raft"}])
def test_what_is_not_known_is_refused(flow, wrong):
    with pytest.raises(ValueError, match="expected k >= 1"):
        next(frame_maps(open_video(moved_mouth(), rate=30), flow, **{"k": 6, **wrong}))
