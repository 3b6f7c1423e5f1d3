"""Every ratio of the project in one table: ours against a plain or published way, by script.

    python benchmarks/all.py [--quick] [--only NAME ...] [--list] [--json FILE] [--limit 1800]

Each script runs as a process of its own, one after the other, and prints as ever (to stderr
here); its ratios are read from what it prints.  What a ratio divides stands beside it, so that
nobody has to guess which side is the better one.  ``--quick`` takes small sizes and one round:
it says that everything runs and about where the ratios lie, and is no measurement.  A script
that fails, takes longer than ``--limit`` seconds, or prints no ratio stands in the table as
such, and ends this with status 1; the others run all the same.  With ``--json`` what is done is
kept after every script, and the same command goes on behind it.

Scripts that need data (real faces, published maps, tables of other programs) or count findings
in place of time are not among them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mescope.io.atomic import write_atomically

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
        "start", "mescope analyze", "CPU time with PyTorch / ours",
        rf"^(?P<what>(?!  )\S.{{24}}\S?) +(?:[\d.]+ +){{4}}{NUMBER}$",
        quick=("--rounds", "1", "--windows", "200"),
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


@dataclass
class Part:
    """What became of a script: its ratios, why there are too few, and how long it took."""

    rows: list[Row] = field(default_factory=list)
    why: str = ""
    seconds: float = 0.0


def run(script: Script, quick: bool, limit: float) -> Part:
    """Run a script and read its ratios."""
    words = script.quick if quick else script.words
    started = time.monotonic()
    text, status = output_of([sys.executable, str(HERE / f"{script.name}.py"), *words], limit)
    print(text, file=sys.stderr, flush=True)
    part = Part(list(rows(script, text)), "", round(time.monotonic() - started))
    if status is None:
        part.why = f"stopped after {limit:g} s (--limit)"
    elif status:
        part.why = f"ended with status {status}"
    elif not part.rows:
        part.why = "printed no ratio"
    print(f"{script.name}: {part.seconds:.0f} s", file=sys.stderr, flush=True)
    return part


def output_of(command: Sequence[str], limit: float) -> tuple[str, int | None]:
    """Return what a command printed, and its status; None where it took too long.

    It is ended together with the processes it has begun: one that is left over would take part
    in the next measurement.
    """
    own = os.name == "posix"
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=own,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},  # what was printed in time is not lost
    )  # fmt: skip
    try:
        return process.communicate(timeout=limit)[0], process.returncode
    except subprocess.TimeoutExpired:
        end(process, own)
        return process.communicate()[0], None
    except BaseException:
        end(process, own)
        raise


def end(process: subprocess.Popen[str], own: bool) -> None:
    """End a process, and where it has a session of its own, all of that."""
    if own:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def show(parts: dict[str, Part]) -> None:
    """Print the table: a line for each ratio, and one for each script that went wrong."""
    found = [row for part in parts.values() for row in part.rows]
    wide = max([len(row.what) for row in found] + [len(name) for name in parts], default=4)
    of = max(
        [len(row.of) for row in found] + [len(part.why) for part in parts.values()], default=2
    )
    print(f"{'what':{wide}}  {'ratio':>8}  {'of':{of}}  script")
    for name, part in parts.items():
        for row in part.rows:
            print(f"{row.what:{wide}}  {row.ratio:8.2f}  {row.of:{of}}  {row.script}")
        if part.why:
            print(f"{name:{wide}}  {'–':>8}  {part.why:{of}}  benchmarks/{name}.py")


def read(path: Path | None, quick: bool) -> dict[str, Part]:
    """Return what an earlier call has finished in the same way."""
    if path is None or not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        same = kept["quick"] == quick
        parts = {
            name: Part([Row(**row) for row in part["rows"]], part["why"], part["seconds"])
            for name, part in kept["parts"].items()
        }
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path}: expected what this script writes, found something else: {error!r}")
    if not same:
        sys.exit(f"{path} holds a run {'without' if quick else 'with'} --quick; name another")
    return {name: part for name, part in parts.items() if not part.why}


def keep(path: Path | None, quick: bool, parts: dict[str, Part]) -> None:
    """Write what is there so far."""
    if path is not None:
        plain: dict[str, Any] = {name: asdict(part) for name, part in parts.items()}
        write_atomically(path, json.dumps({"quick": quick, "parts": plain}, indent=1).encode())


def card_is_there() -> bool:
    import torch

    return torch.cuda.is_available()


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in SCRIPTS])
    parser.add_argument("--list", action="store_true", help="name the scripts and run none")
    parser.add_argument("--json", type=Path, help="kept after every script, and gone on from")
    parser.add_argument(
        "--limit", type=float, default=1800.0, help="seconds that a script may take"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    chosen = [one for one in SCRIPTS if options.only is None or one.name in options.only]
    if options.list:
        for one in chosen:
            print(f"benchmarks/{one.name}.py: {one.what}, {one.of}")
        return 0
    parts = read(options.json, options.quick)
    left_out = [one.name for one in chosen if one.card and not card_is_there()]
    status = 0
    for one in chosen:
        if one.name in parts or one.name in left_out:
            continue
        try:
            parts[one.name] = run(one, options.quick, options.limit)
        except KeyboardInterrupt:
            status = 130
            break
        keep(options.json, options.quick, parts)
    wrong = any(part.why for part in parts.values())
    show(parts | {name: Part(why="left out: there is no card") for name in left_out})
    return status or int(wrong)


if __name__ == "__main__":
    sys.exit(main())
