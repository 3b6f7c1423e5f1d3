"""The examples run; `make demo` is one of them (the client of the app: tests/app)."""

import subprocess
import sys
from pathlib import Path

import pytest

from mescope.events import Interval

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("script", [EXAMPLES / "demo.py"], ids=lambda p: p.stem)
def test_examples_run(script, tmp_path):
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "out")],
        capture_output=True, text=True, timeout=500, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    lines = [line.split() for line in done.stdout.splitlines()]
    first = next(line for line in lines if line[:1] == ["found:"])
    planted = [line for line in lines if line[:1] == ["planted:"] and line[-1] != "blink"]
    assert any(shares_half(frames(first), frames(one)) for one in planted), "begins untrue"
    named = [frames(line) for line in lines if line[:1] == ["named:"]]
    blinks = [
        frames(line) for line in lines if line[:1] == ["planted:"] and line[-1] == "blink"
    ]
    assert any(shares_half(a, b) for a in named for b in blinks), "no blink is named as one"
    assert "simulated" in page.lower()


def frames(line):
    """Return the frames of a printed line: what, "frames", first, "to", last, ..."""
    return Interval(int(line[2]), int(line[4]))


def shares_half(a, b):
    return a.iou(b) >= 0.5
