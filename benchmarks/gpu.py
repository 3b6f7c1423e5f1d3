"""Our operations on a card by Triton, against plain torch, cuDNN and published kernels.

    python benchmarks/gpu.py [--device cuda] [--rounds 5] [--scale 1.0] [--only ssd] [--memory]

One run gives time (median), ratio to ours, and the most memory of a forward pass and of a
training step (forward and backward) at the shapes at which the systems call each operation,
times as many samples as the papers train on: the selective scan (mamba-ssm where it is
installed), the sparse SSD of AMMSM, the convolution along time of VideoMamba and MERba
(against cuDNN's, transposes included), the stem of STSTNet and of the small CNN.  The SSD is
also timed in bfloat16, as autocast gives it.  Loops are run only on a thirtieth of the batch,
once, and scaled up.

``--scale 0.01 --device cpu`` tries the script where there is no card: then "ours" is what the
CPU runs, and the figures say nothing about cards.  Sizes that fit which card: ``--memory``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mescope.models import create_model
from mescope.models.recompute import recompute
from mescope.ops.choice import OPERATIONS, choose
from mescope.ops.conv_pool import conv_pool
from mescope.ops.depthwise_conv import depthwise_conv
from mescope.ops.selective_scan import selective_scans
from mescope.ops.ssd import noncausal_ssd
from mescope.training.step_cost import GIB, step_cost

Draw = Callable[..., Tensor]  # of a shape


class Case(NamedTuple):
    """An operation at a shape: samples of a batch, what it is given, and how it is called."""

    name: str
    operation: str
    batch: int
    inputs: Callable[[Draw, int], list[Tensor]]  # of so many samples
    call: Callable[..., Tensor]  # inputs, and backend
    dtype: torch.dtype = torch.float32


def scan(name: str, g: int, b: int, length: int, d: int, n: int) -> Case:
    """Sets of parameters (g), each for b sequences of l steps, d channels and n states."""

    def inputs(draw: Draw, b: int) -> list[Tensor]:
        A = -draw(g, d, n).sigmoid() * 8 - 0.1
        made = [draw(g, b, length, d), F.softplus(draw(g, b, length, d) - 2), A]
        return [*made, draw(g, b, length, n), draw(g, b, length, n), draw(g, d)]

    return Case(name, "scan", b, inputs, selective_scans)


def ssd(name: str, b: int, length: int, heads: int, dtype: torch.dtype) -> Case:
    """Heads of 64 channels, 64 states; every second token is kept."""

    def inputs(draw: Draw, b: int) -> list[Tensor]:
        made = [draw(b, length, heads, 64), F.softplus(draw(b, length, heads) - 2)]
        made += [-draw(heads).exp(), draw(b, length, 64), draw(b, length, 64), draw(heads)]
        return [t.to(dtype) if t.dim() > 2 else t for t in made]

    def call(x: Tensor, *others: Tensor, backend: str) -> Tensor:
        keep = (torch.arange(x.shape[1], device=x.device) % 2 == 0).expand(x.shape[:2])
        return noncausal_ssd(x, *others, keep=keep, backend=backend)

    return Case(name, "ssd", b, inputs, call, dtype)


def conv(name: str, g: int, b: int, length: int, e: int, taps: int) -> Case:
    """Sets of weights (g), each for b sequences of l steps and e channels."""

    def inputs(draw: Draw, b: int) -> list[Tensor]:
        return [draw(g, b, length, e), draw(g, taps, e), draw(g, e)]

    def call(x: Tensor, weight: Tensor, bias: Tensor, *, backend: str) -> Tensor:
        if backend != "cudnn":
            return depthwise_conv(x, weight, bias, backend=backend)
        filters = weight.transpose(1, 2).reshape(-1, 1, taps)
        turned = F.pad(x.permute(1, 0, 3, 2).flatten(1, 2), (taps - 1, 0))
        y = F.conv1d(turned, filters, bias.flatten(), groups=len(filters))
        return y.unflatten(1, (g, e)).permute(1, 0, 3, 2).contiguous()

    return Case(name, "depthwise-conv", b, inputs, call)


def stem(name: str, b: int, filters: int, padding: int) -> Case:
    """Maps of 28 x 28 with three channels."""

    def inputs(draw: Draw, b: int) -> list[Tensor]:
        return [draw(b, 3, 28, 28), draw(filters, 3, 3, 3), *(draw(filters) for _ in range(3))]

    def call(x: Tensor, *weights: Tensor, backend: str) -> Tensor:
        running = torch.zeros(filters, device=x.device), torch.ones(filters, device=x.device)
        return conv_pool(
            x.detach(), *weights, running, padding=padding, training=True, backend=backend
        )

    return Case(name, "conv-pool", b, inputs, call)


CASES = (
    scan("ME-TST, batch 48", 1, 48, 50, 128, 64),
    scan("ME-TST+ fast path, batch 256", 1, 256, 50, 256, 64),
    scan("ME-TST+ slow path, batch 256", 1, 256, 25, 512, 64),
    scan("MERba stage 2, batch 128", 4, 128 * 4, 49, 256, 8),
    scan("VideoMamba-S, 16 frames, batch 8", 2, 8, 3137, 768, 16),
    ssd("AMMSM stage 1, batch 64", 64, 3136, 2, torch.float32),
    ssd("AMMSM stage 1, bfloat16", 64, 3136, 2, torch.bfloat16),
    ssd("AMMSM stage 3, batch 64", 64, 196, 8, torch.float32),
    conv("VideoMamba-S, 16 frames, batch 8", 2, 8, 3137, 768, 4),
    conv("MERba stage 2, batch 128", 4, 128 * 4, 49, 256, 3),
    stem("STSTNet, batch 256", 256, 16, 2),
    stem("flow CNN, batch 256", 256, 24, 1),
)
TRAININGS = (  # model, what it is given, samples of a step, its options
    ("me-tst-plus", (36, 50), 256, {}),
    ("merba", (2, 224, 224), 128, {"classes": 5}),
    ("videomamba-s", (3, 16, 224, 224), 8, {"classes": 4, "frames": 16}),
)
LOOPS = {("scan", "reference"), ("ssd", "reference")}
LOOP_SHARE = 30


def inputs(case: Case, device: str, scale: float) -> list[Tensor]:
    torch.manual_seed(0)
    made = case.inputs(
        lambda *sizes: torch.randn(*sizes, device=device), max(1, round(case.batch * scale))
    )
    return [t.detach().requires_grad_() for t in made]


def sides(case: Case, device: str) -> dict[str, Callable[..., Tensor]]:
    """Return what can be compared on a device: ours first, then what it was chosen among."""
    kind = torch.device(device).type
    ours = choose(case.operation, kind, case.dtype, "auto")
    able = [name for name, way in OPERATIONS[case.operation].items()
            if name != ours and way.can(kind, case.dtype)]  # fmt: skip
    able += ["cudnn"] if case.operation == "depthwise-conv" else []
    backends = {"ours": ours} | {name: name for name in able}
    return {
        side: lambda *args, backend=backend: case.call(*args, backend=backend)
        for side, backend in backends.items()
    }


def once(run: Callable[..., Tensor], args: list[Tensor], backward: bool) -> tuple[float, float]:
    """Return seconds and MiB at most of one run."""
    card = args[0].is_cuda
    if card:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated() if card else 0
    start = time.perf_counter()
    if backward:
        torch.autograd.grad(run(*args).sum(), args, allow_unused=True)
    else:
        with torch.no_grad():
            run(*args)
    if card:
        torch.cuda.synchronize()
    peak = torch.cuda.max_memory_allocated() - before if card else 0
    return time.perf_counter() - start, peak / 2**20


def compare(case: Case, backward: bool, options: argparse.Namespace) -> None:
    able = sides(case, options.device)
    args = inputs(case, options.device, options.scale)
    few = inputs(case, options.device, options.scale / LOOP_SHARE)
    share = max(1, round(case.batch * options.scale)) / max(
        1, round(case.batch * options.scale / LOOP_SHARE)
    )
    times: dict[str, list[float]] = {side: [] for side in able}
    peaks: dict[str, float] = {}
    loops = {side for side in able if (case.operation, side) in LOOPS}
    for side, run in able.items():  # compiles, tries and warms up
        once(run, few if side in loops else args, backward)
    for _ in range(options.rounds):
        for side, run in able.items():
            if side in loops:
                if not times[side]:
                    times[side].append(once(run, few, backward)[0] * share)
                continue
            taken, peaks[side] = once(run, args, backward)
            times[side].append(taken)
    ours = statistics.median(times["ours"])
    for side, taken in times.items():
        middle = statistics.median(taken)
        peak = f"{peaks[side]:.0f}" if side in peaks else "-"
        what = (case.operation, case.name, "step" if backward else "forward", side)
        row = (*what, f"{middle * 1e3:.2f}", f"{middle / ours:.2f}", peak)
        print(line(row, options.markdown), flush=True)


def line(cells: tuple[str, ...], markdown: bool) -> str:
    if markdown:
        return "| " + " | ".join(cells) + " |"
    left = f"{cells[0]:16}{cells[1]:34}{cells[2]:11}"
    return left + "".join(f"{cell:>12}" for cell in cells[3:])


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
    parser.add_argument("--only", choices=[*OPERATIONS], help="one operation")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--memory", action="store_true", help="what trainings need, instead")
    options = parser.parse_args()
    kind = torch.device(options.device).type
    card = torch.cuda.get_device_name() if kind == "cuda" else "no card: nothing about cards"
    ours = {name: choose(name, kind, torch.float32, "auto") for name in OPERATIONS}
    print(f"{card}; PyTorch {torch.__version__}; ours is {ours}\n")
    if options.memory:
        memory(options)
        return
    columns = ("operation", "shape", "pass", "side", "ms", "/ ours", "MiB")
    heading(columns, options.markdown)
    for case in CASES:
        for backward in (False, True):
            if options.only in (None, case.operation):
                compare(case, backward, options)


if __name__ == "__main__":
    main()
