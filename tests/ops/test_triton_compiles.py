"""The kernels compile for cards without one: not all that is interpreted can be compiled."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from test_conv_pool import problem
from test_depthwise_conv import arguments
from test_ssd import make

from mescope.ops.conv_pool_triton import conv_pool_triton
from mescope.ops.depthwise_conv_triton import depthwise_conv_triton
from mescope.ops.ssd_triton import ssd_triton

COMPILE = """
import sys

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from mescope.ops import scan_triton, ssd_triton
from mescope.ops.kernel_loading import triton_kernels

cut = scan_triton.blocks(24, 16)
scan = {"T": cut.steps, "BD": cut.channels, "N": cut.states, "KEEP": True}
ssd = ssd_triton.plan(torch.empty(1, 600, 2, 64), 64).fixed | {"KEEP": True, "WEIGHTED": True}
conv = {"BIASED": True, "TAPS": 4, "T": 32, "BE": 64}
pool = {"F": 32, "J": 32, "W": 64, "B": 256, "V": 128}
KERNELS = {
    "scan": (scan, ("forward", "backward")),
    "ssd": (ssd, ("write", "read_state", "backward_values", "backward_maps")),
    "depthwise_conv": (conv, ("forward", "backward")),
    "conv_pool": (pool, ("forward", "normalise", "backward")),
}
WIDE = set("h final kept gfinal gA gB gC gD gh state gstate sums shares stats hat best".split())
WIDE |= {"mean", "variance", "scale"}
WHOLE = set("length channels states per heads width stretch batch ahead padding".split())
WHOLE |= {"filters", "height", "rows", "columns", "images", "size", "answers"}
OTHER = {"keep": "*i1", "where": "*i8", "eps": "fp32"}


def kind(name, fixed, values):
    if name in fixed:
        return "constexpr"
    if name in OTHER:
        return OTHER[name]
    return "i32" if name in WHOLE else "*fp32" if name in WIDE else values


operation, values = sys.argv[1:]
constants, names = KERNELS[operation]
for name in names:
    kernel = getattr(triton_kernels(operation), name)
    kernel = getattr(kernel, "fn", kernel) if type(kernel).__name__ == "Autotuner" else kernel
    fixed = {k: v for k, v in constants.items() if k in kernel.arg_names}
    types = {arg: kind(arg, fixed, values) for arg in kernel.arg_names}
    source = ASTSource(kernel, types, constexprs=fixed)
    built = triton.compile(source, target=GPUTarget("cuda", 80, 32), options={"num_warps": 8})
    assert len(built.asm["cubin"]) > 1000
    assert built.metadata.shared <= 99 * 1024, (name, built.metadata.shared)  # of small cards
"""


@pytest.mark.slow
@pytest.mark.parametrize("values", ["*fp32", "*bf16"])
@pytest.mark.parametrize("operation", ["scan", "ssd", "depthwise_conv", "conv_pool"])
def test_the_kernels_compile_for_a_card_without_one(operation, values, tmp_path):
    """The compiler reads types and globals, and says what a card must have."""
    pytest.importorskip("triton", reason="needs Triton, which the extra 'gpu' brings on Linux")
    env = os.environ | {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    call = [sys.executable, "-c", COMPILE, operation, values]
    subprocess.run(call, env=env, check=True, timeout=300)


def _calls():
    yield ssd_triton, (*make(1, 5, 2, 3, 4, torch.float32), None)
    yield depthwise_conv_triton, (*arguments(length=5, dtype=torch.float32), 1)
    x, weights, _ = problem(2, 2, 3, 5, 5, torch.float32)
    yield conv_pool_triton, (x, *weights, 1, 1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize(("op", "args"), [*_calls()])
def test_the_compiler_of_torch_is_told_the_truth_about_them(op, args):
    """Shapes, types and gradients that it foresees are those that come."""
    given = [
        t.detach().requires_grad_(k > 0) if isinstance(t, torch.Tensor) else t
        for k, t in enumerate(args)
    ]
    checks = (
        "test_schema", "test_autograd_registration", "test_faketensor",
        "test_aot_dispatch_static",
    )  # fmt: skip
    found = torch.library.opcheck(op, tuple(given), test_utils=checks)
    assert set(found.values()) == {"SUCCESS"}
