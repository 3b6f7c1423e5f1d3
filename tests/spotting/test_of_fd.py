"""OF-FD on planted motion: waves of single regions."""

import numpy as np
import pytest
from planted_motion import NAMES, recording, region_flow

from mescope.evaluation.matching import match
from mescope.events import Interval
from mescope.spotting.of_fd import SAMM_LV, OfFd, OfFdRule, joined, low_pass, movements

TRUTH = [(100, 118), (300, 322), (520, 560), (700, 745)]
EVENTS = [
    (TRUTH[0], ["brow_l", "brow_r"], (0.0, -4.0)), (TRUTH[1], ["corner_l"], (3.0, -4.0)),
    (TRUTH[2], ["nose"], (0.0, -4.0)), (TRUTH[3], ["lips"], (0.0, 5.0)),
]  # fmt: skip


def of(motion, rule=None):
    return movements(motion, 30.0, NAMES, rule or OfFdRule())[0]


@pytest.mark.parametrize("rule", [OfFdRule(), SAMM_LV])
def test_planted_expressions_are_found(rule):
    found = of(recording(events=EVENTS, drift=5.0), rule=rule)
    hits = match(found, [Interval(*t) for t in TRUTH])
    assert (hits.counts.tp, hits.counts.fp, hits.counts.fn) == (4, 0, 0)


def test_shown_ones_are_those_above_the_published_thresholds():
    faint = ((430, 460), ["lips"], (0.0, -1.75))
    spotting = OfFd().spot(region_flow(recording(noise=0.01, events=[*EVENTS, faint])))
    shown = [d.interval for d in spotting.detections if d.score >= spotting.floor]
    assert shown == of(recording(noise=0.01, events=[*EVENTS, faint]))
    (below,) = [d for d in spotting.detections if d.score < spotting.floor]
    assert below.interval.iou(Interval(430, 460)) > 0.4


def test_movements_shorter_than_the_published_least_are_left_out():
    brief = recording(events=[((300, 307), ["lips"], (0.0, -6.0))])
    assert of(brief) == []
    (found,) = of(brief, rule=OfFdRule(shortest_s=0.1))
    assert found.iou(Interval(300, 307)) >= 0.5


def test_what_lies_across_two_stretches_is_one_movement():
    for first in range(60, 240, 12):
        events = [((first, first + 40), ["lips", "brow_l"], (0.0, -4.0))]
        (found,) = of(recording(events=events))
        assert found.iou(Interval(first, first + 40)) >= 0.5


def test_two_peaks_with_a_deep_valley_are_two():
    events = [((300, 330), ["lips"], (0.0, -5.0)), ((328, 358), ["lips"], (0.0, -5.0))]
    assert len(of(recording(noise=0.01, events=events))) == 2


def test_lids_are_not_looked_at():
    assert of(recording(events=[((300, 330), ["LID_L", "LID_R"], (0.0, 6.0))])) == []


def test_the_low_pass_keeps_what_is_slow_and_mirrors_the_ends():
    t = np.arange(200) / 30
    slow, fast = np.cos(2 * np.pi * 1.05 * t), np.sin(2 * np.pi * 11 * t)
    kept = low_pass(np.stack([slow, fast], axis=1), 30.0, 5.0)
    assert np.abs(kept[:, 0] - slow).max() < 0.1
    assert np.abs(kept[20:-20, 1]).max() < 0.1
    ramp = low_pass(np.linspace(0, 5, 200)[:, None], 30.0, 5.0)[:, 0]
    assert ramp[0] < 0.1  # a Fourier transform would begin half way up
    assert ramp[-1] > 4.9


def test_joined_waves_share_nothing_more():
    spans = [Interval(0, 9), Interval(8, 20), Interval(19, 40), Interval(60, 70)]
    assert joined(spans, 0.05) == [Interval(0, 40), Interval(60, 70)]
    assert joined(spans, 0.5) == spans


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="none of the regions EAR"):
        movements(np.zeros((9, 2)), 30.0, ["EAR"])
    with pytest.raises(ValueError, match="above 0"):
        OfFdRule(brow_px=0.0)
    with pytest.raises(ValueError, match="level below 1"):
        OfFdRule(level=1.0)
