"""Alpha against Krippendorff's own worked examples, and against a count of all pairs."""

import math

import numpy as np
import pytest

from mescope.evaluation.krippendorff import krippendorffs_alpha

BINARY = ("0100000010", "1110010000")
"""Section A of Krippendorff 2011: two observers, ten units, alpha 0.095."""
NOMINAL = ("aabbdcccedda", "babbbccceddd")
"""Section B: two observers, nominal, alpha 0.692."""
MISSING = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
"""Section C: four observers, twelve units, missing values, alpha 0.743."""


def rows(*coders):
    return [tuple(None if v == "." else v for v in row) for row in zip(*coders, strict=True)]


def test_the_published_examples():
    assert krippendorffs_alpha(rows(*BINARY)) == pytest.approx(0.095, abs=5e-4)
    assert krippendorffs_alpha(rows(*NOMINAL)) == pytest.approx(0.692, abs=5e-4)
    assert krippendorffs_alpha(rows(*MISSING)) == pytest.approx(0.743, abs=5e-4)


def plain(units):
    """Observed and expected disagreement from every pair of values, as defined."""
    full = [[v for v in unit if v is not None] for unit in units]
    full = [unit for unit in full if len(unit) > 1]
    values = [v for unit in full for v in unit]
    if len(set(values)) < 2:
        return None
    observed = math.fsum(
        sum(a != b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j)
        / (len(unit) - 1)
        for unit in full
    ) / len(values)
    pairs = [a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j]
    return 1 - observed / (sum(pairs) / len(pairs))


@pytest.mark.parametrize("seed", range(20))
def test_alpha_is_what_all_pairs_give(seed):
    rng = np.random.default_rng(seed)
    found = rng.choice(["x", "y", "z", None], (int(rng.integers(2, 12)), 3)).tolist()
    assert krippendorffs_alpha(found) == (
        None if plain(found) is None else pytest.approx(plain(found))
    )


def test_rows_may_be_counted():
    assert krippendorffs_alpha({("a", "a"): 2, ("a", "b"): 1, ("b", "b"): 3}) == (
        krippendorffs_alpha([("a", "a")] * 2 + [("a", "b")] + [("b", "b")] * 3)
    )


def test_edges():
    assert krippendorffs_alpha([]) is None
    assert krippendorffs_alpha([("a", "a"), ("a", "a")]) is None  # nothing to tell apart
    assert krippendorffs_alpha([("a", None), (None, "b")]) is None  # no pair
    assert krippendorffs_alpha([("a", "a"), ("b", "b")]) == 1.0
    assert krippendorffs_alpha([("a", "b"), ("b", "a")]) < 0
