"""MDMD on planted motion, and against its definition written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_motion import DOWN, UP, recording, region_flow

from mescope.evaluation.matching import match
from mescope.events import Interval
from mescope.spotting.mdmd import (
    PUBLISHED,
    Mdmd,
    MdmdRule,
    contrasts,
    intervals,
    maximal_differences,
)

TRUTH = [(100, 112), (300, 312), (520, 534), (700, 745)]
EVENTS = [
    (TRUTH[0], ["brow_l", "brow_r"], UP), (TRUTH[1], ["corner_l", "lips"], UP),
    (TRUTH[2], ["brow_l", "brow_r"], DOWN), (TRUTH[3], ["lips", "corner_l"], DOWN),
]  # fmt: skip


def shown(spotting):
    return [d for d in spotting.detections if d.score >= spotting.floor]


def test_planted_expressions_are_found_with_their_kind():
    spotting = Mdmd().spot(region_flow(recording(events=EVENTS, drift=10.0)))
    found = shown(spotting)
    hits = match([d.interval for d in found], [Interval(*t) for t in TRUTH])
    assert (hits.counts.tp, hits.counts.fn) == (4, 0)
    kinds = {found[i].interval.first // 100: found[i].kind for i, _ in hits.pairs}
    assert kinds == {1: "micro", 3: "micro", 5: "micro", 7: "macro"}
    assert all(abs(found[i].apex - sum(TRUTH[j]) / 2) <= 3 for i, j in hits.pairs)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 9))
def test_differences_are_those_of_the_definition(seed, k, regions):
    n = 2 * k + 5
    motion = np.random.default_rng(seed).normal(size=(n, 2 * regions))
    fast = maximal_differences(motion, k)
    for i in range(k, n - k):
        apart = []
        for r in range(regions):
            at = motion[:, 2 * r : 2 * r + 2]
            there, back = at[i] - at[i - k], at[i + k] - at[i - k]
            apart.append(np.hypot(*there) - np.hypot(*back))
        count = max(1, round(regions / 3))
        assert fast[i - k] == pytest.approx(np.mean(sorted(apart)[-count:]))


@given(st.floats(0.01, 100.0))
def test_the_published_threshold_has_no_unit(factor):
    motion = recording(400, events=EVENTS[:2])
    one = intervals(contrasts(motion, 30.0, PUBLISHED), 30.0, PUBLISHED)
    scaled = intervals(contrasts(factor * motion, 30.0, PUBLISHED), 30.0, PUBLISHED)
    assert [d.interval for d in one] == [d.interval for d in scaled]


def test_the_published_threshold_finds_something_on_a_still_face():
    motion = recording(1800, noise=0.05)
    still = intervals(contrasts(motion, 30.0, PUBLISHED), 30.0, PUBLISHED)
    assert still  # the reason for a floor
    assert intervals(contrasts(motion, 30.0), 30.0) == []


def test_nothing_is_found_near_the_ends():
    """As published: the first and last 2 k - 1 frames have no contrast."""
    motion = recording(300, events=[((2, 14), ["lips", "corner_l", "corner_r"], UP)])
    assert intervals(contrasts(motion, 30.0), 30.0) == []
    assert contrasts(motion, 30.0)[0][:23].tolist() == [0.0] * 23


def test_a_short_recording_is_looked_at_with_a_smaller_k():
    """Whose runs are shorter than the least of the baseline: nothing is shown of it."""
    events = [((25, 34), ["lips", "corner_l", "corner_r"], UP)]
    ratios = contrasts(recording(60, noise=0.01, events=events), 30.0)
    (found,) = intervals(ratios, 30.0, MdmdRule(shortest_s=0.1))
    assert Interval(25, 34).shared(found.interval) == len(found.interval)
    assert intervals(ratios, 30.0) == []
    assert intervals(contrasts(recording(8), 30.0), 30.0) == []


@pytest.mark.parametrize("n", [1, 2, 3, 11])
def test_a_few_frames_have_no_contrast(n):
    micro, macro = contrasts(np.ones((n, 36)), 30.0)
    assert micro.tolist() == macro.tolist() == [0.0] * n


@pytest.mark.parametrize(
    "wrong",
    [{"micro_s": 2.0}, {"share": 2.0}, {"part": 0.0}, {"floor_px": -1.0}],
)
def test_impossible_constants_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).removesuffix("s")):
        MdmdRule(**wrong)


@pytest.mark.parametrize("name", ["BROW_L", "MOUTH_48", "LID_R"])
def test_any_region_alone_may_be_what_moves(name):
    events = [((200, 215), [name], (0.0, -9.0))]
    (found,) = intervals(contrasts(recording(400, events=events), 30.0), 30.0)
    assert found.interval.iou(Interval(200, 215)) >= 0.5
