"""What the start of ``mescope analyze`` takes: with the network in NumPy, and with PyTorch.

    python benchmarks/start.py [--rounds 5] [--windows 2000]

The recording is two seconds of a drawn portrait, 480 x 270 at 30 frames/s.  Rows, by turns,
each a process of its own: the whole command, and the imports of every module that it has loaded
in the end.  Then both networks score the same windows in this process.  The shipped weights are
asked without PyTorch (``mescope.models.me_tst_numpy``); ``MESCOPE_SCAN=numba`` has PyTorch ask
them.  Compiled kernels and Python's bytecode come from caches, which one round before fills.

Prints the least wall time and CPU seconds (user and system) of the rounds, and the ratio of
PyTorch's CPU seconds to ours.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from mescope import defaults
from mescope.models.inference import score_windows
from mescope.models.me_tst_numpy import scorer
from mescope.models.weight_files import find
from mescope.models.weights import load
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo

WAYS = {"NumPy": "", "PyTorch": "numba"}
"""What asks the network, and the value of ``MESCOPE_SCAN`` that has it do so."""

ANALYZE = """
import json, sys
from mescope.cli import run
status = run(sys.argv[2:])
open(sys.argv[1], "w").write(json.dumps(sorted(sys.modules)))
sys.exit(status)
"""
IMPORT = """
import importlib, json, sys
for name in json.load(open(sys.argv[1])):
    try:
        importlib.import_module(name)
    except ImportError:
        pass  # made by its parent, not found by name
"""


class Taken(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float


def took(code: str, words: Sequence[str], way: str) -> Taken:
    """Return what a process of Python takes."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    env = os.environ | {"MESCOPE_SCAN": WAYS[way]}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # or every process compiles our modules anew
    subprocess.run(
        [sys.executable, "-c", code, *words], check=True, capture_output=True, env=env
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(time.perf_counter() - began, cpu)


def processes(rounds: int, folder: Path) -> dict[str, dict[str, Taken]]:
    """Return the least of the rounds for the command and its imports, by way."""
    script = random_script(
        np.random.default_rng(7), 2.0, micro_per_minute=30.0, macro_per_minute=2.0
    )
    clip = folder / "clip.mp4"
    write_video(SyntheticVideo(test_portraits((480, 270))[0], script, 30.0), clip)
    rows: dict[str, dict[str, list[Taken]]] = {}
    for number in range(rounds + 1):
        for way in WAYS:
            names = str(folder / f"{way}.json")
            out = ["analyze", str(clip), "-o", str(folder / "out"), "--force"]
            found = {
                "analyze, a clip of 2 s": took(ANALYZE, [names, *out], way),
                "its imports": took(IMPORT, [names], way),
            }
            for what, taken in found.items():
                if number:  # the first one fills caches
                    rows.setdefault(what, {}).setdefault(way, []).append(taken)
            used = "torch" in json.loads(Path(names).read_text())
            if used != (way == "PyTorch"):
                sys.exit(f"expected {way} to be asked, found otherwise; nothing was compared")
    return {what: {way: least(all_) for way, all_ in by.items()} for what, by in rows.items()}


def networks(rounds: int, count: int) -> dict[str, Taken]:
    """Return the least of the rounds for scoring ``count`` windows in this process."""
    path = find(defaults.MODEL)
    model, card = load(path)
    ours = scorer(path, card)
    if ours is None:
        sys.exit("expected the network in NumPy, found that PyTorch has to be asked there")
    shape = (count, card.config["channels"], card.window)
    windows = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    asked = {"NumPy": lambda: ours(windows), "PyTorch": lambda: score_windows(model, windows)}
    taken: dict[str, list[Taken]] = {way: [] for way in asked}
    for number in range(rounds + 1):
        for way, ask in asked.items():
            began, spent = time.perf_counter(), time.process_time()
            ask()
            if number:
                used = Taken(time.perf_counter() - began, time.process_time() - spent)
                taken[way].append(used)
    return {way: least(all_) for way, all_ in taken.items()}


def least(taken: Sequence[Taken]) -> Taken:
    """Return the least wall time and the least CPU seconds."""
    return Taken(min(one.wall for one in taken), min(one.cpu for one in taken))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--windows", type=int, default=2000)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        rows = processes(options.rounds, Path(folder))
    rows[f"score of {options.windows} windows"] = networks(options.rounds, options.windows)
    print(f"{'':26}{'NumPy: wall, CPU s':>22}{'PyTorch: wall, CPU s':>22} {'CPU ratio':>10}")
    for what, by in rows.items():
        ours, theirs = by["NumPy"], by["PyTorch"]
        sides = "".join(f"{one.wall:14.2f} {one.cpu:7.2f}" for one in (ours, theirs))
        print(f"{what:26}{sides} {theirs.cpu / ours.cpu:10.2f}")


if __name__ == "__main__":
    main()
