"""The fault campaign (``benchmarks/faults.py``), short: everything is there in the end."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "faults.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks"),
]


def campaign(*words):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, timeout=500,
        check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_killed_commands_and_servers_end_as_undisturbed_ones():
    """SIGKILL at a random time or write, files that vanish; a server while marks are made."""
    done = campaign(
        "--rounds", "1", "--seed", "5", "--kinds", "kill", "drop", "app",
        "--only", "analyze", "evaluate", "app server",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    row = r"^\| (.+?) \| (.+?) \| 1 \| (\d+) \| .+? \| 1 \|$"
    rows = re.findall(row, done.stdout, re.M)
    assert [row[:2] for row in rows] == [
        ("analyze", "kill -9"), ("analyze", "files vanish"), ("evaluate", "kill -9"),
        ("evaluate", "files vanish"), ("app server", "kill -9 during edits"),
    ]  # fmt: skip
    assert sum(int(faults) for _, _, faults in rows) >= 3


def test_the_counts_of_the_page_are_those_of_the_script(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import faults

    page = tmp_path / "page.md"
    page.write_text(f"a\n{faults.START}\n{faults.END}\nb\n")
    monkeypatch.setattr(faults, "PAGE", page)
    first = "| train | kill -9 | 3 | 4 | – | 3 |\n| search | kill -9 | 1 | 1 | – | 0 |"
    faults.write_page(faults.rows_of(f"kind\n{first}\n| x | y |"))
    faults.write_page(faults.rows_of("| search | kill -9 | 5 | 6 | – | 5 |"))
    text = page.read_text()
    assert text.startswith("a\n")
    assert text.endswith("b\n")
    assert "8 rounds, 8 of them ended as the undisturbed run did" in text
    assert text.count("| search |") == 1
