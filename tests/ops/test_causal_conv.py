"""The causal convolution against the library's, with gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from mescope.ops.causal_conv import causal_conv


def arguments(sets=2, batch=3, length=9, channels=5, taps=4, dtype=torch.float64):
    torch.manual_seed(4)
    shapes = [(sets, batch, length, channels), (sets, taps, channels), (sets, channels)]
    return [torch.randn(s, dtype=dtype, requires_grad=True) for s in shapes]


def library(x, weight, bias):
    found = []
    for one, w, b in zip(x, weight, bias, strict=True):
        padded = F.pad(one.transpose(1, 2), (len(w) - 1, 0))
        found.append(F.conv1d(padded, w.t()[:, None], b, groups=len(b)).transpose(1, 2))
    return torch.stack(found)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("taps", [1, 2, 4])
def test_equals_the_library_with_gradients(length, taps):
    args = arguments(length=length, taps=taps)
    found, wanted = causal_conv(*args), library(*args)
    torch.testing.assert_close(found, wanted)
    seed = torch.randn_like(wanted)
    for a, b in zip(
        torch.autograd.grad(found, args, seed),
        torch.autograd.grad(wanted, args, seed),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_gradients_by_differences():
    assert torch.autograd.gradcheck(causal_conv, arguments(length=5, channels=2))


def test_strides_do_not_matter():
    x, weight, bias = arguments()
    turned = x.detach().transpose(1, 2).contiguous().transpose(1, 2)
    torch.testing.assert_close(causal_conv(turned, weight, bias), causal_conv(x, weight, bias))


def test_nothing_comes_from_later():
    x, weight, bias = arguments()
    other = x.detach().clone()
    other[:, :, 5] += 1
    change = (causal_conv(other, weight, bias) - causal_conv(x, weight, bias)).abs()
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
        causal_conv(*change(*arguments()))
