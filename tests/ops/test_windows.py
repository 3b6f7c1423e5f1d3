"""Scores of windows, how many stay, which, and where their tokens lie."""

from __future__ import annotations

import itertools

import pytest
import torch

from mescope.ops.windows import (
    grid,
    kept_windows,
    top_windows,
    window_scores,
    window_tokens,
)

RATIOS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
KEPT = {
    196: [196, 176, 156, 137, 117, 98, 78, 58, 39],
    49: [49, 44, 39, 34, 29, 24, 19, 14, 9],
    16: [16, 14, 12, 11, 9, 8, 6, 4, 3],
    4: [4, 3, 3, 2, 2, 2, 1, 1, 1],
    256: [256, 230, 204, 179, 153, 128, 102, 76, 51],
    64: [64, 57, 51, 44, 38, 32, 25, 19, 12],
    20: [20, 18, 16, 14, 12, 10, 8, 6, 4],  # 20 * (1 - 0.8) falls below 4 in floating point
}


@pytest.mark.parametrize("windows", KEPT)
def test_kept_windows_of_the_table(windows):  # check 10
    assert [kept_windows(windows, ratio) for ratio in RATIOS] == KEPT[windows]
    assert kept_windows(windows, 0.9) >= 1


@pytest.mark.parametrize("ratio", [-0.1, 0.91, 1.0, float("nan")])
def test_ratios_out_of_range(ratio):
    with pytest.raises(ValueError, match=r"sparsity ratio in 0..0.9, found"):
        kept_windows(16, ratio)
    with pytest.raises(ValueError, match="1 window or more, found 0"):
        kept_windows(0, 0.5)


def test_scores_by_hand():  # check 16
    x = torch.zeros(1, 2, 8, 8)
    x[0, 0, 0, 0], x[0, 1, 3, 3] = 3.0, -4.0  # window 0
    x[0, 0, 2, 6] = 2.0  # window 1
    x[0, :, 4:, :4] = 1.0  # window 2: all 32 values
    assert window_scores(x, 4).tolist() == [[5.0, 2.0, pytest.approx(32**0.5), 0.0]]
    rms = [[5 / 4, 2 / 4, pytest.approx(2**0.5), 0.0]]
    assert window_scores(x, 4, "rms").tolist() == rms
    means = [[pytest.approx((1.5**2 + 2**2) ** 0.5), 1.0, 4.0, 0.0]]
    assert window_scores(x, 4, "absmean").tolist() == means


@pytest.mark.parametrize("score", ["norm", "rms", "absmean"])
def test_partial_windows(score):  # check 16: padding adds nothing
    x = torch.ones(1, 3, 7, 7)
    found = window_scores(x, 4, score)[0]
    real = torch.tensor([16.0, 12.0, 12.0, 9.0])
    if score == "rms":
        torch.testing.assert_close(found, torch.full((4,), 3**0.5))
    else:
        torch.testing.assert_close(found, (real * (3 if score == "norm" else 1)).sqrt())


def test_scores_have_no_gradient():  # check 18
    x = torch.zeros(2, 3, 8, 8, requires_grad=True)
    assert not window_scores(x, 4).requires_grad


def test_the_best_windows_of_every_sample():  # check 16
    scores = torch.tensor([[1.0, 3.0, 2.0, 0.0], [0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0]])
    wanted = [
        [False, True, True, False],
        [False, False, True, True],
        [True, True, False, False],
    ]
    assert top_windows(scores, 2).tolist() == wanted


def test_ties_go_to_the_lower_index():
    scores = torch.zeros(1, 300)
    assert top_windows(scores, 120)[0].nonzero().flatten().tolist() == list(range(120))


def test_masks_lie_within_each_other():  # check 12
    scores = torch.rand(5, 49).mul(6).round()  # with ties
    masks = [top_windows(scores, kept_windows(49, ratio)) for ratio in RATIOS]
    for more, fewer in itertools.pairwise(masks):
        assert not (fewer & ~more).any()


@pytest.mark.parametrize(("height", "width", "side"), [(8, 8, 4), (7, 7, 4), (5, 9, 2)])
def test_tokens_of_a_window_are_those_it_scores(height, width, side):
    rows, columns = grid(height, width, side)
    for window in range(rows * columns):
        mask = torch.zeros(1, rows * columns, dtype=torch.bool)
        mask[0, window] = True
        tokens = window_tokens(mask, height, width, side)
        x = tokens.reshape(1, 1, height, width).double()
        scores = window_scores(x, side)
        assert (scores > 0).tolist() == mask.tolist()
        i, j = divmod(window, columns)
        assert x[0, 0, side * i, side * j] == 1


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"map \(b, c, h, w\), found \(2, 8, 8\)"):
        window_scores(torch.zeros(2, 8, 8), 4)
    with pytest.raises(ValueError, match="norm, rms or absmean, found 'l2'"):
        window_scores(torch.zeros(1, 2, 8, 8), 4, "l2")
    with pytest.raises(ValueError, match=r"found \(2, 4\) and 5"):
        top_windows(torch.zeros(2, 4), 5)
    with pytest.raises(ValueError, match=r"mask \(b, 4\) for a map of 7 x 7.*found \(1, 3\)"):
        window_tokens(torch.ones(1, 3, dtype=torch.bool), 7, 7, 4)
    with pytest.raises(ValueError, match="1 or more, found 8 x 8 and 0"):
        window_scores(torch.zeros(1, 2, 8, 8), 0)
