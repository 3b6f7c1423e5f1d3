"""Blocks that compute twice give what blocks that remember give, and remember less."""

from __future__ import annotations

import copy

import pytest
import torch
from test_all_models import build, floats, inputs, run

from mescope.models.recompute import recompute

NAMES = (
    "me-tst", "me-tst-plus-small", "boosting-vrme-small", "merba-s28", "mambavision-s28",
    "ammsm-s28", "htnet-small", "videomamba-xs",
)  # fmt: skip


def gradients(name, model):
    torch.manual_seed(3)  # dropout and drop path draw the same
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: saved.append(t.numel()) or t, lambda t: t
    ):
        out = floats(run(name, model, inputs(name)))
    sum(t.square().mean() for t in out).backward()
    return out, {n: p.grad for n, p in model.named_parameters()}, sum(saved)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_and_gradients_stay_and_less_is_kept(name):
    plain = build(name).train()
    forgetful = copy.deepcopy(plain)
    assert recompute(forgetful) > 1
    wanted, found = gradients(name, plain), gradients(name, forgetful)
    for w, f in zip(wanted[0], found[0], strict=True):
        assert torch.equal(w, f)
    for parameter, gradient in wanted[1].items():
        torch.testing.assert_close(found[1][parameter], gradient, rtol=1e-4, atol=1e-6)
    assert found[2] < 0.8 * wanted[2]
    assert list(forgetful.state_dict()) == list(plain.state_dict())


def test_a_copy_computes_with_its_own_parameters():
    """As the teacher of MESA is made: a copy of a network that already forgets."""
    model = build("merba-s28")
    recompute(model)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    x = inputs("merba-s28")
    assert not torch.equal(floats(run("merba-s28", other, x))[0], floats(model(x))[0])


def test_running_values_of_batch_norm_move_once():
    plain, forgetful = build("mambavision-s28").train(), build("mambavision-s28").train()
    recompute(forgetful)
    gradients("mambavision-s28", plain), gradients("mambavision-s28", forgetful)
    for (name, w), f in zip(plain.named_buffers(), forgetful.buffers(), strict=True):
        assert torch.equal(w, f), name
