"""Blinks, speech, head movements and glances that were planted, and what resembles them."""

from dataclasses import replace

import numpy as np
import pytest
from planted_face import Close, Flow, Timing, dips, flow

from mescope.events import Interval
from mescope.face import points as face_points
from mescope.face.points import MEAN_FACE, RIGID, bridged, pose
from mescope.spotting.face_events import (
    find_events,
)
from mescope.spotting.gaze import iris
from mescope.spotting.head import head_moves
from mescope.spotting.speech import turning_points
from mescope.spotting.unjudged import unjudged


def of(kind, found):
    return [event for event in found.events if event.kind == kind]


def found_at(events, starts_s, length_s):
    """Say for each planted event how many found ones overlap it."""
    return [
        sum(e.onset_s <= start + length_s and e.offset_s >= start for e in events)
        for start in starts_s
    ]


@pytest.mark.parametrize(("rate", "length"), [(15, 0.3), (25, 0.16), (30, 0.4), (44, 0.25)])
def test_planted_blinks_are_found_and_nothing_else(rate, length):
    starts = [2.0, 3.1, 7.5, 11.02]
    n = 14 * rate
    found = find_events(flow(n, rate, open_=dips(n, rate, starts, length, 0.85)))
    blinks = of("blink", found)
    assert found_at(blinks, starts, length) == [1, 1, 1, 1]
    assert [event.kind for event in found.events] == ["blink"] * 4
    for blink, start in zip(blinks, starts, strict=True):
        assert blink.onset_s == pytest.approx(start, abs=0.3 * length + 1.5 / rate)
        assert blink.offset_s == pytest.approx(start + length, abs=0.3 * length + 1.5 / rate)
        assert blink.strength > 0.5
    assert np.nanmedian(found.openness) == pytest.approx(1.0, abs=0.05)


def test_one_frame_of_closure_is_a_blink():
    """At 25 frames a second a quick blink may show one shut frame."""
    opening = np.ones(200)
    opening[90:93] = 0.7, 0.1, 0.6
    blinks = of("blink", find_events(flow(200, 25, open_=opening)))
    assert len(blinks) == 1
    assert blinks[0].interval.first <= 91 <= blinks[0].interval.last


def test_a_blink_behind_glasses_that_lids_hardly_show():
    """The lids come down by 30 per cent, the iris is gone."""
    lid = dips(300, 30, [4.0], 0.25, 0.3)
    found = find_events(flow(300, 30, open_=lid, pattern=dips(300, 30, [4.0], 0.25, 0.95)))
    assert found_at(of("blink", found), [4.0], 0.25) == [1]


@pytest.mark.parametrize(
    "shape",
    [
        dips(300, 30, [4.0], 0.4, 0.35),  # a smile that flashes
        dips(300, 30, [4.0], 3.0, 0.45),  # a squint, a smile that is held
        np.stack([dips(300, 30, [4.0], 0.3, 0.9), np.ones(300)], 1),  # a wink
        np.linspace(1.0, 0.6, 300),  # getting tired
    ],
)
def test_eyes_that_narrow_do_not_blink(shape):
    assert of("blink", find_events(flow(300, 30, open_=shape))) == []


def test_eyes_that_stay_shut_are_no_blink():
    opening = np.ones(400)
    opening[150:240] = 0.1
    assert of("blink", find_events(flow(400, 30, open_=opening))) == []


def test_two_blinks_that_touch_are_two():
    starts = [4.0, 4.3]
    blinks = of("blink", find_events(flow(300, 30, open_=dips(300, 30, starts, 0.3, 0.9))))
    assert len(blinks) == 2
    assert blinks[0].interval.last < blinks[1].interval.first
    assert blinks[0].offset_s == pytest.approx(4.3, abs=0.07)


