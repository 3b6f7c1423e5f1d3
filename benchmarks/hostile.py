"""Tampered cards, headers, recipes and reports, thousands of them: is each answered in words?

    python benchmarks/hostile.py --examples 2000

Every file is a sound one with one to three wrong parts (tests/planted/hostile_files.py), read
as `mescope analyze --model` reads weights, `mescope train` recipes and `mescope compare`
reports.  It must be taken or be refused by a MescopeError; the slowest answer and the highest
memory of the process are printed, and the status is 1 if anything else was raised.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from memory import forget_highest, resident

import mescope
from mescope.errors import MescopeError
from mescope.evaluation.report_comparison import read_report
from mescope.evaluation.report_files import as_json
from mescope.evaluation.spotting_files import as_json as spotting_as_json
from mescope.models.weights import read_card
from mescope.training.recipe import read_recipe
from mescope.training.recognizers import load_recognizer

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "planted"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "evaluation"))
import hostile_files
import made_up_report
import made_up_spotting

Read = Callable[[Path], Any]


class Tally:
    """What became of the files of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind, self.taken, self.refused, self.slowest = kind, 0, 0, 0.0
        self.busiest = 0.0  # seconds of the processor
        self.about: Any = ""
        self.reasons: collections.Counter[str] = collections.Counter()
        self.broken: collections.Counter[str] = collections.Counter()

    def ask(self, read: Read, path: Path, about: Any = "") -> None:
        """Read one file and count."""
        started, worked = time.perf_counter(), time.process_time()
        try:
            read(path)
            self.taken += 1
        except MescopeError as error:
            self.refused += 1
            words = " ".join(str(error).replace(str(path), "FILE").split()[:7])
            self.reasons[words] += 1
        except Exception as error:  # noqa: BLE001  # what this script looks for
            where = traceback.extract_tb(error.__traceback__)[-1]
            said = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
            if not self.broken[said]:
                print(f"{said}: {error!s:.200}\n   of {about!s:.300}", file=sys.stderr)
            self.broken[said] += 1
        seconds = time.perf_counter() - started
        self.busiest = max(self.busiest, time.process_time() - worked)
        if seconds > self.slowest:
            self.slowest, self.about = seconds, about

    def line(self, before: float) -> str:
        """Return a line of the table."""
        return (
            f"{self.kind:22} {self.taken + self.refused + sum(self.broken.values()):6} "
            f"{self.taken:6} {self.refused:7} {sum(self.broken.values()):7} "
            f"{self.slowest:9.2f} {self.busiest:9.2f} {resident('VmHWM') - before:9.0f}"
        )


def every(strategy: st.SearchStrategy[Any], count: int, seed: int) -> Callable[..., Any]:
    """Return a decorator that calls a function with ``count`` drawn values."""

    def run(test: Callable[[Any], None]) -> None:
        from hypothesis import seed as seeded

        wrapped = settings(
            max_examples=count, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(seeded(seed)(given(strategy)(test)))  # fmt: skip
        wrapped()

    return run


def asked(tally: Tally, path: Path, read: Read) -> Callable[[Any], None]:
    """Return what writes and reads one tampered file."""

    def one(made: Any) -> None:
        if isinstance(made, tuple):
            header, payload, about = made
            hostile_files.write_header(path, header, payload)
            hostile_files.resign(path)
        else:
            path.write_bytes(made)
            about = made[:200]
        tally.ask(read, path, about)

    return one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=2000, help="of every kind")
    parser.add_argument("--reasons", action="store_true", help="show what was refused, and why")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tallies, count, seed = [], options.examples, options.seed
    print(
        f"{'kind':22} {'files':>6} {'taken':>6} {'refused':>7} {'raised':>7} {'slowest s':>9} "
        f"{'busy s':>9} {'rise MB':>9}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = hostile_files.make_weights(folder)
        for path in sources.values():
            read_weights(path)  # a sound one of each family, and what is imported with it
        for path in sorted(hostile_files.RECIPES.rglob("*.toml")):
            read_recipe(path)
        for kind, strategy, suffix, read in _kinds(sources):
            tally, path = Tally(kind), folder / f"tampered{suffix}"
            forget_highest()
            before = resident("VmRSS")

            every(strategy, count, seed)(asked(tally, path, read))
            tallies.append(tally)
            print(tally.line(before), flush=True)
            if options.reasons:
                print(f"   slowest: {tally.about!r:.600}", file=sys.stderr)
                for words, times in tally.reasons.most_common(40):
                    print(f"   {times:5} {words}", file=sys.stderr)
    return int(any(tally.broken for tally in tallies))


def read_weights(path: Path) -> object:
    """Read weights as `analyze --model` and `recognize --model` do, as far as a recording."""
    card = read_card(path)
    if not card.window:
        return load_recognizer(path)
    return mescope.load(path)


def _kinds(sources: dict[str, Path]) -> list[tuple[str, Any, str, Read]]:
    clips = made_up_report.made_up_report(seeds=(0,))
    report = json.loads(as_json(replace(clips, predictions=clips.predictions[:30])))
    spotting = json.loads(spotting_as_json(made_up_spotting.made_up_spotting()))
    return [
        ("cards", hostile_files.tampered_cards(sources), ".safetensors", read_weights),
        ("headers", hostile_files.tampered_headers(sources), ".safetensors", read_weights),
        ("recipes", hostile_files.tampered_recipes(), ".toml", read_recipe),
        ("reports of clips", hostile_files.tampered_json(report), ".json", read_report),
        ("reports of recordings", hostile_files.tampered_json(spotting), ".json", read_report),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
