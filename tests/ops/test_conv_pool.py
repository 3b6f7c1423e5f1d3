"""The fused stem equals its definition, values, running statistics and gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.ops.conv_pool import conv_pool, conv_pool_reference


def problem(images=5, channels=3, filters=4, height=28, width=28, dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(*shape, generator=g, dtype=dtype)

    weights = [random(filters, channels, 3, 3), *(random(filters) for _ in range(3))]
    running = (random(filters), random(filters).square())
    return random(images, channels, height, width), weights, running


def run(backend, x, weights, running, padding=2, training=True):
    """Everything that comes out: values, running statistics, gradients."""
    weights = [w.clone().requires_grad_() for w in weights]
    running = tuple(r.clone() for r in running)
    y = conv_pool(
        x, *weights, running, padding=padding, training=training, momentum=0.3, backend=backend
    )
    pull = torch.cos(torch.arange(y.numel(), dtype=y.dtype)).reshape(y.shape)
    (y * pull).sum().backward()
    return [y.detach(), *running, *(w.grad for w in weights)]


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("size", [(28, 28), (7, 12), (16, 5)])
def test_fused_equals_the_definition(size, padding):
    x, weights, running = problem(height=size[0], width=size[1])
    for fused, plain in zip(
        run("numba", x, weights, running, padding),
        run("reference", x, weights, running, padding),
        strict=True,
    ):
        torch.testing.assert_close(fused, plain, rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    images=st.integers(1, 20),
    channels=st.integers(1, 4),
    filters=st.integers(1, 6),
    seed=st.integers(0, 1000),
)
def test_fused_equals_the_definition_for_any_size(images, channels, filters, seed):
    x, weights, running = problem(images, channels, filters, 9, 11, seed=seed)
    for fused, plain in zip(
        run("numba", x, weights, running), run("reference", x, weights, running), strict=True
    ):
        torch.testing.assert_close(fused, plain, rtol=1e-8, atol=1e-8)


def test_raw_grey_values_in_single_precision():
    """Images of 0 to 255, as stored flow maps are: squares are summed in doubles."""
    x, weights, running = problem(40, 3, 16, dtype=torch.float32)
    x = (x.abs() * 100).clamp(max=255).round()
    for fused, plain in zip(
        run("numba", x, weights, running), run("reference", x, weights, running), strict=True
    ):
        torch.testing.assert_close(fused, plain, rtol=2e-4, atol=2e-4 * plain.abs().max())


def test_a_flat_image_and_a_dead_filter():
    """Everything tied, and a filter that answers nowhere: no gradient, no NaN."""
    x, weights, running = problem(2, 3, 4)
    x = torch.full_like(x, 3.0)
    weights[1][0] = -1000.0
    fused = run("numba", x, weights, running, padding=0)
    plain = run("reference", x, weights, running, padding=0)
    for a, b in zip(fused, plain, strict=True):
        assert torch.isfinite(a).all()
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_threads_do_not_change_a_bit():
    x, weights, running = problem(64, 3, 8, dtype=torch.float32)
    threads = torch.get_num_threads()
    try:
        found = []
        for n in (1, 2, 4):
            torch.set_num_threads(n)
            found.append(run("numba", x, weights, running))
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))


def test_auto_is_fused_in_training_only(monkeypatch):
    calls = []

    def spy(*args, **kwargs):
        calls.append(kwargs["training"])
        return conv_pool_reference(*args, **kwargs)

    monkeypatch.setattr("mescope.ops.conv_pool.conv_pool_reference", spy)
    x, weights, running = problem()
    run("auto", x, weights, running)
    assert calls == []
    run("auto", x, weights, running, training=False)
    run("auto", x.requires_grad_(), weights, running)  # the images' gradient is asked for
    assert calls == [False, True]
    assert x.grad is not None


def test_forcing_the_kernel_where_it_cannot_run_says_so():
    x, weights, running = problem()
    with pytest.raises(ValueError, match="expected training, images"):
        run("numba", x, weights, running, training=False)


def test_no_images_leave_the_running_values_alone():
    """They became NaN, and everything after them."""
    x, weights, running = problem()
    y = conv_pool(x[:0], *weights, running, padding=2, training=True)
    assert y.shape[0] == 0
    assert all(bool(value.isfinite().all()) for value in running)


def test_a_single_value_has_no_variance():
    x, weights, running = problem()
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        conv_pool(x[:1, :, :3, :3], *weights, running, padding=0, training=True, backend="auto")


@pytest.mark.parametrize("backend", ["auto", "numba", "reference"])
@pytest.mark.parametrize("found", [2, 4])
def test_filters_of_other_channels_are_refused(backend, found):
    """With fewer a tap would be taken for the bias, with more the gradient be written past."""
    _, weights, running = problem(channels=3)
    x, *_ = problem(channels=found)
    with pytest.raises(ValueError, match="as many channels as the images"):
        run(backend, x, weights, running)
