"""What a command imports: nothing that it does not use.  Modules are asked for, not seconds."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from mescope.models.weight_files import find
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import test_portraits as portraits
from mescope.synthesis.render import SyntheticVideo

RUN = """
import json, sys
from mescope.cli import run
status = run(sys.argv[2:])
open(sys.argv[1], "w").write(json.dumps([status, sorted(sys.modules)]))
"""

NEVER = {
    "torch._dynamo", "torch._inductor", "sympy", "scipy.signal", "scipy.stats",
    "scipy.optimize", "scipy.interpolate", "matplotlib", "pandas", "sklearn", "joblib", "ray",
    "lightning_fabric", "tensorboard", "triton",
}  # fmt: skip
"""What no analysis needs; each costs a tenth of a second to a second."""


def imported(out, *words):
    """Run a command and return the modules that it has imported in the end."""
    subprocess.run([sys.executable, "-c", RUN, str(out), *map(str, words)], check=True)
    status, modules = json.loads(out.read_text())
    assert status == 0
    return set(modules)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Two seconds of a face that moves, so that the network has something to judge."""
    script = random_script(
        np.random.default_rng(7), 2.0, micro_per_minute=30.0, macro_per_minute=2.0
    )
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_video(SyntheticVideo(portraits((480, 270))[0], script, 30.0), path)
    return path


def test_help_imports_nothing_heavy(tmp_path):
    for words in (["--help"], ["analyze", "--help"]):
        modules = imported(tmp_path / "modules", *words)
        assert not modules & (NEVER | {"numpy", "torch", "cv2", "av", "numba", "scipy"})


def test_an_analysis_imports_what_it_uses(clip, tmp_path):
    """The network of the shipped weights runs without torch."""
    words = ("analyze", clip, "-o", tmp_path / "out")
    modules = imported(tmp_path / "modules", *words)
    assert "mescope.ops.scan_kernels" in modules  # the network did run
    assert not modules & (NEVER | {"torch"})


def test_other_weights_import_torch_and_no_compiler(clip, tmp_path):
    own = tmp_path / "own.safetensors"
    own.write_bytes(find("me-tst-plus-cascade").read_bytes())
    words = ("analyze", clip, "-o", tmp_path / "out", "--model", own)
    modules = imported(tmp_path / "modules", *words)
    assert {"torch", "mescope.ops.scan_kernels"} <= modules
    assert not modules & NEVER


def test_a_spotter_without_a_network_imports_no_torch(clip, tmp_path):
    words = ("analyze", clip, "-o", tmp_path / "out", "--method", "flow-peaks")
    modules = imported(tmp_path / "modules", *words)
    assert "mescope.spotting.flow_peaks" in modules
    assert not modules & (NEVER | {"torch"})
