"""Spotting and scoring work where no torch is installed or wanted."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULES = [
    "mescope.spotting.traces",
    "mescope.spotting.proposals",
    "mescope.spotting.face_events",
    "mescope.spotting.flow_peaks",
    "mescope.spotting.mdmd",
    "mescope.spotting.of_fd",
    "mescope.spotting.face_shape",
    "mescope.spotting.segments",
    "mescope.spotting.cascade",
    "mescope.spotting.explained",
    "mescope.evaluation.matching",
    "mescope.evaluation.recognition",
]


@pytest.mark.parametrize("heavy", ["torch", "cv2", "av"])
def test_light_layers_import_nothing_heavy(heavy):
    code = f"import sys, {', '.join(MODULES)}; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
