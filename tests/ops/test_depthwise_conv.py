"""The convolution along time against the library's, with gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from mescope.models.layers import MambaMixer
from mescope.ops.depthwise_conv import depthwise_conv


def arguments(sets=2, batch=3, length=9, channels=5, taps=4, dtype=torch.float64):
    torch.manual_seed(4)
    shapes = [(sets, batch, length, channels), (sets, taps, channels), (sets, channels)]
    return [torch.randn(s, dtype=dtype, requires_grad=True) for s in shapes]


def library(x, weight, bias, ahead=0):
    found = []
    for one, w, b in zip(x, weight, bias, strict=True):
        padded = F.pad(one.transpose(1, 2), (len(w) - 1 - ahead, ahead))
        found.append(F.conv1d(padded, w.t()[:, None], b, groups=len(b)).transpose(1, 2))
    return torch.stack(found)


@pytest.mark.parametrize("backend", ["auto", "library"])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 9])
@pytest.mark.parametrize(("taps", "ahead"), [(1, 0), (2, 0), (4, 0), (3, 1), (4, 3)])
def test_equals_the_library_with_gradients(length, taps, ahead, backend):
    args = arguments(length=length, taps=taps)
    found = depthwise_conv(*args, ahead=ahead, backend=backend)
    wanted = library(*args, ahead)
    torch.testing.assert_close(found, wanted)
    seed = torch.randn_like(wanted)
    for a, b in zip(
        torch.autograd.grad(found, args, seed),
        torch.autograd.grad(wanted, args, seed),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_no_bias_is_a_bias_of_zero():
    x, weight, bias = arguments(taps=3)
    found, wanted = depthwise_conv(x, weight), depthwise_conv(x, weight, torch.zeros_like(bias))
    assert torch.equal(found, wanted)
    for a, b in zip(
        torch.autograd.grad(found.square().sum(), (x, weight)),
        torch.autograd.grad(wanted.square().sum(), (x, weight)),
        strict=True,
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize("biased", [True, False])
def test_a_mixer_convolves_by_either(biased, monkeypatch):
    torch.manual_seed(0)
    mixer = MambaMixer(8, 4).double()
    if not biased:
        mixer.conv1d.bias = None
    x = torch.randn(2, 7, 8, dtype=torch.float64)
    fast = mixer(x)
    monkeypatch.setenv("MESCOPE_DEPTHWISE_CONV", "library")
    torch.testing.assert_close(mixer(x), fast)


def test_gradients_by_differences():
    assert torch.autograd.gradcheck(depthwise_conv, arguments(length=5, channels=2))


def test_strides_do_not_matter():
    x, weight, bias = arguments()
    turned = x.detach().transpose(1, 2).contiguous().transpose(1, 2)
    torch.testing.assert_close(
        depthwise_conv(turned, weight, bias), depthwise_conv(x, weight, bias)
    )


def test_nothing_comes_from_later():
    x, weight, bias = arguments()
    other = x.detach().clone()
    other[:, :, 5] += 1
    change = (depthwise_conv(other, weight, bias) - depthwise_conv(x, weight, bias)).abs()
    assert not change[:, :, :5].any()
    assert (change[:, :, 5] > 0).all()
    assert not change[:, :, 5 + 4 :].any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x, w, b: (x[0], w, b), r"expected x \(g, b, l, e\)"),
        (lambda x, w, b: (x[:, :, :0], w, b), "nothing empty"),
        (lambda x, w, b: (x, w[:1], b), r"expected weight \(2, taps, 5\)"),
        (lambda x, w, b: (x, w, b[:, :4]), r"bias \(2, 5\)"),
        (lambda x, w, b: (x.float(), w, b), "one floating type"),
    ],
)
def test_what_does_not_fit_is_named(change, says):
    with pytest.raises(ValueError, match=says):
        depthwise_conv(*change(*arguments()))


@pytest.mark.parametrize("ahead", [-1, 4])
def test_taps_ahead_are_some_of_the_taps(ahead):
    with pytest.raises(ValueError, match=r"expected ahead in 0\.\.3"):
        depthwise_conv(*arguments(), ahead=ahead)
