"""Time and memory of MERba against a scan in a Python loop and against attention, in one run.

    python benchmarks/merba.py [--rounds 5] [--quick]

`ours` is the preset; `loop` the same network, whose scan is the plain reference, one token
after another, direction by direction; `attention` has multi-head attention of the same width in
place of the four-direction extractors' mixers.  A training step is forward and backward.
`scan` is the scan of the first extractor alone: what the kernel gives before matrix products,
convolutions and attention, which all sides share, take their time.

Sides take turns, their first run does not count, times are medians.  Memory is how far the
resident set of a fresh process rises above what network, input and libraries take.  --quick
leaves out the paper's size.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import subprocess
import sys
import time

import torch
from memory import forget_highest, resident
from torch import Tensor, nn

from mescope.models import vision_layers
from mescope.models.merba import PRESETS, Extractor, Merba, MerbaConfig
from mescope.models.vision_layers import Attention
from mescope.ops.selective_scan import backend_in_use

FUSED = vision_layers.selective_scans
LOOP = functools.partial(FUSED, backend="reference")
SIDES = ("ours", "loop", "attention")
CASES = (("merba-s28", 1), ("merba-s28", 32), ("merba", 1))
"""Preset and clips in a batch."""


def build(side: str, preset: str) -> Merba:
    torch.manual_seed(0)
    model = Merba(PRESETS[preset])
    if side == "attention":
        replace_mixers(model, model.config)
    return model


def replace_mixers(model: Merba, config: MerbaConfig) -> None:
    """Put attention in the place of every extractor."""
    for number, stage in enumerate(model.stages):
        for block in stage.extractors:
            if not isinstance(block.mixer, Extractor):
                raise TypeError(f"expected an extractor, found {type(block.mixer)}")
            dim = config.dim << (number + 1)
            block.mixer = Attention(dim, config.heads[number], config.drop)


def flow_of(preset: str, batch: int) -> Tensor:
    config = PRESETS[preset]
    return torch.randn(batch, config.channels, config.side, config.side)


def once(side: str, model: nn.Module, flow: Tensor, train: bool) -> float:
    """Return the seconds of one run."""
    vision_layers.selective_scans = LOOP if side == "loop" else FUSED
    model.train(train and len(flow) > 1)  # one clip has no statistics to normalise by
    start = time.perf_counter()
    if train:
        sum(head.square().sum() for head in model(flow)).backward()
    else:
        with torch.no_grad():
            model(flow)
    taken = time.perf_counter() - start
    model.zero_grad()
    return taken


def times(preset: str, batch: int, train: bool, rounds: int) -> list[float]:
    """Return the median seconds of each side."""
    flow, models = flow_of(preset, batch), [build(side, preset) for side in SIDES]
    found: list[list[float]] = [[] for _ in SIDES]
    for counted in range(-1, rounds):
        for side, model, taken in zip(SIDES, models, found, strict=True):
            seconds = once(side, model, flow, train)
            if counted >= 0:
                taken.append(seconds)
    return [statistics.median(taken) for taken in found]


def child(side: str, preset: str, batch: int, train: bool) -> None:
    small = "merba-s28"
    once(
        side, build(side, small), flow_of(small, 1), train
    )  # load and compile before the count
    model, flow = build(side, preset), flow_of(preset, batch)
    forget_highest()
    before = resident("VmRSS")
    once(side, model, flow, train)
    print(resident("VmHWM") - before)


def memory(side: str, preset: str, batch: int, train: bool) -> float:
    """Return the peak in MiB, measured in a process of its own."""
    words = [sys.executable, __file__, "--child", side, preset, str(batch), str(int(train))]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(done.stdout)


def compare(preset: str, batch: int, train: bool, rounds: int) -> None:
    taken = times(preset, batch, train, rounds)
    peaks = [memory(side, preset, batch, train) for side in SIDES]
    for side, seconds, peak in zip(SIDES, taken, peaks, strict=True):
        name = "training" if train else "forward"
        print(
            f"{preset:10}{batch:6}  {name:9}{side:10}{1000 * seconds / batch:10.2f}{peak:10.1f}"
            f"{seconds / taken[0]:10.2f}{peak / peaks[0]:10.2f}",
            flush=True,
        )


def scan_alone(preset: str, batch: int, rounds: int) -> None:
    """Print the scan of the preset's first extractor by itself, both ways."""
    config = PRESETS[preset]
    windows = batch * 4 ** (len(config.local) - 1)
    shape = (len(config.directions), windows, config.window**2, config.dim)
    half, states = config.dim, 8  # half of the stage's width goes through the scan
    u, delta = torch.randn(shape), torch.rand(shape)
    B, C = torch.randn(*shape[:3], states), torch.randn(*shape[:3], states)
    A, D = -torch.rand(shape[0], half, states), torch.ones(shape[0], half)
    for train in (False, True):
        given = [t.clone().requires_grad_(train) for t in (u, delta, A, B, C, D)]
        taken: dict[str, list[float]] = {"ours": [], "loop": []}
        for counted in range(-1, rounds):
            for side, scan in (("ours", FUSED), ("loop", LOOP)):
                start = time.perf_counter()
                y = scan(*given)
                if train:
                    torch.autograd.grad(y.sum(), given)
                if counted >= 0:
                    taken[side].append(time.perf_counter() - start)
        seconds = {side: statistics.median(found) for side, found in taken.items()}
        for side, found in seconds.items():
            name = "training" if train else "forward"
            print(
                f"{preset:10}{batch:6}  {name:9}{'scan ' + side:10}{1000 * found / batch:10.2f}"
                f"{'':10}{found / seconds['ours']:10.2f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="leave out the paper's size")
    given = parser.parse_args()
    print(f"scan {backend_in_use('scan')}, {torch.get_num_threads()} threads")
    print("preset     batch  pass     side       ms/clip       MiB    time x     MiB x")
    for preset, batch in CASES[:2] if given.quick else CASES:
        for train in (False, True):
            compare(preset, batch, train, given.rounds)
        scan_alone(preset, batch, given.rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5] == "1")
    else:
        main()
