from __future__ import annotations

import pytest
import torch
from test_selective_scan import make, run, worst

from mescope.ops import scan_chunked
from mescope.ops.selective_scan import selective_scan


# One step, one chunk, a rest in the last chunk; the last is longer than a stretch.
@pytest.mark.parametrize(
    "size", [(1, 1, 1, 1), (2, 2, 3, 5), (3, 31, 5, 7), (2, 37, 4, 16), (1, 1030, 2, 3)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_equal_the_reference(size, dtype):
    args = [t.requires_grad_() for t in make(*size, dtype)]
    limit = 1e-4 if dtype == torch.float32 else 1e-9
    assert worst(run(args, "chunked"), run(args, "reference")) < limit


def test_gradcheck_over_several_stretches(monkeypatch):
    monkeypatch.setattr(scan_chunked, "STRETCH", 10)
    args = [t.requires_grad_() for t in make(2, 23, 2, 3, torch.float64)]
    assert torch.autograd.gradcheck(
        lambda *a: selective_scan(
            *a[:6], initial_state=a[6], return_state=True, backend="chunked"
        ),
        args,
    )


def test_stretches_do_not_change_the_result(monkeypatch):
    args = [t.requires_grad_() for t in make(2, 50, 4, 8, torch.float64)]
    whole = run(args, "chunked")
    monkeypatch.setattr(scan_chunked, "STRETCH", 16)
    assert worst(run(args, "chunked"), whole) < 1e-12


def test_backward_keeps_one_stretch_of_states_and_not_all(monkeypatch):
    """What autograd saves grows with l d, not with l d n."""
    monkeypatch.setattr(scan_chunked, "STRETCH", 16)
    args = [t.requires_grad_() for t in make(1, 320, 4, 64, torch.float32)]
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: saved.append(t.numel()) or t, lambda t: t
    ):
        selective_scan(*args[:6], backend="chunked")
    assert sum(saved) < 320 * 4 * 64


def test_few_launches(monkeypatch):
    """About sqrt(l) rounds: the reference takes l of them."""
    calls = []
    exp = torch.exp
    monkeypatch.setattr(torch, "exp", lambda t: calls.append(1) or exp(t))
    args = make(1, 900, 2, 3, torch.float32)
    selective_scan(*args[:6], backend="chunked")
    assert len(calls) <= 3 * 30
