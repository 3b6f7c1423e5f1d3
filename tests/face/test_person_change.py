"""Another person's face is noticed; one's own is not taken for another."""

from __future__ import annotations

import json

import cv2
import matplotlib.cbook
import numpy as np
import pytest
import skimage.data

from mescope.errors import FaceError
from mescope.face.choice import Moment, Point, chosen
from mescope.face.detector import FaceTracker, default_finder
from mescope.face.moment import placed
from mescope.face.person_change import person_changes
from mescope.motion.roi_flow import extract
from mescope.video.reading import open_video

WIDE, HIGH, SIDE = 480, 240, 200


@pytest.fixture(scope="module")
def people():
    """The two public-domain portraits, faces of nearly one size."""
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    hopper = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[40:420, 60:440]
    astronaut = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[20:250, 110:340]
    return [
        cv2.resize(p, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for p in (astronaut, hopper)
    ]


def _scene(left=None, right=None, light=90):
    canvas = np.full((HIGH, WIDE), light, np.uint8)
    for picture, x in ((left, 20), (right, WIDE - SIDE - 20)):
        if picture is not None:
            canvas[20 : 20 + SIDE, x : x + SIDE] = picture
    return canvas


def _record(*scenes, frames=60):
    noise = np.random.default_rng(0).normal(0, 1.5, (8, HIGH, WIDE))
    stack = [
        np.clip(scene + noise[k % 8], 0, 255).astype(np.uint8)
        for scene in scenes
        for k in range(frames)
    ]
    return open_video(np.stack(stack), rate=30)


def _told(flow):
    return [w for w in flow.warnings if "may be another person" in w]


def test_two_people_and_a_cut_between_them(people):
    """At the cut the other of two equally large faces stands where the first one stood."""
    astronaut, hopper = people
    flow = extract(_record(_scene(astronaut, None), _scene(hopper, None)), jobs=1)
    assert len(_told(flow)) == 1
    assert "from frame 60 on" in _told(flow)[0]


def test_people_that_change_places(people):
    """The largest face after the cut is another one's, elsewhere."""
    astronaut, hopper = people
    flow = extract(_record(_scene(astronaut, None), _scene(None, hopper)), jobs=1)
    assert len(_told(flow)) == 1


def test_one_person_nearer_and_in_another_light(people):
    """A cut to a close-up, lit from the other side, is not another person."""
    astronaut, _ = people
    lamp = np.linspace(-90, 90, SIDE).astype(int)
    left, right = (np.clip(astronaut + side, 0, 255).astype(np.uint8) for side in (-lamp, lamp))
    far = _scene(light=30)
    far[60:200, 50:190] = cv2.resize(left, (140, 140), interpolation=cv2.INTER_AREA)
    flow = extract(_record(far, _scene(right, None, 220)), jobs=1)
    assert any("scene cuts" in w for w in flow.warnings)
    assert _told(flow) == []


def _looks(people):
    finder = default_finder()
    return [FaceTracker(finder).see(0, _scene(p, None)).landmarks for p in people]


def test_from_landmarks(people):
    """Without a cut both shape and place must jump; a turn or a zoom is neither."""
    one, other = _looks(people)
    gap = np.full_like(one, np.nan)
    calm = np.zeros(8, int)
    jitter = np.random.default_rng(1).normal(0, 0.5, (8, 68, 2))
    away = other + np.array([90.0, 0.0])
    assert person_changes(np.stack([one] * 8) + jitter, calm) == []
    found = person_changes(np.stack([one] * 3 + [gap] + [away] * 4) + jitter, calm)
    assert [(c.before, c.after) for c in found] == [(2, 4)]
    assert person_changes(np.stack([one] * 4 + [one * 1.2] * 4) + jitter, calm) == []
    assert person_changes(np.stack([one] * 4 + [other] * 4) + jitter, calm) == []
    cut = np.repeat([0, 1], 4)
    assert len(person_changes(np.stack([one] * 4 + [other] * 4) + jitter, cut)) == 1
    assert person_changes(np.stack([one] * 8) + jitter, cut) == []
    assert person_changes(np.full((4, 68, 2), np.nan), np.zeros(4, int)) == []


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("largest", "largest"),
        ("2", 2),
        ("640,200", Point(640, 200)),
        (" 12.5 ; 3 ", Point(12.5, 3)),
        ((3, 4), Point(3, 4)),
        ("0:12", Moment(12)),
        ("1:00:02.5", Moment(3602.5)),
        ("12.5s", Moment(12.5)),
    ],
)
def test_choices(text, meant):
    assert chosen(text) == meant


