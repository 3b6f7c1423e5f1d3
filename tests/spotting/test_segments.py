"""What the network is shown: the same for slow and quick, drifting and still, never nan."""

import numpy as np
import pytest
from planted_motion import NAMES, UP, bump, recording

from mescope.events import Interval
from mescope.spotting.face_shape import TRACES
from mescope.spotting.segments import (
    CONTEXT,
    CORE,
    FLOW_PX,
    SAMPLES,
    back_to_frames,
    channels,
    sample_positions,
    segments,
)

FLOW = slice(0, 2 * len(NAMES))
SHAPE = slice(FLOW.stop, FLOW.stop + len(TRACES))
AROUND = {name: SHAPE.stop + i for i, name in enumerate(CONTEXT)}


def shape(n):
    return np.zeros((n, len(TRACES)))


@pytest.mark.parametrize("interval", [Interval(40, 55), Interval(30, 30), Interval(50, 94)])
def test_scores_go_back_to_the_frames_they_came_from(interval):
    at = sample_positions(interval)
    assert len(at) == SAMPLES
    frames = back_to_frames(at, interval, 200)  # a score that is the frame's own number
    known = ~np.isnan(frames)
    np.testing.assert_allclose(frames[known], np.flatnonzero(known))
    assert known[interval.first : interval.last + 1].all()
    inside = at[CORE]
    assert interval.first - 2 <= inside[0] <= inside[-1] <= interval.last + 3


def test_at_the_ends_of_a_recording():
    frames = back_to_frames(np.ones(SAMPLES), Interval(0, 9), 12)
    np.testing.assert_array_equal(frames, np.ones(12))


def test_a_movement_at_half_the_speed_looks_the_same():
    """Duration reaches the network by one channel only."""
    quick = recording(900, 0.0, [((100, 115), ["corner_l", "lips"], (-2, -5))])
    slow = recording(900, 0.0, [((200, 230), ["corner_l", "lips"], (-2, -5))])
    form, late = shape(900), shape(900)
    form[:, 4], late[:, 4] = 9 * bump(900, 100, 115), 9 * bump(900, 200, 230)
    (a,) = segments(quick, form, [Interval(100, 115)], 30.0, NAMES)
    (b,) = segments(slow, late, [Interval(200, 231)], 30.0, NAMES)
    assert np.abs(a[FLOW]).max() > 2
    np.testing.assert_allclose(a[: SHAPE.stop], b[: SHAPE.stop], atol=0.15)
    assert b[AROUND["duration"], 0] - a[AROUND["duration"], 0] == pytest.approx(1.0)


def test_strong_and_faint_both_stay_in_range():
    for px in (0.5, 15.0):
        motion = recording(900, 0.0, [((100, 115), ["lips"], (0.0, -px))])
        (one,) = segments(motion, shape(900), [Interval(100, 115)], 30.0, NAMES)
        lips = one[2 * NAMES.index("MOUTH") + 1]
        assert lips.min() == pytest.approx(-np.arcsinh(px / FLOW_PX), rel=0.05)
        assert np.abs(one).max() < 8


def test_drift_is_flat():
    motion = recording(900, 0.0, drift=90.0)
    form = shape(900) + np.linspace(0, 60, 900)[:, None]
    (one,) = segments(motion, form, [Interval(400, 447)], 30.0, NAMES)
    assert np.abs(one[: SHAPE.stop, CORE]).max() < 0.15


def test_motion_is_relative_to_onset_and_offset():
    motion = recording(900, 0.0, [((100, 115), ["lips"], UP)]) + 7.0
    (one,) = segments(motion, shape(900), [Interval(100, 115)], 30.0, NAMES)
    still = one[2 * NAMES.index("BROW_L") : 2 * NAMES.index("BROW_L") + 2]
    np.testing.assert_allclose(still, 0.0, atol=1e-6)


def test_context_tells_what_goes_on_around():
    """Talk beside the candidate, not in it; then a head that nods."""
    t = np.arange(900) / 30
    busy = ((t > 8.5) & (t < 9.9)) | ((t > 10.6) & (t < 12))
    quiet = recording(900, 0.02, [((300, 314), ["brow_l"], UP)])
    talk = quiet.reshape(900, -1, 2).copy()
    mouth = [i for i, name in enumerate(NAMES) if name.startswith("MOUTH")]
    talk[:, mouth, 1] += (busy * 4 * np.sin(2 * np.pi * 4 * t))[:, None]
    nod = shape(900)
    nod[:, TRACES.index("head_y")] = busy * 6 * np.sin(2 * np.pi * 2 * t)
    here = [Interval(300, 314)]
    rest = segments(quiet, shape(900), here, 30.0, NAMES)[0]
    talking = segments(talk.reshape(900, -1), shape(900), here, 30.0, NAMES)[0]
    nodding = segments(quiet, nod, here, 30.0, NAMES)[0]
    assert talking[AROUND["mouth"], 0] - rest[AROUND["mouth"], 0] > 1
    assert abs(talking[AROUND["brows"], 0] - rest[AROUND["brows"], 0]) < 0.3
    assert nodding[AROUND["head"], 0] - rest[AROUND["head"], 0] > 1
    for name in CONTEXT:  # one value for the whole segment
        assert np.ptp(talking[AROUND[name]]) == 0
    assert np.log2(15 / 30) == pytest.approx(rest[AROUND["duration"], 0])


def test_holes_never_become_nan():
    motion, form = recording(300, events=[((100, 112), ["lips"], UP)]), shape(300)
    motion[106:120] = np.nan
    motion[:30] = np.nan
    form[50:200] = np.nan
    form[:, 3] = np.nan
    at = [Interval(0, 5), Interval(100, 112), Interval(106, 110), Interval(290, 299)]
    for m, f in ((motion, form), (motion, form * np.nan), (motion * np.nan, form * np.nan)):
        found = segments(m, f, at, 30.0, NAMES)
        assert found.shape == (4, channels(len(NAMES)), SAMPLES)
        assert np.isfinite(found).all()


def test_nothing_to_cut_and_one_frame():
    assert segments(recording(90), shape(90), [], 30.0, NAMES).shape == (0, 61, SAMPLES)
    one = segments(np.zeros((1, 36)), shape(1), [Interval(0, 0)], 15.0, NAMES)
    assert np.isfinite(one).all()
    assert np.abs(one[:, : SHAPE.stop][0, : SHAPE.stop]).max() == 0


def test_other_regions_do():
    names = ("BROW_L", "LID_L")
    found = segments(np.zeros((60, 4)), shape(60), [Interval(20, 29)], 30.0, names)
    assert found.shape[1] == channels(2) == 4 + len(TRACES) + len(CONTEXT)
