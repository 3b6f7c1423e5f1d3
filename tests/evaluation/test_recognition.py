"""Recognition scores: published confusions, scikit-learn beside them, absent classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

from mescope.evaluation.matching import Counts
from mescope.evaluation.recognition import (
    ClassCounts,
    accuracy,
    confusion,
    count_classes,
    harmonic_f1,
    macro_precision,
    scored,
    strs,
    uar,
    uf1,
)

THREE = ("negative", "positive", "surprise")
FOUR = (*THREE, "others")


def published(*rows):
    n, tp, fp = zip(*rows, strict=True)
    return ClassCounts(THREE, n, tp, fp)


@pytest.mark.parametrize(
    ("rows", "p", "r", "f1", "unweighted", "spotting", "product"),
    [
        (
            [(41, 33, 9), (3, 0, 0), (25, 18, 2)],
            0.5619, 0.5083, 0.5338, 0.5317, Counts(76, 733, 782), 0.0487,
        ),
        (
            [(42, 34, 11), (3, 0, 0), (27, 18, 2)],
            0.5519, 0.4921, 0.5202, 0.5159, Counts(81, 912, 777), 0.0455,
        ),
        (
            [(34, 28, 0), (4, 3, 3), (2, 1, 1)],
            0.6667, 0.6912, 0.6787, 0.6677, Counts(52, 171, 107), 0.1848,
        ),
        (
            [(35, 28, 0), (4, 3, 3), (2, 1, 2)],
            0.6111, 0.6833, 0.6452, 0.6296, Counts(53, 184, 106), 0.1727,
        ),
    ],
)  # fmt: skip
def test_published_confusions(rows, p, r, f1, unweighted, spotting, product):  # check 17
    counts = published(*rows)
    found = [f(counts) for f in (macro_precision, uar, harmonic_f1, uf1)]
    assert found == pytest.approx([p, r, f1, unweighted], abs=5.1e-5)
    assert strs(spotting.f1, harmonic_f1(counts)) == pytest.approx(product, abs=5.1e-5)


@pytest.mark.parametrize(
    ("policy", "p", "r", "f1", "unweighted"),  # protocol section 6.4
    [
        ("zero", 0.3750, 0.2917, 0.3281, 0.3250),
        ("skip_both", 0.5000, 0.3889, 0.4375, 0.4333),
        ("skip_gt", 0.7500, 0.5833, 0.6562, 0.6500),
    ],
)
def test_absent_classes(policy, p, r, f1, unweighted):
    counts = count_classes(list("00011"), list("00112"), list("0123"))
    found = [f(counts, policy) for f in (macro_precision, uar, harmonic_f1, uf1)]
    assert found == pytest.approx([p, r, f1, unweighted], abs=5.1e-5)


def test_scikit_learn_without_a_label_list_is_another_number():
    """Why the class list is always given."""
    assert f1_score([0, 0, 0, 1, 1], [0, 0, 1, 1, 2], average="macro") == pytest.approx(
        0.4333, abs=5e-5
    )


@pytest.mark.parametrize("seed", range(20))
def test_against_scikit_learn(seed):  # protocol 13, check 9
    rng = np.random.default_rng(seed)
    truth, found = rng.choice(FOUR, 30), rng.choice(FOUR, 30)
    truth[:4] = FOUR
    counts = count_classes(truth.tolist(), found.tolist(), FOUR)
    options = {"labels": FOUR, "average": "macro", "zero_division": 0}
    assert uf1(counts) == pytest.approx(f1_score(truth, found, **options))
    assert uar(counts) == pytest.approx(recall_score(truth, found, **options))
    assert uar(counts) == pytest.approx(balanced_accuracy_score(truth, found))
    assert accuracy(counts) == pytest.approx((truth == found).mean())


def test_majority_baseline_of_megc2019():  # check 10
    truth = ["negative"] * 250 + ["positive"] * 109 + ["surprise"] * 83
    counts = count_classes(truth, ["negative"] * 442, THREE)
    found = [accuracy(counts), uar(counts), uf1(counts)]
    assert found == pytest.approx([0.5656, 0.3333, 0.2408], abs=5.1e-5)


TOY_PAIRS = (  # the four hits of the protocol's toy set, section 11.2
    ["negative", "surprise", "positive", "others"],
    ["negative", "surprise", "negative", "negative"],
)


@pytest.mark.parametrize(
    ("classes", "p", "r", "f1", "unweighted", "product"),
    [
        (FOUR, 0.3333, 0.5000, 0.4000, 0.3750, 0.2909),
        (THREE, 0.5000, 0.6667, 0.5714, 0.5556, 0.4156),
    ],
)
def test_toy_recognition(classes, p, r, f1, unweighted, product):
    counts = count_classes(*TOY_PAIRS, classes)
    found = [f(counts) for f in (macro_precision, uar, harmonic_f1, uf1)]
    assert found == pytest.approx([p, r, f1, unweighted], abs=5.1e-5)
    assert strs(Counts(4, 2, 1).f1, harmonic_f1(counts)) == pytest.approx(product, abs=5.1e-5)


def test_others_removed_and_predicted_others_only_a_miss():  # protocol section 6.2
    counts = count_classes(
        ["negative", "others", "positive"], ["others", "negative", None], THREE
    )
    assert counts == ClassCounts(THREE, (1, 1, 0), (0, 0, 0), (0, 0, 0))
    table = confusion(["negative", "others", "positive"], ["others", "negative", None], THREE)
    assert table.tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_folds_add():
    a = count_classes(["negative"], ["positive"], THREE)
    b = count_classes(["positive", "surprise"], ["positive", "negative"], THREE)
    both = count_classes(
        ["negative", "positive", "surprise"], ["positive", "positive", "negative"], THREE
    )
    assert a + b == both
    with pytest.raises(ValueError, match="classes differ"):
        a + count_classes([], [], FOUR)


@pytest.mark.parametrize("policy", ["zero", "skip_both", "skip_gt"])
def test_nothing_at_all_is_zero_not_nan(policy):
    counts = count_classes([], [], THREE)
    assert [f(counts, policy) for f in (macro_precision, uar, uf1, harmonic_f1)] == [0.0] * 4
    assert accuracy(counts) == 0.0


@pytest.mark.parametrize("name", ["uf1", "uar", "macro_precision", "harmonic_f1"])
def test_perfect_answers_score_1_whatever_occurs(name):
    """And an answer of a class that does not occur counts against them."""
    perfect = count_classes(["negative", "surprise"], ["negative", "surprise"], FOUR)
    assert scored(name, perfect) == 1.0
    wrong = count_classes(["negative", "surprise"], ["negative", "others"], FOUR)
    assert scored(name, wrong) == pytest.approx(1 / 3)
