"""Fill the tables of docs/models/merba.md and draw its figure.

    python docs/generate_merba.py runs/*/report.json

Figures are counted from the predictions in the reports, sizes and costs from the networks;
nothing is typed in by hand.  Without reports only the figure and the sizes are made anew.
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
    boxes,
    canvas,
    composite,
    fill,
    sizes,
    span,
    table,
)

from mescope.evaluation.report import Report
from mescope.evaluation.report_files import from_json
from mescope.models.merba import PRESETS, Merba
from mescope.models.weights import find, read_card

LIGHT = "merba-3db-flow28-light"
DOCS = Path(__file__).parent
PAGE, PICTURE = DOCS / "models" / "merba.md", DOCS / "images" / "merba.png"


def presets() -> list[str]:
    return sizes(
        {
            name: (
                functools.partial(Merba, config),
                (torch.zeros(1, config.channels, config.side, config.side),),
            )
            for name, config in PRESETS.items()
        }
    )


def halves(report: Report) -> list[str]:
    """Count the light recipe on the people it was chosen on, and on those never looked at."""
    chosen_on = set(report.persons[::2])
    parts = [dataclasses.replace(report, name="all people")]
    for name, wanted in (("those it was chosen on", True), ("the others", False)):
        kept = tuple(p for p in report.predictions if (p.person in chosen_on) == wanted)
        parts.append(dataclasses.replace(report, name=name, predictions=kept))
    rows = []
    for part in parts:
        counted, n = part.summary()["all"], len(part.seeds)
        low, high = counted["uf1"]["interval"]
        clips = str(len(part.predictions) // n)
        rows.append(
            [part.name, clips, str(n), span(counted["uf1"], n), f"{low:.3f}–{high:.3f}",
             span(counted["uar"], n)]
        )  # fmt: skip
    return table(["people", "clips", "seeds", "UF1 (seeds)", "95 %", "UAR (seeds)"], rows)


def shipped() -> list[str]:
    scores = read_card(find("merba-s28")).scores
    cells = [f"{scores[k]:.4f}" for k in ("real_uf1", "real_uar", "simulated_uf1")]
    heads = ["weights", "UF1, 442 real maps", "UAR", "UF1, simulated maps never seen"]
    return table(heads, [["`merba-s28`, untouched", *cells]])


def draw() -> None:
    figure, axis = canvas(4.6, 46)
    steps = (
        (1, 13, "onset–apex\nflow\n2 × 224²", GREY),
        (17, 13, "stem: 2 conv\n/4\n128 × 56²", BLUE),
        (33, 13, "3 conv blocks\n\n128 × 56²", BLUE),
        (49, 17, "stage 2\n1 extractor, 2 att.\n256 × 28²\n16 windows", GREEN),
        (69, 17, "stage 3\n8 extractors, 2 att.\n512 × 14²\n4 windows", GREEN),
        (89, 17, "stage 4\n3 extractors, 2 att.\n1024 × 7²\n1 window", GREEN),
        (109, 20, "norm, mean\ncoarse: 4 classes\nfine: 4 negatives\n(or one head)", ORANGE),
    )
    boxes(axis, 31, 13, steps)
    axis.text(1, 26, "one extractor, on windows of 7 × 7 tokens", fontsize=11, weight="bold")
    inner = (
        (1, 13, "norm", GREY),
        (17, 24, "four orders: rows (hr),\ncolumns (vr), and both\nas snakes (hz, vz)", BLUE),
        (45, 30, "four mixers, one call\nhalf: conv 3 → selective scan\nhalf: conv 3", GREEN),
        (79, 20, "laid back, summed,\none linear", BLUE),
        (103, 26, "+ input, then norm, MLP × 4\n+ input", GREY),
    )  # fmt: skip
    boxes(axis, 11, 12, inner)
    axis.text(
        1, 5, "Attention blocks are the same with multi-head attention over the whole map in "
        "place of the orders and mixers.\nCoarse says negative, positive, surprise or others; "
        "fine decides among anger, disgust, fear and sadness where coarse says negative.",
        fontsize=10, va="center",
    )  # fmt: skip
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def main(paths: list[str]) -> None:
    draw()
    text = fill(PAGE.read_text(encoding="utf-8"), "sizes", presets())
    text = fill(text, "shipped", shipped())
    found = [from_json(Path(p).read_text(encoding="utf-8"), name=p) for p in paths]
    for report in found:
        if report.name == LIGHT:
            text = fill(text, "light", halves(report))
    reports = [report.summary() for report in found if report.name != LIGHT]
    for name, protocol in (("loso", "loso"), ("ablations", "5-fold")):
        chosen = [s for s in reports if s["protocol"] == protocol]
        if chosen:
            text = fill(text, name, composite(chosen))
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
