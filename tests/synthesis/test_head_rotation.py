"""Heads that turn out of the picture plane, mouths that open, glasses that stay on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mescope.synthesis.glasses import draw_glasses
from mescope.synthesis.head_rotation import DISTANCE, PIVOT, relief, turned
from mescope.synthesis.motion import PEAK, UNITS, inter_ocular
from mescope.synthesis.portraits import drawn_portrait, test_portraits
from mescope.synthesis.warp import FaceWarp

REST = np.zeros(len(UNITS), np.float32)


def centre_of_dot(warp, at, pose, parting=0.0):
    """Return where a dot painted at ``at`` on a flat face arrives."""
    rows, columns = np.mgrid[0 : warp.height, 0 : warp.width]
    dot = np.exp(-0.5 * ((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / 2.5**2)
    picture = np.round(255 * dot).astype(np.uint8)
    seen = warp.render(picture, REST, np.asarray(pose), parting).astype(float)
    return np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()


@pytest.fixture(scope="module")
def face():
    portrait = drawn_portrait(3)
    return portrait, FaceWarp(portrait.landmarks, portrait.size)


@pytest.mark.parametrize(("yaw", "pitch"), [(0.2, 0.0), (-0.35, 0.0), (0.0, 0.2), (0.15, -0.1)])
def test_points_move_by_the_planted_turn(face, yaw, pitch):
    portrait, warp = face
    for landmark in (30, 27, 8, 51):
        at = portrait.landmarks[landmark].astype(float)
        depth = relief(portrait.landmarks, at)
        axes = portrait.landmarks[42:48].mean(axis=0) - portrait.landmarks[36:42].mean(axis=0)
        across = axes / np.linalg.norm(axes)
        basis = np.array([across, (-across[1], across[0])])
        place = (at - portrait.landmarks[36:48].mean(axis=0)) @ basis.T / warp.unit
        planted = turned(place, depth, yaw, pitch) @ basis * warp.unit
        moved = centre_of_dot(warp, at, (0, 0, 0, 0, yaw, pitch)) - at
        assert moved == pytest.approx(planted, abs=float(0.08 * np.linalg.norm(planted) + 0.5))


def test_the_nose_tip_outruns_the_eyes_by_its_height(face):
    """Parallax: at the same distance from the axis the nearer point moves further."""
    portrait, warp = face
    tip = portrait.landmarks[30].astype(float)
    eyes = portrait.landmarks[36:48].mean(axis=0).astype(float)
    yaw = 0.2
    pose = (0, 0, 0, 0, yaw, 0)
    ahead = (centre_of_dot(warp, tip, pose) - tip)[0] - (
        centre_of_dot(warp, eyes, pose) - eyes
    )[0]
    higher = relief(portrait.landmarks, tip) - relief(portrait.landmarks, eyes)
    assert higher > 0.15
    assert ahead == pytest.approx(higher * np.sin(yaw) * warp.unit, rel=0.3)
    back = centre_of_dot(warp, tip, (0, 0, 0, 0, -yaw, 0)) - tip
    assert back[0] < -5


def test_a_turn_of_a_point_is_a_rotation_in_space():
    """Against a rotation matrix and a camera in ``DISTANCE``, written out independently."""
    yaw, pitch = 0.3, -0.2
    point, depth = np.array([0.4, 0.2]), np.float64(0.25)
    x, y, z = np.array([*point, depth]) - PIVOT
    about_y = np.array(
        [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    )
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    )
    new = about_x @ about_y @ (x, y, z)
    nearer = 1 + (new[2] - z) / DISTANCE
    assert turned(point, depth, yaw, pitch) == pytest.approx(
        new[:2] * nearer - (x, y), abs=1e-6
    )


def test_poses_of_four_numbers_still_mean_what_they_meant(face):
    portrait, warp = face
    four = warp.render(portrait.image, REST, np.array([0.03, 0.01, 0.02, 0.01]))
    six = warp.render(portrait.image, REST, np.array([0.03, 0.01, 0.02, 0.01, 0, 0]))
    np.testing.assert_array_equal(four, six)


@pytest.mark.parametrize("parting", [2.0, 5.0])
def test_parted_lips_show_the_inside_and_move_apart(parting):
    for portrait in (*test_portraits(), drawn_portrait(6)):
        warp = FaceWarp(portrait.landmarks, portrait.size)
        above = portrait.landmarks[51] * 0.5 + portrait.landmarks[62] * 0.5
        below = portrait.landmarks[57] * 0.7 + portrait.landmarks[66] * 0.3
        moved = [
            (centre_of_dot(warp, at.astype(float), np.zeros(6), parting) - at)[1]
            for at in (above, below)
        ]
        gap = parting * PEAK * inter_ocular(portrait.landmarks)
        assert moved[0] < -0.1 * gap
        assert moved[1] > 0.4 * gap
        assert moved[1] - moved[0] == pytest.approx(gap, rel=0.35)
        rest = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
        opened = warp.render(rest, REST, np.zeros(6), parting).astype(int)
        x, y = np.round(portrait.landmarks[[62, 66]].mean(axis=0)).astype(int)
        inside = np.s_[y - 2 : y + 7, x - 8 : x + 9]
        assert np.abs(opened - rest)[inside].max() > 40


def test_a_barely_parted_mouth_does_not_jump(face):
    portrait, warp = face
    before = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
    least = 0.13 / (PEAK * warp.unit)
    after = warp.render(before, REST, np.zeros(6), least)
    assert np.abs(after.astype(int) - before).max() <= 45  # the line between the lips
    assert np.abs(after.astype(int) - before).mean() < 0.05


def test_glasses_follow_the_head_and_no_expression():
    portrait = drawn_portrait(6)
    glasses = draw_glasses(np.random.default_rng(2), portrait.landmarks, portrait.size)
    grey = np.full(portrait.size[::-1], 200, np.uint8)  # so that only the rims are dark
    warp = FaceWarp(portrait.landmarks, portrait.size, glasses)
    bare = FaceWarp(portrait.landmarks, portrait.size)

    def rims(activation, pose):
        worn = warp.render(grey, activation, pose).astype(int)
        worn -= bare.render(grey, activation, pose)
        return np.argwhere(worn < -25).mean(axis=0)

    raised = REST.copy()
    raised[[UNITS.index(u) for u in ("L1", "R1", "L2", "R2")]] = 3.0
    assert rims(raised, np.zeros(6)) == pytest.approx(rims(REST, np.zeros(6)), abs=1.5)
    moved = rims(REST, np.array([0.1, 0, 0, 0, 0, 0])) - rims(REST, np.zeros(6))
    assert moved == pytest.approx([0, 0.1 * warp.unit], abs=1.5)
