"""The Triton kernels of the state space without order, in Triton's interpreter."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ssd import close, make, some, with_gradients

from mescope.ops import ssd_triton
from mescope.ops.ssd import noncausal_ssd

pytestmark = pytest.mark.usefixtures("interpreter")


def run(args, keep, backend):
    args = [t.detach().requires_grad_() for t in args]
    return with_gradients((noncausal_ssd(*args, keep=keep, backend=backend),), args)


# Blocks of tokens with a rest; several tiles of channels and of states, with rests.
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("size", [(1, 1, 1, 1, 1), (2, 37, 2, 5, 3), (1, 33, 1, 35, 66)])
def test_values_and_gradients_equal_the_reference(size, sparse):
    args, keep = make(*size, torch.float32), some(*size[:2]) if sparse else None
    close(run(args, keep, "triton"), run(args, keep, "reference"), 2e-5)


def test_several_stretches_of_tokens_are_one_sum(monkeypatch):
    args, keep = make(1, 70, 2, 3, 4, torch.float32), some(1, 70)
    wanted = run(args, keep, "triton")
    monkeypatch.setattr(ssd_triton, "_STRETCH", 32)
    close(run(args, keep, "triton"), wanted, 2e-6)


@settings(max_examples=3, deadline=None)
@given(
    st.tuples(*(st.integers(1, most) for most in (2, 40, 2, 20, 20))),
    st.booleans(),
)
def test_any_small_shape_equals_the_products(size, sparse):
    args, keep = make(*size, torch.float32), some(*size[:2]) if sparse else None
    close(run(args, keep, "triton"), run(args, keep, "products"), 2e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_summed_in_float32(dtype):
    wide = make(1, 40, 2, 4, 5, torch.float32)
    half = [wide[0].to(dtype), *wide[1:3], wide[3].to(dtype), wide[4].to(dtype), wide[5]]
    pull = torch.cos(torch.arange(half[0].numel())).view_as(half[0]).to(dtype)

    def pulled(args, backend):
        args = [t.detach().requires_grad_() for t in args]
        y = noncausal_ssd(*args, backend=backend)
        return [y, *torch.autograd.grad(y, args, pull.to(y.dtype))]

    found, wanted = pulled(half, "triton"), pulled([t.float() for t in half], "products")
    assert [t.dtype for t in found] == [dtype, *(t.dtype for t in half)]
    for f, w in zip(found, wanted, strict=True):  # rounded once, at the end
        torch.testing.assert_close(f, w.to(f.dtype), rtol=torch.finfo(dtype).eps, atol=1e-4)


def test_equal_input_gives_equal_gradients_and_strides_do_not_matter():
    args, keep = make(2, 33, 1, 3, 4, torch.float32), some(2, 33)
    turned = [
        t.transpose(0, 1).contiguous().transpose(0, 1) if t.dim() > 1 else t for t in args
    ]
    assert not turned[0].is_contiguous()
    once, again = run(args, keep, "triton"), run(turned, keep.t().contiguous().t(), "triton")
    assert all(map(torch.equal, once, again))


def test_a_whole_model_gives_what_it_gives_in_plain_torch(monkeypatch):
    from mescope.models import create_model

    torch.manual_seed(0)
    options = {"dim": 8, "depths": (1, 1, 1, 1), "heads": (1, 1, 1, 1), "states": 4}
    model = create_model("ammsm-s28", **options).eval()
    flow = torch.randn(1, 2, 28, 28)
    with torch.no_grad():
        wanted = model(flow, flow[:, [0, 1, 0]])
        monkeypatch.setenv("MESCOPE_SSD", "triton")
        found = model(flow, flow[:, [0, 1, 0]])
    torch.testing.assert_close(found.emotion, wanted.emotion, rtol=1e-4, atol=1e-5)