def test_the_lids_not_the_smile_around_them_bound_a_blink():
    """A smile narrows the eyes just before, for good."""
    smile = np.where(np.arange(300) < 100, 1.0, 0.75)
    smile[90:110] = np.interp(np.arange(90, 110), [95, 105], [1.0, 0.75])
    opening = smile * dips(300, 30, [4.0], 0.27, 0.9)
    (blink,) = of("blink", find_events(flow(300, 30, open_=opening)))
    assert 115 <= blink.interval.first <= 123
    assert 125 <= blink.interval.last <= 131


def test_a_blink_within_a_smile_is_found():
    opening = np.minimum(dips(400, 30, [3.0], 6.0, 0.3), dips(400, 30, [6.0], 0.3, 0.9))
    blinks = of("blink", find_events(flow(400, 30, open_=opening)))
    assert found_at(blinks, [6.0], 0.3) == [1]
    assert len(blinks) == 1


@pytest.mark.parametrize("rate", [15, 25, 30])
def test_talking_is_speech(rate):
    """Four syllables a second from 2 to 8 s."""
    t = np.arange(10 * rate) / rate
    talking = (t >= 2) & (t < 8)
    mouth = 6 + np.where(talking, 6 * (1 - np.cos(2 * np.pi * 4 * t)), 0)
    mouth += np.where(talking, np.sin(5 * t), 0)
    speech = of("speech", find_events(flow(len(t), rate, mouth=mouth)))
    assert len(speech) == 1
    assert speech[0].onset_s == pytest.approx(2, abs=0.3)
    assert speech[0].offset_s == pytest.approx(8, abs=0.3)
    assert speech[0].strength == pytest.approx(12, abs=3)


@pytest.mark.parametrize(
    "starts", [[4.0], [4.0, 6.0], [1.0, 3.0, 5.0, 7.0]], ids=["one", "two", "posing"]
)
def test_expressions_are_no_speech(starts):
    mouth = 6 + 30 * (1 - dips(300, 30, starts, 0.4, 1.0))
    assert of("speech", find_events(flow(300, 30, mouth=mouth, noise=0.3))) == []


def test_a_held_smile_that_trembles_is_no_speech():
    rng = np.random.default_rng(1)
    mouth = 6 + 30 * (1 - dips(300, 30, [2.0], 5.0, 1.0)) + rng.normal(0, 0.8, 300)
    assert of("speech", find_events(flow(300, 30, mouth=mouth))) == []


def test_turning_points_against_the_plain_definition():
    trace = np.concatenate([np.linspace(0, 10, 8), np.linspace(10, 3, 5), np.full(6, 3.0)])
    assert turning_points(trace, 4.0).tolist() == [0, 7, 12]
    assert turning_points(trace, 20.0).tolist() == []
    assert turning_points(np.array([5.0]), 4.0).tolist() == []


