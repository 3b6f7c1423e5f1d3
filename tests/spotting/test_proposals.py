"""Peaks, intervals and votes: worked examples, and planted expressions that must come back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.events import Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.spotting.proposals import (
    ProposalRule,
    half_length,
    moilanen,
    propose,
    published_intervals,
    vote,
    vote_as_published,
)
from mescope.spotting.traces import box_smooth

RATE = 30.0


def triangle(heights):
    n = np.arange(120)
    return sum(h * np.maximum(0, 1 - np.abs(n - at) / 10) for at, h in heights.items())


def planted(n, *boxes, noise=0.0, seed=0):
    """A trace that is 1 strictly inside every (onset, offset), as training labels are."""
    trace = np.random.default_rng(seed).random(n) * noise
    for onset, offset in boxes:
        trace[onset + 1 : offset] = 0.95
    return trace


def logits(n, default=4, **spans):
    """Logits whose class is ``default`` but for the given frames."""
    out = np.zeros((n, 5))
    out[:, default] = 3.0
    for name, frames in spans.items():
        out[frames] = 0.0
        out[frames, SPOTTING_CLASSES.index(name)] = 4.0
    return out


def intervals(found):
    return [(d.interval.first, d.interval.last) for d in found]


def test_half_length_of_the_datasets():
    assert half_length([34.71]) == 17
    assert half_length([10.45]) == 5
    assert half_length([21, 21, 500], "median") == 11
    with pytest.raises(ValueError, match="at least one"):
        half_length([])


def test_published_peaks():
    rule = ProposalRule.as_published(5)
    y = triangle({40: 1.0, 90: 0.8})
    smooth = box_smooth(y, 5)
    assert smooth.max() == pytest.approx(0.75)
    assert smooth.mean() == pytest.approx(0.15)
    assert moilanen(smooth, 0.55) == pytest.approx(0.48)
    found = published_intervals(y, rule)
    assert [(one.first, one.last) for one in found] == [(35, 45), (85, 95)]
    assert [one.height for one in found] == pytest.approx([0.75, 0.60])


def test_published_threshold_hides_a_weak_peak():
    y = triangle({40: 1.0, 90: 0.5})
    assert moilanen(box_smooth(y, 5), 0.55) == pytest.approx(0.46875)
    assert intervals(propose(y, None, RATE, ProposalRule.as_published(5))) == [(35, 45)]


def test_published_interval_may_start_before_the_video():
    y = np.zeros(100)
    y[:7] = 1.0
    rule = ProposalRule.as_published(5)
    (found,) = published_intervals(y, rule)
    assert (found.first, found.last) == (-2, 8)
    assert intervals(propose(y, None, RATE, rule)) == [(0, 8)]


def test_published_rule_always_finds_something_and_clean_does_not():
    noise = np.random.default_rng(1).random(900) * 0.05
    assert propose(noise, None, RATE, ProposalRule.as_published(17))
    assert propose(noise, None, RATE, ProposalRule()) == []


@pytest.mark.parametrize("n", [0, 1, 2, 900])
def test_nothing_happens(n):
    assert propose(np.zeros(n), None, RATE, ProposalRule()) == []
    assert propose(np.full(n, np.nan), None, RATE, ProposalRule()) == []


def test_short_and_long_expressions_get_their_own_length():
    truth = [(100, 106), (300, 315), (500, 545)]  # 0.2, 0.5 and 1.5 s
    found = propose(planted(900, *truth, noise=0.1), None, RATE, ProposalRule())
    assert intervals(found) == truth
    assert [d.kind for d in found] == ["micro", "micro", "macro"]
    assert all(d.interval.first <= d.apex <= d.interval.last for d in found)


def test_apex_is_the_frame_of_the_highest_score():
    y = planted(200, (50, 70))
    y[58] = 0.99
    (found,) = propose(y, None, RATE, ProposalRule())
    assert found.apex == 58
    assert found.score == pytest.approx((0.95 + 0.99 + 0.95) / 3)


def test_absolute_floor():
    y = 0.4 * planted(200, (50, 70))
    assert propose(y, None, RATE, ProposalRule(floor=0.39)) == []
    assert intervals(propose(y, None, RATE, ProposalRule(floor=0.3))) == [(50, 70)]


def test_expressions_at_the_edges_are_found_and_clipped():
    y = np.zeros(100)
    y[:6], y[-6:] = 0.9, 0.9
    assert intervals(propose(y, None, RATE, ProposalRule())) == [(0, 6), (93, 99)]


def test_a_gap_is_never_spanned():
    y = planted(200, (50, 90))
    y[65:70] = np.nan
    assert intervals(propose(y, None, RATE, ProposalRule())) == [(50, 64), (70, 90)]


def test_a_dip_in_an_expression_does_not_split_it():
    y = planted(200, (50, 90))
    y[70:72] = 0.7
    assert intervals(propose(y, None, RATE, ProposalRule())) == [(50, 90)]


def test_neighbours_that_touch_become_one():
    y = planted(200, (50, 60))
    y[62:72] = 0.7  # one frame between them, both widened
    y[61] = 0.4
    assert intervals(propose(y, None, RATE, ProposalRule(smooth=1))) == [(50, 72)]


def test_bounds_of_length():
    y = planted(900, (50, 52), (100, 500))
    y[300] = 0.99
    rule = ProposalRule(smooth=1, longest_s=2.0, shortest_s=0.1)
    found = propose(y, None, RATE, rule)
    assert [d for d in intervals(found) if d[0] < 100] == []  # 0.067 s
    assert (270, 330) in intervals(found)
    assert all(d.interval.last - d.interval.first <= 60 for d in found)


def test_emotion_and_its_scores():
    y = planted(200, (50, 70))
    emotion = logits(200, surprise=slice(51, 70))
    (found,) = propose(y, emotion, RATE, ProposalRule())
    assert found.emotion == "surprise"
    assert tuple(found.emotion_scores) == SPOTTING_CLASSES[:-1]
    assert sum(found.emotion_scores.values()) == pytest.approx(1.0)
    frames = np.exp(emotion[50:71])
    mean = (frames / frames.sum(1, keepdims=True)).mean(0)[:4]
    assert list(found.emotion_scores.values()) == pytest.approx(mean / mean.sum())


@pytest.mark.parametrize(("strategy", "wanted"), [(0, ["neutral"]), (1, []), (2, ["positive"])])
def test_result_synergy_before_matching(strategy, wanted):
    emotion = logits(200, positive=slice(55, 60))  # 5 of 21 frames, the others neutral
    emotion[:, 1] += 0.5
    y = planted(200, (50, 70))
    found = propose(y, emotion, RATE, ProposalRule(strategy=strategy))
    assert [d.emotion for d in found] == wanted


def test_published_neutral_interval_is_kept_for_after_matching():
    y, emotion = triangle({40: 1.0, 90: 0.8}), logits(120, negative=slice(30, 50))
    for strategy, wanted in ((1, ["negative", "neutral"]), (2, ["negative", "negative"])):
        rule = ProposalRule.as_published(5, strategy)
        assert [d.emotion for d in propose(y, emotion, RATE, rule)] == wanted


def test_votes():
    frames = np.full((10, 5), 0.0)
    frames[np.arange(10), [3, 0, 1, 1, 0, 4, 4, 4, 4, 2]] = 1.0
    assert vote(frames, suppress_neutral=False) == 4
    # frames 1..4 of the interval 0..6 are looked at: 0 1 1 0, a tie, 0 is seen first
    assert vote_as_published(frames, Interval(0, 6), suppress_neutral=False) == 0
    assert vote_as_published(frames, Interval(1, 7), suppress_neutral=False) == 1
    frames[2, 1] = 5.0  # clean: ties by the higher mean logit
    assert vote(frames[1:5], suppress_neutral=False) == 1
    with pytest.raises(ValueError, match="no frame to vote"):
        vote_as_published(frames, Interval(3, 5), suppress_neutral=False)


def test_suppressed_neutral():
    frames = np.tile([0.1, 0.3, 0.2, 0.0, 9.0], (4, 1))
    assert vote(frames, suppress_neutral=True) == 1


def test_rule_travels_as_plain_values():
    rule = ProposalRule(floor=0.4, half_length=9)
    assert ProposalRule(**rule.to_dict()) == rule


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "x"}, {"strategy": 3}, {"smooth": 2}, {"half_length": 0}, {"share": 1.5},
        {"floor": -0.1}, {"shortest_s": 5.0}, {"widen": -1},
    ],
)  # fmt: skip
def test_rules_that_cannot_be(wrong):
    with pytest.raises(ValueError):  # noqa: PT011 (each has its own words)
        ProposalRule(**wrong)


@pytest.mark.parametrize("longest", [0.3, 1.0, 29.5 / RATE])
def test_a_plateau_is_cut_to_the_longest_length(longest):
    """Whether the bound in frames is odd or even."""
    rule = ProposalRule(smooth=1, longest_s=longest)
    for d in propose(np.ones(80), None, RATE, rule):
        assert d.interval.last - d.interval.first <= longest * RATE


scores = st.lists(
    st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 1.0, np.nan])), max_size=80
)


@settings(max_examples=200, deadline=None)
@given(scores, st.sampled_from([1, 3, 5]), st.sampled_from([0.3, 1.0, 4.0]))
def test_clean_detections_never_overlap_nor_span_gaps(values, smooth, longest):
    y = np.array(values, dtype=np.float64)
    rule = ProposalRule(smooth=smooth, longest_s=longest)
    found = propose(y, None, RATE, rule)
    for d in found:
        assert d.interval.last < len(y)
        assert not np.isnan(y[d.interval.first : d.interval.last + 1]).any()
        assert rule.floor <= d.score <= 1.0
        assert d.interval.last - d.interval.first <= longest * RATE
    ends = intervals(found)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(ends))
