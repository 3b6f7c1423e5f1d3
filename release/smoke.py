"""Run what a new user would run, in an environment that holds the installed wheel alone.

    python release/smoke.py [--no-torch]

Works in a new folder, prints a line a step, and ends at the first that fails.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS = """
--version
synthesize demo -o demo.mp4 --duration 4 --seed 35
spot demo.mp4 --method flow-peaks
analyze demo.mp4 --method flow-peaks -o found
score found/demo.csv demo.truth.csv
convert found/demo.csv demo.vtt --video demo.mp4
datasets
recipes copy 3db-svm-flow -o mine.toml
"""
WITH_TORCH = """
doctor
models
recipes --only 3db-*
analyze demo.mp4 -o network
synthesize corpus clips -n 4 --duration 2 --micro 60 --seed 1
datasets check folder --root clips
evaluate mine.toml --dataset folder --root clips --jobs 1 -o run
compare run/report.json --latex table.tex
"""


def main() -> None:
    without = "--no-torch" in sys.argv[1:]
    if without and importlib.util.find_spec("torch"):
        sys.exit("expected no PyTorch here, found it")
    spec = importlib.util.find_spec("mescope")
    if spec is None or "site-packages" not in str(spec.origin):
        sys.exit(f"expected the installed wheel, found {spec and spec.origin}")
    with tempfile.TemporaryDirectory() as folder:
        for line in (STEPS + ("" if without else WITH_TORCH)).split("\n"):
            run(line.split(), folder)
        found = json.loads((Path(folder) / "found/demo.json").read_text(encoding="utf-8"))
        if not found["detections"]:
            sys.exit("expected detections of planted expressions, found none")
        pages = [*Path(folder).glob("*/demo.html"), *Path(folder).glob("run/report.html")]
        print(f"{len(pages)} pages, {len(found['detections'])} detections: all is well")


def run(words: list[str], folder: str) -> None:
    if not words:
        return
    done = subprocess.run(
        [sys.executable, "-m", "mescope", *words], cwd=folder, capture_output=True, text=True
    )
    print("ok  " if done.returncode == 0 else "FAIL", "mescope", *words, flush=True)
    if done.returncode:
        sys.exit(f"{done.stdout[-1500:]}\n{done.stderr[-3000:]}")


if __name__ == "__main__":
    main()
