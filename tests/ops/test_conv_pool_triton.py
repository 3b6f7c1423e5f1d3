"""The Triton kernels of the fused stem, in Triton's interpreter."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conv_pool import problem, run

from mescope.ops.conv_pool import conv_pool

pytestmark = pytest.mark.usefixtures("interpreter")


def worst(found, wanted) -> float:
    return max(
        float((f - w).abs().max() / w.abs().max().clamp_min(1e-3))
        for f, w in zip(found, wanted, strict=True)
    )


# A row or column in no window and none; several parts of taps and blocks of filters; one
# window, and more than are taken at a time.
@pytest.mark.parametrize(
    ("images", "channels", "filters", "height", "width", "padding"),
    [(2, 3, 4, 28, 28, 2), (2, 1, 1, 7, 12, 1), (1, 4, 34, 5, 5, 0), (3, 2, 3, 3, 3, 0)],
)
def test_equals_the_definition(images, channels, filters, height, width, padding):
    x, weights, running = problem(images, channels, filters, height, width, torch.float32)
    found = run("triton", x, weights, running, padding)
    wanted = run("reference", x, weights, running, padding)
    assert worst(found, wanted) < 2e-5


@settings(max_examples=2, deadline=None)
@given(
    images=st.integers(2, 3),
    channels=st.integers(1, 3),
    filters=st.integers(1, 6),
    height=st.integers(3, 9),
    width=st.integers(3, 9),
    padding=st.integers(0, 2),
)
def test_equals_the_definition_for_any_size(images, channels, filters, height, width, padding):
    x, weights, running = problem(images, channels, filters, height, width)
    exact = run("reference", x, weights, running, padding)
    single = [x.float(), [w.float() for w in weights], tuple(r.float() for r in running)]
    found, wanted = (run(side, *single, padding) for side in ("triton", "reference"))
    # Where all values are nearly alike, single precision has no normalised one right.
    assert worst(found, exact) < max(1e-4, 3 * worst(wanted, exact))


def test_raw_grey_values():
    """Images of 0 to 255: differences from the mean are squared, not values."""
    x, weights, running = problem(3, 3, 4, 12, 12)
    x = (x.abs() * 10 + 240).clamp(max=255).round()
    wanted = run("reference", x, weights, running)
    single = [x.float(), [w.float() for w in weights], tuple(r.float() for r in running)]
    assert worst(run("triton", *single), wanted) < 1e-4


def test_a_flat_image_and_a_dead_filter():
    """Everything tied, and a filter that answers nowhere: no gradient, no NaN."""
    x, weights, running = problem(2, 3, 4, 9, 9, torch.float32)
    x = torch.full_like(x, 3.0)
    weights[1][0] = -1000.0
    found = run("triton", x, weights, running, padding=0)
    wanted = run("reference", x, weights, running, padding=0)
    for f, w in zip(found, wanted, strict=True):  # rounding, divided by the root of eps
        assert torch.isfinite(f).all()
        torch.testing.assert_close(f, w, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_summed_in_float32_and_rounded_once(dtype):
    x, weights, running = problem(2, 3, 4, 12, 12, torch.float32)
    half = [x.to(dtype), [w.to(dtype) for w in weights], tuple(r.to(dtype) for r in running)]
    wide = [half[0].float(), [w.float() for w in half[1]], tuple(r.float() for r in half[2])]
    pull = torch.cos(torch.arange(2 * 4 * 5 * 5)).view(2, 4, 5, 5).to(dtype)

    def pulled(x, weights, running, backend):
        weights = [w.detach().requires_grad_() for w in weights]
        y = conv_pool(x, *weights, running, padding=2, training=True, backend=backend)
        return [y.detach(), *running, *torch.autograd.grad(y, weights, pull.to(y.dtype))]

    found, wanted = pulled(*half, "triton"), pulled(*wide, "reference")
    assert {t.dtype for t in found} == {dtype}
    assert worst([t.float() for t in found], wanted) < 2 * torch.finfo(dtype).eps


def test_equal_input_gives_equal_gradients_and_strides_do_not_matter():
    x, weights, running = problem(2, 3, 4, 9, 9, torch.float32)
    turned = x.transpose(2, 3).contiguous().transpose(2, 3)
    assert not turned.is_contiguous()
    found = [run("triton", one, weights, running) for one in (x, turned)]
    assert all(map(torch.equal, *found))
