"""Fill the tables of docs/models/ammsm.md and draw its figure.

    python docs/generate_ammsm.py runs/*/report.json

Figures are counted from the predictions in the reports, sizes and work from the networks;
nothing is typed in by hand.  Without reports only the figure, the sizes and the work are made
anew.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from pathlib import Path

import torch
from page_parts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    arrow,
    boxes,
    canvas,
    composite,
    fill,
    sizes,
    summaries,
    table,
)
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mescope.models.ammsm import PRESETS, Ammsm, AmmsmConfig

DOCS = Path(__file__).parent
PAGE, PICTURE = DOCS / "models" / "ammsm.md", DOCS / "images" / "ammsm.png"
SPARSITY = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8)
STREAMS = ("ammsm", "ammsm-s28")


def clip_of(config: AmmsmConfig) -> tuple[Tensor, ...]:
    """Return what one clip gives a model."""
    flow = torch.zeros(1, config.channels, config.size, config.size)
    return (flow, torch.zeros(1, 3, *flow.shape[2:])) if config.spatial else (flow,)


def presets() -> list[str]:
    return sizes(
        {name: (functools.partial(Ammsm, c), clip_of(c)) for name, c in PRESETS.items()}
    )


def work() -> list[str]:
    """Return the FLOPs of the temporal stream of one clip, kept windows gathered."""
    rows = []
    for name in STREAMS:
        config = dataclasses.replace(
            PRESETS[name], magnify=False, spatial=False, dropped="gather"
        )
        torch.manual_seed(0)  # which windows are partial ones depends on the values
        model, flow = Ammsm(config).eval(), torch.randn(1, 2, config.size, config.size)
        found = []
        for sparsity in SPARSITY:
            ratios = [[sparsity] * depth for depth in config.depths]
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                model(flow, ratios=ratios)
            found.append(counter.get_total_flops())
        cells = [f"{flops / 1e9:.3f} ({flops / found[0]:.2f})" for flops in found]
        rows.append([f"`{name}`", *cells])
    return table(["sparsity of all blocks", *(f"{s:.1f}" for s in SPARSITY)], rows)


def draw() -> None:
    figure, axis = canvas(5.6, 56)
    steps = (
        (1, 12, "onset–apex\nflow\n2 × 224²", GREY),
        (16, 13, "U-Net\nalpha × flow\n2 × 224²", ORANGE),
        (32, 11, "stem, /4\n64 × 56²", BLUE),
        (46, 12, "stage 1\n2 SSD\n196 windows", GREEN),
        (61, 12, "stage 2\n4 SSD\n49 windows", GREEN),
        (76, 15, "stage 3\n7 SSD, 1 attention\n16 windows", GREEN),
        (94, 15, "stage 4\n3 SSD, 1 attention\n4 windows", GREEN),
        (112, 17, "norm, mean, linear\n3 or 5 classes", GREY),
    )
    boxes(axis, 41, 12, steps)
    onset = (
        (16, 13, "onset frame\n3 × 224²", GREY),
        (32, 26, "ResNet-18 to its second stage\n128 × 28²", BLUE),
    )
    boxes(axis, 27, 8, onset)
    axis.plot([58.3, 74.5], [31, 31], color="black", lw=1)
    arrow(axis, (74.5, 30.8), (74.5, 47.0))
    axis.text(75.2, 36, "added", fontsize=9)
    axis.text(
        1, 21, "one block: windows of 4 × 4 tokens, scored once where a stage begins",
        fontsize=11, weight="bold",
    )  # fmt: skip
    inner = (
        (1, 21, "windows of large norm\nstay, the share of\nthe ratio is dropped", ORANGE),
        (25, 17, "+ depth-wise conv 3", BLUE),
        (45, 32, "+ norm → non-causal SSD:\nall tokens write one state,\nall read it", GREEN),
        (80, 26, "+ depth-wise conv 3\n+ norm → MLP × 4", BLUE),
        (109, 20, "dropped windows keep\nthe values they had", GREY),
    )  # fmt: skip
    boxes(axis, 7, 11, inner)
    axis.text(
        1, 2, "Alpha and the ratios are drawn anew for every batch at first, then chosen by an "
        "evolutionary search on held-out training people, then tuned under.", fontsize=10,
    )  # fmt: skip
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def main(paths: list[str]) -> None:
    draw()
    text = fill(PAGE.read_text(encoding="utf-8"), "sizes", presets())
    text = fill(text, "work", work())
    if paths:
        found = summaries(paths)
        kinds = {s["protocol"] for s in found}
        if kinds != {"5-fold"}:
            raise SystemExit(f"expected reports of 5-fold, found {kinds}")
        text = fill(text, "figures", composite(found))
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
