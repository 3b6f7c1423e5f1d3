"""Rates of a study as a figure: people as dots, groups with their intervals."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
INK, MARK = "0.45", "#14639a"
_NAMES = {
    "micro": "micro-expressions", "macro": "macro-expressions", "blink": "blinks",
    "speech": "stretches of speech", "head": "head movements", "gaze": "gaze shifts",
}  # fmt: skip
_LONGEST = 18  # letters of a condition


def rates_figure(rows: Sequence[Mapping[str, Any]], form: str) -> bytes:
    """Return a panel for each event that happened, as SVG, PNG or PDF.

    Args:
        rows: with level (all, condition or person), condition, event, a_minute, low and high.
        form: a name in :data:`FORMATS`.
    """
    import matplotlib  # the app starts without it
    from matplotlib.figure import Figure

    events = list(dict.fromkeys(row["event"] for row in rows if row["number"]))
    shown = events or list(dict.fromkeys(row["event"] for row in rows))[:1]
    columns = min(3, max(1, len(shown)))
    lines = -(-len(shown) // columns) if shown else 1
    figure = Figure(figsize=(3.2 * columns, 2.8 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis, event in zip(axes, shown, strict=False):
        _draw(axis, event, [row for row in rows if row["event"] == event])
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    if not shown:
        axes[0].set_title("no recording counts yet", fontsize=9)
        axes[0].set_axis_off()
    buffer = io.BytesIO()
    # no date, no chance: equal studies give equal files
    kept = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with matplotlib.rc_context({"svg.hashsalt": "mescope"}):
        figure.savefig(buffer, format=form, dpi=150, metadata=kept)
    return buffer.getvalue()


def _draw(axis: Axes, event: str, rows: Sequence[Mapping[str, Any]]) -> None:
    groups = [row for row in rows if row["level"] == "condition"]
    groups = groups or [row for row in rows if row["level"] == "all"]
    for at, group in enumerate(groups):
        every = group["level"] == "all"
        own = [
            row
            for row in rows
            if row["level"] == "person"
            and row["a_minute"] is not None
            and (every or row["condition"] == group["condition"])
        ]
        for number, row in enumerate(own):
            x = at - 0.28 + 0.36 * (number + 0.5) / len(own)
            axis.vlines(x, row["low"], row["high"], color=INK, linewidth=0.7, alpha=0.6)
            axis.plot(x, row["a_minute"], "o", color=INK, markersize=3)
        if group["a_minute"] is not None:
            if group["low"] is not None:
                axis.vlines(at + 0.2, group["low"], group["high"], color=MARK, linewidth=2.5)
            axis.plot(at + 0.2, group["a_minute"], "s", color=MARK, markersize=6)
    names = [str(g["name"]) for g in groups]
    short = [n if len(n) <= _LONGEST else f"{n[: _LONGEST - 1]}…" for n in names]
    axis.set_xticks(range(len(groups)), short, fontsize=8, parse_math=False)
    axis.set_xlim(-0.6, max(0, len(groups) - 1) + 0.6)
    axis.set_ylim(bottom=0)
    axis.tick_params(axis="y", labelsize=8)
    axis.set_ylabel("a minute of judged time", fontsize=8)
    axis.set_title(_NAMES.get(event, event), fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
