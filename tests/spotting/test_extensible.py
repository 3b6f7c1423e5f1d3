"""Growing intervals: hand-made traces whose answer is known, and every edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mescope.labels import SPOTTING_CLASSES
from mescope.spotting.extensible import Extent, extend, suppress
from mescope.spotting.proposals import ProposalRule, propose

HILL = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.0, 0.8, 0.6, 0.4, 0.2)  # frames 45 to 55, peak 50


def trace(**spans):
    """100 frames of 0 with the hill; ``f40=(0.5, 0.5)`` writes from frame 40 on."""
    out = np.zeros(100)
    out[45:56] = HILL
    for at, values in spans.items():
        out[int(at[1:]) : int(at[1:]) + len(values)] = values
    return out


def grown(scores, peak=50, half=3):
    return extend(scores, peak, half, 0.9)[:3]


@pytest.mark.parametrize("half", [2, 3, 5])
def test_a_hill_is_found_whole_whatever_k_p(half):
    """The fixed interval would be 48 to 52, 47 to 53, 45 to 55."""
    assert grown(trace(), half=half) == (45, 55, 50)


def test_one_low_frame_does_not_end_an_interval_and_two_do():
    assert grown(trace(f40=(0, 0, 0.5, 0.5, 0))) == (42, 55, 50)
    assert grown(trace(f56=(0, 0.5, 0.5, 0, 0))) == (45, 58, 50)
    assert grown(trace(f41=(0.5, 0.5, 0, 0), f56=(0, 0, 0.5, 0.5))) == (45, 55, 50)


def test_an_interval_with_no_end_in_reach_does_not_grow_at_all():
    """Within 5 k_p = 15 frames there are no two low frames: 47 and 53 stay."""
    long = trace(f30=(1,) * 41)
    long[45:56] += HILL
    assert grown(long) == (47, 53, 50)
    long[:36] = 0.0  # low are 34 and 35, the last that is looked at
    assert grown(long) == (36, 53, 50)
    long[35] = 1.0
    assert grown(long) == (47, 53, 50)
    long[65:] = 0.0
    assert grown(long) == (47, 64, 50)
    long[65] = 1.0
    assert grown(long) == (47, 53, 50)


def test_it_starts_before_the_first_rise_and_ends_after_the_last_fall():
    flat = np.full(100, 0.1)
    flat[44:57] = (1, 1, 1, 1, 1.5, 1, 2, 1, 1.5, 1, 1, 1, 1)
    flat[50 - 20 : 44] = flat[57:71] = 1.0  # nothing low in reach: no growth
    assert grown(flat, half=4) == (47, 53, 50)  # 46 and 47 do not rise, 48 does
    flat[46:50] = flat[51:55] = 2.5  # no rise from 47 to 49, no fall either
    assert grown(flat, half=4) == (46, 54, 46)
    flat[46:50], flat[51:55] = (5, 4, 3, 2.9), (2.9, 3, 4, 5)
    assert grown(flat, half=4) == (46, 54, 46)


def test_a_rise_far_below_the_mean_is_none():
    low = np.full(100, 1.0)
    low[46:55] = (0.0, 0.1, 0.2, 1.5, 2, 1.5, 0.2, 0.1, 0.0)  # mean above 0.9
    assert grown(low, half=4)[:2] == (48, 52)
    assert grown(low * 7, half=4)[:2] == (48, 52)


def test_edges_of_the_video():
    """Frame 0 and the last have no neighbour beyond them, so they end nothing."""
    y = np.zeros(30)
    y[1:6] = (1, 2, 3, 2, 1)
    assert grown(y, peak=3) == (0, 6, 3)
    assert grown(y[::-1].copy(), peak=26) == (23, 29, 26)
    assert grown(y, peak=3, half=1) == (2, 5, 3)  # frame 0 alone is low
    assert grown(y[::-1].copy(), peak=26, half=1) == (24, 27, 26)
    y = np.zeros(30)
    y[2:7] = (1, 2, 3, 2, 1)
    assert grown(y, peak=4, half=2) == (2, 6, 4)  # 0 and 1 are low
    assert grown(y[::-1].copy(), peak=25, half=2) == (23, 27, 25)
    y = np.array([1.0, 2.0, 0.5, 0.0])
    assert grown(y, peak=1) == (0, 3, 1)  # the fall from 2 to 3 is below the mean / 1.5


def test_apex_is_the_first_of_the_highest_raw_scores():
    assert grown(trace(f46=(1.3,), f53=(1.3,)))[2] == 46


def literal(r, q, k):
    """The rule word for word, one generator a sentence."""
    n, m = len(r), np.mean(r)
    l0, r0 = max(0, q - k), min(n - 1, q + k)
    rises = (i - 1 for i in range(l0 + 1, q) if r[i] > r[i - 1] and r[i] > m / 1.5)
    falls = (i + 1 for i in range(r0 - 1, q, -1) if r[i] > r[i + 1] and r[i] > m / 1.5)
    s, e = next(rises, l0), next(falls, r0)
    left = [i for i in range(s - 1, max(0, q - 5 * k) - 1, -1) if i > 0]
    right = [j for j in range(e + 1, min(n - 1, q + 5 * k) + 1) if j < n - 1]
    start = next((i + 1 for i in left if r[i] < m and r[i - 1] < m), s)
    end = next((j - 1 for j in right if r[j] < m and r[j + 1] < m), e)
    return start, end, max(range(start, end + 1), key=lambda t: (r[t], -t))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]), min_size=3, max_size=60),
    st.integers(1, 12),
    st.data(),
)
def test_equals_the_rule_word_for_word(values, half, data):
    r = np.array(values)
    peak = data.draw(st.integers(1, len(r) - 2))
    extent = extend(r, peak, half, 0.5)
    assert extent[:3] == literal(r, peak, half)
    assert 0 <= extent.first <= extent.apex <= extent.last < len(r)


def test_suppression_at_the_limits():
    first = Extent(0, 12, 2, 0.5)
    assert suppress([first, Extent(8, 20, 18, 0.9)], 5) == [first]  # 4 of 20 is 0.2
    assert len(suppress([first, Extent(9, 20, 18, 0.9)], 5)) == 2  # 3 of 20
    assert len(suppress([first, Extent(12, 20, 7, 0.9)], 5)) == 1  # 5 = k_p apart
    assert len(suppress([first, Extent(12, 20, 8, 0.9)], 5)) == 2
    assert len(suppress([first, Extent(40, 60, 50, 0.9)], 5)) == 2


def test_the_earlier_stays_whatever_its_height_and_the_suppressed_suppress_nothing():
    a, b, c = Extent(0, 20, 10, 0.1), Extent(10, 40, 25, 0.9), Extent(30, 50, 45, 0.2)
    assert suppress([c, b, a], 5) == [a, c]
    assert suppress([b, c], 5) == [b]
    assert suppress([], 5) == []


def published(strategy=2):
    return ProposalRule.as_published(5, strategy, of="boosting-vrme")


def test_detections_grow_and_keep_their_distance():
    """Long 31 to 49 above the mean (0.14) and short: intervals of 11 frames fit neither."""
    y = np.zeros(120)
    y[30:51] = 1.0 - np.abs(np.arange(-10, 11)) / 11
    y[88:93] = (0.7, 1.4, 2.0, 1.4, 0.7)
    found = propose(y, None, 30.0, published())
    ends = [(d.interval.first, d.interval.last, d.apex) for d in found]
    assert ends == [(31, 49, 40), (87, 93, 90)]
    assert [d.kind for d in found] == ["micro", "micro"]
    fixed = propose(y, None, 30.0, ProposalRule.as_published(5))
    assert [len(d.interval) for d in fixed] == [11, 11]


@pytest.mark.parametrize(
    ("neutral", "others", "answers"),
    [
        (9.0, 0.5, ("neutral", "positive", "positive")),  # zeroed: 0 is less than 0.5
        (-9.0, -0.5, ("positive", "neutral", "positive")),  # zeroed: 0 is more than -0.5
    ],
)
def test_zeroed_neutral(neutral, others, answers):
    y = trace()
    logits = np.full((100, 5), others - 1.0)
    logits[:, SPOTTING_CLASSES.index("positive")] = others
    logits[:, -1] = neutral
    kept = logits.copy()
    rules = (ProposalRule.as_published(5, 1), published(1), published(2))
    assert tuple(propose(y, logits, 30.0, r)[0].emotion for r in rules) == answers
    np.testing.assert_array_equal(logits, kept)


@pytest.mark.parametrize("strategy", [0, 1, 2])
def test_no_peak_no_detection(strategy):
    for n in (0, 1, 2, 60):
        for rule in (ProposalRule.as_published(5, strategy), published(strategy)):
            assert propose(np.zeros(n), None, 30.0, rule) == []


def test_the_rule_travels_and_refuses_what_no_code_does():
    assert ProposalRule(**published().to_dict()) == published()
    with pytest.raises(ValueError, match="as_published only"):
        ProposalRule(intervals="extensible")
    with pytest.raises(ValueError, match="one of fixed, extensible"):
        ProposalRule(mode="as_published", intervals="wide")
    with pytest.raises(ValueError, match="one of voted, zeroed"):
        ProposalRule(mode="as_published", neutral="gone")
    with pytest.raises(ValueError, match="boosting-vrme"):
        ProposalRule.as_published(5, of="me-tst")
