"""How long idle threads of torch keep waiting, and what that costs our kernels' own threads.

    python benchmarks/waiting_threads.py [--rounds 5] [--steps 10] [--threads 2]

Training steps of the shipped spotting recipe, each row a process of its own, by turns: as torch
comes, as the command line sets it (``mescope.cli.WAITING``), waiting without a break, and one
thread.  Prints the median of the rounds and its ratio to the first row.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from mescope.cli import WAITING

NAME, OURS = WAITING
ROWS = {
    "as torch comes": {},
    f"{NAME}={OURS} (ours)": {NAME: OURS},
    f"{NAME}=0": {NAME: "0"},
    "one thread": None,
}


def steps(count: int, threads: int) -> float:
    """Return seconds a training step of ME-TST+ (small) takes here."""
    import torch

    from mescope.training.recipe import read_recipe
    from mescope.training.shipped_recipes import find_recipe
    from mescope.training.tasks.me_tst import spotting_task

    torch.set_num_threads(threads)
    recipe = read_recipe(find_recipe("me-tst-plus-cascade"))
    kind = spotting_task(recipe)
    task = kind(recipe, torch.device("cpu"))
    given = kind.made_up(recipe, task.optim.batch_size)[..., :48]
    began = 0.0
    for i in range(-2, count):  # two to warm up
        if i == 0:
            began = time.perf_counter()
        task.optimizer.zero_grad()
        answer = task.module(given)
        (answer.spotting.mean() + answer.emotion.square().mean()).backward()
        task.optimizer.step()
    return (time.perf_counter() - began) / count


def main() -> None:
    """Measure in processes, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(steps(options.steps, options.threads))
        return
    taken: dict[str, list[float]] = {row: [] for row in ROWS}
    for _ in range(options.rounds):
        for row, more in ROWS.items():
            clean = {k: v for k, v in os.environ.items() if k != NAME} | (more or {})
            threads = 1 if more is None else options.threads
            words = ["--here", "--steps", str(options.steps), "--threads", str(threads)]
            done = subprocess.run(
                [sys.executable, __file__, *words],
                env=clean, capture_output=True, text=True, check=True,
            )  # fmt: skip
            taken[row].append(float(done.stdout.split()[-1]))
    first = statistics.median(taken["as torch comes"])
    print(f"a step of ME-TST+ (small), {options.threads} threads, median of {options.rounds}")
    for row, seconds in taken.items():
        middle = statistics.median(seconds)
        print(f"{row:28} {1000 * middle:7.0f} ms {middle / first:6.2f} of the time")


if __name__ == "__main__":
    main()
