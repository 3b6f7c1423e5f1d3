"""Landmarks between looks: on rendered faces whose lids are known, and where no face is."""

import numpy as np
import pytest
from swaying_face import SHORT, empty, film

from mescope.face.detector import default_finder
from mescope.face.landmark_track import CloseUps, LandmarkTrack, eye_patches, spread
from mescope.face.points import bridged, lid_opening
from mescope.motion.roi_flow import extract
from mescope.spotting.face_events import find_events
from mescope.synthesis.dynamics import Disturbance, Script, Waves
from mescope.synthesis.portraits import test_portraits as public_portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.video.reading import open_video

STILL = Waves(amplitudes=(0.0,), frequencies=(1.0,), phases=(0.0,))
SWAY = Waves(amplitudes=(0.03,), frequencies=(0.4,), phases=(0.5,))


def blinking(starts_s, length_s, duration=5.0, *, rate=30.0, unit="blink", peak=1.0):
    """Return a rendered recording of a public-domain portrait that sways and blinks.

    The astronaut: the other portrait wears glasses.
    """
    events = tuple(
        Disturbance(
            unit=unit, onset_s=s, apex_s=s + length_s / 2, offset_s=s + length_s, peak=peak
        )
        for s in starts_s
    )
    script = Script(
        duration=duration, expressions=(), disturbances=events, sway=(SWAY, SWAY, STILL, STILL),
        nods=(), flicker=STILL, noise=1.5, quality=None, seed=1, level="middle",
    )  # fmt: skip
    return SyntheticVideo(public_portraits()[1], script, rate)


def blink_times(flow):
    return [(e.onset_s, e.offset_s) for e in find_events(flow).events if e.kind == "blink"]


def test_blinks_of_a_rendered_face():
    starts = [0.9, 2.0, 3.6]
    flow = extract(blinking(starts, 0.3))
    found = blink_times(flow)
    assert len(found) == 3
    for (onset, offset), start in zip(found, starts, strict=True):
        assert onset == pytest.approx(start, abs=0.12)
        assert offset == pytest.approx(start + 0.3, abs=0.12)
    assert {e.kind for e in find_events(flow).events} == {"blink"}
    assert find_events(flow).unjudged == ()


def test_a_blink_of_two_frames_is_measured_although_every_second_frame_is():
    """It lies between two measured frames, which see next to nothing of it."""
    flow = extract(blinking([2.0 - 0.03], 0.13))
    measured = ~np.isnan(flow.points[:150, 0, 0])
    assert measured[::2].all()
    assert measured[1::2].mean() < 0.4
    assert measured[58:63].all()
    assert len(blink_times(flow)) == 1


@pytest.mark.parametrize("rate", [15.0, 200.0])
def test_few_and_many_frames_a_second(rate):
    flow = extract(blinking([1.0, 2.3], 0.35, 3.5, rate=rate))
    assert [round(on) for on, _ in blink_times(flow)] == [1, 2]
    reasons = {one.reason for one in find_events(flow).unjudged}
    assert reasons == ({"too few frames a second"} if rate < 18 else set())


def test_lids_hardly_depend_on_where_the_detector_put_its_box():
    grey = film(1)[0]
    face = default_finder().find(grey)[0]
    openings = []
    for shift in (-6.0, 0.0, 6.0):
        out = CloseUps.empty(2)
        track = LandmarkTrack(default_finder(), 15.0, out)
        track.follow(lambda _: grey, 0, 0, 1, face.landmarks + np.float32(shift))
        openings.append(lid_opening(out.points)[1].mean())
    assert np.ptp(openings) < 0.1 * np.mean(openings)


def test_landmarks_are_those_of_the_detector_but_finer():
    flow = extract(open_video(film(40), rate=30), timing=SHORT)
    points = bridged(flow.points[:40], 30.0)
    assert not np.isnan(points).any()
    at_windows = points[[8 * w for w in range(4)]]
    assert np.abs(at_windows - flow.landmarks).mean() < 2.5
    centres = np.array([spread(p)[0] for p in points])
    assert np.abs(np.diff(centres, axis=0)).max() < 1.0  # the sway, without jumps


def test_eye_patches_are_upright_between_the_corners():
    """A dark disc in the middle of each eye of a tilted face comes out in the middle."""
    y, x = np.mgrid[:200, :200]
    points = np.zeros((68, 2), np.float32)
    points[[36, 39, 42, 45]] = (40, 60), (80, 80), (120, 100), (160, 120)
    grey = np.full((200, 200), 200, np.uint8)
    for centre in ((60, 70), (140, 110)):
        grey[np.hypot(x - centre[0], y - centre[1]) < 6] = 20
    patches = eye_patches(grey, points)
    assert patches.shape == (2, 12, 24)
    for patch in patches:
        dark = np.argwhere(patch < 100)
        np.testing.assert_allclose(dark.mean(axis=0), (5.5, 11.5), atol=0.6)


def test_without_a_face_there_is_nothing():
    flow = extract(open_video(empty(40), rate=30), timing=SHORT)
    assert np.isnan(flow.points).all()
    assert not flow.close.eyes.any()
    found = find_events(flow)
    assert found.events == ()
    assert np.isnan(found.openness).all()


def test_a_face_that_leaves_is_not_followed_into_the_wall():
    frames = np.concatenate([film(24), empty(24), film(24)])
    flow = extract(open_video(frames, rate=30), timing=SHORT)
    measured = ~np.isnan(bridged(flow.points[:72], 30.0)[:, 0, 0])
    assert measured[:20].all()
    assert not measured[25:48].any()
    assert measured[56:].all()


def test_two_faces_the_larger_one_is_measured():
    small = film(40)[:, ::2, ::2]
    both = np.full((40, 240, 400), 90, np.uint8)
    both[:, :, :240] = film(40)
    both[:, 60:180, 270:390] = small
    flow = extract(open_video(both, rate=30), timing=SHORT)
    assert np.nanmax(flow.points[..., 0]) < 240
    assert find_events(flow).events == ()


def test_as_published_has_no_close_ups():
    flow = extract(open_video(film(40), rate=30), timing=SHORT, mode="as_published")
    assert flow.close is None
    assert np.isnan(flow.points).all()
    assert find_events(flow).events == ()


def test_of_two_faces_each_has_its_own_blinks():
    """The left one of two blinks; whoever follows the right one is told of no blink."""
    left, right = (
        np.stack([picture for _, picture in blinking(starts, 0.3, 3.0).frames(grey=True)])
        for starts in ([0.9, 2.0], [])
    )
    both = open_video(np.concatenate([left, right], axis=2), rate=30)
    assert len(blink_times(extract(both, face=0))) == 2
    assert blink_times(extract(both, face=1)) == []


class Enlarging:
    """A finder that is shown the enlarged face, as any other than dlib's is."""

    def __init__(self):
        self.find, self.landmarks = default_finder().find, default_finder().landmarks


def test_a_face_that_is_never_enlarged_has_the_same_landmarks():
    frames = film(40)
    face = default_finder().find(frames[0])[0]
    quick, plain = CloseUps.empty(40), CloseUps.empty(40)
    for finder, out in ((default_finder(), quick), (Enlarging(), plain)):
        LandmarkTrack(finder, 30.0, out).follow(frames.__getitem__, 0, 0, 39, face.landmarks)
    # OpenCV rounds as on processors with fused multiply-add; elsewhere a grey level may differ.
    assert np.array_equal(np.isnan(quick.points), np.isnan(plain.points))
    assert np.nanmedian(np.abs(quick.points - plain.points)) == 0.0
    assert np.nanmean(np.abs(quick.points - plain.points)) < 0.5