@pytest.mark.parametrize("text", ["biggest", "-1", "1,2,3", "0:61x", "", -1, True, (1, np.nan)])
def test_choices_that_mean_nothing(text):
    with pytest.raises(FaceError, match="whose face: expected largest"):
        chosen(text)


@pytest.mark.parametrize(("point", "right"), [((100, 90), False), ((400, 90), True)])
def test_a_point_says_whose_face(people, point, right):
    """Of two faces the one at the point, or nearest to it."""
    tracker = FaceTracker(default_finder(), point)
    found = tracker.see(0, _scene(*people))
    assert (found.box.left > WIDE // 2) == right
    assert f"following the one at {point[0]},{point[1]}" in tracker.warnings[0]


def test_a_time_says_whose_face(people):
    """The one who is alone in the picture later is followed from the beginning."""
    astronaut, hopper = people
    video = _record(_scene(astronaut, hopper), _scene(None, hopper), frames=60)

    def fresh():
        return FaceTracker(default_finder())

    point = placed("0:03", video, fresh)
    assert point.x > WIDE // 2
    assert placed("largest", video, fresh) == "largest"
    flow = extract(video, face="0:03", jobs=1)
    assert flow.parameters["face_at_s"] == 3.0  # what was asked, beside the place
    assert np.nanmin(flow.boxes[:, 0]) > WIDE // 3
    assert flow.parameters["face"] == point
    with pytest.raises(FaceError, match="expected a time from 0 to"):
        placed("9:00", video, fresh)
    empty = _record(_scene(None, None), frames=60)
    with pytest.raises(FaceError, match=r"expected a face at 1 s \(frame 30\), found none"):
        placed("0:01", empty, fresh)
    with pytest.raises(FaceError, match="no time"):
        FaceTracker(default_finder(), "0:03")


def test_who_was_hidden_for_a_moment_is_followed_again(people):
    """A hand before the face at one look must not make the rest that of the person beside."""
    both = _scene(*people).astype(np.float64)
    hand = both.copy()
    hand[:, : WIDE // 2] = 90.0
    hidden = np.interp(np.arange(110), [14, 22, 28, 36], [0.0, 1.0, 1.0, 0.0])[:, None, None]
    noise = np.random.default_rng(0).normal(0, 1.5, (110, HIGH, WIDE))
    pictures = np.clip((1 - hidden) * both + hidden * hand + noise, 0, 255).astype(np.uint8)
    video = open_video(pictures, rate=30)
    flow = extract(video, face=(120, 120), jobs=1)
    assert (flow.boxes[:, 0] > WIDE / 2).tolist() == [False, True, False, False]
    assert any("from frame 50 on the face that is meant" in w for w in flow.warnings)
    tracker = FaceTracker(default_finder(), (120, 120))
    for frame in (0, 25):
        tracker.see(frame, pictures[frame])
    again = FaceTracker(default_finder(), (120, 120))
    again.restore(json.loads(json.dumps(tracker.state())))
    assert again.see(50, pictures[50]).box == tracker.see(50, pictures[50]).box
    again.restore([again.last, []])  # as earlier versions kept it
    assert (again.others, again.home) == ([], None)


def test_who_is_meant_by_a_time_may_enter_later(people):
    """At first the person asked for is not there: nobody else is analyzed without a word."""
    astronaut, hopper = people
    alone, both = _scene(astronaut, None), _scene(astronaut, hopper)
    appear = np.interp(np.arange(110), [30, 45], [0.0, 1.0])[:, None, None]
    noise = np.random.default_rng(0).normal(0, 1.5, (110, HIGH, WIDE))
    pictures = np.clip((1 - appear) * alone + appear * both + noise, 0, 255).astype(np.uint8)
    flow = extract(open_video(pictures, rate=30), face="0:03.5", jobs=1)
    assert (flow.boxes[:, 0] > WIDE / 2).tolist() == [False, False, True, True]
    assert any(
        "is not seen in frame 0; the nearest face is followed" in w for w in flow.warnings
    )
    assert any("from frame 50 on the face that is meant" in w for w in flow.warnings)
