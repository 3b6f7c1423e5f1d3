"""Thumbs that are kept from frame to frame give the answers of thumbs made anew."""

import cv2
import numpy as np
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from mescope.face.box import Box
from mescope.motion.roi_flow import extract
from mescope.motion.roi_pass import joints_of
from mescope.motion.scene_cut import Thumbs, scene_cut
from mescope.motion.several_faces import extract_faces
from mescope.motion.windows import plan
from mescope.spotting.displacement import displacement
from mescope.spotting.traces import valid_runs
from mescope.video.arrays import ArrayVideo
from mescope.video.reading import open_video

FACES = st.one_of(
    st.none(),
    st.builds(
        lambda x, y, side: Box(x, y, x + side, y + side),
        st.integers(-20, 150), st.integers(-20, 110), st.integers(5, 90),
    ),
)  # fmt: skip


def scene(number: int) -> np.ndarray:
    """Return one of four pictures, 120 x 160."""
    coarse = np.random.default_rng(number % 4).integers(0, 256, (6, 8))
    return np.kron(coarse, np.ones((20, 20))).astype(np.uint8)


@given(st.lists(st.tuples(st.integers(0, 3), FACES), min_size=2, max_size=8))
def test_kept_thumbs_change_no_answer(steps):
    frames = [scene(number) for number, _ in steps]
    thumbs = Thumbs()
    for i in range(1, len(frames)):
        face = steps[i][1]
        wanted = scene_cut(frames[i - 1], frames[i], face)
        assert thumbs.cut(frames[i - 1], frames[i], face) == wanted


def test_after_a_gap_the_thumb_is_made_anew():
    """The frame before need not be the one that was asked about last."""
    a, b, c = scene(0), scene(1), scene(1)
    thumbs = Thumbs()
    assert thumbs.cut(a, b, None)
    assert thumbs.cut(a, c, None)
    assert not thumbs.cut(b, c, None)


def test_no_motion_is_measured_across_a_joint():
    """Two recordings in one file look alike at their joint; what lies between is not known."""
    video = open_video(portraits(90), rate=30)
    video.report.joints = (60,)
    flow = extract(video, jobs=1)
    assert any("scene cuts at frames 60" in w for w in flow.warnings)
    assert flow.valid[1, : 60 - 25].all()
    assert not flow.valid[1, 60 - 25 :].any()


def portraits(frames):
    """Return noisy pictures of one face that does not move, (n, h, w)."""
    grey = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[:256, 80:400]
    noise = np.random.default_rng(0).normal(0, 1.5, (frames, *grey.shape))
    return np.clip(grey + noise, 0, 255).astype(np.uint8)


class Damaged(ArrayVideo):
    """A recording some of whose frames cannot be decoded."""

    lost = frozenset[int]()

    def frames(self, **options):
        """See :meth:`Video.frames`."""
        return (one for one in super().frames(**options) if one[0] not in self.lost)


def test_a_joint_whose_frame_is_damaged_parts_its_neighbours():
    """The first picture behind a joint often is: its references are in the part before."""
    video = Damaged(portraits(90), 30)
    video.report.joints, video.lost = (60,), frozenset({60, 61})
    flow = extract(video, jobs=1)
    assert any("scene cuts at frames 62" in w for w in flow.warnings)
    assert not flow.valid[1, 60 - 25 :].any()
    faces = extract_faces(video, jobs=1)
    assert np.flatnonzero(faces.faces[0].flow.cuts).tolist() == [62]


def test_a_scene_that_begins_where_a_window_does_is_parted_from_the_one_before():
    """Chains of windows go on over a cut at a hop's first frame unless a frame is missing."""
    video = open_video(portraits(100), rate=30)
    video.report.joints = (50,)
    flow = extract(video, jobs=1)
    assert flow.valid[0].all()
    assert flow.valid[2].tolist() == [False] + [True] * 49
    motion = displacement(flow.windows, flow.timing.hop, flow.valid)
    assert valid_runs(motion[:100, 0]) == [(0, 49), (51, 99)]


def test_no_motion_is_measured_across_a_pause():
    """The camera stood still for 20 s, where a window begins: nothing else would part them."""
    video = open_video(portraits(100), rate=30)
    video.times = video.times + np.where(np.arange(100) >= 50, 20.0, 0.0)
    flow = extract(video, jobs=1)
    assert flow.valid[0].all()
    assert flow.valid[1].tolist() == [True] * 25 + [False] * 25
    assert flow.valid[2].tolist() == [False] + [True] * 49
    assert flow.parameters["pauses"] == [50]


def test_pauses_are_steps_of_constant_rate_only():
    video = open_video(np.zeros((600, 8, 8), np.uint8), rate=60)
    assert plan(video, None, "clean").pauses == ()
    short, long = (video.times + np.where(np.arange(600) >= 301, s, 0.0) for s in (0.4, 20.0))
    video.times = short
    assert plan(video, None, "clean").pauses == ()
    video.times = long
    chosen = plan(video, None, "clean")
    assert [int(chosen.frames[p]) for p in chosen.pauses] == [302]
    assert joints_of(video, chosen) == {151}
    assert plan(video, None, "as_published").pauses == ()
    video.times = np.cumsum(np.random.default_rng(0).uniform(0, 1 / 30, 600)) + long
    assert plan(video, None, "clean").pauses == ()  # a grid: ticks without a frame are missing