def rotated(yaw, pitch, roll):
    """Project the mean face, turned; degrees."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = np.zeros((68, 2))
    points[list(RIGID)] = 1.7 * (MEAN_FACE @ (about_z @ about_x @ about_y).T)[:, :2] + 200
    return points


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("degrees", [-25.0, 5.0, 30.0])
def test_pose_of_a_projected_head(axis, degrees):
    angles = np.zeros(3)
    angles[axis] = degrees
    np.testing.assert_allclose(pose(rotated(*angles)[None])[0], angles, atol=0.01)


def turning(degrees, seconds, axis, rate=30, n=300):
    angles = np.zeros((n, 3))
    t = np.arange(n) / rate
    angles[:, axis] = degrees * np.clip((t - 4) / seconds, 0, 1)
    return angles


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_quick_turn_is_a_head_movement(axis):
    moves = head_moves(turning(20, 0.5, axis), 30)
    assert len(moves) == 1
    assert moves[0].interval.first == pytest.approx(120, abs=5)
    assert moves[0].interval.last == pytest.approx(135, abs=5)
    assert moves[0].degrees == pytest.approx(20, abs=2)


def test_a_slow_turn_is_none():
    assert head_moves(turning(30, 4.0, 0), 30) == []


@pytest.mark.parametrize("hole", [1, 4, 9, 10, 11, 12])
def test_a_head_that_was_not_seen_did_not_move(hole):
    """It comes back another way round."""
    pose = np.zeros((300, 3))
    pose[150:] = 20.0, -8.0, 3.0
    pose[150 - hole : 150] = np.nan
    assert head_moves(pose, 30) == []
    pose[:, 0] += turning(20, 0.5, 0)[:, 0]  # and what it does before is found
    assert [m.interval.first for m in head_moves(pose, 30)] == [pytest.approx(120, abs=5)]


def test_nothing_moves_from_one_scene_to_the_next():
    """Every frame beside the cut is measured; the other face tilts and looks aside."""
    at = np.arange(300) >= 150
    made = flow(300, 30, gaze=np.where(at, 0.2, -0.1), mouth=np.where(at, 30.0, 6.0))
    cos, sin = np.cos(np.radians(15)), np.sin(np.radians(15))
    turn = np.array([[cos, -sin], [sin, cos]])
    made.close.points[150:] = (made.close.points[150:] - 200) @ turn.T + 200
    assert {event.kind for event in find_events(made).events} == {"head", "gaze"}
    assert find_events(replace(made, cuts=np.arange(300) == 150)).events == ()
    made.close.points[149:152] = np.nan  # a hole that would be bridged in one scene
    assert of("head", find_events(replace(made, cuts=np.arange(300) == 151))) == []


def test_eyes_of_another_scene_did_not_blink():
    """A cut to somebody who looks down, and back."""
    away = (np.arange(300) >= 150) & (np.arange(300) < 156)
    made = flow(300, 30, open_=np.where(away, 0.15, 1.0))
    assert len(of("blink", find_events(made))) == 1
    cuts = np.isin(np.arange(300), (150, 156))
    assert of("blink", find_events(replace(made, cuts=cuts))) == []
    shut = np.where(away, 0.15, 1.0) * dips(300, 30, [8.0], 0.3, 0.9)
    (one,) = of("blink", find_events(replace(flow(300, 30, open_=shut), cuts=cuts)))
    assert one.onset_s == pytest.approx(8.0, abs=0.15)


def test_another_place_behind_a_cut_is_no_large_motion():
    """Nor does the size of the one face change that of the other's mouth."""
    made = flow(300, 30)
    made.close.points[150:] = made.close.points[150:] * 2.0 + 300.0
    assert {one.reason for one in find_events(made).unjudged} == {"large motion"}
    found = find_events(replace(made, cuts=np.arange(300) == 150))
    assert found.unjudged == ()
    assert np.ptp(found.mouth) < 2.0
    cuts = np.isin(np.arange(300), (150, 151))  # a scene of one frame
    assert find_events(replace(made, cuts=cuts)).unjudged == ()


def test_glances_are_found_with_their_side():
    gaze = np.zeros(300)
    gaze[100:160], gaze[160:] = 0.2, -0.1
    shifts = of("gaze", find_events(flow(300, 30, gaze=gaze)))
    assert [e.interval.first <= at <= e.interval.last + 1
            for e, at in zip(shifts, (100, 160), strict=True)] == [True, True]  # fmt: skip
    assert shifts[0].strength == pytest.approx(0.2, abs=0.05)
    place = iris(flow(300, 30, gaze=gaze).close.eyes).mean(axis=1)
    assert place[120] > 0.1 > -0.05 > place[200]


def test_no_glance_is_claimed_in_a_blink_or_in_tiny_eyes():
    gaze = np.where(np.arange(300) < 150, 0.0, 0.2)
    blinking = dips(300, 30, [4.9], 0.3, 0.9)
    assert of("gaze", find_events(flow(300, 30, gaze=gaze, open_=blinking))) == []
    tiny = flow(300, 30, gaze=gaze, noise=0.0)
    tiny.close.points *= 0.3
    assert of("gaze", find_events(tiny)) == []


