"""What the scripts that fill pages share: tables of figures, marks to fill, boxes to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mescope.evaluation.report_files import from_json

BLUE, GREEN, ORANGE, GREY = "#dbe9f6", "#dff0d8", "#fbe3cd", "#eeeeee"
PARTS = ("casme2", "samm", "smic")
"""Data sets of the composite."""

Box = tuple[float, float, str, str]
"""Left edge, width, text, colour."""


def row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [row(heads), row(["---"] * len(heads)), *map(row, rows)]


def span(figure: dict[str, Any], seeds: int) -> str:
    text = f"**{figure['mean']:.4f}**"
    return text + (f" ({figure['min']:.4f}–{figure['max']:.4f})" if seeds > 1 else "")


def fill(text: str, name: str, lines: list[str]) -> str:
    """Return the page with the lines between the marks of ``name``."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return "\n".join([before + begin, "", *lines, "", end]) + after


def summaries(paths: list[str]) -> list[dict[str, Any]]:
    """Return what reports add up to."""
    return [from_json(Path(p).read_text(encoding="utf-8"), name=p).summary() for p in paths]


def figures(found: list[dict[str, Any]]) -> list[list[str]]:
    """Return a row for each report, the best first: see :data:`FIGURES`."""
    rows = []
    for s in sorted(found, key=lambda s: -s["all"]["uf1"]["mean"]):
        part, n = s["all"], len(s["seeds"])
        low, high = part["uf1"]["interval"]
        parts = [f"{s['datasets'][name]['uf1']['mean']:.4f}" for name in PARTS]
        rows.append(
            [s["name"], str(n), span(part["uf1"], n), f"{low:.3f}–{high:.3f}",
             span(part["uar"], n), *parts]
        )  # fmt: skip
    return rows


FIGURES = ["recipe", "seeds", "UF1 (seeds)", "95 %", "UAR (seeds)"]
"""Heads of the first columns of :func:`figures`; UF1 of the data sets follow."""


def composite(found: list[dict[str, Any]]) -> list[str]:
    """Return the table of reports on the composite."""
    return table([*FIGURES, "CASME II", "SAMM", "SMIC"], figures(found))


def sizes(build: Mapping[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...]]]) -> list[str]:
    """Return a table of presets: input, parameters and FLOPs of one clip.

    Args:
        build: by the preset's name what makes the network, and what one clip gives it.
    """
    rows = []
    for name, (make, inputs) in build.items():
        model = make().eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(*inputs)
        shapes = ", ".join(" × ".join(map(str, part.shape[1:])) for part in inputs)
        count = sum(p.numel() for p in model.parameters())
        rows.append(
            [f"`{name}`", shapes, f"{count:,}", f"{counter.get_total_flops() / 1e9:.3f}"]
        )
    return table(["preset", "input", "parameters", "GFLOPs a clip"], rows)


def canvas(inches: float, height: float) -> tuple[Figure, Any]:
    """Return an empty figure 130 wide and ``height`` high to draw boxes on."""
    figure = Figure(figsize=(13, inches), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(0, 130)
    axis.set_ylim(0, height)
    axis.set_axis_off()
    return figure, axis


def boxes(axis: Any, y: float, height: float, steps: Sequence[Box]) -> None:
    """Draw boxes in a line with arrows between them."""
    for number, (x, width, text, colour) in enumerate(steps):
        shape = FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0.3", facecolor=colour,
            edgecolor="#555555",
        )  # fmt: skip
        axis.add_patch(shape)
        axis.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=9)
        if number:
            before = steps[number - 1]
            middle = y + height / 2
            arrow(axis, (before[0] + before[1] + 0.3, middle), (x - 0.3, middle))


def arrow(axis: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->"})
