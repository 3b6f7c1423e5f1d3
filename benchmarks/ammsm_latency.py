"""Latency of AMMSM's state spaces against attention, for naming one clip at the paper's size.

    python benchmarks/ammsm_latency.py [--device cuda] [--rounds 20] [--preset ammsm]
        [--batch 1] [--precision 32-true|bf16-mixed] [--json out.json]

The paper's Table III names latencies of one clip on an RTX A6000: 3.21 ms against 5.79 without
magnifier and sparsity (0.55), 6.92 against 9.56 with both (0.724).  Here the same rows, both
backbones in one run: their sides take turns, the first runs do not count, and what compares is
the ratio, with the lowest and the highest quarter of its rounds.  The onset's stream is in all
of them, as in the paper; `stream` rows leave it out, so that what differs is not hidden.

On a CPU it is the processor's time of one thread, which other work disturbs less than a clock;
on a card, the time from before the first kernel until all have ended, the input being there.
Sparse rows are given in both readings: `zero` multiplies by the mask, as the paper is written,
and computes everything; `gather` computes kept windows alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import statistics
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mescope.models.ammsm import PRESETS, Ammsm
from mescope.models.ammsm_config import AmmsmConfig
from mescope.models.sparse_layers import Dropped

PAPER = {("plain", ""): 3.21 / 5.79, ("magnified, sparse", "zero"): 6.92 / 9.56}
WARM = 3


class Row(NamedTuple):
    """One row: what of the model is on, and how dropped windows are read."""

    name: str
    magnify: bool
    sparse: bool
    spatial: bool
    dropped: Dropped = "zero"


ROWS = (
    Row("stream, plain", False, False, False),
    Row("stream, sparse", False, True, False),
    Row("stream, sparse", False, True, False, "gather"),
    Row("plain", False, False, True),
    Row("magnified", True, False, True),
    Row("sparse", False, True, True),
    Row("magnified, sparse", True, True, True),
    Row("magnified, sparse", True, True, True, "gather"),
)


def config_of(preset: str, row: Row, attention: bool) -> AmmsmConfig:
    """Return the config of one side of a row."""
    found = dataclasses.replace(
        PRESETS[preset], magnify=row.magnify, sparse=row.sparse, spatial=row.spatial,
        dropped=row.dropped,
    )  # fmt: skip
    return dataclasses.replace(found, attention=found.depths) if attention else found


def inputs_of(config: AmmsmConfig, batch: int, device: str) -> tuple[Tensor, ...]:
    """Return what a clip gives the model."""
    flow = torch.randn(batch, config.channels, config.size, config.size, device=device)
    if not config.spatial:
        return (flow,)
    return flow, torch.randn(batch, 3, *flow.shape[2:], device=device)


class Side:
    """A model and its input, to be timed again and again."""

    def __init__(self, config: AmmsmConfig, batch: int, device: str, precision: str) -> None:
        torch.manual_seed(0)
        self.model = Ammsm(config).eval().to(device)
        self.inputs = inputs_of(config, batch, device)
        self.cuda, self.half = torch.device(device).type == "cuda", precision != "32-true"

    def precise(self) -> AbstractContextManager[Any]:
        """Return the context of the precision."""
        kind = "cuda" if self.cuda else "cpu"
        return torch.autocast(kind, dtype=torch.bfloat16) if self.half else nullcontext()

    def seconds(self) -> float:
        """Return the seconds of one forward pass."""
        clock = time.perf_counter if self.cuda else time.process_time
        with torch.inference_mode(), self.precise():
            if self.cuda:
                torch.cuda.synchronize()
            begun = clock()
            self.model(*self.inputs)
            if self.cuda:
                torch.cuda.synchronize()
            return clock() - begun


def timed(sides: list[Side], rounds: int) -> list[list[float]]:
    """Return the seconds of every side in every round, sides taking turns."""
    found: list[list[float]] = [[] for _ in sides]
    for number in range(-WARM, rounds):
        for side, taken in zip(sides, found, strict=True):
            seconds = side.seconds()
            if number >= 0:
                taken.append(seconds)
    return found


def measured(given: argparse.Namespace, row: Row) -> dict[str, Any]:
    """Return the figures of one row, both backbones in turns."""
    configs = [config_of(given.preset, row, attention) for attention in (False, True)]
    sides = [Side(c, given.batch, given.device, given.precision) for c in configs]
    ssd, attention = timed(sides, given.rounds)
    ratios = [a / b for a, b in zip(ssd, attention, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    reading = row.dropped if row.sparse else ""
    return {
        "row": row.name,
        "reading": reading,
        "ssd_ms": 1000 * statistics.median(ssd) / given.batch,
        "attention_ms": 1000 * statistics.median(attention) / given.batch,
        "ratio": middle,
        "ratio_low": low,
        "ratio_high": high,
        "paper": PAPER.get((row.name, reading)) if given.preset == "ammsm" else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="ammsm", choices=list(PRESETS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--json", help="also write the figures here")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cuda = torch.device(given.device).type == "cuda"
    where = torch.cuda.get_device_name(given.device) if cuda else f"{platform.machine()} CPU"
    print(f"{given.preset}, {given.batch} a batch, {given.precision}, {where}")
    print("row                 reading      SSD ms  attention   ratio      quarters   paper")
    rows = []
    for row in ROWS:
        one = measured(given, row)
        rows.append(one)
        paper = f"{one['paper']:.3f}" if one["paper"] else ""
        quarters = f"{one['ratio_low']:.2f}-{one['ratio_high']:.2f}"
        print(
            f"{one['row']:20}{one['reading']:9}{one['ssd_ms']:10.2f}{one['attention_ms']:11.2f}"
            f"{one['ratio']:8.3f}{quarters:>14}{paper:>8}",
            flush=True,
        )
    if given.json:
        about = {"preset": given.preset, "batch": given.batch, "precision": given.precision}
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump({**about, "device": where, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
