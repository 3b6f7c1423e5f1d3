"""Fill the tables of docs/models/videomamba.md and draw its figure.

    python docs/generate_videomamba.py runs/*/report.json

Figures are counted from the predictions in the reports, sizes from the networks; nothing is
typed in by hand.  Without reports only the figure and the sizes are made anew.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import torch
from page_parts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    boxes,
    canvas,
    fill,
    span,
    summaries,
    table,
)

from mescope.models.videomamba import PRESETS, VideoMamba
from mescope.training.flat_recipe import with_tables

DOCS = Path(__file__).parent
PAGE, PICTURE = DOCS / "models" / "videomamba.md", DOCS / "images" / "videomamba.png"

ORDER = ("none", "flip", "rsmix", "both")
DATA = {"me": "ME", "mae": "ME + MaE"}


def sizes() -> list[str]:
    rows = []
    for name, c in PRESETS.items():
        with torch.device("meta"):
            count = sum(p.numel() for p in VideoMamba(c).parameters())
        clip = f"{c.channels} × {c.frames} × {c.side}²"
        rows.append(
            [f"`{name}`", clip, f"{c.tokens:,}", f"{c.dim}", f"{c.depth}", f"{count:,}"]
        )
    return table(["preset", "clip", "tokens", "width", "blocks", "parameters"], rows)


def ablation(found: list[dict[str, Any]]) -> list[str]:
    rows = []
    for s in sorted(found, key=_place):
        data, augmented = _parts(s)
        part, n, control = s["all"], len(s["seeds"]), s["control"]
        low, high = part["uf1"]["interval"]
        said = next(w for w in s["warnings"] if w.startswith("each fold learns from"))
        learned = re.search(r"from ([\d to]+) clips", said)
        rows.append(
            [
                DATA[data], augmented, learned[1].replace(" to ", "–") if learned else "",
                str(with_tables(s["recipe"])["optim"]["epochs"]),
                span(part["uf1"], n), f"{low:.3f}–{high:.3f}",
                span(part["uar"], n), f"{control['named']:.3f} / {control['by_chance']:.3f}",
            ]
        )  # fmt: skip
    heads = ["trained on", "copies", "clips", "epochs", "UF1 (seeds)", "95 %", "UAR (seeds)"]
    return table([*heads, "control named / by chance"], rows)


def _parts(summary: dict[str, Any]) -> tuple[str, str]:
    data, augmented = summary["name"].split("-")[-2:]
    return data, augmented


def _place(summary: dict[str, Any]) -> tuple[int, int]:
    data, augmented = _parts(summary)
    return list(DATA).index(data), ORDER.index(augmented)


def draw() -> None:
    figure, axis = canvas(4.8, 52)
    steps = (
        (1, 17, "long recording\nlandmarks, crop\nalong the nose", GREY),
        (22, 17, "one frame of each\nof T segments\n3 × T × 224²", GREY),
        (43, 17, "patches of 16²\nand positions in\nspace and time", BLUE),
        (64, 20, "class token first,\nthen frame by frame\n196 T + 1 tokens", BLUE),
        (88, 15, "24 blocks\n(32 in -M)\nbelow", GREEN),
        (107, 22, "norm, class token's\nvector, linear\nfour emotions", ORANGE),
    )
    boxes(axis, 37, 12, steps)
    axis.text(1, 31.5, "one block: both directions in one scan", fontsize=11, weight="bold")
    inner = (
        (1, 13, "+ residual\nRMSNorm", GREY),
        (18, 17, "one linear\ncontent and gate", BLUE),
        (39, 31, "forwards: conv 4, selective scan\nbackwards: conv 4, selective scan", GREEN),
        (74, 20, "turned back, summed,\ntimes the gate", BLUE),
        (98, 14, "one linear", BLUE),
    )
    boxes(axis, 18, 10, inner)
    axis.text(
        1, 10, "In training, RSMix pastes the moving cells of an expression onto neutral "
        "frames of the same recording, and every original has one\nmirrored copy. Copies stay "
        "in the part of their person; the test part holds original micro-expressions only. "
        "The class\ntoken stands first, so the forward scan never shows it a patch: what it "
        "learns comes from the backward one.", fontsize=10, va="center",
    )  # fmt: skip
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def main(paths: list[str]) -> None:
    draw()
    text = fill(PAGE.read_text(encoding="utf-8"), "sizes", sizes())
    if paths:
        text = fill(text, "ablation", ablation(summaries(paths)))
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
