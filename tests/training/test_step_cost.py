"""What a step costs is counted from what it makes; the counts of a plain chain are known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mescope.models.recompute import recompute
from mescope.training.step_cost import LiveMemory, step_cost

MIB = 2**20


def test_what_is_alive_is_counted_and_what_is_gone_is_not():
    with LiveMemory() as live:
        a = torch.zeros(MIB // 4)  # 1 MiB
        b = a + 1
        assert live.now == 2 * MIB
        c = a.view(2, -1)[0]  # a part of a: no memory of its own
        assert live.now == 2 * MIB
        del b
        assert live.now == MIB
        a.add_(1)
        del a, c
        assert live.now == 0
    assert live.peak == 2 * MIB


def test_a_chain_of_sines_keeps_one_tensor_each():
    """sin keeps its input: five in a row keep five, and there is what the last one gave."""

    class Sines(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(1))

        def forward(self, x):
            x = x * self.gain
            for _ in range(5):
                x = x.sin()
            return x

    cost = step_cost(Sines(), torch.randn(3, MIB // 4))
    assert 6 * MIB <= cost.sample <= 10 * MIB  # and what loss and backward hold on the way
    assert cost.parameters == 1
    assert cost.fixed == 4 * 4
    assert cost.memory(100) - cost.memory(10) == 90 * cost.sample
    assert cost.seconds > 0


def test_parameters_count_four_times_and_frozen_ones_once():
    model = nn.Sequential(nn.Linear(64, 64, bias=False), nn.Linear(64, 64, bias=False))
    assert step_cost(model, torch.randn(3, 64)).fixed == 4 * 2 * 64 * 64 * 4
    model[0].requires_grad_(requires_grad=False)
    assert step_cost(model, torch.randn(3, 64)).fixed == (1 + 4) * 64 * 64 * 4


def test_halves_and_blocks_that_compute_twice_need_less():
    from mescope.models import create_model

    inputs = torch.randn(3, 36, 50)
    plain = step_cost(create_model("me-tst-plus-small"), inputs)
    half = step_cost(create_model("me-tst-plus-small"), inputs, precision="bf16-mixed")
    model = create_model("me-tst-plus-small")
    recompute(model)
    twice = step_cost(model, inputs)
    assert half.sample < plain.sample
    assert twice.sample < plain.sample / 2
    assert all(p.grad is None for p in model.parameters())


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="expected 3 samples"):
        step_cost(nn.Linear(2, 2), torch.randn(2, 2))
