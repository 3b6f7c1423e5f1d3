"""The mean of what a network was: checked against its definition, written out."""

from __future__ import annotations

import torch
from torch import nn

from mescope.models.averaged import Averaged


def steps(count, decay):
    """A network that is moved, its mean, and the weights it had after every step."""
    torch.manual_seed(0)
    pair = Averaged(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), decay)
    seen = []
    for _ in range(count):
        pair.train()
        pair(torch.randn(8, 3))  # moves the running values of batch norm
        with torch.no_grad():
            for parameter in pair.model.parameters():
                parameter.add_(torch.randn_like(parameter))
        pair.follow()
        seen.append(pair.model[0].weight.detach().clone())
    return pair, seen


def test_the_mean_is_what_its_definition_says():
    pair, seen = steps(12, 0.5)
    mean = seen[0]
    for n, now in enumerate(seen[1:], start=1):
        share = 1 - min(0.5, (1 + n) / (10 + n))
        mean = mean + share * (now - mean)
    torch.testing.assert_close(pair.mean.module[0].weight, mean)


def test_running_values_are_averaged_and_counts_are_copied():
    pair, _ = steps(5, 0.9)
    assert int(pair.mean.module[1].num_batches_tracked) == 5
    assert not torch.equal(pair.mean.module[1].running_mean, pair.model[1].running_mean)


def test_it_settles_for_a_while_or_for_good():
    pair, seen = steps(6, 0.9)
    mean = pair.mean.module[0].weight.clone()
    with pair.settled():
        assert torch.equal(pair.model[0].weight, mean)
    assert torch.equal(pair.model[0].weight, seen[-1])
    pair.settle()
    assert torch.equal(pair.model[0].weight, mean)


def test_before_the_first_step_the_network_is_its_own_mean():
    model = nn.Linear(2, 2)
    before = model.weight.clone()
    Averaged(model, 0.9).settle()
    assert torch.equal(model.weight, before)


def test_the_mean_of_noisy_steps_is_nearer_to_what_they_scatter_around():
    torch.manual_seed(1)
    model = nn.Linear(50, 1, bias=False)
    pair, truth = Averaged(model, 0.99), torch.ones(1, 50)
    for _ in range(600):
        with torch.no_grad():
            model.weight.copy_(truth + torch.randn(1, 50))
        pair.follow()
    away = (model.weight - truth).norm()
    pair.settle()
    assert (model.weight - truth).norm() < away / 5
