"""What a backward pass makes grows with the length, not with its square."""

from __future__ import annotations

import pytest
import torch
from test_selective_scan import make
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mescope.models import videomamba_layers
from mescope.models.presets import create_model
from mescope.ops.selective_scan import selective_scan, selective_scans
from mescope.ops.ssd import noncausal_ssd


class Made(TorchDispatchMode):
    """Counts the elements that operations return: a gradient of zeros counts in full."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        leaves = tree_leaves(found)
        self.elements += sum(t.numel() for t in leaves if isinstance(t, torch.Tensor))
        return found


def made_in_backward(loss):
    with Made() as made:
        loss.backward()
    return made.elements


def test_a_gradient_of_every_index_is_seen():
    """The fault this guards against: each ``x[:, t]`` has a gradient as long as x."""
    found = []
    for length in (64, 256):
        x = torch.ones(1, length, 4, requires_grad=True)
        found.append(made_in_backward(sum(x[:, t].sum() for t in range(length))))
    assert found[1] > 12 * found[0]


@pytest.mark.parametrize("backend", ["reference", "chunked", "numba"])
def test_a_scan_four_times_as_long_makes_four_times_as_much(backend):
    found = []
    for length in (64, 256, 1024):
        args = [t.requires_grad_() for t in make(1, length, 4, 8, torch.float32)]
        found.append(made_in_backward(selective_scan(*args[:6], backend=backend).sum()))
    assert found[1] < 4.4 * found[0]
    assert found[2] < 4.4 * found[1]


@pytest.mark.parametrize("backend", ["reference", "products"])
def test_an_ssd_over_four_times_the_tokens_makes_four_times_as_much(backend):
    found = []
    for tokens in (64, 256):
        shapes = [(1, tokens, 2, 4), (1, tokens, 2), (2,), (1, tokens, 8), (1, tokens, 8), (2,)]
        x, dt, A, B, C, D = (torch.rand(s) + 0.1 for s in shapes)
        args = [t.requires_grad_() for t in (x, dt, -A.detach(), B, C, D)]
        keep = torch.ones(1, tokens, dtype=torch.bool)
        found.append(made_in_backward(noncausal_ssd(*args, keep=keep, backend=backend).sum()))
    assert found[1] < 4.4 * found[0]


@pytest.mark.parametrize("backend", ["reference", "chunked", "numba"])
def test_videomamba_on_twice_the_frames_makes_twice_as_much(monkeypatch, backend):
    monkeypatch.setattr(
        videomamba_layers,
        "selective_scans",
        lambda *given: selective_scans(*given, backend=backend),
    )
    found = []
    for frames in (8, 16, 32):
        model = create_model(
            "videomamba-xs", classes=3, frames=frames, side=28, channels=1, dim=8, depth=1
        )
        clips = torch.zeros(1, 1, frames, 28, 28)
        found.append(made_in_backward(model(clips).emotion.sum()))
    assert found[1] < 2.2 * found[0]
    assert found[2] < 2.2 * found[1]
