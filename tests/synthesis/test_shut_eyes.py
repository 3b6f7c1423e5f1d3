"""Blinks of photographs: the opening is found, and a blink shuts it and nothing else."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mescope.motion.roi_flow import extract
from mescope.spotting.face_events import find_events
from mescope.synthesis.dynamics import blink, event, random_script
from mescope.synthesis.motion import UNITS, inter_ocular
from mescope.synthesis.portraits import drawn_portrait, test_portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.synthesis.shut_eyes import lids_of, opening
from mescope.synthesis.warp import FaceWarp


@pytest.fixture(scope="module")
def grace():
    return test_portraits()[0]


def blinking(portrait, amount):
    activation = np.zeros(len(UNITS), np.float32)
    activation[UNITS.index("blink")] = amount
    warp = FaceWarp(portrait.landmarks, portrait.size, portrait.glasses, portrait.shut)
    grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
    return grey, warp.render(grey, activation, np.zeros(6))


def test_the_opening_is_found_where_landmarks_miss_it():
    """A dark disc is planted; landmarks lie around it, or 7 px too low."""
    points = drawn_portrait(3).landmarks
    radius = 0.092 * inter_ocular(points)
    x, y = np.round(points[36:42].mean(axis=0)).astype(int)
    grey = np.full((360, 640), 170, np.uint8)
    cv2.circle(grey, (int(x), int(y)), round(radius), 30, -1)
    fitting = points.copy()
    for ids, height in (((37, 38), -radius), ((40, 41), radius), ((36, 39), 0)):
        fitting[list(ids), 1] = y + height
    assert opening(grey, fitting, 36) is None
    missing = fitting + np.array([0, 7], np.float32)
    upper, lower = lids_of(opening(grey, missing, 36), np.array([x]))
    assert upper[0] == pytest.approx(y - radius, abs=1.5)
    assert lower[0] == pytest.approx(y + radius, abs=1.5)
    assert opening(np.full_like(grey, 170), missing, 36) is None  # no iris tells


def test_lids_are_painted_only_where_landmarks_miss_the_eye(grace):
    assert all(eye is not None for eye in grace.shut)
    assert drawn_portrait(0).shut is None
    assert all(p.shut == (None, None) for p in test_portraits()[1:])


def across(eye):
    """Return the mean change from left to right, as a share of the brightness."""
    return float(np.abs(np.diff(eye.astype(float), axis=1)).mean() / eye.mean())


@pytest.mark.parametrize("kind", ["grace", 0, 1, 2, 3, 4, 5])
def test_a_full_blink_leaves_no_iris_in_sight(grace, kind):
    """The change from left to right (white, iris, pupil, highlights) gives way to skin."""
    portrait = grace if kind == "grace" else drawn_portrait(kind)
    before, after = blinking(portrait, 1.0)
    for side, first in enumerate((36, 42)):
        ring = portrait.shut[side].ring if portrait.shut else portrait.landmarks[first:][:6]
        upper, lower = lids_of(ring, ring[[1, 2], 0])
        rows = slice(int(upper.max()) + 1, int(lower.min()) - 1)
        columns = slice(int(ring[0, 0]) + 4, int(ring[3, 0]) - 3)
        open_eye, shut_eye = (across(picture[rows, columns]) for picture in (before, after))
        assert shut_eye < 0.2 * open_eye


def test_a_blink_leaves_the_rim_of_the_glasses(grace):
    before, after = blinking(grace, 1.0)
    for eye in grace.shut:
        left, right = int(eye.ring[0, 0]), int(eye.ring[3, 0])
        top = int(eye.ring[:, 1].min())
        rim = np.s_[top - 14 : top - 5, left:right]
        assert before[rim].min() < 50  # the rim is there
        assert np.abs(after[rim].astype(int) - before[rim]).mean() < 2


def test_planted_blinks_behind_glasses_are_named(grace):
    """Two blinks in five seconds; colour and grey pictures alike."""
    still = random_script(np.random.default_rng(0), 5.0, level="calm", micro_per_minute=0,
                          macro_per_minute=0)  # fmt: skip
    starts = (1.6, 3.3)
    script = replace(
        still,
        disturbances=tuple(blink(at, 0.25, 1.0) for at in starts),
        events=tuple(event("blink", at, at + 0.25, 1.0) for at in starts),
    )
    video = SyntheticVideo(grace, script, 30.0)
    found = find_events(extract(video, cache=None, jobs=1)).events
    blinks = [e.interval for e in found if e.kind == "blink"]
    planted = [e.interval for e in video.events]
    assert len(blinks) == len(planted)
    for a, b in zip(blinks, planted, strict=True):
        assert a.iou(b) >= 0.5
    colour = video.read([planted[0].first + 3])[planted[0].first + 3]
    ((_, grey),) = video.frames(start=planted[0].first + 3, stop=planted[0].first + 4)
    assert np.abs(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY).astype(int) - grey).max() <= 12
