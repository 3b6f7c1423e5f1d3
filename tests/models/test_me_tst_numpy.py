"""ME-TST+ without PyTorch says what the network of PyTorch says, and stands back otherwise."""

import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import mescope
from mescope.models import create_model, me_tst_numpy
from mescope.models.card import read_card
from mescope.models.inference import score_windows
from mescope.models.me_tst_numpy import BATCH, MeTstScorer, scorer
from mescope.models.weight_files import find
from mescope.models.weights import load
from mescope.ops import scan_kernels

SHIPPED = ["me-tst-plus-cascade", "me-tst-plus-small"]


def shipped(name):
    return find(name), read_card(find(name))


def alike(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("scale", [0.0, 0.3, 5.0])
def test_shipped_weights_say_the_same_without_torch(name, scale):
    path, card = shipped(name)
    rng = np.random.default_rng(1)
    shape = (BATCH + 3, card.config["channels"], card.window)
    windows = (scale * rng.standard_normal(shape)).astype(np.float32)
    net = scorer(path, card)
    found = net(windows)
    alike(found, score_windows(load(name)[0], windows))
    for a, b in zip(found, net(windows[-1:]), strict=True):
        np.testing.assert_array_equal(a[-1:], b)  # nothing depends on what else is asked


@pytest.mark.parametrize("frames", [2, 25, 50])
def test_other_sizes_too(frames):
    """Several layers a block, odd windows, norms that are not as they began."""
    torch.manual_seed(frames)
    model = create_model("me-tst-plus-small", channels=6, dim=16, states=3, blocks=2, layers=2)
    with torch.no_grad():
        for name, one in model.state_dict().items():
            if one.is_floating_point():
                one += (
                    torch.rand_like(one)
                    if "running_var" in name
                    else 0.1 * torch.randn_like(one)
                )
    tensors = {name: one.numpy() for name, one in model.state_dict().items()}
    windows = torch.randn(3, 6, frames).numpy()
    net = MeTstScorer(tensors, {"blocks": 2, "layers": 2}, scan_kernels.forward)
    alike(net(windows), score_windows(model.eval(), windows))


def test_an_analyzer_loads_torch_only_for_who_wants_the_network():
    code = (
        "import sys, numpy as np, mescope\n"
        "one = mescope.load()\n"
        "network = one.spotter().score\n"
        "network(np.zeros((1, one.card.config['channels'], one.card.window), np.float32))\n"
        "assert 'torch' not in sys.modules and 'numba' in sys.modules\n"
        "assert one.model.training is False and 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_an_analyzer_goes_to_another_process():
    again = pickle.loads(pickle.dumps(mescope.load()))
    windows = np.ones((1, again.card.config["channels"], again.card.window), np.float32)
    alike(again.spotter().score(windows), score_windows(again.model, windows))


def test_torch_is_asked_for_everything_else(tmp_path, monkeypatch):
    path, card = shipped(SHIPPED[0])
    own = tmp_path / path.name
    shutil.copy(path, own)
    assert scorer(own, card) is None
    assert scorer(*shipped("merba-s28")) is None
    with monkeypatch.context() as patch:
        patch.setenv("MESCOPE_SCAN", "reference")
        assert scorer(path, card) is None
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "mescope.ops.scan_kernels", None)
        patch.delattr("mescope.ops.scan_kernels")
        assert scorer(path, card) is None
    monkeypatch.setattr(me_tst_numpy, "list_weights", lambda: {"own": own})
    assert scorer(own, card) is not None
    damaged = bytearray(own.read_bytes())
    damaged[-9] ^= 1
    own.write_bytes(damaged)
    assert scorer(own, card) is None
