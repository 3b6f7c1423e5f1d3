"""Findings of hand-made movements over a recording whose pictures carry their number."""

from dataclasses import replace

import numpy as np
import pytest
from planted_motion import NAMES, recording, region_flow

from mescope.analysis.evidence import explain
from mescope.analysis.findings import (
    MOST_LOOPED,
    MOST_PICTURED,
    PICTURE,
    describe,
    gaps,
    to_native,
)
from mescope.analysis.movements import Movement
from mescope.events import Detection, FaceEvent, Interval
from mescope.spotting.face_events import FaceEvents
from mescope.spotting.unjudged import Unjudged
from mescope.video.arrays import ArrayVideo

N = 300  # decimated frames


def film(rate, frames):
    """Grey pictures of 40 x 60 px, each as bright as its number."""
    numbers = (np.arange(frames) % 250).astype(np.uint8)
    return ArrayVideo(np.broadcast_to(numbers[:, None, None], (frames, 40, 60)).copy(), rate)


def movement(first, last, *, shown, score=0.9, why=None):
    interval = Interval(first, last)
    found = Detection(interval=interval, kind="micro", score=score, apex=(first + last) // 2)
    still = np.zeros((18, 2))
    return Movement(found, shown, why, still, explain(still, NAMES, expression=why is None))


def measured(*events, unjudged=()):
    nan = np.full(N, np.nan)
    openness = np.ones(N)
    openness[100:105] = 0.2
    return FaceEvents(
        events=events, unjudged=unjudged, openness=openness, pose=np.full((N, 3), np.nan),
        mouth=nan, gaze=nan,
    )  # fmt: skip


def event(kind, first, last):
    return FaceEvent(
        kind=kind, interval=Interval(first, last), onset_s=first / 30, offset_s=last / 30,
        strength=1.0,
    )  # fmt: skip


@pytest.fixture(scope="module", params=[30.0, 60.0, 210.0], ids=str)
def setting(request):
    """A recording and its region flow at a rate that is decimated by 1, 2 or 7."""
    flow = region_flow(recording(N, 0.02), rate=request.param)
    return film(request.param, N * flow.timing.step), flow


def test_frames_are_native_and_pictures_are_those_of_the_frames(setting):
    video, flow = setting
    step = flow.timing.step
    shown, rest = describe(
        video, flow, [movement(60, 68, shown=True)], measured(), None, pictures=True
    )
    (one,) = shown
    assert (one.id, rest) == ("d1", ())
    assert one.detection.interval == Interval(60 * step, 68 * step + step - 1)
    assert one.detection.apex == 64 * step
    assert one.detection.onset_s == pytest.approx(video.times[60 * step])
    assert one.detection.offset_s == pytest.approx(video.times[68 * step + step - 1])
    for picture, frame in (
        (one.onset_picture, 60 * step), (one.apex_picture, 64 * step),
        (one.offset_picture, 68 * step + step - 1),
    ):  # fmt: skip
        assert picture.shape[1:] == (PICTURE, 3)
        assert (picture == frame % 250).all()


def test_a_loop_reaches_a_fifth_of_a_second_further_and_stays_small(setting):
    video, flow = setting
    step = flow.timing.step
    for first, last in ((60, 68), (60, 180), (1, 4), (290, 299)):
        (one,), _ = describe(
            video, flow, [movement(first, last, shown=True)], measured(), None, pictures=True
        )
        numbers = np.array([int(crop[0, 0, 0]) for crop in one.clip])
        assert 2 <= len(numbers) <= MOST_LOOPED
        apart = np.unique(np.diff(numbers) % 250)
        assert one.clip_rate == pytest.approx(video.rate / apart[0])
        assert len(apart) == 1
        start = max(0, first * step - round(0.2 * video.rate))
        assert numbers[0] == start % 250
        seconds = (len(numbers) - 1) / one.clip_rate
        end = min(len(video) - 1, last * step + step - 1 + round(0.2 * video.rate))
        assert seconds == pytest.approx((end - start) / video.rate, abs=1 / one.clip_rate)


def test_exactly_half_a_second_is_micro_wherever_it_lies():
    flow = region_flow(recording(N, 0.02))
    video = film(30.0, N)
    for first in range(0, 280):
        for length, kind in ((15, "micro"), (16, "macro")):
            found = movement(first, first + length, shown=True).detection
            assert to_native(found, flow, video).kind == kind, first


def test_nothing_ends_after_the_recording_or_its_range():
    """A fixed interval around a peak at the end; a range that ends within a decimated frame."""
    flow = region_flow(recording(N, 0.02), rate=240.0)
    step, video = flow.timing.step, film(240.0, N * flow.timing.step)
    beyond = movement(N - 9, N + 7, shown=True).detection
    assert to_native(beyond, flow, video).interval.last == N * step - 1
    video.last_frame = (N - 4) * step
    within = movement(N - 9, N - 4, shown=True).detection
    assert to_native(within, flow, video).interval.last == video.last_frame


def test_only_the_strongest_candidates_get_pictures():
    flow, video = region_flow(recording(N, 0.02)), film(30.0, N)
    many = [
        movement(10 * i, 10 * i + 5, shown=False, score=(7 * i % 20) / 40) for i in range(20)
    ]
    many.append(movement(220, 230, shown=True))
    shown, rest = describe(video, flow, many, measured(), None, pictures=True)
    assert [f.id for f in shown] == ["d1"]
    assert [f.id for f in rest] == [f"c{i + 1}" for i in range(20)]
    pictured = [f for f in rest if f.apex_picture is not None]
    assert len(pictured) == MOST_PICTURED
    least = min(f.detection.score for f in pictured)
    assert all(f.detection.score <= least for f in rest if f.apex_picture is None)
    assert not any(f.clip for f in rest)
    assert len(shown[0].clip) > 2
    plain = describe(video, flow, many, measured(), None, pictures=False)
    assert all(f.apex_picture is None and not f.clip for group in plain for f in group)


def test_what_explains_a_movement_and_what_to_check():
    flow, video = region_flow(recording(N, 0.02)), film(30.0, N)
    blink = movement(98, 106, shown=False, why="blink")
    smile = movement(200, 210, shown=True)
    (d,), (c,) = describe(
        video, flow, [blink, smile], measured(event("blink", 99, 104)), 0.1, pictures=False
    )
    assert (c.explained_by, d.explained_by) == ("blink", None)
    shut = {f.id: next(k for k in f.checks if "shut" in k.question).doubt for f in (c, d)}
    assert shut == {"c1": True, "d1": False}
    still = next(k for k in d.checks if "noise" in k.question)
    assert still.doubt  # it moved by nothing at all


def test_a_window_without_a_face_has_no_picture():
    flow, video = region_flow(recording(N, 0.02)), film(30.0, N)
    flow.boxes[:] = np.nan
    (one,), _ = describe(
        video, flow, [movement(60, 68, shown=True)], measured(), None, pictures=True
    )
    assert one.apex_picture is None
    assert (one.clip, one.clip_rate) == ((), 0.0)


def test_a_pause_is_no_judged_time(setting):
    """The camera stood still for 20 s before a frame that no decimated one stands for."""
    video, flow = setting
    after = 50 * flow.timing.step
    resumed = after - flow.timing.step // 2
    video.times = video.times + np.where(np.arange(len(video)) >= resumed, 20.0, 0.0)
    flow = replace(flow, parameters={"pauses": [after]})
    (one,) = gaps(video, flow, np.ones(N, bool))
    assert (one.interval, one.reason) == (Interval(resumed - 1, resumed), "no frames")
    assert one.end_s - one.start_s == pytest.approx(20 + 1 / video.rate)


def test_what_lies_behind_a_cut_is_not_said_to_lack_a_face(setting):
    video, flow = setting
    valid = np.ones(N, bool)
    valid[40:60] = valid[100:101] = valid[150:220] = False
    found = gaps(video, replace(flow, cuts=np.isin(np.arange(N), (40, 100, 150))), valid)
    assert ["behind a scene cut" in gap.reason for gap in found] == [True, True, False]


def test_a_picture_that_stands_still_is_no_judged_time(setting):
    video, flow = setting
    (one,) = gaps(video, replace(flow, decode={"frozen": [[40, 99]]}), np.ones(N, bool))
    assert (one.interval, one.reason) == (Interval(40, 99), "the picture stands still")
    assert one.end_s == video.times[99]


def test_gaps_name_their_reason_in_native_frames(setting):
    video, flow = setting
    step = flow.timing.step
    valid = np.ones(N - 10, bool)
    valid[40:60] = False
    dark = Unjudged(interval=Interval(100, 119), reason="dark")
    found = gaps(video, flow, valid, [dark])
    assert [(g.interval.first, g.interval.last) for g in found] == [
        (40 * step, 60 * step - 1), (100 * step, 120 * step - 1), (290 * step, N * step - 1),
    ]  # fmt: skip
    assert [g.reason for g in found][1] == "dark"
    assert "no face" in found[0].reason
    assert "shorter than half a window" in found[2].reason
    assert gaps(video, flow, np.ones(N, bool)) == ()
