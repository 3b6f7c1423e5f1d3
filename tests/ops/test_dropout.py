"""Dropout keeps what it should keep, as often as it should, and follows the seed."""

from __future__ import annotations

import pytest
import torch

from mescope.ops.dropout import dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_share_and_scale(p):
    torch.manual_seed(1)
    y = dropout(torch.ones(400_000), p, training=True)
    kept = y[y > 0]
    assert abs(1 - len(kept) / len(y) - p) < 5 * (p * (1 - p) / len(y)) ** 0.5
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)), rtol=2e-4, atol=0)
    assert abs(float(y.mean()) - 1) < 0.02


def test_neighbours_are_independent():
    torch.manual_seed(2)
    y = dropout(torch.ones(200, 1000), 0.5, training=True) > 0
    for a, b in ((y[:, 1:], y[:, :-1]), (y[1:], y[:-1])):
        assert abs(float((a == b).double().mean()) - 0.5) < 0.01


def test_the_seed_decides():
    found = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        found.append((dropout(torch.ones(99), 0.5, True), dropout(torch.ones(99), 0.5, True)))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert not torch.equal(found[0][0], found[0][1])
    assert not torch.equal(found[0][0], found[2][0])


def test_gradient_goes_where_the_value_went():
    torch.manual_seed(5)
    x = torch.randn(50, dtype=torch.float64, requires_grad=True)
    y = dropout(x, 0.25, training=True)
    y.sum().backward()
    torch.testing.assert_close(y, x * x.grad)


def test_evaluation_changes_nothing():
    x = torch.randn(5)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0, training=True) is x
    with pytest.raises(ValueError, match="expected a share"):
        dropout(x, 1.0, training=True)


def test_an_empty_tensor_stays_empty():
    assert dropout(torch.ones(0, 3), 0.5, training=True).shape == (0, 3)
