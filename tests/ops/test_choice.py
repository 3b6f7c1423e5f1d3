from __future__ import annotations

import sys
import types

import pytest
import torch
from test_selective_scan import make

from mescope.errors import MescopeError
from mescope.ops import choice, scan_cpu
from mescope.ops.choice import backend_in_use, choose, why_slow
from mescope.ops.kernel_loading import launch
from mescope.ops.selective_scan import selective_scan


@pytest.fixture
def triton_works(monkeypatch):
    monkeypatch.setattr(choice, "load_kernels", types.ModuleType)


@pytest.fixture
def triton_fails(monkeypatch):
    monkeypatch.setattr(choice, "load_kernels", lambda _: None)
    monkeypatch.setattr(choice, "failure", lambda _: "ImportError: no Triton here")


def test_a_card_takes_triton(triton_works):
    assert choose("scan", "cuda", torch.float32, "auto") == "triton"
    assert choose("scan", "cuda", torch.bfloat16, "auto") == "triton"
    assert choose("scan", "cuda", torch.float64, "auto") == "chunked"


def test_without_triton_a_card_takes_the_chunked_scan(triton_fails):
    assert choose("scan", "cuda", torch.float32, "auto") == "chunked"
    with pytest.raises(ValueError, match=r"no Triton here.*chunked, reference"):
        choose("scan", "cuda", torch.float32, "triton")


def test_other_devices_take_the_chunked_scan(triton_works):
    assert choose("scan", "mps", torch.float32, "auto") == "chunked"
    with pytest.raises(ValueError, match="another device"):
        choose("scan", "mps", torch.float32, "triton")


def test_a_cpu_without_numba_takes_the_chunked_scan(monkeypatch):
    assert backend_in_use("scan", "cpu") == "numba"
    monkeypatch.setattr(scan_cpu, "load_kernels", lambda: None)
    assert backend_in_use("scan", "cpu") == "chunked"


def test_a_cpu_takes_triton_only_where_it_is_interpreted(monkeypatch, triton_works):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ValueError, match="numba"):
        choose("scan", "cpu", torch.float32, "triton")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert choose("scan", "cpu", torch.float32, "triton") == "triton"
    assert choose("scan", "cpu", torch.float32, "auto") == "numba"


def test_the_environment_names_what_auto_takes(monkeypatch):
    monkeypatch.setenv("MESCOPE_SCAN", "reference")
    assert backend_in_use("scan", "cpu") == "reference"
    here_and_now = choose("scan", "cpu", torch.float32, "chunked")
    assert here_and_now == "chunked"
    monkeypatch.setenv("MESCOPE_SCAN", "")
    assert backend_in_use("scan", "cpu") == "numba"


@pytest.mark.parametrize(
    ("named", "said"),
    [("fast", "among auto, numba.*for scan"), ("mamba-ssm", "on cpu.*not installed.*choose")],
)
def test_a_wrong_name_in_the_environment_is_the_users(monkeypatch, named, said):
    """It reaches people from any command, the doctor first: no traceback."""
    choice._mamba_ssm_there.cache_clear()
    monkeypatch.setenv("MESCOPE_SCAN", named)
    with pytest.raises(MescopeError, match=f"MESCOPE_SCAN={named}: .*{said}"):
        backend_in_use("scan", "cpu")
    assert choose("scan", "cpu", torch.float32, "chunked") == "chunked"


def test_mamba_ssm_is_taken_only_if_asked_for_and_there(monkeypatch, triton_works):
    choice._mamba_ssm_there.cache_clear()
    with pytest.raises(ValueError, match="mamba_ssm is not installed"):
        choose("scan", "cuda", torch.float32, "mamba-ssm")
    monkeypatch.setattr(choice, "_mamba_ssm_there", lambda: True)
    assert choose("scan", "cuda", torch.float32, "mamba-ssm") == "mamba-ssm"
    assert choose("scan", "cuda", torch.float32, "auto") == "triton"


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
    everywhere = choice.Way(lambda *_: True, lambda: "", None)
    monkeypatch.setitem(choice.OPERATIONS["scan"], "mamba-ssm", everywhere)
    args = make(2, 9, 3, 4, torch.float32)
    found = selective_scan(*args[:6], backend="mamba-ssm", return_state=True)
    wanted = selective_scan(*args[:6], backend="reference", return_state=True)
    torch.testing.assert_close(found, wanted)
    with pytest.raises(ValueError, match="no initial_state"):
        selective_scan(*args[:6], initial_state=args[6], backend="mamba-ssm")


KERNELS = ["scan", "ssd", "depthwise-conv", "conv-pool"]


@pytest.mark.parametrize("operation", KERNELS)
def test_every_operation_has_a_kernel_on_a_card_and_a_plain_way(operation, monkeypatch):
    monkeypatch.setattr(choice, "load_kernels", types.ModuleType)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        assert choose(operation, "cuda", dtype, "auto") == "triton"
    plain = choose(operation, "cuda", torch.float64, "auto")
    assert plain in ("chunked", "products", "shifts", "reference")
    assert choose(operation, "mps", torch.float32, "auto") == plain
    assert why_slow(operation, "cuda") == ""
    with pytest.raises(ValueError, match=f"runs {operation} in torch.float64 on cuda.*{plain}"):
        choose(operation, "cuda", torch.float64, "triton")
    monkeypatch.setattr(choice, "load_kernels", lambda _: None)
    monkeypatch.setattr(choice, "failure", lambda _: "ImportError: no Triton here")
    assert choose(operation, "cuda", torch.float32, "auto") == plain
    assert why_slow(operation, "cuda") == "ImportError: no Triton here"


def test_every_operation_is_known():
    assert [*choice.OPERATIONS] == KERNELS


def test_the_fused_stem_is_compiled_on_a_cpu_but_not_for_halves():
    assert backend_in_use("conv-pool", "cpu") == "numba"
    assert choose("conv-pool", "cpu", torch.float64, "auto") == "numba"
    assert choose("conv-pool", "cpu", torch.bfloat16, "auto") == "reference"


@pytest.mark.parametrize("operation", ["ssd", "depthwise-conv", "conv-pool"])
def test_each_operation_listens_to_its_own_variable(operation, monkeypatch, triton_works):
    monkeypatch.setenv(choice.variable(operation), "triton")
    assert backend_in_use(operation, "cpu") == "triton"
    others = {backend_in_use(other, "cpu") for other in KERNELS if other != operation}
    assert "triton" not in others


def test_triton_launches_where_the_tensors_are(monkeypatch):
    """And not on the current device, which is another one under ``--device cuda:1``."""
    asked, launched = [], []

    class Guard:
        def __init__(self, tensor):
            asked.append(tensor)

        def __enter__(self):
            launched.clear()

        def __exit__(self, *_):
            assert launched == [((2, 3), (tensor, 5), {"T": 4})]

    class Kernel:
        def __getitem__(self, programs):
            return lambda *args, **fixed: launched.append((programs, args, fixed))

    monkeypatch.setattr(torch.cuda, "device_of", Guard)
    tensor = torch.ones(1)
    launch(Kernel(), (2, 3), tensor, 5, T=4)
    assert asked == [tensor]
    assert launched