def stretch(**changed):
    """Return unjudged stretches of 10 s in which 3 to 6 s differ from an easy face."""
    n, rate = 300, 30.0
    arrays = {
        "pose": np.zeros((n, 3)),
        "centre": np.full((n, 2), 200.0),
        "width": np.full(n, 150.0),
        "light": np.tile([120.0, 0.45], (n, 1)),
    }
    part = slice(90, 180)
    for name, values in changed.items():
        arrays[name][part] = values
    return unjudged(**arrays, rate=rate)


T = np.arange(90)[:, None] / 30


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("turned away", {"pose": [50.0, 0.0, 0.0]}),
        ("dark", {"light": [12.0, 0.45]}),
        ("overexposed", {"light": [249.0, 0.45]}),
        ("blurred", {"light": [120.0, 0.08]}),
        ("too small", {"width": 30.0}),
        ("large motion", {"pose": np.sin(8 * T) * [10.0, 0, 0]}),
        ("large motion", {"centre": 200 + np.sin(6 * T) * [40.0, 0]}),
    ],
)
def test_what_cannot_be_judged_has_its_reason(reason, changed):
    found = stretch(**changed)
    found = [one for one in found if one.reason == reason or reason != "turned away"]
    assert {one.reason for one in found} == {reason}
    assert min(one.interval.first for one in found) == pytest.approx(90, abs=15)
    assert max(one.interval.last for one in found) == pytest.approx(179, abs=15)


def test_an_easy_face_can_be_judged():
    assert stretch() == []
    assert find_events(flow(300, 30)).unjudged == ()


def test_few_frames_a_second_cannot_be_judged():
    found = find_events(flow(60, 12)).unjudged
    (one,) = found
    assert (one.interval, one.reason) == (Interval(0, 59), "too few frames a second")


@pytest.mark.parametrize("n", [1, 2, 3, 16])
@pytest.mark.parametrize("rate", [15.0, 28.6, 44.0])
def test_short_recordings_and_recordings_without_a_face(n, rate):
    blank = Close(
        np.full((n, 68, 2), np.nan, np.float32),
        np.zeros((n, 2, 12, 24), np.uint8),
        np.full((n, 2), np.nan, np.float32),
    )
    for close in (blank, flow(n, rate).close, None):
        found = find_events(Flow(close, np.arange(n) / rate, Timing(rate)))
        assert found.events == ()
        assert found.openness.shape == (n,)
        assert found.pose.shape == (n, 3)


def test_holes_in_the_landmarks():
    """Every second frame measured, and 2 s without a face: the blinks outside are found."""
    starts = [2.0, 8.0]
    made = flow(330, 30, open_=dips(330, 30, starts, 0.3, 0.9))
    made.close.points[1::2] = np.nan
    made.close.light[1::2] = np.nan
    made.close.points[130:190] = np.nan
    made.close.eyes[130:190] = 0
    found = find_events(made)
    assert found_at(of("blink", found), starts, 0.3) == [1, 1]
    assert len(found.events) == 2
    assert np.isnan(found.openness[140:180]).all()
    assert not np.isnan(found.openness[10:120]).any()


def test_bridging_fills_short_holes_only():
    points = np.full((60, 68, 2), np.nan)
    points[[0, 2, 40]] = np.array([0.0, 2.0, 40.0])[:, None, None]
    out = bridged(points, 30)
    assert out[1, 0, 0] == 1.0
    assert np.isnan(out[3:40]).all()
    assert face_points.LONGEST_HOLE_S < 0.2


def test_padding_is_left_out():
    made = flow(300, 30, open_=dips(300, 30, [4.0], 0.3, 0.9))
    found = find_events(replace(made, padded=20))
    assert found.openness.shape == (280,)
    assert len(of("blink", found)) == 1
