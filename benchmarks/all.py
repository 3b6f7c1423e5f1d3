"""Every ratio of the project in one table: ours against a plain or published way, by script.

    python benchmarks/all.py [--quick] [--only NAME ...] [--list] [--json out.json]

Each script runs as a process of its own, one after the other, and prints as ever (to stderr
here); its ratios are read from what it prints.  What a ratio divides stands beside it, so that
nobody has to guess which side is the better one.  ``--quick`` takes small sizes and one round:
it says that everything runs and about where the ratios lie, and is no measurement.  A script
that fails, or prints no ratio, is told, and ends this with status 1.

Scripts that need data (real faces, published maps, tables of other programs) or count findings
in place of time are not among them.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Script:
    """A benchmark, its words for a quick run, and how its ratios look.

    ``line`` finds them: its group ``ratio``, and ``what``, where a script prints several.
    """

    name: str
    what: str
    of: str  # what the ratio divides by what
    line: str
    quick: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    card: bool = False  # wants one


NUMBER = r"(?P<ratio>\d+(?:\.\d+)?)"
SCRIPTS = (
    Script(
        "selective_scan", "selective scan", "time of the other / ours",
        rf"^(?P<what>\(.+?\) +(?:forward|fwd\+bwd) +(?!fused)\w+) +[\d.]+ +{NUMBER} ",
        quick=("--rounds", "1"),
    ),
    Script(
        "gpu", "selective scan on a card", "time of the other / ours",
        rf"^(?P<what>\S.{{33}}\w+ +(?!ours)\S+) +[\d.]+ +{NUMBER} ",
        quick=("--rounds", "1", "--scale", "0.1"), card=True,
    ),
    Script(
        "merba", "MERba", "time of the other / ours",
        rf"^(?P<what>\S+ +\d+ +\w+ +(?:scan (?!ours)\w+|(?!ours|scan)\w+)) +[\d.]+"
        rf"(?: +[\d.]+(?= +[\d.]+ +[\d.]+$))? +{NUMBER}(?: +[\d.]+)?$",
        quick=("--rounds", "1", "--quick"),
    ),
    Script(
        "ammsm", "AMMSM", "time of sparse / dense, state spaces / attention",
        r"^(?P<what>\S+ +\d+ +(?:stream|whole) +(?:\w+ +0\.[1-9]|ssd)) .* "
        rf"{NUMBER}$",
        quick=("--rounds", "1", "--quick"),
    ),
    Script(
        "ammsm_latency", "AMMSM, one clip", "time of state spaces / attention",
        rf"^(?P<what>\S.{{28}}) +[\d.]+ +[\d.]+ +{NUMBER} +[\d.]+-",
        quick=("--rounds", "2", "--preset", "ammsm-s28"),
    ),
    Script(
        "videomamba", "VideoMamba", "time of the other / ours",
        rf"^(?P<what>(?:forward|training) +(?!ours)\w+ +\d+) .* {NUMBER} +[\d.]+$",
        quick=("--rounds", "1", "--quick"),
    ),
    Script(
        "roi_flow", "flow of regions", "frames/s of ours / plain, one thread",
        rf"^ratio +{NUMBER}$", quick=("2",),
    ),
    Script(
        "spotting", "flow of regions, one core", "time of plain / ours",
        rf"^\| (?P<what>\d+ × \d+) \|.*\| {NUMBER} \|$",
        quick=("--presets", "--seconds", "1"), words=("--presets",),
    ),
    Script(
        "clip_flow", "flow of clips", "clips/s of this / one thread",
        rf"^(?P<what>\S.*?) +[\d.]+ clips/s +{NUMBER} x one thread$", quick=("2", "64"),
    ),
    Script(
        "loso", "an epoch of STSTNet", "time of the published loop / ours",
        rf"median ratio {NUMBER}$", quick=("--rounds", "1", "--epochs", "2", "--folds", "2"),
    ),
    Script(
        "waiting_threads", "a training step of ME-TST+", "time of this / as torch comes",
        rf"^(?P<what>(?!as torch)\S.{{27}}) +[\d.]+ ms +{NUMBER} of the time$",
        quick=("--rounds", "1", "--steps", "2"),
    ),
    Script(
        "real_time", "mescope analyze", "time / that of reading every frame",
        rf"; ratio {NUMBER};", quick=("--minutes", "1"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A ratio."""

    what: str
    ratio: float
    of: str
    script: str


def rows(script: Script, text: str) -> Iterator[Row]:
    """Yield the ratios in what a script printed."""
    for line in text.splitlines():
        found = re.search(script.line, line)
        if found:
            detail = " ".join(found.groupdict().get("what", "").split())
            what = f"{script.what}, {detail}" if detail else script.what
            yield Row(what, float(found["ratio"]), script.of, f"benchmarks/{script.name}.py")


def run(script: Script, quick: bool) -> tuple[list[Row], str]:
    """Run a script; return its ratios, and why there are none."""
    words = script.quick if quick else script.words
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(HERE / f"{script.name}.py"), *words], text=True,
        stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    print(done.stdout, file=sys.stderr, flush=True)
    found = list(rows(script, done.stdout))
    print(f"{script.name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    if done.returncode:
        return found, f"ended with status {done.returncode}"
    return found, "" if found else "printed no ratio"


def show(found: Sequence[Row]) -> None:
    """Print the table."""
    wide = max([len(row.what) for row in found], default=4)
    of = max([len(row.of) for row in found], default=2)
    print(f"{'what':{wide}}  {'ratio':>8}  {'of':{of}}  script")
    for row in found:
        print(f"{row.what:{wide}}  {row.ratio:8.2f}  {row.of:{of}}  {row.script}")


def card_is_there() -> bool:
    import torch

    return torch.cuda.is_available()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in SCRIPTS])
    parser.add_argument("--list", action="store_true", help="name the scripts and run none")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    chosen = [one for one in SCRIPTS if options.only is None or one.name in options.only]
    if options.list:
        for one in chosen:
            print(f"benchmarks/{one.name}.py: {one.what}, {one.of}")
        return 0
    left_out = [one.name for one in chosen if one.card and not card_is_there()]
    table, wrong = [], {}
    for one in chosen:
        if one.name in left_out:
            continue
        found, why = run(one, options.quick)
        table += found
        wrong |= {one.name: why} if why else {}
    show(table)
    for name in left_out:
        print(f"{name}: left out, there is no card", file=sys.stderr)
    for name, why in wrong.items():
        print(f"{name}: {why}", file=sys.stderr)
    if options.json:
        plain: list[dict[str, Any]] = [asdict(row) for row in table]
        options.json.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
