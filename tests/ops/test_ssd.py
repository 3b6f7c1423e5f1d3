"""SSD without order against its definition token by token, with gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mescope.ops.ssd import noncausal_ssd, noncausal_ssd_reference

SIZES = [  # b, l, h, p, n
    (1, 1, 1, 1, 1),
    (2, 7, 2, 3, 5),
    (2, 8, 3, 4, 4),
    (3, 29, 2, 5, 3),
    (2, 150, 2, 8, 16),
]
LIMIT = {torch.float32: 2e-5, torch.float64: 1e-12}


def make(b: int, l: int, h: int, p: int, n: int, dtype: torch.dtype) -> list[Tensor]:  # noqa: E741
    g = torch.Generator().manual_seed(b + l + h + p + n)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=dtype)

    dt, A = F.softplus(draw(b, l, h) - 1), -torch.exp(draw(h))
    return [draw(b, l, h, p), dt, A, draw(b, l, n), draw(b, l, n), draw(h)]


def some(b: int, length: int) -> Tensor:
    """Tokens to keep, different ones in every sample."""
    return (torch.arange(length) % 3 != torch.arange(b)[:, None] % 3) | (length == 1)


def close(found: list[Tensor], wanted: list[Tensor], limit: float) -> None:
    for f, w in zip(found, wanted, strict=True):
        scale = w.abs().max().clamp_min(1e-6)
        assert f.shape == w.shape
        assert float(((f - w).abs().max() / scale).detach()) < limit


def with_gradients(outputs: tuple[Tensor, ...], args: list[Tensor]) -> list[Tensor]:
    loss = sum(
        (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum() for y in outputs
    )
    return [*outputs, *torch.autograd.grad(loss, args)]


@pytest.mark.parametrize("dtype", LIMIT)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_products_equal_the_definition(size, sparse, dtype):
    args = [t.requires_grad_() for t in make(*size, dtype)]
    keep = some(*size[:2]) if sparse else None
    found = with_gradients((noncausal_ssd(*args, keep=keep),), args)
    wanted = with_gradients((noncausal_ssd_reference(*args, keep),), args)
    close(found, wanted, LIMIT[dtype])


def test_noncausal_is_a_double_sum_and_linear_attention():
    x, dt, A, B, C, D = make(2, 9, 2, 3, 4, torch.float64)
    wanted = D[:, None] * x
    for i in range(9):
        for j in range(9):
            weight = dt[:, j] * A.abs() * (C[:, i] * B[:, j]).sum(-1, keepdim=True)
            wanted[:, i] += weight[..., None] * x[:, j]
    found = noncausal_ssd(x, dt, A, B, C, D)
    torch.testing.assert_close(found, wanted)
    values = (dt * A.abs())[..., None] * x  # attention without softmax over scaled values
    shares = torch.einsum("bin,bjn->bij", C, B)
    attention = torch.einsum("bij,bjhp->bihp", shares, values)
    torch.testing.assert_close(found, attention + D[:, None] * x)


def test_tokens_have_no_order():
    x, dt, A, B, C, D = make(2, 31, 2, 3, 4, torch.float64)
    y = noncausal_ssd(x, dt, A, B, C, D)
    for order in (torch.randperm(31), torch.arange(31).flip(0)):
        found = noncausal_ssd(x[:, order], dt[:, order], A, B[:, order], C[:, order], D)
        torch.testing.assert_close(found, y[:, order], rtol=0, atol=1e-10)


def test_every_token_reads_every_token():
    x, dt, A, B, C, D = make(1, 6, 1, 2, 4, torch.float64)
    for j in range(6):
        other = x.clone()
        other[:, j] += 1
        change = noncausal_ssd(other, dt, A, B, C, D) - noncausal_ssd(x, dt, A, B, C, D)
        assert (change.abs().amax((0, 2, 3)) > 0).all()


def test_dropped_tokens_are_as_if_removed():
    x, dt, A, B, C, D = make(1, 12, 2, 3, 4, torch.float64)
    keep = some(1, 12)
    found = noncausal_ssd(x, dt, A, B, C, D, keep=keep)[:, keep[0]]
    alone = [t[:, keep[0]] for t in (x, dt, B, C)]
    torch.testing.assert_close(found, noncausal_ssd(alone[0], alone[1], A, *alone[2:], D))


def test_gradcheck():
    args = [t.requires_grad_() for t in make(2, 7, 2, 2, 3, torch.float64)]
    assert torch.autograd.gradcheck(lambda *a: noncausal_ssd(*a, keep=some(2, 7)), args)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    x, dt, A, B, C, D = make(2, 20, 2, 4, 8, torch.float32)
    low = [t.to(dtype) for t in (x, dt, B, C)]
    found = noncausal_ssd(low[0], low[1], A, low[2], low[3], D)
    wide = [t.float() for t in low]
    assert found.dtype == dtype
    torch.testing.assert_close(
        found, noncausal_ssd(wide[0], wide[1], A, wide[2], wide[3], D).to(dtype)
    )
    steps = noncausal_ssd(low[0], wide[1], A, low[2], low[3], D)  # as autocast leaves them
    torch.testing.assert_close(steps, found)


@pytest.mark.parametrize(
    ("index", "shape"),
    [(0, (2, 5, 6)), (1, (2, 5, 4)), (2, (4,)), (3, (2, 4, 3)), (4, (2, 5, 2)), (5, (3,))],
)
def test_unfitting_shapes_are_named(index, shape):
    args = make(2, 5, 2, 3, 3, torch.float32)
    args[index] = torch.ones(shape)
    with pytest.raises(ValueError, match=r"expected .*found .*\("):
        noncausal_ssd(*args)


def test_other_bad_input_is_named():
    args = make(2, 5, 2, 3, 4, torch.float32)
    with pytest.raises(ValueError, match=r"expected keep of shape \(2, 5\).*found \(5,\)"):
        noncausal_ssd(*args, keep=torch.ones(5, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"keep \(2, 5\) as bool, found torch.float32"):
        noncausal_ssd(*args, keep=torch.ones(2, 5))
    with pytest.raises(ValueError, match=r"nothing empty, found x \(0, 5, 2, 3\)"):
        noncausal_ssd(*(t[:0] if t.dim() > 1 else t for t in args))
    args[3] = args[3].double()
    with pytest.raises(ValueError, match=r"B \(2, 5, 4\) as torch.float32.*float64.*cast"):
        noncausal_ssd(*args)
    with pytest.raises(ValueError, match="floating x"):
        noncausal_ssd(args[0].long(), *args[1:])
