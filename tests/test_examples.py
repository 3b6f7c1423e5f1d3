"""The examples run; `make demo` is one of them (the client of the app: tests/app)."""

import subprocess
import sys
from pathlib import Path

import pytest

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
    assert "found: frames" in done.stdout
    assert "simulated" in page.lower()
