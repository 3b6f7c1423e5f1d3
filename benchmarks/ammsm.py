"""Time of AMMSM against its sparsity, and of its state spaces against attention.

    python benchmarks/ammsm.py [--rounds 5] [--quick]

The first table is a training step (forward and backward) of the preset at sparsity 0 to 0.8 in
every block, for the three readings of what a dropped window does: `zero`, as the paper is
written, computes as much as dense; `gather` computes kept windows only.  The second is a dense
training step with state spaces and with attention in every block (the paper: 6.92 ms against
9.56 ms of latency, 0.724).  `stream` leaves out the magnifier and the onset's stream, which
know neither windows nor mixers; `whole` has them.

Sides take turns, their first run does not count, times are medians of the processor's time in
one thread, which other work on the machine disturbs less than a clock.  Memory is how far the
resident set of a fresh process rises above what network, input and libraries take.  --quick
leaves out the paper's size.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import subprocess
import sys
import time

import torch
from memory import forget_highest, resident
from torch import Tensor

from mescope.models.ammsm import PRESETS, Ammsm
from mescope.models.ammsm_config import AmmsmConfig
from mescope.models.sparse_layers import Dropped

SPARSITY = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8)
READINGS: tuple[Dropped, ...] = ("zero", "exclude", "gather")
CASES = (("ammsm-s28", 16), ("ammsm", 1))
"""Preset and clips in a batch."""


def build(config: AmmsmConfig) -> Ammsm:
    torch.manual_seed(0)
    return Ammsm(config).train()


def inputs_of(config: AmmsmConfig, batch: int) -> tuple[Tensor, ...]:
    flow = torch.randn(batch, config.channels, config.size, config.size)
    if not config.spatial:
        return (flow,)
    return flow, torch.randn(batch, 3, config.size, config.size)


def once(model: Ammsm, inputs: tuple[Tensor, ...], sparsity: float | None = None) -> float:
    """Return the seconds of processor time of one training step."""
    ratios = None
    if sparsity is not None:
        ratios = tuple((sparsity,) * depth for depth in model.config.depths)
    start = time.process_time()
    output = model(*inputs, ratios=ratios)
    loss = output.emotion.square().sum() + output.magnified.abs().mean()
    loss.backward()
    taken = time.process_time() - start
    model.zero_grad()
    return taken


def medians(sides: list[tuple[Ammsm, float | None]], batch: int, rounds: int) -> list[float]:
    """Return the median seconds of each side, sides taking turns."""
    found: list[list[float]] = [[] for _ in sides]
    for counted in range(-1, rounds):
        for (model, sparsity), taken in zip(sides, found, strict=True):
            seconds = once(model, inputs_of(model.config, batch), sparsity)
            if counted >= 0:
                taken.append(seconds)
    return [statistics.median(taken) for taken in found]


def against_sparsity(preset: str, batch: int, rounds: int) -> None:
    print("preset     batch  part      reading   sparsity    ms/clip    time x")
    for whole in (False, True):
        sides: list[tuple[Ammsm, float | None]] = []
        for reading in READINGS[-1:] if whole else READINGS:
            config = dataclasses.replace(part_of(preset, whole), dropped=reading)
            model = build(config)
            sides += [(model, sparsity) for sparsity in SPARSITY]
        taken = medians(sides, batch, rounds)
        for (model, sparsity), seconds in zip(sides, taken, strict=True):
            print(
                f"{preset:10}{batch:6}  {'whole' if whole else 'stream':10}"
                f"{model.config.dropped:10}{sparsity:8.1f}"
                f"{1000 * seconds / batch:11.2f}{seconds / taken[0]:10.2f}",
                flush=True,
            )


def part_of(preset: str, whole: bool) -> AmmsmConfig:
    return dataclasses.replace(PRESETS[preset], magnify=whole, spatial=whole)


def mixers(preset: str, attention: bool, whole: bool) -> AmmsmConfig:
    config = dataclasses.replace(part_of(preset, whole), sparse=False)
    return dataclasses.replace(config, attention=config.depths) if attention else config


def memory(preset: str, attention: bool, whole: bool, batch: int) -> float:
    """Return the peak of a training step in MiB, measured in a process of its own."""
    words = [sys.executable, __file__, "--child", preset, str(int(attention))]
    done = subprocess.run(
        [*words, str(int(whole)), str(batch)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def child(preset: str, attention: bool, whole: bool, batch: int) -> None:
    small = mixers("ammsm-s28", attention, whole)
    once(build(small), inputs_of(small, 2))  # load libraries before the count
    config = mixers(preset, attention, whole)
    model, inputs = build(config), inputs_of(config, batch)
    forget_highest()
    before = resident("VmRSS")
    once(model, inputs)
    print(resident("VmHWM") - before)


def against_attention(preset: str, batch: int, rounds: int) -> None:
    print("preset     batch  part      mixers          ms/clip       MiB    time x")
    for whole in (False, True):
        sides: list[tuple[Ammsm, float | None]] = [
            (build(mixers(preset, attention, whole)), None) for attention in (False, True)
        ]
        taken = medians(sides, batch, rounds)
        for attention, seconds in zip((False, True), taken, strict=True):
            part, name = "whole" if whole else "stream", "attention" if attention else "ssd"
            peak = memory(preset, attention, whole, batch)
            print(
                f"{preset:10}{batch:6}  {part:10}{name:12}{1000 * seconds / batch:11.2f}"
                f"{peak:10.1f}{seconds / taken[1]:10.2f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="leave out the paper's size")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for preset, batch in CASES[:1] if given.quick else CASES:
        against_sparsity(preset, batch, given.rounds)
        against_attention(preset, batch, given.rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3] == "1", sys.argv[4] == "1", int(sys.argv[5]))
    else:
        main()
