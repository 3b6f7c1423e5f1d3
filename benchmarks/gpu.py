"""The selective scan on a card: ours by Triton, mamba-ssm, in chunks, and step by step.

    python benchmarks/gpu.py [--device cuda] [--rounds 5] [--scale 1.0] [--markdown]

One run gives time (median), ratio to ours, and the most memory of a forward pass and of a
training step (forward and backward), float32, at the shapes at which the four systems call the
scan, times as many samples as the papers train on.  mamba-ssm is compared where it is
installed.  Steps one by one are run only on a thirtieth of the batch, once, and scaled up.

``--scale 0.01 --device cpu`` tries the script where there is no card: then "ours" is the CPU's
kernel, and the figures say nothing about cards.  Sizes that fit which card: ``--memory``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from mescope.ops.scan_choice import choose
from torch import Tensor

from mescope.models import create_model
from mescope.models.recompute import recompute
from mescope.ops.selective_scan import selective_scans
from mescope.training.step_cost import GIB, step_cost


class Shape(NamedTuple):
    """g sets of parameters, each for b sequences of l steps, d channels and n states."""

    name: str
    g: int
    b: int
    length: int
    d: int
    n: int


SHAPES = (
    Shape("ME-TST, batch 48", 1, 48, 50, 128, 64),
    Shape("ME-TST+ fast path, batch 256", 1, 256, 50, 256, 64),
    Shape("ME-TST+ slow path, batch 256", 1, 256, 25, 512, 64),
    Shape("MERba stage 2, batch 128", 4, 128 * 4, 49, 256, 8),
    Shape("VideoMamba-S, 16 frames, batch 8", 2, 8, 3137, 768, 16),
)
TRAININGS = (  # model, what it is given, samples of a step, its options
    ("me-tst-plus", (36, 50), 256, {}),
    ("merba", (2, 224, 224), 128, {"classes": 5}),
    ("videomamba-s", (3, 16, 224, 224), 8, {"classes": 4, "frames": 16}),
)
SIDES = ("ours", "mamba-ssm", "chunked", "reference")
LOOP_SHARE = 30


def inputs(shape: Shape, device: str, scale: float) -> list[Tensor]:
    torch.manual_seed(0)
    _, g, b, length, d, n = shape
    b = max(1, round(b * scale))

    def draw(*sizes: int) -> Tensor:
        return torch.randn(*sizes, device=device)

    delta = torch.nn.functional.softplus(draw(g, b, length, d) - 2)
    A = -torch.rand(g, d, n, device=device) * 8 - 0.1
    made = [draw(g, b, length, d), delta, A, draw(g, b, length, n), draw(g, b, length, n)]
    return [t.requires_grad_() for t in (*made, draw(g, d))]


def sides(device: str) -> dict[str, Callable[..., Tensor]]:
    """Return what can be compared on a device."""
    found = {}
    for side in SIDES:
        backend = "auto" if side == "ours" else side
        try:
            choose(torch.device(device).type, torch.float32, backend)
        except ValueError:
            continue
        found[side] = lambda *args, backend=backend: selective_scans(*args, backend=backend)
    return found


def once(run: Callable[..., Tensor], args: list[Tensor], backward: bool) -> tuple[float, float]:
    """Return seconds and MiB at most of one run."""
    card = args[0].is_cuda
    if card:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated() if card else 0
    start = time.perf_counter()
    if backward:
        torch.autograd.grad(run(*args).sum(), args)
    else:
        with torch.no_grad():
            run(*args)
    if card:
        torch.cuda.synchronize()
    peak = torch.cuda.max_memory_allocated() - before if card else 0
    return time.perf_counter() - start, peak / 2**20


def compare(shape: Shape, backward: bool, options: argparse.Namespace) -> None:
    able = sides(options.device)
    args = inputs(shape, options.device, options.scale)
    few = inputs(shape, options.device, options.scale / LOOP_SHARE)
    share = args[0].shape[1] / few[0].shape[1]
    times: dict[str, list[float]] = {side: [] for side in able}
    peaks: dict[str, float] = {}
    for side, run in able.items():  # compiles, tries and warms up
        once(run, few if side == "reference" else args, backward)
    for _ in range(options.rounds):
        for side, run in able.items():
            if side == "reference":
                if not times[side]:
                    times[side].append(once(run, few, backward)[0] * share)
                continue
            taken, peaks[side] = once(run, args, backward)
            times[side].append(taken)
    ours = statistics.median(times["ours"])
    for side, taken in times.items():
        middle = statistics.median(taken)
        peak = f"{peaks[side]:.0f}" if side in peaks else "-"
        what = (shape.name, "step" if backward else "forward", side)
        row = (*what, f"{middle * 1e3:.2f}", f"{middle / ours:.2f}", peak)
        print(line(row, options.markdown), flush=True)


def line(cells: tuple[str, ...], markdown: bool) -> str:
    if markdown:
        return "| " + " | ".join(cells) + " |"
    return f"{cells[0]:34}{cells[1]:9}" + "".join(f"{cell:>12}" for cell in cells[2:])


def heading(cells: tuple[str, ...], markdown: bool) -> None:
    print(line(cells, markdown))
    if markdown:
        print(line(tuple("---" for _ in cells), markdown))


def memory(options: argparse.Namespace) -> None:
    """Print what the papers' batches need, measured on samples of two and three."""
    heading(("training", "blocks", "precision", "MiB a sample", "GiB a step", "s a sample"),
            options.markdown)  # fmt: skip
    for name, size, batch, own in TRAININGS:
        for twice in (False, True):
            for precision in ("32-true", "bf16-mixed"):
                torch.manual_seed(0)
                model = create_model(name, **own)
                if twice:
                    recompute(model)
                given = torch.randn(3, *size)
                cost = step_cost(model, given, precision=precision, device=options.device)
                row = (f"{name}, batch {batch}", "twice" if twice else "once", precision,
                       f"{cost.sample / 2**20:.0f}", f"{cost.memory(batch) / GIB:.1f}",
                       f"{cost.seconds:.2f}")  # fmt: skip
                print(line(row, options.markdown), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the batch")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--memory", action="store_true", help="what trainings need, instead")
    options = parser.parse_args()
    kind = torch.device(options.device).type
    card = torch.cuda.get_device_name() if kind == "cuda" else "no card: nothing about cards"
    scan = choose(kind, torch.float32, "auto")
    print(f"{card}; PyTorch {torch.__version__}; ours is {scan}\n")
    if options.memory:
        memory(options)
        return
    heading(("shape", "pass", "side", "ms", "/ ours", "MiB"), options.markdown)
    for shape in SHAPES:
        for backward in (False, True):
            compare(shape, backward, options)


if __name__ == "__main__":
    main()
