"""Planted motion of landmarks comes back in px of the face crop, whatever the head does."""

import numpy as np
import pytest
from planted_motion import bump

from mescope.spotting.face_shape import INNER_EYES_PX, TRACES, shape_traces
from mescope.synthesis.shapes import mean_shape

N, RATE = 300, 30.0
FACE = (
    (mean_shape() - 160) * INNER_EYES_PX / 80
)  # px of the crop: its inner corners are 80 apart
MOVED = {  # landmarks, (x, y) px of the crop at the highest point, trace that shows it
    "brow_l_in": ([20, 21], (0, -6)),
    "brow_r_out": ([25, 26], (0, 5)),
    "corner_l_x": ([48], (-8, 0)),
    "corner_r_y": ([54], (0, -9)),
    "upper_lip": ([50, 51, 52], (0, -4)),
    "lower_lip": ([56, 57, 58], (0, 7)),
    "lid_l": ([37, 38], (0, 5)),  # the lid comes down: the eye is less open
    "nose_x": ([30], (4, 0)),
}


def moving(which, course):
    """Landmarks (n, 68, 2), crop px, of a face on which ``which`` follows ``course`` (n,)."""
    points = np.repeat(FACE[None], len(course), axis=0)
    marks, vector = MOVED[which]
    points[:, marks] += course[:, None, None] * np.array(vector, float)
    return points


def filmed(points, *, roll=0.0, scale=1.0, shift=(0.0, 0.0), px=1.0):
    """The same in a frame: turned (rad), sized and shifted; ``px`` of the frame per px."""
    roll, scale = (np.broadcast_to(v, len(points)) for v in (roll, scale))
    turn = np.moveaxis(
        np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]) * scale, -1, 0
    )
    moved = points @ turn.transpose(0, 2, 1)
    return px * (moved + np.broadcast_to(shift, (len(points), 2))[:, None]) + (300, 200)


def column(traces, name):
    return traces[:, TRACES.index(name)]


T = np.linspace(0, 6 * np.pi, N)
COURSE = bump(N, 100, 130)


@pytest.mark.parametrize("px", [0.3, 2.0])
@pytest.mark.parametrize("which", MOVED)
def test_what_moves_is_measured_under_a_moving_head(which, px):
    """Turning by 8 degrees, coming 10 % nearer, shifting by a quarter of the face."""
    head = {
        "roll": 0.14 * np.sin(T),
        "scale": np.exp(0.1 * np.sin(0.7 * T)),
        "shift": np.stack([70 * np.sin(0.5 * T), 20 * np.cos(T)], axis=1),
    }
    traces = shape_traces(filmed(moving(which, COURSE), **head, px=px), RATE)
    _, vector = MOVED[which]
    wanted = COURSE * sum(vector) * (-1 if which.startswith("lid") else 1)
    if which == "nose_x":  # one of ten rigid landmarks, so the head seems to follow a little
        np.testing.assert_allclose(column(traces, which), wanted, atol=0.1 * 4)
    else:
        np.testing.assert_allclose(column(traces, which), wanted, atol=0.35)
        still = [n for n in TRACES if not n.startswith("head") and n[:6] != which[:6]]
        assert all(
            np.abs(column(traces, name)).max() < 0.35 for name in still if name != "mouth_gap"
        )


def test_lips_that_part():
    points = np.repeat(FACE[None], N, axis=0)
    points[:, 65:68, 1] += 12 * COURSE[:, None]
    found = column(shape_traces(filmed(points, px=1.4), RATE), "mouth_gap")
    np.testing.assert_allclose(found, 12 * COURSE, atol=0.2)


def test_the_head_has_traces_of_its_own():
    roll, size = 0.1 * np.sin(T), 0.08 * np.sin(2 * T)
    shift = np.stack([30 * np.sin(T), np.zeros(N)], axis=1)
    still = np.repeat(FACE[None], N, axis=0)
    for px in (0.5, 2.0):
        traces = shape_traces(filmed(still, roll=roll, px=px), RATE)
        np.testing.assert_allclose(column(traces, "head_roll"), 100 * roll, atol=0.15)
        traces = shape_traces(filmed(still, scale=np.exp(size), px=px), RATE)
        np.testing.assert_allclose(column(traces, "head_scale"), 100 * size, atol=0.15)
        traces = shape_traces(filmed(still, shift=shift, px=px), RATE)
        np.testing.assert_allclose(column(traces, "head_x"), shift[:, 0], atol=0.5)


def test_one_frame_that_slips_is_no_motion():
    points = filmed(np.repeat(FACE[None], N, axis=0))
    points[150] += np.random.default_rng(0).normal(0, 30, (68, 2))
    assert np.abs(shape_traces(points, RATE)).max() < 1e-6


@pytest.mark.parametrize("rate", [15.0, 30.0, 60.0])
def test_gaps_are_bridged_for_half_a_second_and_no_longer(rate):
    course = np.linspace(0, 1, N)
    points = filmed(moving("corner_l_x", course))
    short, longer = int(0.5 * rate), int(0.5 * rate) + 1
    points[50 : 50 + short] = np.nan
    points[150 : 150 + longer] = np.nan
    points[-longer:] = np.nan
    traces = shape_traces(points, rate)
    gone = np.isnan(traces).any(axis=1)
    np.testing.assert_array_equal(gone, np.isnan(traces).all(axis=1))
    assert set(np.flatnonzero(gone)) == {*range(150, 150 + longer), *range(N - longer, N)}
    inside = column(traces, "corner_l_x")[50 : 50 + short]
    np.testing.assert_allclose(np.diff(inside), -8 / (N - 1), atol=1e-3)


def test_every_second_frame_will_do():
    points = filmed(moving("corner_r_y", COURSE))
    points[1::2] = np.nan
    found = column(shape_traces(points, RATE), "corner_r_y")
    np.testing.assert_allclose(found, -9 * COURSE, atol=0.4)


@pytest.mark.parametrize("seen", [0, 1, 2, 3])
def test_hardly_any_landmarks(seen):
    points = np.full((10, 68, 2), np.nan)
    points[4 : 4 + seen] = FACE
    traces = shape_traces(points, RATE)
    assert traces.shape == (10, len(TRACES))
    assert np.isnan(traces).all() == (seen < 3)


def test_no_frames():
    assert shape_traces(np.zeros((0, 68, 2)), RATE).shape == (0, len(TRACES))


def test_landmarks_in_one_place_are_no_error():
    assert not np.isnan(shape_traces(np.full((9, 68, 2), 5.0), RATE)).any()
