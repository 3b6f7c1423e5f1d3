"""The training-free spotter on planted motion: bumps of known place, length and direction."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from planted_motion import DOWN, NAMES, UP, cut, recording

from mescope.evaluation.matching import match
from mescope.events import Interval
from mescope.spotting.displacement import displacement
from mescope.spotting.flow_peaks import FlowPeaksRule, spot

TIMING = SimpleNamespace(hop=25, rate=30.0)


def test_windows_chain_back_to_the_displacement():
    motion = recording(noise=0.3, drift=4.0)
    found = displacement(cut(motion), 25)
    assert found == pytest.approx(motion - motion[0])


def test_planted_expressions_are_found():
    truth = [(100, 112), (300, 309), (520, 534), (700, 710)]
    events = [(truth[0], ["brow_l", "brow_r"], UP), (truth[1], ["corner_l"], UP)]
    events += [(truth[2], ["brow_l", "brow_r"], DOWN), (truth[3], ["lips"], DOWN)]
    found, trace = spot(cut(recording(events=events, drift=30.0)), TIMING, NAMES)
    matches = match([d.interval for d in found], [Interval(*t) for t in truth])
    assert (matches.counts.tp, matches.counts.fp, matches.counts.fn) == (4, 0, 0)
    assert [d.emotion for d in found] == ["surprise", "positive", "negative", "others"]
    assert all(d.kind == "micro" and 0.5 < d.score < 1.0 for d in found)
    assert len(trace) == 900
    assert all(abs(d.apex - (a + b) / 2) <= 2 for d, (a, b) in zip(found, truth, strict=True))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.0, 0.05, 0.5])
def test_a_still_face_yields_nothing(seed, noise):
    motion = recording(1800, noise=noise, drift=20.0, seed=seed)
    assert spot(cut(motion), TIMING, NAMES)[0] == []


def test_longer_motion_gets_a_longer_interval():
    events = [((100, 106), ["lips"], UP), ((300, 315), ["lips"], UP)]
    short, long = spot(cut(recording(events=events)), TIMING, NAMES)[0]
    assert len(short.interval) < len(long.interval) <= 18


def test_lids_alone_are_a_blink():
    events = [((100, 108), ["LID_L", "LID_R"], DOWN)]
    assert spot(cut(recording(events=events)), TIMING, NAMES)[0] == []


def test_frames_without_a_face_are_never_spanned():
    events = [((100, 112), ["lips"], UP), ((500, 512), ["lips"], UP)]
    windows = cut(recording(events=events))
    valid = np.ones((len(windows), 50), bool)
    starts = np.arange(len(windows)) * 25
    gone = np.arange(480, 540)  # the second one is hidden
    for w, start in enumerate(starts):
        inside = gone[(gone >= start) & (gone < start + 50)] - start
        valid[w, inside] = False
        windows[w][:, inside] = 0.0
    found, trace = spot(windows, TIMING, NAMES, valid)
    assert len(found) == 1
    assert np.isnan(trace[gone]).all()
    assert not np.isnan(np.delete(trace, gone)).any()


def test_no_face_at_all():
    windows = np.zeros((5, 2 * len(NAMES), 50))
    found, trace = spot(windows, TIMING, NAMES, np.zeros((5, 50), bool))
    assert found == []
    assert np.isnan(trace).all()


def test_five_regions_do():
    five = ("BROW_L", "BROW_R", "MOUTH", "NOSE_31", "NOSE_35")
    events = [((100, 112), ["brow_l", "brow_r"], UP)]
    motion = recording(events=events).reshape(900, -1, 2)
    part = motion[:, [NAMES.index(name) for name in five]].reshape(900, -1)
    (found,) = spot(cut(part), TIMING, five)[0]
    assert found.emotion == "surprise"


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="2 regions do not fit"):
        spot(np.zeros((3, 36, 50)), TIMING, ["MOUTH", "NOSE_31"])
    with pytest.raises(ValueError, match="none of the regions"):
        spot(np.zeros((3, 2, 50)), TIMING, ["EAR"])


def test_floor_decides_what_counts():
    events = [((100, 112), ["lips"], (0.0, 0.8))]
    windows = cut(recording(noise=0.01, events=events))
    assert len(spot(windows, TIMING, NAMES, rule=FlowPeaksRule(floor_px=0.6))[0]) == 1
    assert spot(windows, TIMING, NAMES, rule=FlowPeaksRule(floor_px=0.9))[0] == []


@pytest.mark.parametrize("drift", [0.0, 10.0])
@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.5])
def test_a_movement_still_going_on_at_the_end_is_found(seconds, drift):
    """And one that was going on at the beginning: the recording is cut at its highest point."""
    half = round(30 * seconds)
    whole = recording(901 + 2 * half, drift=drift, events=[
        ((0, 2 * half), ["corner_l", "corner_r"], (0.0, -4.0)),
        ((900, 900 + 2 * half), ["corner_l", "corner_r"], (0.0, -4.0)),
    ])  # fmt: skip
    found, _ = spot(cut(whole[half : half + 900]), TIMING, NAMES)
    first, last = found[0].interval, found[-1].interval
    assert (first.first, last.last) == (0, 899)
    assert first.iou(Interval(0, half)) >= 0.5
    assert last.iou(Interval(900 - half, 899)) >= 0.5
    assert len(found) == 2
