"""The Triton kernels of the convolution along time, in Triton's interpreter."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_depthwise_conv import arguments, library

from mescope.ops.depthwise_conv import depthwise_conv

pytestmark = pytest.mark.usefixtures("interpreter")


def run(args, ahead=0, backend="triton"):
    """Values and gradients."""
    args = [None if t is None else t.detach().requires_grad_() for t in args]
    y = (
        library(*args, ahead)
        if backend == "library"
        else depthwise_conv(*args, ahead=ahead, backend=backend)
    )
    pull = torch.cos(torch.arange(y.numel())).reshape(y.shape).to(y.dtype)
    return [y, *torch.autograd.grad(y, [t for t in args if t is not None], pull)]


# Sequences shorter than the taps, several blocks of steps and channels, with rests.
@pytest.mark.parametrize(("length", "channels"), [(1, 1), (3, 5), (70, 66)])
@pytest.mark.parametrize(("taps", "ahead"), [(1, 0), (4, 0), (3, 1)])
def test_equals_the_library_with_gradients(length, channels, taps, ahead):
    args = arguments(2, 1, length, channels, taps, torch.float32)
    for f, w in zip(run(args, ahead), run(args, ahead, "library"), strict=True):
        torch.testing.assert_close(f, w, rtol=1e-4, atol=2e-5)


@settings(max_examples=6, deadline=None)
@given(st.tuples(*(st.integers(1, most) for most in (3, 3, 40, 12, 5))), st.integers(0, 4))
def test_any_small_shape_equals_the_shifts(size, ahead):
    args = arguments(*size, torch.float32)
    ahead = min(ahead, size[-1] - 1)
    for f, w in zip(run(args, ahead), run(args, ahead, "shifts"), strict=True):
        torch.testing.assert_close(f, w, rtol=1e-4, atol=2e-5)


def test_no_bias_is_a_bias_of_zero():
    x, weight, bias = arguments(taps=3, dtype=torch.float32)
    found = run((x, weight, None))
    wanted = run((x, weight, torch.zeros_like(bias)))
    assert all(map(torch.equal, found, wanted[:3]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_summed_in_float32_and_rounded_once(dtype):
    half = arguments(length=40, dtype=dtype)
    wide = [t.detach().float() for t in half]
    found, wanted = run(half), run(wide, backend="shifts")
    assert {t.dtype for t in found} == {dtype}
    for f, w in zip(found, wanted, strict=True):
        error = (f.float() - w).abs().max() / w.abs().max()
        assert error <= torch.finfo(dtype).eps


def test_equal_input_gives_equal_gradients_and_strides_do_not_matter():
    x, weight, bias = arguments(length=70, dtype=torch.float32)
    turned = x.detach().transpose(1, 2).contiguous().transpose(1, 2)
    assert not turned.is_contiguous()
    assert all(map(torch.equal, run((x, weight, bias)), run((turned, weight, bias))))
