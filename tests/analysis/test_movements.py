"""What is measured of a planted movement: shown or not, why, and how far did what move."""

from dataclasses import replace

import numpy as np
import pytest
from planted_motion import NAMES, UP, bump, points_of, recording, region_flow

from mescope.analysis.movements import (
    emotion_traces,
    measure_movements,
    noise_level,
)
from mescope.events import Detection, FaceEvent, Interval
from mescope.spotting import Spotting
from mescope.spotting.apex_motion import LARGE_PX
from mescope.spotting.face_shape import INNER_EYES_PX

SMILE, BROWS = Interval(100, 114), Interval(400, 412)
EVENTS = (
    ((100, 114), ["corner_l", "corner_r"], (0.0, -3.0)),
    ((400, 412), ["brow_l", "brow_r"], (0.0, 1.5)),
)


def detection(interval, score=0.9):
    return Detection(
        interval=interval, kind="micro", score=score, emotion="positive",
        apex=(interval.first + interval.last) // 2,
    )  # fmt: skip


def spotting(*detections, floor, n=900):
    trace = np.zeros(n)
    return Spotting(
        detections=tuple(detections), score=trace, floor=floor, emotion=np.zeros((n, 5)),
        movement=trace,
    )  # fmt: skip


def event(kind, first, last):
    return FaceEvent(
        kind=kind, interval=Interval(first, last), onset_s=0.0, offset_s=0.0, strength=1.0
    )


def moved(movement, name):
    return movement.motion[NAMES.index(name)]


@pytest.fixture(scope="module")
def flow():
    return region_flow(recording(noise=0.02, events=EVENTS))


def test_what_reaches_the_floor_is_shown_in_order_of_time(flow):
    found = spotting(detection(BROWS, 0.5), detection(SMILE, 0.49), floor=0.5)
    first, second = measure_movements(flow, found, [])
    assert (first.detection.interval, first.shown) == (SMILE, False)
    assert (second.detection.interval, second.shown) == (BROWS, True)
    assert first.explained_by is second.explained_by is None
    assert measure_movements(flow, spotting(floor=0.5), []) == []


def test_a_blink_is_never_called_an_expression(flow):
    """However sure the network is; but a smile in which somebody blinks is one."""
    blinks = [event("blink", 402, 411), event("blink", 102, 111)]
    smile, brows = measure_movements(
        flow, spotting(detection(SMILE), detection(BROWS, 1.0), floor=0.1), blinks
    )
    assert (brows.shown, brows.explained_by) == (False, "blink")
    assert (smile.shown, smile.explained_by) == (True, None)


@pytest.mark.parametrize("kind", ["speech", "head"])
def test_speech_and_turning_explain_what_they_cover(flow, kind):
    (movement,) = measure_movements(
        flow, spotting(detection(SMILE), floor=0.1), [event(kind, 90, 108)]
    )
    assert (movement.shown, movement.explained_by) == (False, kind)


def test_motion_from_onset_to_apex_is_what_was_planted(flow):
    smile, brows = measure_movements(
        flow, spotting(detection(SMILE), detection(BROWS), floor=0.5), []
    )
    np.testing.assert_allclose(moved(smile, "MOUTH_48"), (0, -3), atol=0.15)
    np.testing.assert_allclose(moved(brows, "BROW_R_24"), (0, 1.5), atol=0.15)
    for movement, still in ((smile, "BROW_L"), (brows, "MOUTH")):
        np.testing.assert_allclose(moved(movement, still), (0, 0), atol=0.15)
    assert not np.isnan(smile.motion).any()


def landmarks(px, marks, vector, n=900):
    """Landmarks that move by ``px`` of the crop along ``vector`` during the smile."""
    points = points_of(n)
    scale = 80 / INNER_EYES_PX  # px of these landmarks per px of the crop
    step = np.array(vector) * px * scale
    points[:, marks] += bump(n, 100, 114)[:, None, None] * step
    return points


def test_landmarks_are_believed_where_flow_failed():
    """The corner goes up by 12 px; flow, from which teeth appeared, says 2 px down."""
    motion = recording(noise=0.02, events=[((100, 114), ["corner_l", "lips"], (0.0, 2.0))])
    flow = region_flow(motion, points=landmarks(12, [48], (0, -1)))
    (movement,) = measure_movements(flow, spotting(detection(SMILE), floor=0.5), [])
    np.testing.assert_allclose(moved(movement, "MOUTH_48"), (0, -12), atol=0.6)
    for name in ("MOUTH", "MOUTH_62", "NOSE_31", "NOSE_35"):  # no skin there to follow
        assert np.isnan(moved(movement, name)).all()
    np.testing.assert_allclose(moved(movement, "BROW_L"), (0, 0), atol=0.15)


