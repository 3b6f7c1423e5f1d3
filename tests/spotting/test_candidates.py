"""Candidates of the training-free spotter, and the chain of windows they rest on."""

import numpy as np
import pytest
from planted_motion import DOWN, NAMES, UP, bump, cut, recording

from mescope.events import Interval
from mescope.motion.windows import timing
from mescope.spotting.cascade import PROPOSER
from mescope.spotting.displacement import displacement
from mescope.spotting.flow_peaks import FlowPeaksRule, candidates, spot

CORNER = 2 * NAMES.index("MOUTH_48")


def found_in(motion, rule=None):
    return candidates(motion, 30.0, NAMES, rule or FlowPeaksRule())[0]


def best(found, interval):
    return max((one.interval.iou(Interval(*interval)) for one in found), default=0.0)


def test_a_window_that_began_in_a_movement_is_not_believed():
    """The reference of window 10, frame 250, lies in mid-smile: its flow jumps about."""
    motion = recording(noise=0.02, events=[((240, 262), ["corner_l"], (-3.0, -9.0))])
    windows = cut(motion)
    rng = np.random.default_rng(1)
    windows[10, CORNER : CORNER + 2] += rng.uniform(-20, 20, (2, 50))
    chained = displacement(windows, 25)
    for part in (slice(240, 275), slice(275, 300), slice(300, 900)):
        here = chained[part] - chained[part][1]
        assert np.abs(here - (motion[part] - motion[part][1]))[1:].max() < 0.3
    (found,) = found_in(chained)
    assert found.interval.iou(Interval(240, 262)) > 0.5


def test_where_windows_agree_the_older_reference_counts():
    motion = recording(noise=0.3)
    windows = cut(motion)
    windows[8, CORNER] += 1.0 * (np.arange(50) > 0)  # less than they may disagree by
    chained = displacement(windows, 25)
    old = chained[200:225] - chained[199]
    np.testing.assert_allclose(old, motion[200:225] - motion[199], atol=1e-9)


def test_one_trend_for_brief_movements_and_one_for_long_ones():
    """A held smile of 3 s, and a flash while the face slowly moves."""
    held = np.interp(np.arange(900), [350, 360, 430, 440], [0, 2.0, 2.0, 0])
    motion = recording(noise=0.01, events=[((600, 611), ["lips"], UP)], drift=6.0)
    motion = motion.reshape(900, -1, 2)
    motion[:, [NAMES.index("MOUTH_48"), NAMES.index("MOUTH_54")], 1] -= held[:, None]
    motion = motion.reshape(900, -1)
    both = found_in(motion)
    short, long = (found_in(motion, FlowPeaksRule(trends_s=(t,))) for t in (1.2, 9.0))
    assert best(both, (350, 440)) > 0.8
    assert best(both, (600, 611)) > 0.5
    assert best(short, (350, 440)) < 0.5  # what the short trend follows
    assert best(long, (350, 440)) > 0.8


def test_a_valley_parts_two_movements():
    motion = recording(noise=0.0, events=[((100, 118), ["lips"], UP)])
    again = recording(noise=0.0, events=[((111, 129), ["lips"], UP)])
    shape = np.maximum(bump(900, 100, 118), bump(900, 111, 129))
    valley = 100 + int(np.argmin(shape[108:122])) + 8
    assert 0.25 < shape[valley] < 0.7
    found = found_in(np.where(np.abs(motion) > np.abs(again), motion, again))
    assert [one.apex for one in found] == [pytest.approx(109, abs=1), pytest.approx(120, abs=1)]
    assert found[0].interval.last == pytest.approx(valley, abs=2)
    assert found[1].interval.first == pytest.approx(valley, abs=2)


def test_a_brow_under_a_mouth_that_moves_far():
    """Talking from 8 to 12 s; at 10 s the brows go up."""
    t = np.arange(900) / 30
    talk = np.where((t > 8) & (t < 12), 8 * np.sin(2 * np.pi * 0.5 * t), 0.0)
    motion = recording(noise=0.02, events=[((300, 312), ["brow_l", "brow_r"], (0, -1.5))])
    motion = motion.reshape(900, -1, 2)
    motion[:, [i for i, n in enumerate(NAMES) if n.startswith("MOUTH")], 1] += talk[:, None]
    motion = motion.reshape(900, -1)
    together = found_in(motion)
    each = found_in(motion, FlowPeaksRule(each_group=True))
    assert best(together, (300, 312)) < 0.5
    (raised,) = [c for c in each if c.interval.iou(Interval(300, 312)) > 0.6]
    assert raised.apex == pytest.approx(306, abs=1)
    moved = {name: (x, y) for name, x, y in raised.motion}
    assert moved["brow_l"][1] == pytest.approx(-1.5, abs=0.2)


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.9])
def test_no_two_candidates_are_alike(alike):
    rng = np.random.default_rng(2)
    motion = recording(1800, noise=0.1)
    motion += np.cumsum(rng.normal(0, 0.25, motion.shape), axis=0)
    rule = FlowPeaksRule(trends_s=(0.8, 1.2, 3.0), floor=0.3, each_group=True, alike=alike)
    found = found_in(motion, rule)
    assert len(found) > 5
    pairs = [(a, b) for i, a in enumerate(found) for b in found[:i]]
    assert max(a.interval.iou(b.interval) for a, b in pairs) <= alike
    assert [c.interval for c in found] == sorted(c.interval for c in found)


def test_of_two_alike_the_stronger_stays():
    motion = recording(noise=0.0, events=[((100, 115), ["lips"], UP)])
    loose = found_in(motion, FlowPeaksRule(trends_s=(1.2, 9.0), alike=0.99))
    (kept,) = found_in(motion, FlowPeaksRule(trends_s=(1.2, 9.0)))
    assert kept.strength == max(c.strength for c in loose)


def test_nothing_spans_frames_without_a_face():
    motion = recording(events=[((100, 112), ["lips"], UP), ((395, 410), ["lips"], DOWN)])
    motion[400:405] = np.nan
    motion[406:470] = np.nan  # leaves one frame, 405, alone
    for rule in (FlowPeaksRule(), PROPOSER):
        found, trace = candidates(motion, 30.0, NAMES, rule)
        assert best(found, (100, 112)) > 0.5
        gone = [*range(400, 405), *range(406, 470)]
        assert not any(c.interval.first <= t <= c.interval.last for c in found for t in gone)
        assert np.isnan(trace[gone]).all()
        assert not np.isnan(np.delete(trace, gone)).any()


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("rule", [FlowPeaksRule(), PROPOSER], ids=["own", "proposer"])
def test_very_short_recordings(n, rule):
    found, trace = candidates(np.zeros((n, 2 * len(NAMES))), 30.0, NAMES, rule)
    assert found == []
    np.testing.assert_array_equal(trace, np.zeros(n))


@pytest.mark.parametrize("rate", [15.0, 24.0, 30.0, 60.0, 200.0])
def test_seconds_count_not_frames(rate):
    """A micro- and a macro-expression at all rates, as the extraction decimates them."""
    plan = timing(rate)
    at = [(round(a * plan.rate), round(b * plan.rate)) for a, b in ((5, 5.4), (12, 13.5))]
    n = plan.hop * int(20 * plan.rate / plan.hop)
    motion = recording(n, 0.02, [(span, ["brow_l", "brow_r"], UP) for span in at])
    found, _ = spot(cut(motion, plan.hop), plan, NAMES)
    for span, kind in zip(at, ("micro", "macro"), strict=True):
        (one,) = [d for d in found if d.interval.iou(Interval(*span)) > 0.5]
        assert one.kind == kind
