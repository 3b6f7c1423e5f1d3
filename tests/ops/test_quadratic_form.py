"""The selective scan against its closed form, a double sum over pairs of tokens."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mescope.ops.selective_scan import selective_scan


def quadratic(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """y_i = sum over j <= i and n of C_i B_j exp(a sum of delta_j+1..i) delta_j u_j + D u_i."""
    y = D * u
    for i in range(u.shape[1]):
        for j in range(i + 1):
            passed = delta[:, j + 1 : i + 1].sum(1)  # (b, d)
            kept = torch.exp(A * passed[..., None])  # (b, d, n)
            pair = (C[:, i] * B[:, j])[:, None]  # (b, 1, n)
            y[:, i] += (kept * pair).sum(-1) * delta[:, j] * u[:, j]
    return y


@pytest.mark.parametrize("backend", ["reference", "numba", "chunked"])
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_the_scan_is_the_quadratic_form(backend, dtype, limit):  # check 4 of MERba
    g = torch.Generator().manual_seed(4)
    u, d, B, C = (torch.randn(2, 9, n, generator=g).double() for n in (3, 3, 4, 4))
    A, D = -torch.exp(torch.randn(3, 4, generator=g).double()), torch.ones(3).double()
    wanted = quadratic(u, F.softplus(d), A, B, C, D)
    given = (t.to(dtype) for t in (u, F.softplus(d), A, B, C, D))
    found = selective_scan(*given, backend=backend)
    assert float((found - wanted).abs().max() / wanted.abs().max()) < limit
