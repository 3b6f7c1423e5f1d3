"""Several scans in one call equal the scans one by one, values and gradients."""

from __future__ import annotations

import pytest
import torch

from mescope.ops.selective_scan import selective_scan, selective_scans


def problem(g=3, b=4, length=9, d=5, n=2, dtype=torch.float64):
    torch.manual_seed(4)
    u = torch.randn(g, b, length, d, dtype=dtype)
    delta = torch.rand(g, b, length, d, dtype=dtype) + 0.1
    A = -torch.rand(g, d, n, dtype=dtype) - 0.1
    B, C = torch.randn(2, g, b, length, n, dtype=dtype)
    return [t.requires_grad_() for t in (u, delta, A, B, C, torch.randn(g, d, dtype=dtype))]


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize("shape", [{}, {"g": 1}, {"b": 1}, {"length": 70, "d": 40}])
def test_together_equals_one_by_one(backend, shape):
    together, alone = problem(**shape), problem(**shape)
    y = selective_scans(*together, backend=backend)
    wanted = torch.stack(
        [selective_scan(*part, backend="reference") for part in zip(*alone, strict=True)]
    )
    torch.testing.assert_close(y, wanted, rtol=1e-9, atol=1e-9)
    pull = torch.cos(torch.arange(y.numel(), dtype=y.dtype)).reshape(y.shape)
    (y * pull).sum().backward()
    (wanted * pull).sum().backward()
    for mine, theirs in zip(together, alone, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-8, atol=1e-8)


def test_gradients_by_differences():
    torch.autograd.gradcheck(
        lambda *args: selective_scans(*args, backend="numba"), problem(2, 2, 3, 2, 2)
    )


def test_shapes_that_do_not_fit_are_named():
    u, delta, A, B, C, D = problem()
    with pytest.raises(ValueError, match=r"expected u \(g, b, l, d\)"):
        selective_scans(u[0], delta, A, B, C, D)
    with pytest.raises(ValueError, match="3 sets of delta"):
        selective_scans(u, delta, A, B[:2], C, D)
    with pytest.raises(ValueError, match="expected B of shape"):
        selective_scans(u, delta, A, B[:, :, :4], C, D)
