"""The fault campaign: kill, fill, lock, drop, and see whether everything is there in the end.

    python benchmarks/faults.py --rounds 50 --write

Every command runs with tiny inputs.  In a round it is killed with SIGKILL (at a random time, or
before a random one of its syncs and renames), its disk is full, or files of it vanish; then the
same command is given again, and what it leaves must equal an undisturbed run, times aside.  The
app's server and worker are killed while marks are edited, and its database is locked: no edit
that was acknowledged may be lost.  ``--write`` puts the counts into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
START, END = "<!-- counts: benchmarks/faults.py writes them -->", "<!-- end of counts -->"
KINDS = ("kill", "drop", "full", "app")


def prepare() -> None:
    """Import and load what commands do, so that a fork begins with it; nothing is computed."""
    import jinja2
    import joblib
    import lightning_fabric
    import matplotlib.figure
    import PIL.Image
    import safetensors.torch
    import sklearn
    import sympy
    import uvicorn

    import mescope.analysis.analyzer
    import mescope.app.server
    import mescope.reports.html
    import mescope.reports.search_plot
    import mescope.samples.rsmix.write
    import mescope.training.evaluate
    import mescope.training.search_run
    import mescope.training.train_clips
    from mescope.face.detector import default_finder

    assert all((jinja2, joblib, lightning_fabric, matplotlib, safetensors, sklearn, sympy))
    assert all((uvicorn, mescope))
    PIL.Image.init()
    default_finder()
    # the scores on the card of weights are of fewer simulated maps: they take ten seconds
    mescope.training.train_clips.MAPS = 60


def campaign(options: argparse.Namespace, home: Path) -> list[Any]:
    """Run all rounds that are asked for."""
    from fault_app import app_rounds
    from fault_commands import COMMANDS
    from fault_rounds import can_mount, dropped_rounds, forked, full_rounds, killed_rounds
    from fault_rounds import reference as undisturbed

    found = []
    probe = home / "probe"
    probe.mkdir()
    mounts = can_mount(probe)
    ways = {"kill": killed_rounds, "drop": dropped_rounds, "full": full_rounds}
    for command in COMMANDS:
        chosen = [way for way in ways if way in options.kinds and (way != "full" or mounts)]
        if not chosen or (options.only and command.name not in options.only):
            continue
        place = home / command.name.replace(" ", "-").replace(",", "")
        whole = undisturbed(command, place)
        (place / "inputs").mkdir()
        forked(lambda c=command, p=place: c.prepare(p / "inputs") or 0, place / "log.txt")
        for way in chosen:
            rng = random.Random(f"{options.seed} {command.name} {way}")
            found.append(ways[way](command, place, whole, options.rounds, rng))
            print(line(found[-1]), flush=True)
        shutil.rmtree(place)
    if "app" in options.kinds:
        for outcome in app_rounds(home, options.rounds, options.seed, mounts, options.only):
            found.append(outcome)
            print(line(outcome), flush=True)
    return found


def line(one: Any) -> str:
    """Return one row of the table."""
    edits = f"{one.edits:,}" if one.edits else "–"
    return (
        f"| {one.command} | {one.fault} | {one.rounds} | {one.faults} | {edits} | {one.equal} |"
    )


def rows_of(text: str) -> dict[tuple[str, str], str]:
    """Return the rows of a table, or of what an earlier run printed, by command and fault."""
    found = {}
    for row in text.splitlines():
        cells = [cell.strip() for cell in row.strip("| ").split("|")]
        if row.startswith("|") and len(cells) == 6 and cells[2].isdigit():
            found[cells[0], cells[1]] = row
    return found


def write_page(rows: dict[tuple[str, str], str]) -> None:
    """Put rows into the page, in the place that is theirs; those of other faults stay."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(START)
    kept, after = rest.split(END)
    rows = rows_of(kept) | rows
    numbers = [[int(c.strip()) for c in row.split("|")[3:7:3]] for row in rows.values()]
    rounds, equal = map(sum, zip(*numbers, strict=True))
    counts = f"{rounds} rounds, {equal} of them ended as the undisturbed run did."
    head = (
        "| command | fault | rounds | faults | acknowledged edits | ended as undisturbed |\n"
        "|---|---|---|---|---|---|"
    )
    body = "\n".join([head, *rows.values()])
    PAGE.write_text(f"{before}{START}\n\n{counts}\n\n{body}\n\n{END}{after}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50, help="of every command and fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--only", nargs="+", help="names of commands")
    parser.add_argument("--write", action="store_true", help="counts into docs/reliability.md")
    parser.add_argument("--add", type=Path, help="only write what an earlier run printed")
    options = parser.parse_args()
    if options.add is not None:
        write_page(rows_of(options.add.read_text(encoding="utf-8")))
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    prepare()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mescope-faults-") as home:
        found = campaign(options, Path(home))
    for one in found:
        for wrong in one.wrong:
            print(f"{one.command}, {one.fault}: {wrong}", file=sys.stderr)
    print(f"{(time.monotonic() - started) / 60:.0f} minutes on {os.cpu_count()} cores")
    if options.write:
        write_page({(one.command, one.fault): line(one) for one in found})
    return int(any(one.equal < one.rounds or one.wrong for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
