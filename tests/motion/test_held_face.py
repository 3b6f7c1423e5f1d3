"""Motion magnified: a planted shift of a part of a face comes out as many times as far."""

import cv2
import numpy as np
import pytest

from mescope.motion.flow import farneback
from mescope.motion.flow_colours import colour_wheel, flow_colours
from mescope.motion.held_face import RIM, HeldFace
from mescope.synthesis.portraits import drawn_portrait

STILL = np.eye(2, 3)
TURN = (
    np.array([[np.cos(0.03), -np.sin(0.03), 4.0], [np.sin(0.03), np.cos(0.03), -11.0]]) * 1.01
)
WIDE = 24.0  # px: deviation of the planted bump
CLOSE = 0.2  # share by which measured flow may miss what was planted


@pytest.fixture(scope="module")
def sitter():
    return drawn_portrait(3, (480, 270))


def places(picture):
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    return np.stack([x, y], -1)


def moved(picture, centre, shift, head=STILL):
    """Return a picture whose part around ``centre`` moved by ``shift``, all by ``head``."""
    back = cv2.invertAffineTransform(head)
    goal = places(picture) @ back[:, :2].T + back[:, 2]
    at = goal
    for _ in range(8):
        bump = np.exp(-((at - centre) ** 2).sum(-1, keepdims=True) / (2 * WIDE**2))
        at = goal - bump * np.asarray(shift)
    found = cv2.remap(
        picture, at.astype(np.float32), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.uint8)


def grey(picture):
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def between(first, second, centre):
    """Return the flow from a picture to another around a place, px."""
    x, y = np.rint(centre).astype(int)
    return np.median(farneback(grey(first), grey(second))[y - 3 : y + 4, x - 3 : x + 4], (0, 1))


@pytest.mark.parametrize("head", [STILL, TURN], ids=["still", "turned"])
@pytest.mark.parametrize(("part", "shift"), [(48, (0.3, -0.3)), (19, (0.0, -0.4))])
def test_a_planted_shift_comes_out_as_many_times_as_far(sitter, part, shift, head):
    centre = sitter.landmarks[part]
    held = HeldFace(sitter.image, sitter.landmarks)
    now = moved(sitter.image, centre, shift, head)
    length = np.hypot(*shift)
    for factor in (2, 10, 20):
        found = between(sitter.image, held.magnified(now, factor), centre)
        along = np.dot(found, shift) / length**2
        assert along == pytest.approx(factor, rel=CLOSE)


def test_the_motion_of_the_head_is_found_and_taken_out(sitter):
    held = HeldFace(sitter.image, sitter.landmarks)
    now = moved(sitter.image, sitter.landmarks[30], (0, 0), TURN)
    found = held.motion(now)
    eyes = sitter.landmarks[36:48]
    goal = eyes @ TURN[:, :2].T + TURN[:, 2]
    assert np.abs(eyes @ found.head[:, :2].T + found.head[:, 2] - goal).max() < 0.1  # px
    assert np.hypot(*np.moveaxis(found.own, -1, 0)).max() < 0.2
    assert (
        np.abs(between(sitter.image, held.magnified(now, 20), sitter.landmarks[30])).max() < 1
    )


def test_difference_is_grey_where_nothing_changed(sitter):
    held = HeldFace(sitter.image, sitter.landmarks)
    same = held.difference(sitter.image, 10)
    assert np.abs(same.astype(int) - 128).max() <= 10
    brighter = sitter.image.copy()
    x, y = np.rint(sitter.landmarks[2]).astype(int)
    brighter[y - 4 : y + 5, x - 4 : x + 5] = np.minimum(
        255, brighter[y - 4 : y + 5, x - 4 : x + 5] + 6
    )
    found = held.difference(brighter, 10)
    assert 170 < found[y, x].mean() < 210


def test_colours_tell_direction_and_length(sitter):
    """The mouth moves up by half the length of the rim: the colour of the wheel there."""
    centre = sitter.landmarks[51]
    held = HeldFace(sitter.image, sitter.landmarks)
    factor = 20
    now = moved(sitter.image, centre, (0, -0.5 * RIM / factor))
    found = held.flow_picture(now, factor)
    x, y = np.rint(centre).astype(int)
    hue, saturation, _ = cv2.cvtColor(found, cv2.COLOR_RGB2HSV)[y, x].astype(int)
    up = cv2.cvtColor(
        flow_colours(np.array([[[0.0]], [[-0.5]]], np.float32), 1.0), cv2.COLOR_RGB2HSV
    )
    assert abs(hue - int(up[0, 0, 0])) <= 8
    assert 0.3 < saturation / 255 < 0.7
    wheel = colour_wheel(59)
    assert (found[-59:, -59:] == wheel).all()


def test_without_landmarks_the_whole_picture_is_taken(sitter):
    centre = np.array([240.0, 135.0])
    held = HeldFace(sitter.image, None)
    now = moved(sitter.image, centre, (0.4, 0.0))
    found = between(sitter.image, held.magnified(now, 10), centre)
    assert 2.5 < found[0] < 5
