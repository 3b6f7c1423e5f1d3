"""Of what scores 0.8, four in five are right: a planted curve is recovered."""

import numpy as np
import pytest

from mescope.errors import RecipeError
from mescope.spotting.cascade import CascadeRule
from mescope.training.calibration import fit_logistic, reliability


def planted(slope, offset, n=40_000):
    rng = np.random.default_rng(1)
    raw = rng.uniform(0.02, 0.98, n)
    share = 1 / (1 + np.exp(-(slope * np.log(raw / (1 - raw)) + offset)))
    return raw, rng.random(n) < share


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (2.5, -2.0), (0.4, 1.0)])
def test_a_planted_curve_is_recovered(slope, offset):
    raw, right = planted(slope, offset)
    found = fit_logistic(raw, right)
    assert found == (pytest.approx(slope, rel=0.06), pytest.approx(offset, abs=0.06))


def test_calibrated_scores_are_shares_and_raw_ones_were_not():
    raw, right = planted(2.5, -2.0)
    slope, offset = fit_logistic(raw, right)
    calibrated = CascadeRule(slope=slope, offset=offset).calibrated(raw)
    assert all(abs(mean - share) < 0.03 for mean, share, _ in reliability(calibrated, right))
    assert max(abs(mean - share) for mean, share, _ in reliability(raw, right)) > 0.2


def test_scores_that_speak_against_are_never_turned_round():
    raw, right = planted(-1.0, 0.0)
    assert fit_logistic(raw, right)[0] > 0


def test_scores_of_exactly_0_and_1():
    slope, offset = fit_logistic(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1], bool))
    assert np.isfinite([slope, offset]).all()


@pytest.mark.parametrize("right", [np.zeros(5, bool), np.ones(5, bool), np.zeros(0, bool)])
def test_nothing_to_tell_apart_is_refused(right):
    with pytest.raises(RecipeError, match=r"found \d right of \d; render more hours"):
        fit_logistic(np.linspace(0.1, 0.9, len(right)), right)


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
