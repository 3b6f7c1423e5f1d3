"""Blinks and speech of real faces: measured, never learned from; skipped where they are not."""

from pathlib import Path

import pytest

from mescope.events import Interval
from mescope.motion.roi_flow import extract
from mescope.spotting.face_events import find_events
from mescope.video.reading import open_video

CLIPS = Path(__file__).parents[2] / ".." / "shared" / "data" / "real_faces"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not CLIPS.is_dir(), reason="the real faces in ../shared are not here"),
]

# frames in which the eyes are visibly closed, from the clips' truth.csv
SHUT = {
    "lipnet_brbk7n.mpg": [(21, 23)],
    "lipnet_lbax4n.mpg": [(28, 29)],  # glasses
    "lp_d0.mp4": [(64, 68)],  # after posed expressions that narrow the eyes
    "M2_d0_grin.mp4": [],  # a grin that narrows them, and glances
}


@pytest.mark.parametrize("name", sorted(SHUT))
def test_blinks_of_real_faces(name):
    flow = extract(open_video(CLIPS / name))
    found = [
        Interval(int(flow.frames[e.interval.first]), int(flow.frames[e.interval.last]))
        for e in find_events(flow).events
        if e.kind == "blink"
    ]
    assert len(found) == len(SHUT[name])
    for interval, (first, last) in zip(found, SHUT[name], strict=True):
        assert interval.first <= last
        assert interval.last >= first


@pytest.mark.parametrize(("name", "talks"), [("lipnet_swiz3n.mpg", True), ("lp_d0.mp4", False)])
def test_speech_of_real_faces(name, talks):
    flow = extract(open_video(CLIPS / name))
    frames = {
        frame
        for e in find_events(flow).events
        if e.kind == "speech"
        for frame in range(e.interval.first, e.interval.last + 1)
    }
    if talks:  # from about frame 15 to 60
        assert len(frames & set(range(15, 61))) >= 0.8 * 46
    else:
        assert not frames
