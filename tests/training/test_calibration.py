"""Of what scores 0.8, four in five are right: a planted curve is recovered."""

import numpy as np
import pytest

from mescope.errors import RecipeError
from mescope.spotting.cascade import CascadeRule, Signs, evidence
from mescope.training.calibration import fit_logistic, reliability


def planted(slope, strength, offset, n=40_000):
    """Raw scores, strengths, and who is right by such a curve."""
    rng = np.random.default_rng(1)
    raw, strong = rng.uniform(0.02, 0.98, n), np.exp(rng.normal(0.5, 0.8, n))
    logit = slope * np.log(raw / (1 - raw)) + strength * np.log(strong) + offset
    return raw, strong, rng.random(n) < 1 / (1 + np.exp(-logit))


@pytest.mark.parametrize(
    ("slope", "strength", "offset"), [(1.0, 0.0, 0.0), (2.5, 1.0, -2.0), (0.4, 0.3, 1.0)]
)
def test_a_planted_curve_is_recovered(slope, strength, offset):
    raw, strong, right = planted(slope, strength, offset)
    slopes, found = fit_logistic(evidence(Signs(raw, strong)), right)
    assert slopes[:2] == (pytest.approx(slope, rel=0.06), pytest.approx(strength, abs=0.06))
    assert slopes[2:] == pytest.approx((0, 0, 0), abs=1e-6)  # nothing was told of them
    assert found == pytest.approx(offset, abs=0.06)


def test_calibrated_scores_are_shares_and_raw_ones_were_not():
    raw, strong, right = planted(2.5, 1.0, -2.0)
    (slope, strength, *_), offset = fit_logistic(evidence(Signs(raw, strong)), right)
    rule = CascadeRule(slope=slope, strength=strength, offset=offset)
    calibrated = rule.calibrated(Signs(raw, strong))
    assert all(abs(mean - share) < 0.03 for mean, share, _ in reliability(calibrated, right))
    assert max(abs(mean - share) for mean, share, _ in reliability(raw, right)) > 0.15


@pytest.mark.parametrize(("slope", "strength"), [(-1.0, 1.0), (1.0, -1.0)])
def test_what_speaks_against_is_never_turned_round(slope, strength):
    """Least of all strength: nothing is silenced for being strong."""
    raw, strong, right = planted(slope, strength, 0.0)
    slopes, _ = fit_logistic(evidence(Signs(raw, strong)), right)
    assert min(slopes[:2]) == 0.0
    assert max(slopes) > 0.5


def test_scores_of_exactly_0_and_1():
    raw, right = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1], bool)
    slopes, offset = fit_logistic(evidence(Signs(raw, np.zeros(4))), right)
    assert np.isfinite([*slopes, offset]).all()


@pytest.mark.parametrize("right", [np.zeros(5, bool), np.ones(5, bool), np.zeros(0, bool)])
def test_nothing_to_tell_apart_is_refused(right):
    with pytest.raises(RecipeError, match=r"found \d right of \d; render more hours"):
        fit_logistic(np.linspace(0.1, 0.9, len(right))[:, None], right)


def test_reliability_against_its_definition():
    rng = np.random.default_rng(0)
    scores, right = rng.random(300), rng.random(300) < 0.3
    scores[:2] = 0.0, 1.0
    rows = reliability(scores, right, bins=4)
    assert sum(count for *_, count in rows) == 300
    for (mean, share, count), low in zip(rows, (0, 0.25, 0.5, 0.75), strict=True):
        own = (scores >= low) & ((scores < low + 0.25) | (low == 0.75))
        assert (mean, share, count) == (
            pytest.approx(scores[own].mean()), pytest.approx(right[own].mean()), own.sum(),
        )  # fmt: skip
    assert reliability(np.array([0.95]), np.array([True])) == [(0.95, 1.0, 1)]
