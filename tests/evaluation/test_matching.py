"""Matching and counting: every worked number of the protocol, and brute force beside it."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mescope.evaluation import matching
from mescope.evaluation.matching import (
    MATCHERS,
    Counts,
    Matches,
    discard_after_matching,
    match,
    match_kind,
)
from mescope.events import Detection, Expression, Interval


def spans(*pairs):
    return [Interval(*pair) for pair in pairs]


def triple(matches):
    return (matches.counts.tp, matches.counts.fp, matches.counts.fn)


@pytest.mark.parametrize(
    ("p", "g", "iou", "at_least", "more"),  # protocol section 2
    [
        ((10, 20), (10, 30), 0.523810, True, True),
        ((0, 9), (0, 19), 0.500000, True, False),
        ((0, 17), (9, 26), 0.333333, False, False),
        ((7, 75), (45, 85), 0.392405, False, False),
        ((100, 134), (110, 130), 0.600000, True, True),
        ((0, 34), (17, 51), 0.346154, False, False),
        ((0, 1), (2, 3), 0.0, False, False),
    ],
)
def test_overlap_table(p, g, iou, at_least, more):
    p, g = spans(p, g)
    assert p.iou(g) == pytest.approx(iou, abs=5e-7)
    for how in MATCHERS:
        assert match([p], [g], how=how).counts.tp == at_least
        assert match([p], [g], how=how, strict=True).counts.tp == more


CASES = {  # protocol section 3
    "B": (spans((0, 19)), spans((0, 9), (10, 19))),
    "C": (spans((98, 117), (102, 121)), spans((100, 119))),
    "D": (spans((2, 21), (3, 22)), spans((0, 19), (4, 23))),
    "E": (spans((0, 0)), spans((50, 60))),
    "F": (
        spans((5, 24), (40, 59), (200, 220)),
        spans((8, 27), (45, 70), (300, 320)),
    ),
}
TABLE = {
    "voc_greedy": {"B": (1, 0, 1), "C": (1, 1, 0), "D": (1, 1, 1), "F": (1, 2, 2)},
    "strs_multi": {"B": (2, 0, 0), "C": (1, 1, 0), "D": (2, 1, 0), "F": (1, 2, 2)},
    "soft_multi": {"B": (2, 0, 0), "C": (2, 0, -1), "D": (4, 0, -2), "F": (1, 2, 2)},
    "found_labels": {"B": (2, -1, 0), "C": (1, 1, 0), "D": (2, 0, 0), "F": (1, 2, 2)},
    "optimal": {"B": (1, 0, 1), "C": (1, 1, 0), "D": (2, 0, 0), "F": (1, 2, 2)},
}


@pytest.mark.parametrize("how", TABLE)
def test_worked_cases(how):
    for case, wanted in {**TABLE[how], "E": (0, 1, 1)}.items():
        assert triple(match(*CASES[case], how=how)) == wanted, case


def test_pairs_matcher_counts_every_pair():
    assert triple(match(*CASES["D"], how="pairs")) == (4, -2, -2)


def test_who_is_paired():
    assert match(*CASES["B"], how="voc_greedy").pairs == ((0, 1),)  # ties: the later one
    assert match(*CASES["D"]).pairs == ((0, 0), (1, 1))
    assert match(*CASES["D"], how="soft_multi").pairs == ()


def test_optimal_prefers_more_pairs_then_more_overlap():
    truth = spans((0, 99), (60, 139))
    found = spans((40, 109), (10, 99))  # both hit the first, only the first hits the second
    assert match(found, truth).pairs == ((0, 1), (1, 0))
    assert match(spans((0, 29), (5, 24)), spans((5, 24))).pairs == ((1, 0),)


@pytest.mark.parametrize(
    ("tp", "fp", "fn", "precision", "recall", "f1"),  # protocol section 4
    [
        (76, 733, 782, 0.0939, 0.0886, 0.0912),
        (81, 912, 777, 0.0816, 0.0944, 0.0875),
        (52, 171, 107, 0.2332, 0.3270, 0.2723),
        (53, 184, 106, 0.2236, 0.3333, 0.2677),
        (21, 5014, 36, 0.0042, 0.3684, 0.0082),
        (109, 1414, 191, 0.0716, 0.3633, 0.1196),
        (130, 6428, 227, 0.0198, 0.3641, 0.0376),
        (29, 1407, 130, 0.0202, 0.1824, 0.0364),
        (22, 334, 321, 0.0618, 0.0641, 0.0629),
        (51, 1741, 451, 0.0285, 0.1016, 0.0445),
        (6, 217, 202, 0.0269, 0.0288, 0.0278),
        (3, 115, 34, 0.0254, 0.0811, 0.0387),
    ],
)
def test_published_counts(tp, fp, fn, precision, recall, f1):
    counts = Counts(tp, fp, fn)
    found = (counts.precision, counts.recall, counts.f1)
    assert found == pytest.approx((precision, recall, f1), abs=5.1e-5)


def test_micro_and_macro_add_to_the_published_overall():
    assert Counts(21, 5014, 36) + Counts(109, 1414, 191) == Counts(130, 6428, 227)
    assert Counts(29, 1407, 130) + Counts(22, 334, 321) == Counts(51, 1741, 451)


def test_nothing_over_nothing_is_zero():
    assert (Counts().precision, Counts().recall, Counts().f1) == (0.0, 0.0, 0.0)


def test_pooling_is_not_the_mean_of_subjects():  # protocol 13, check 8
    subjects = [Counts(1, 0, 0), Counts(0, 5, 5), Counts(3, 1, 1)]
    assert sum(subjects, Counts()).f1 == pytest.approx(0.4000, abs=5e-5)
    assert np.mean([s.f1 for s in subjects]) == pytest.approx(0.5833, abs=5e-5)


def test_unknown_matcher():
    with pytest.raises(ValueError, match="optimal, voc_greedy"):
        match([], [], how="greedy")


@pytest.mark.parametrize("how", MATCHERS)
def test_empty_sides(how):
    some = spans((3, 9), (20, 40))
    assert triple(match([], [], how=how)) == (0, 0, 0)
    assert triple(match(some, [], how=how)) == (0, 2, 0)
    assert triple(match([], some, how=how)) == (0, 0, 2)


def test_other_thresholds():
    found, truth = spans((0, 9)), spans((0, 13))  # IoU 5/7
    for threshold, hit in ((Fraction(3, 10), 1), (Fraction(7, 10), 1), (Fraction(5, 7), 1)):
        assert match(found, truth, threshold=threshold).counts.tp == hit
    assert match(found, truth, threshold=Fraction(3, 4)).counts.tp == 0
    assert match(found, truth, threshold=Fraction(5, 7), strict=True).counts.tp == 0


def test_kinds_are_matched_apart():
    truth = [
        Expression(interval=Interval(0, 9), kind="macro"),
        Expression(interval=Interval(20, 29), kind="micro"),
    ]
    found = [
        Detection(interval=Interval(0, 9), kind="micro", score=1.0, apex=3),
        Detection(interval=Interval(20, 29), kind="micro", score=1.0, apex=23),
    ]
    micro, macro = match_kind(found, truth, "micro"), match_kind(found, truth, "macro")
    assert micro == Matches(Counts(1, 1, 0), ((1, 1),))
    assert macro == Matches(Counts(0, 0, 1), ())


def test_published_result_synergy():
    found = spans((0, 9), (20, 29), (50, 59))
    truth = spans((0, 9), (20, 29), (80, 89))
    matches = match(found, truth)
    assert triple(matches) == (2, 1, 1)
    without_hit = discard_after_matching(matches, {1})
    assert triple(without_hit) == (1, 1, 2)
    assert without_hit.pairs == ((0, 0),)
    assert triple(discard_after_matching(matches, {2})) == (2, 0, 1)
    assert triple(discard_after_matching(matches, {0, 2})) == (1, 0, 2)


# The toy set of protocol section 11.2: (subject, video) -> (truth, predictions)
TOY = {
    ("A", "v1"): (
        [((10, 29), "negative"), ((100, 119), "surprise")],
        [((12, 31), "negative"), ((15, 34), "surprise"), ((105, 124), "surprise")],
    ),
    ("A", "v2"): ([((50, 69), "positive")], [((50, 89), "negative")]),
    ("B", "v1"): ([((30, 49), "others")], [((33, 52), "negative")]),
    ("B", "v2"): ([], [((5, 24), "positive")]),
    ("C", "v1"): ([((200, 219), "negative")], []),
}


def toy(how="optimal", strict=False, videos=TOY):
    total, pairs = Counts(), []
    for video in videos:
        truth, found = TOY[video]
        matches = match(
            spans(*(f[0] for f in found)), spans(*(t[0] for t in truth)), how=how, strict=strict
        )
        total += matches.counts
        pairs += [(truth[j][1], found[i][1]) for i, j in matches.pairs]
    return total, pairs


def test_toy_overlaps():
    truth, found = TOY["A", "v1"]
    (g1, g2), (p1, p2, p3) = spans(*(t[0] for t in truth)), spans(*(f[0] for f in found))
    ious = [p1.iou(g1), p2.iou(g1), p3.iou(g2)]
    assert ious == pytest.approx([0.8182, 0.6, 0.6], abs=5e-5)


@pytest.mark.parametrize(
    ("how", "strict", "only", "counts", "scores"),
    [
        ("optimal", False, "all", (4, 2, 1), (0.6667, 0.8000, 0.7273)),
        ("optimal", True, "all", (3, 3, 2), (0.5000, 0.6000, 0.5455)),
        ("voc_greedy", False, "with truth", (4, 1, 1), (0.8000, 0.8000, 0.8000)),
        ("soft_multi", False, "all", (5, 1, 0), (0.8333, 1.0000, 0.9091)),
        ("strs_multi", False, "both", (4, 1, 0), (0.8000, 1.0000, 0.8889)),
    ],
)
def test_toy_set(how, strict, only, counts, scores):
    videos = [
        key
        for key, (truth, found) in TOY.items()
        if (only == "all" or truth) and (only != "both" or found)
    ]
    total, _ = toy(how, strict, videos)
    assert total == Counts(*counts)
    found = (total.precision, total.recall, total.f1)
    assert found == pytest.approx(scores, abs=5.1e-5)


def test_toy_mean_of_subjects_is_another_number():
    f1 = [toy(videos=[v for v in TOY if v[0] == s])[0].f1 for s in "ABC"]
    assert np.mean(f1) == pytest.approx(0.5079, abs=5e-5)


def test_prediction_in_a_video_without_truth_is_a_false_alarm():  # checks 6 and 7
    assert toy()[0].fp - toy(videos=[v for v in TOY if v != ("B", "v2")])[0].fp == 1
    lost = match([], spans((30, 49))).counts
    kept = match(spans((33, 52)), spans((30, 49))).counts
    assert (kept.tp - lost.tp, lost.fn - kept.fn) == (1, 1)


intervals = st.builds(
    lambda first, length: Interval(first, first + length),
    st.integers(0, 40),
    st.integers(0, 25),
)
sets = st.lists(intervals, max_size=5)


def brute_force(found, truth):
    """Most hits and then the highest total IoU over every injective assignment."""
    best = (0, Fraction(0))
    for size in range(1, min(len(found), len(truth)) + 1):
        for rows in itertools.combinations(range(len(found)), size):
            for columns in itertools.permutations(range(len(truth)), size):
                total, hits = Fraction(0), True
                for i, j in zip(rows, columns, strict=True):
                    shared = found[i].shared(truth[j])
                    union = len(found[i]) + len(truth[j]) - shared
                    hits = hits and 2 * shared >= union
                    total += Fraction(shared, union)
                if hits:
                    best = max(best, (size, total))
    return best


@given(sets, sets)
def test_optimal_equals_brute_force(found, truth):
    matches = match(found, truth)
    total = sum(Fraction(found[i].iou(truth[j])) for i, j in matches.pairs)
    size, wanted = brute_force(found, truth)
    assert matches.counts.tp == size
    assert float(total) == pytest.approx(float(wanted))


@given(sets, sets, st.sampled_from(["optimal", "voc_greedy"]))
def test_one_to_one_counts(found, truth, how):  # protocol 13, checks 4 and 5
    matches = match(found, truth, how=how)
    tp, fp, fn = triple(matches)
    assert 0 <= tp <= min(len(found), len(truth))
    assert (fp, fn) == (len(found) - tp, len(truth) - tp)
    assert len({i for i, _ in matches.pairs}) == len({j for _, j in matches.pairs}) == tp
    assert match(found, truth).counts.tp >= match(found, truth, how="voc_greedy").counts.tp


@given(sets, sets, st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_row_order(found, truth, random):  # check 5
    shuffled = list(found)
    random.shuffle(shuffled)
    for how in ("optimal", "voc_greedy"):
        assert match(shuffled, truth, how=how).counts == match(found, truth, how=how).counts


def test_greedy_pairing_depends_on_row_order():  # check 5
    found, truth = CASES["C"]
    assert match(found, truth, how="voc_greedy").pairs == ((0, 0),)
    assert match(found[::-1], truth, how="voc_greedy").pairs == ((0, 0),)  # the other one


@given(intervals, intervals)
def test_overlap_is_symmetric_and_exact(a, b):  # check 3
    iou = a.iou(b)
    assert iou == b.iou(a)
    assert 0.0 <= iou <= 1.0
    assert (iou == 1.0) == (a == b)
    frames_a, frames_b = set(range(a.first, a.last + 1)), set(range(b.first, b.last + 1))
    exact = Fraction(len(frames_a & frames_b), len(frames_a | frames_b))
    assert match([a], [b]).counts.tp == (exact >= Fraction(1, 2))


def test_integer_comparison_on_ten_thousand_pairs():  # check 3
    rng = np.random.default_rng(0)
    for first, length, start, size in rng.integers(1, 60, (10_000, 4)).tolist():
        a, b = Interval(first, first + length), Interval(start, start + size)
        shared = max(0, min(a.last, b.last) - max(a.first, b.first) + 1)
        exact = Fraction(shared, length + 1 + size + 1 - shared)
        assert (2 * shared >= length + size + 2 - shared) == (exact >= Fraction(1, 2))


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("threshold", [Fraction(1, 2), Fraction(1, 5), Fraction(1)])
def test_many_are_matched_in_parts_as_well_as_at_once(monkeypatch, threshold, strict):
    """As many hits, and as much overlap; a hundred thousand need no table of all pairs."""
    rng = np.random.default_rng(0)
    sides = []
    for _ in range(2):
        starts, lengths = rng.integers(0, 3000, 400), rng.geometric(0.05, 400)
        sides.append(
            [Interval(int(a), int(a + n)) for a, n in zip(starts, lengths, strict=True)]
        )
    at_once = match(*sides, threshold=threshold, strict=strict)
    monkeypatch.setattr(matching, "_MOST_AT_ONCE", 0)
    in_parts = match(*sides, threshold=threshold, strict=strict)
    assert in_parts.counts == at_once.counts
    assert (at_once.counts.tp > 50) == (threshold < 1)
    a, b = (sum(sides[0][i].iou(sides[1][j]) for i, j in m.pairs) for m in (at_once, in_parts))
    assert a == pytest.approx(b)
    assert match([], sides[1]).counts == Counts(0, 0, 400)


def test_a_hundred_thousand_marks_are_matched():
    many = [Interval(20 * n, 20 * n + 9) for n in range(100_000)]
    later = [Interval(one.first + 2, one.last + 2) for one in many]
    assert match(many, later).pairs == tuple((n, n) for n in range(100_000))
