"""Disturbed segments: still what they were, neither twice the same nor unlike themselves."""

import numpy as np
import pytest
from planted_motion import smiles_and_brows

from mescope.errors import RecipeError
from mescope.samples.candidate_segments import Candidates
from mescope.samples.disturbed_segments import disturbed
from mescope.samples.rendered_windows import RenderedEpochs
from mescope.samples.spotting_kinds import RenderedRecordings
from mescope.samples.synthetic import Windows
from mescope.spotting.segments import CONTEXT


@pytest.fixture(scope="module")
def recordings():
    return [smiles_and_brows(number) for number in range(3)]


@pytest.fixture(scope="module")
def windows(recordings):
    every = Candidates(recordings)
    return every.cut(np.arange(len(every)))


def alike(a, b):
    """Correlation of every segment of one table with its twin in the other."""
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_labels_and_context_stay_and_motion_is_still_the_same_movement(windows):
    out = disturbed(windows, np.random.default_rng(0))
    np.testing.assert_array_equal(out.spotting, windows.spotting)
    np.testing.assert_array_equal(out.classes, windows.classes)
    context = -len(CONTEXT)
    np.testing.assert_array_equal(out.flow[:, context:], windows.flow[:, context:])
    assert out.flow.dtype == np.float32
    assert np.isfinite(out.flow).all()
    shown = (windows.spotting > 0).any(axis=1)
    same = alike(out.flow[shown, :36], windows.flow[shown, :36])
    assert np.median(same) > 0.8
    assert same.max() < 1 - 1e-6


def test_strengths_are_drawn_apart_for_every_segment(windows):
    shown = np.flatnonzero((windows.spotting > 0).any(axis=1))
    many = windows.take(np.repeat(shown[:1], 2000))
    strength = np.abs(disturbed(many, np.random.default_rng(1)).flow[:, :36]).max(axis=(1, 2))
    assert np.quantile(strength, 0.9) > 1.2 * np.quantile(strength, 0.1)


def test_only_movements_that_are_no_expression_are_laid_over_others(windows):
    """A segment of expressions only has nothing to lay over, and is disturbed all the same."""
    shown = windows.take((windows.spotting > 0).any(axis=1))
    out = disturbed(shown, np.random.default_rng(2))
    assert len(out.flow) == len(shown.flow)
    none = Windows(*(column[:0] for column in windows))
    assert len(disturbed(none, np.random.default_rng(3)).flow) == 0


def test_an_epoch_is_a_pure_function_of_its_number(recordings):
    wanted = RenderedRecordings(hours=0.1, copies=3, disturbed=True)
    epochs = RenderedEpochs(wanted, 7, recordings)
    one, again, other = (next(iter(epochs(n).by_length.values())) for n in (0, 0, 1))
    np.testing.assert_array_equal(one.flow, again.flow)
    assert one.flow.shape != other.flow.shape or not np.array_equal(one.flow, other.flow)
    plain = RenderedEpochs(RenderedRecordings(hours=0.1), 7, recordings)
    fewer = next(iter(plain(0).by_length.values()))
    assert 0.8 < len(one.flow) / len(fewer.flow) < 1.2, "every candidate comes once an epoch"


def test_an_epoch_has_no_more_than_it_is_asked_for(recordings):
    """As many as there is use for, drawn among all of an epoch: shares stay."""
    wanted = RenderedRecordings(hours=0.1)
    whole = RenderedEpochs(wanted, 7, recordings)
    some = RenderedEpochs(wanted, 7, recordings, most=40)
    shares, seen = [], set()
    for epoch in range(20):
        all_of, few = (next(iter(e(epoch).by_length.values())) for e in (whole, some))
        assert len(few.flow) == 40 < len(all_of.flow)
        shares.append((few.spotting > 0).any(axis=1).mean())
        seen |= {row.tobytes() for row in few.flow}
    assert np.mean(shares) == pytest.approx((all_of.spotting > 0).any(axis=1).mean(), abs=0.08)
    assert len(seen) > 60, "every epoch draws others"


def test_windows_have_no_copies():
    with pytest.raises(RecipeError, match="candidates"):
        RenderedRecordings(look="windows", copies=2)
