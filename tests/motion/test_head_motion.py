"""The head's motion that was planted is taken out, and the face's own is left."""

import numpy as np
import pytest

from mescope.motion.head_motion import DEPTH, LEAST_REGIONS, steady
from mescope.motion.regions import GLOBAL, REGIONS_5, REGIONS_18, place
from mescope.synthesis.shapes import mean_shape

NAMES = tuple(region.name for region in REGIONS_18)
BOX = np.array([40.0, 60.0, 200.0, 220.0])  # a crop of 160 px: one frame px is two crop px


def middles(shape):
    """Middle of every region, the nose bridge last, (R + 1, 2) px of the crop."""
    boxes = [p.inner for p in place(shape, (*REGIONS_18, GLOBAL))]
    return np.array([[(b.left + b.right) / 2, (b.top + b.bottom) / 2] for b in boxes])


def turned(yaw=0.0, pitch=0.0, roll=0.0, scale=1.0, shift=(0.0, 0.0)):
    """Motion of all regions of a head that turns (rad), grows and shifts; nose removed, (R, 2).

    Every region is a point in space that is rotated and projected straight on, which knows
    nothing of the linear terms that are fitted.
    """
    places = middles(mean_shape())
    depth = np.array([DEPTH[name] for name in (*NAMES, "GLOBAL")])
    solid = np.column_stack([places - 160.0, depth])
    y, p, r = yaw, pitch, roll
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    moved = scale * (solid @ (about_z @ about_x @ about_y).T)[:, :2] + shift
    motion = moved - solid[:, :2]
    return motion[:-1] - motion[-1]


def windows_of(motions):
    """One window (1, 2R, k) of the motions (R, 2), with its box and its landmarks."""
    windows = np.stack([m.reshape(-1) for m in motions], axis=1)[None].astype(np.float32)
    landmarks = mean_shape()[None] * (BOX[2] - BOX[0]) / 320 + BOX[:2]
    return windows, BOX[None], landmarks


def after(*motions):
    """What is left of motions (R, 2), as (k, R, 2)."""
    return steady(*windows_of(motions), NAMES)[0].T.reshape(len(motions), -1, 2)


@pytest.mark.parametrize(
    ("head", "left"),
    [
        ({"shift": (30.0, -20.0)}, 0.0),
        ({"roll": 0.05}, 0.0),
        ({"scale": 1.04}, 0.0),
        ({"yaw": 0.03}, 0.05),
        ({"pitch": -0.03}, 0.05),
        ({"yaw": 0.02, "pitch": 0.02, "roll": -0.05, "scale": 0.97, "shift": (9, -5)}, 0.05),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
def test_a_head_leaves_nothing(head, left):
    """0.05 px of shift, turn and scale; of turns out of the picture 3 %, by the ridge."""
    motion = turned(**head)
    deep = turned(yaw=head.get("yaw", 0), pitch=head.get("pitch", 0))
    assert np.hypot(*motion.T).max() > 0.5 or "shift" in head  # there is something to take out
    assert np.abs(after(motion)).max() < 0.05 + left * np.abs(deep).max()


def test_frames_are_taken_one_by_one():
    frames = [turned(roll=0.01 * t) for t in range(-2, 3)]
    left = after(*frames)
    for frame, rest in zip(frames, left, strict=True):
        np.testing.assert_allclose(rest, after(frame)[0], atol=1e-5)


def smile(px):
    own = np.zeros((len(NAMES), 2))
    own[NAMES.index("MOUTH_48")] = -0.4 * px, -0.9 * px
    own[NAMES.index("MOUTH_54")] = 0.4 * px, -0.9 * px
    return own


def moved(motion, *names):
    """Give ``motion`` (x, y) to the regions whose names begin so; x is towards the middle."""
    own = np.zeros((len(NAMES), 2))
    for i, name in enumerate(NAMES):
        if name.startswith(names):
            own[i] = motion[0] * (1 if "_L" in name else -1), motion[1]
    return own


TURNS = {"still": {}, "turning": {"roll": 0.04, "scale": 1.03, "yaw": 0.02}}


def survives(own, head):
    """Share of the planted motion that is lost, at worst; and what still regions are given."""
    left = after(own + turned(**head))[0]
    moving = own.any(axis=1)
    lost = np.hypot(*(left - own)[moving].T) / np.hypot(*own[moving].T)
    return lost.max(), np.hypot(*left[~moving].T).max() / np.hypot(*own.T).max()


@pytest.mark.parametrize("px", [1.5, 4.0, 12.0])
@pytest.mark.parametrize("head", TURNS)
def test_a_smile_survives(px, head):
    lost, bled = survives(smile(px), TURNS[head])
    assert lost < 0.15
    assert bled < 0.1


@pytest.mark.parametrize("head", TURNS)
@pytest.mark.parametrize(
    ("own", "least"),
    [
        (moved((0.0, -4.0), "BROW_L"), 0.95),
        (moved((0.0, -4.0), "BROW"), 0.95),
        (moved((1.5, 3.0), "BROW"), 0.9),
        (moved((0.0, 3.0), "LID"), 0.9),
        (moved((0.0, -3.0), "NOSE", "MOUTH_51"), 0.9),
        (moved((0.0, -4.0), "BROW") + moved((0.0, 6.0), "MOUTH_57", "MOUTH_62"), 0.7),
        (moved((0.0, -4.0), "BROW") + moved((0.0, -1.5), "LID"), 0.7),
    ],
    ids=["one brow", "AU 1+2", "AU 4", "blink", "AU 9+10", "AU 1+2+25", "AU 1+2+5"],
)
def test_an_expression_survives(own, least, head):
    """Brows that move evenly are no nod; with lips or lids a quarter still looks like one."""
    left = after(own + turned(**TURNS[head]))[0]
    kept = (left * own).sum() / (own**2).sum()
    bled = np.hypot(*left[~own.any(axis=1)].T).max() / np.hypot(*own.T).max()
    assert kept > least
    assert kept < 1.1
    assert bled < 1.0 - least + 0.05


def test_windows_without_a_face_are_left_alone():
    windows, boxes, landmarks = (
        np.repeat(part, 2, axis=0) for part in windows_of([turned(roll=0.1)])
    )
    boxes[1], landmarks[1] = np.nan, np.nan
    before = windows.copy()
    left = steady(windows, boxes, landmarks, NAMES)
    assert np.abs(left[0]).max() < 0.1
    np.testing.assert_array_equal(left[1], before[1])
    np.testing.assert_array_equal(windows, before)  # the input is no scratch paper


def test_few_regions_are_left_alone():
    five = [region.name for region in REGIONS_5]
    assert len(five) < LEAST_REGIONS
    windows = np.random.default_rng(0).normal(size=(2, 10, 6)).astype(np.float32)
    shapes = np.repeat(mean_shape()[None], 2, axis=0)
    boxes = np.tile([0.0, 0.0, 320.0, 320.0], (2, 1))
    np.testing.assert_array_equal(steady(windows, boxes, shapes, five), windows)


def test_a_region_without_a_depth_is_refused():
    windows, boxes, landmarks = windows_of([turned()])
    names = ("EAR", *NAMES[1:])
    with pytest.raises(ValueError, match="no depth is known for the regions EAR"):
        steady(windows, boxes, landmarks, names)


def test_every_region_has_a_depth():
    assert set(DEPTH) == {*NAMES, GLOBAL.name}
