"""Faces that blink, talk or stand in unsteady light, and express nothing."""

from dataclasses import replace

import numpy as np
import pytest

from mescope.analysis import load
from mescope.synthesis.dynamics import blink, event, random_script
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo
from mescope.synthesis.speech import speak
from mescope.synthesis.timecourse import NO_WAVES
from mescope.video.arrays import ArrayVideo

RATE = 30.0


def still(seconds, **changes):
    """Return a script in which nothing happens but what is asked for."""
    script = random_script(
        np.random.default_rng(5), seconds, level="calm", micro_per_minute=0, macro_per_minute=0
    )
    quiet = {"expressions": (), "disturbances": (), "events": (), "nods": ()}
    return replace(script, flicker=NO_WAVES, **quiet | changes)


@pytest.fixture(scope="module")
def analyzers(one_thread):
    """The shipped weights, and the rule that needs none."""
    return [load(), load(method="flow-peaks")]


def shown(analysis):
    """Return what is offered as an expression: found, and not explained by an event."""
    return [f.detection.interval for f in analysis.findings if f.explained_by is None]


def test_a_face_that_only_blinks_blinks(analyzers):
    """F41: its blinks are counted, and none is offered as an expression."""
    starts = (0.8, 2.2)
    video = SyntheticVideo(
        drawn_portrait(3),
        still(
            3.5, disturbances=tuple(blink(s, 0.3, 1.0) for s in starts),
            events=tuple(event("blink", s, s + 0.3, 1.0) for s in starts),
        ),
        RATE,
    )  # fmt: skip
    for analyzer in analyzers:
        found = analyzer.analyze(video)
        blinks = [e for e in found.events if e.kind == "blink"]
        assert len(blinks) == len(starts)
        for start, one in zip(starts, blinks, strict=True):
            assert one.onset_s <= start + 0.2 <= one.offset_s
        assert shown(found) == []


def test_a_face_that_only_talks_speaks(analyzers):
    """F41: talking is named, and what the mouth does is not offered as an expression."""
    spoken = speak(np.random.default_rng(4), [(0.8, 4.3, 25.0)])
    script = still(5.0, disturbances=spoken.disturbances, events=spoken.events)
    video = SyntheticVideo(drawn_portrait(0), script, RATE)
    for analyzer in analyzers:
        found = analyzer.analyze(video)
        speech = [e for e in found.events if e.kind == "speech"]
        covered = sum(e.offset_s - e.onset_s for e in speech)
        assert covered > 2.0
        assert shown(found) == []


@pytest.mark.parametrize(("mains", "which"), [(50, 0), (60, 1)])
def test_lamps_that_flicker_express_nothing(analyzers, mains, which):
    """F39: at 200 frames per second, with a step of the exposure; on a face that is still."""
    rate, seconds = 200.0, 2.0
    face = SyntheticVideo(drawn_portrait(3), still(1.0), RATE)
    picture = next(iter(face.frames(grey=False)))[1].astype(np.float32)
    times = np.arange(int(rate * seconds)) / rate
    light = 1 + 0.1 * np.sin(2 * np.pi * 2 * mains * times)  # lamps follow the power: twice
    light += 0.05 * np.sin(2 * np.pi * 7 * times)  # as a rolling shutter sees it
    light *= np.where(times > 1.0, 1.2, 1.0)
    noise = np.random.default_rng(0).normal(0, 1.0, (8, *picture.shape)).astype(np.float32)
    frames = np.stack([
        np.clip(picture * gain + noise[i % 8], 0, 255).astype(np.uint8)
        for i, gain in enumerate(light)
    ])  # fmt: skip
    assert shown(analyzers[which].analyze(ArrayVideo(frames, rate))) == []