def test_landmarks_are_not_believed_for_small_motion_or_where_flow_agrees():
    motion = recording(noise=0.02, events=[((100, 114), ["corner_l"], (0.0, -2.0))])
    flow = region_flow(motion, points=landmarks(0.8 * LARGE_PX, [48], (0, 1)))
    (movement,) = measure_movements(flow, spotting(detection(SMILE), floor=0.5), [])
    np.testing.assert_allclose(moved(movement, "MOUTH_48"), (0, -2), atol=0.15)
    motion = recording(noise=0.02, events=[((100, 114), ["corner_l"], (0.0, -8.0))])
    flow = region_flow(motion, points=landmarks(9, [48], (0, -1)))
    (movement,) = measure_movements(flow, spotting(detection(SMILE), floor=0.5), [])
    np.testing.assert_allclose(moved(movement, "MOUTH_48"), (0, -8), atol=0.15)
    assert not np.isnan(movement.motion).any()


def test_brows_are_read_from_flow_alone():
    """Their landmarks slip under fringes, hats and glasses."""
    motion = recording(noise=0.02, events=[((100, 114), ["brow_l"], (0.0, -2.0))])
    flow = region_flow(motion, points=landmarks(8, [20, 21], (0, 1)))
    (movement,) = measure_movements(flow, spotting(detection(SMILE), floor=0.5), [])
    np.testing.assert_allclose(moved(movement, "BROW_L_20"), (0, -2), atol=0.15)
    assert not np.isnan(movement.motion).any()


def test_without_landmarks_flow_decides():
    flow = region_flow(recording(noise=0.02, events=EVENTS), close=False)
    (movement,) = measure_movements(flow, spotting(detection(SMILE), floor=0.5), [])
    np.testing.assert_allclose(moved(movement, "MOUTH_48"), (0, -3), atol=0.15)


def test_what_lies_in_the_padding_is_left_out():
    flow = region_flow(recording(noise=0.02, events=EVENTS), padded=40)
    inside, outside = Interval(850, 855), Interval(870, 880)
    kept = measure_movements(
        flow, spotting(detection(inside), detection(outside), floor=0.5), []
    )
    assert [one.detection.interval for one in kept] == [inside]


@pytest.mark.parametrize("noise", [0.05, 0.4])
def test_the_noise_that_was_planted_is_measured(noise):
    """90 % of the lengths of two-dimensional noise lie below 2.15 deviations."""
    motion = recording(noise=noise, drift=20.0)
    found = noise_level(region_flow(motion), [])
    assert found == pytest.approx(noise * np.sqrt(2 * np.log(10)), rel=0.1)


def test_movements_are_no_noise():
    still = recording(noise=0.05)
    busy = recording(noise=0.05, events=[((100, 160), NAMES, (0.0, 9.0))])
    flow = region_flow(busy)
    quiet = noise_level(region_flow(still), [])
    assert noise_level(flow, [detection(Interval(95, 165))]) == pytest.approx(quiet, rel=0.15)
    assert (
        noise_level(flow, [detection(Interval(0, 899))]) > 0
    )  # nothing quiet is left: all frames count


def test_no_noise_without_a_face():
    motion = recording(noise=0.05, events=[((100, 112), ["lips"], UP)])
    flow = region_flow(motion, valid=np.zeros((35, 50), bool))
    assert noise_level(flow, []) is None


def test_the_traces_say_what_the_movement_says():
    """The network calls a smile negative; its action unit outvotes it, in both alike."""
    corners = [
        ((100, 114), [name], (x, -2.0)) for name, x in (("MOUTH_48", -2), ("MOUTH_54", 2))
    ]
    flow = region_flow(recording(noise=0.02, events=corners))
    scores = {"negative": 0.6, "positive": 0.4, "surprise": 0.0, "others": 0.0}
    found = replace(detection(SMILE), emotion="negative", emotion_scores=scores)
    trace = np.zeros(900)
    trace[100:115] = 0.8
    raw = np.zeros((900, 5))
    raw[:, -1] = 1.0
    one = Spotting(detections=(found,), score=trace, floor=0.5, emotion=raw, movement=trace)
    (movement,) = measure_movements(flow, one, [])
    assert movement.evidence.action_units == ("12",)
    assert movement.detection.emotion == "positive"
    bands = emotion_traces(one, [movement])
    assert bands[107] == pytest.approx([0.24, 0.56, 0.0, 0.0, 0.2])  # 0.8 x (0.3, 0.7, 0, 0)
    np.testing.assert_array_equal(np.delete(bands, np.s_[100:115], 0)[:, -1], 1.0)
    np.testing.assert_array_equal(raw[107], [0, 0, 0, 0, 1])  # the input is no scratch paper


def test_a_part_of_a_brow_that_flow_takes_elsewhere_is_left_out():
    """Three regions of the brow rise by 4 px; the fourth slips aside along a frame."""
    up = [name for name in NAMES if name.startswith("BROW_L")]
    events = [((400, 412), [name], (0.0, -4.0)) for name in up if name != "BROW_L_19"]
    flow = region_flow(
        recording(noise=0.02, events=[*events, ((400, 412), ["BROW_L_19"], (7.0, 1.0))])
    )
    (movement,) = measure_movements(flow, spotting(detection(BROWS), floor=0.5), [])
    assert np.isnan(moved(movement, "BROW_L_19")).all()
    assert moved(movement, "BROW_L_20") == pytest.approx((0.0, -4.0), abs=0.2)
    assert "brow moved up" in movement.evidence.sentence
    assert "R2" in movement.evidence.action_units
