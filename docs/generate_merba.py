"""Fill the tables of docs/models/merba.md and draw its figure.

    python docs/generate_merba.py runs/*/report.json

Figures are counted from the predictions in the reports, sizes and costs from the networks;
nothing is typed in by hand.  Without reports only the figure and the sizes are made anew.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import torch
from generate_flow28 import span, table
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch.utils.flop_counter import FlopCounterMode

from mescope.evaluation.report import Report
from mescope.evaluation.stored import from_json
from mescope.models.merba import PRESETS, Merba
from mescope.models.weights import find, read_card

LIGHT = "merba-3db-flow28-light"
DOCS = Path(__file__).parent
PAGE, PICTURE = DOCS / "models" / "merba.md", DOCS / "images" / "merba.png"
BLUE, GREEN, ORANGE, GREY = "#dbe9f6", "#dff0d8", "#fbe3cd", "#eeeeee"


def fill(text: str, name: str, lines: list[str]) -> str:
    """Return the page with the lines between the marks of ``name``."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return "\n".join([before + begin, "", *lines, "", end]) + after


def sizes() -> list[str]:
    rows = []
    for name, config in PRESETS.items():
        with torch.device("meta"):
            model = Merba(config).eval()
            flow = torch.empty(1, config.channels, config.side, config.side)
        count = sum(p.numel() for p in model.parameters())
        model = Merba(config).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.zeros(flow.shape))
        rows.append(
            [f"`{name}`", f"{config.channels} × {config.side} × {config.side}",
             f"{count:,}", f"{counter.get_total_flops() / 1e9:.3f}"]
        )  # fmt: skip
    return table(["preset", "input", "parameters", "GFLOPs a clip"], rows)


def real(summaries: list[dict[str, Any]]) -> list[str]:
    rows = []
    for s in sorted(summaries, key=lambda s: -s["all"]["uf1"]["mean"]):
        part, n = s["all"], len(s["seeds"])
        low, high = part["uf1"]["interval"]
        parts = [f"{s['datasets'][d]['uf1']['mean']:.4f}" for d in ("casme2", "samm", "smic")]
        rows.append(
            [s["name"], str(n), span(part["uf1"], n), f"{low:.3f}–{high:.3f}",
             span(part["uar"], n), *parts]
        )  # fmt: skip
    heads = ["recipe", "seeds", "UF1 (seeds)", "95 %", "UAR (seeds)"]
    return table([*heads, "CASME II", "SAMM", "SMIC"], rows)


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
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(0, 130)
    axis.set_ylim(0, 46)
    axis.set_axis_off()
    steps = (
        (1, 13, "onset–apex\nflow\n2 × 224²", GREY),
        (17, 13, "stem: 2 conv\n/4\n128 × 56²", BLUE),
        (33, 13, "3 conv blocks\n\n128 × 56²", BLUE),
        (49, 17, "stage 2\n1 extractor, 2 att.\n256 × 28²\n16 windows", GREEN),
        (69, 17, "stage 3\n8 extractors, 2 att.\n512 × 14²\n4 windows", GREEN),
        (89, 17, "stage 4\n3 extractors, 2 att.\n1024 × 7²\n1 window", GREEN),
        (109, 20, "norm, mean\ncoarse: 4 classes\nfine: 4 negatives\n(or one head)", ORANGE),
    )
    for number, (x, width, text, colour) in enumerate(steps):
        _box(axis, x, 31, width, 13, text, colour)
        if number:
            _arrow(axis, steps[number - 1][0] + steps[number - 1][1], x, 37.5)
    axis.text(1, 26, "one extractor, on windows of 7 × 7 tokens", fontsize=11, weight="bold")
    inner = (
        (1, 13, "norm", GREY),
        (17, 24, "four orders: rows (hr),\ncolumns (vr), and both\nas snakes (hz, vz)", BLUE),
        (45, 30, "four mixers, one call\nhalf: conv 3 → selective scan\nhalf: conv 3", GREEN),
        (79, 20, "laid back, summed,\none linear", BLUE),
        (103, 26, "+ input, then norm, MLP × 4\n+ input", GREY),
    )  # fmt: skip
    for number, (x, width, text, colour) in enumerate(inner):
        _box(axis, x, 11, width, 12, text, colour)
        if number:
            _arrow(axis, inner[number - 1][0] + inner[number - 1][1], x, 17)
    axis.text(
        1, 5, "Attention blocks are the same with multi-head attention over the whole map in "
        "place of the orders and mixers.\nCoarse says negative, positive, surprise or others; "
        "fine decides among anger, disgust, fear and sadness where coarse says negative.",
        fontsize=10, va="center",
    )  # fmt: skip
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def _box(
    axis: Any, x: float, y: float, width: float, height: float, text: str, colour: str
) -> None:
    shape = FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0.3", facecolor=colour, edgecolor="#555555"
    )
    axis.add_patch(shape)
    axis.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=9)


def _arrow(axis: Any, start: float, end: float, y: float) -> None:
    axis.annotate("", (end - 0.3, y), (start + 0.3, y), arrowprops={"arrowstyle": "->"})


def main(paths: list[str]) -> None:
    draw()
    text = fill(PAGE.read_text(encoding="utf-8"), "sizes", sizes())
    text = fill(text, "shipped", shipped())
    found = [from_json(Path(p).read_text(encoding="utf-8"), name=p) for p in paths]
    for report in found:
        if report.name == LIGHT:
            text = fill(text, "light", halves(report))
    reports = [report.summary() for report in found if report.name != LIGHT]
    for name, protocol in (("loso", "loso"), ("ablations", "5-fold")):
        chosen = [s for s in reports if s["protocol"] == protocol]
        if chosen:
            text = fill(text, name, real(chosen))
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
