"""The Triton kernels in Triton's interpreter: slow, so shapes are small."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mescope.ops.selective_scan import selective_scan, selective_scans

pytestmark = pytest.mark.usefixtures("interpreter")


def make(b: int, l: int, d: int, n: int, dtype=torch.float32) -> list[Tensor]:  # noqa: E741
    g = torch.Generator().manual_seed(b + l + d + n)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    u, delta = draw(b, l, d).to(dtype), torch.nn.functional.softplus(draw(b, l, d)).to(dtype)
    A, D, h = -torch.exp(draw(d, n)), draw(d), draw(b, d, n)
    inputs = [u, delta, A, draw(b, l, n).to(dtype), draw(b, l, n).to(dtype), D, h]
    return [t.requires_grad_() for t in inputs]


def run(args: list[Tensor], backend: str) -> list[Tensor]:
    y, state = selective_scan(
        *args[:6], initial_state=args[6], return_state=True, backend=backend
    )
    weight = torch.linspace(-1, 1, y.numel()).view_as(y)
    loss = (y.float() * weight).sum() + state.sin().sum()
    return [y, state, *torch.autograd.grad(loss, args)]


def worst(found: list[Tensor], wanted: list[Tensor]) -> float:
    pairs = zip(found, wanted, strict=True)
    return max(
        float((f - w).detach().abs().max() / w.detach().abs().max().clamp_min(1e-3))
        for f, w in pairs
    )


# Less than a chunk, chunks with a rest, channels that are no multiple of a block, odd states.
@pytest.mark.parametrize("size", [(1, 1, 1, 1), (2, 37, 3, 5), (1, 17, 2, 33)])
def test_values_and_gradients_equal_the_reference(size):
    args = make(*size)
    assert worst(run(args, "triton"), run(args, "reference")) < 1e-4


@settings(max_examples=6, deadline=None)
@given(b=st.integers(1, 3), length=st.integers(1, 40), d=st.integers(1, 5), n=st.integers(1, 4))
def test_any_small_shape_equals_the_reference(b, length, d, n):
    args = make(b, length, d, n)
    assert worst(run(args, "triton"), run(args, "reference")) < 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_keeps_its_state_in_float32(dtype):
    args = make(2, 9, 3, 4, dtype)
    found, wanted = run(args, "triton"), run(args, "chunked")
    assert [t.dtype for t in found] == [t.dtype for t in wanted]
    assert found[1].dtype == torch.float32
    torch.testing.assert_close(found[1], wanted[1], rtol=1e-4, atol=1e-5)
    for f, w in zip(found, wanted, strict=True):
        torch.testing.assert_close(f, w, rtol=2e-2, atol=2e-2)


def test_sets_of_parameters_equal_scans_one_by_one():
    one, two = make(2, 7, 3, 4), make(2, 7, 3, 4)
    stacked = [torch.stack([a, 0.5 * b]) for a, b in zip(one, two, strict=True)][:6]
    found = selective_scans(*stacked, backend="triton")
    wanted = [selective_scan(*(t[k] for t in stacked), backend="reference") for k in range(2)]
    torch.testing.assert_close(found, torch.stack(wanted))
    for f, w in zip(
        torch.autograd.grad(found.square().sum(), stacked),
        torch.autograd.grad(torch.stack(wanted).square().sum(), stacked),
        strict=True,
    ):
        torch.testing.assert_close(f, w, rtol=1e-4, atol=1e-4)


def test_equal_input_gives_equal_gradients_and_strides_do_not_matter():
    args = make(2, 20, 3, 4)
    turned = [
        t.detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
        if t.dim() == 3
        else t
        for t in args
    ]
    assert not turned[0].is_contiguous()
    for a, b in zip(run(args, "triton"), run(turned, "triton"), strict=True):
        assert torch.equal(a, b)


def test_what_is_not_a_number_stays_in_its_channel_and_after_its_time():
    args = [t.detach() for t in make(1, 36, 3, 4)[:6]]
    args[0][0, 4, 1] = float("nan")
    args[1][0, 33, 2] = float("nan")
    y = selective_scan(*args, backend="triton")
    assert y[0, 4:, 1].isnan().all()
    assert y[0, 33:, 2].isnan().all()
    assert not y[0, :, 0].isnan().any()
    assert not y[0, :4, 1].isnan().any()


def test_a_whole_model_gives_what_it_gives_on_the_cpu():
    from mescope.models import create_model

    torch.manual_seed(0)
    model = create_model("me-tst-plus-small", channels=4, dim=8, states=4).eval()
    flow = torch.randn(1, model.config.channels, 12)
    with pytest.MonkeyPatch.context() as patch:
        wanted = model(flow)
        patch.setenv("MESCOPE_SCAN", "triton")
        found = model(flow)
    for f, w in zip(found, wanted, strict=True):
        torch.testing.assert_close(f, w, rtol=1e-4, atol=1e-4)
