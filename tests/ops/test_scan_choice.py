from __future__ import annotations

import sys
import types

import pytest
import torch
from test_selective_scan import make

from mescope.ops import scan_choice, scan_cpu, scan_triton
from mescope.ops.scan_choice import backend_in_use, choose
from mescope.ops.selective_scan import selective_scan


@pytest.fixture
def triton_works(monkeypatch):
    monkeypatch.setattr(scan_triton, "load_kernels", lambda: types.ModuleType("kernels"))


@pytest.fixture
def triton_fails(monkeypatch):
    monkeypatch.setattr(scan_triton, "load_kernels", lambda: None)
    monkeypatch.setattr(scan_triton, "failure", lambda: "ImportError: no Triton here")


def test_a_card_takes_triton(triton_works):
    assert choose("cuda", torch.float32, "auto") == "triton"
    assert choose("cuda", torch.bfloat16, "auto") == "triton"
    assert choose("cuda", torch.float64, "auto") == "chunked"


def test_without_triton_a_card_takes_the_chunked_scan(triton_fails):
    assert choose("cuda", torch.float32, "auto") == "chunked"
    with pytest.raises(ValueError, match=r"no Triton here.*chunked, reference"):
        choose("cuda", torch.float32, "triton")


def test_other_devices_take_the_chunked_scan(triton_works):
    assert choose("mps", torch.float32, "auto") == "chunked"
    with pytest.raises(ValueError, match="another device"):
        choose("mps", torch.float32, "triton")


def test_a_cpu_without_numba_takes_the_chunked_scan(monkeypatch):
    assert backend_in_use("cpu") == "numba"
    monkeypatch.setattr(scan_cpu, "load_kernels", lambda: None)
    assert backend_in_use("cpu") == "chunked"


def test_a_cpu_takes_triton_only_where_it_is_interpreted(monkeypatch, triton_works):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ValueError, match="numba"):
        choose("cpu", torch.float32, "triton")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert choose("cpu", torch.float32, "triton") == "triton"
    assert choose("cpu", torch.float32, "auto") == "numba"


def test_the_environment_names_what_auto_takes(monkeypatch):
    monkeypatch.setenv("MESCOPE_SCAN", "reference")
    assert backend_in_use("cpu") == "reference"
    assert choose("cpu", torch.float32, "chunked") == "chunked"  # asked for here and now
    monkeypatch.setenv("MESCOPE_SCAN", "fast")
    with pytest.raises(ValueError, match="expected a backend among auto, numba"):
        backend_in_use("cpu")


def test_mamba_ssm_is_taken_only_if_asked_for_and_there(monkeypatch, triton_works):
    scan_choice._mamba_ssm_there.cache_clear()
    with pytest.raises(ValueError, match="mamba_ssm is not installed"):
        choose("cuda", torch.float32, "mamba-ssm")
    monkeypatch.setattr(scan_choice, "_mamba_ssm_there", lambda: True)
    assert choose("cuda", torch.float32, "mamba-ssm") == "mamba-ssm"
    assert choose("cuda", torch.float32, "auto") == "triton"


def test_mamba_ssm_gets_its_own_layout(monkeypatch):
    """Channels before time, B and C (b, n, l), A and D in float32, as its interface has it."""

    def published(u, delta, A, B, C, D, return_last_state):
        assert return_last_state
        assert A.dtype == D.dtype == torch.float32
        turned = [t.transpose(1, 2) for t in (u, delta, B, C)]
        y, state = selective_scan(
            turned[0], turned[1], A, turned[2], turned[3], D,
            return_state=True, backend="reference",
        )  # fmt: skip
        return y.transpose(1, 2), state

    module = types.ModuleType("mamba_ssm.ops.selective_scan_interface")
    module.selective_scan_fn = published
    monkeypatch.setitem(sys.modules, "mamba_ssm", types.ModuleType("mamba_ssm"))
    monkeypatch.setitem(sys.modules, "mamba_ssm.ops", types.ModuleType("mamba_ssm.ops"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(scan_choice, "_can", lambda *_: True)
    args = make(2, 9, 3, 4, torch.float32)
    found = selective_scan(*args[:6], backend="mamba-ssm", return_state=True)
    wanted = selective_scan(*args[:6], backend="reference", return_state=True)
    torch.testing.assert_close(found, wanted)
    with pytest.raises(ValueError, match="no initial_state"):
        selective_scan(*args[:6], initial_state=args[6], backend="mamba-ssm")
