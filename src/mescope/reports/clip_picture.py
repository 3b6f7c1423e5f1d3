"""One expression as a picture: onset, apex, the motion between them, what the models say."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mescope.io.atomic import write_atomically
from mescope.motion.flow_colours import flow_colours
from mescope.results import Recognitions

ARROWS = 14  # px between them
FULL = 2.0  # px of motion that get the full colour, at least


def save_picture(result: Recognitions, path: str | Path) -> None:
    """Write a PNG; hue is the direction of motion, strength of colour how far.

    Raises:
        OutputError: the file cannot be written.
    """
    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.25))
    shown = ((result.pictures[0], f"onset, frame {result.onset}"),
             (result.pictures[1], f"apex, frame {result.apex}"))  # fmt: skip
    for axis, (picture, title) in zip(axes, shown, strict=False):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axis.set_title(title)
    _draw_motion(axes[2], result)
    for axis in axes[:3]:
        axis.set_axis_off()
    _draw_shares(axes[3], result)
    if any(one.simulated for one in result.found):
        figure.supxlabel("proposals of weights that learned from simulated faces", fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(Path(path), buffer.getvalue())


def draw_flow(axis: Axes, flow: NDArray[np.float32], full: float) -> None:
    """Draw flow (2, h, w) in colours, with arrows; ``full`` px are one spacing of arrows."""
    axis.imshow(flow_colours(flow, full))
    at = slice(ARROWS // 2, None, ARROWS)
    y, x = np.mgrid[: flow.shape[1], : flow.shape[2]][:, at, at]
    axis.quiver(
        x, y, flow[0, at, at], flow[1, at, at],
        angles="xy", scale_units="xy", scale=full / ARROWS, width=0.004,
    )  # fmt: skip


def _draw_motion(axis: Axes, result: Recognitions) -> None:
    flow = result.flow[:2] - np.median(result.flow[:2], (1, 2), keepdims=True)
    longest = max(FULL, float(np.percentile(np.hypot(*flow), 99)))
    draw_flow(axis, flow, longest)
    axis.set_title(f"motion, head's own left out\n(longest {longest:.1f} px)")


def _draw_shares(axis: Axes, result: Recognitions) -> None:
    classes = list(dict.fromkeys(name for one in result.found for name in one.shares))
    height = 0.8 / len(result.found)
    for number, one in enumerate(result.found):
        rows = np.arange(len(classes)) + number * height
        values = [one.shares.get(name, 0.0) for name in classes]
        bars = axis.barh(rows, values, height * 0.9, label=one.model)
        axis.bar_label(bars, fmt="%.2f", padding=2, fontsize=8)
    axis.set_yticks(np.arange(len(classes)) + 0.4 - height / 2, classes)
    axis.invert_yaxis()
    axis.set_xlim(0, 1.18)
    axis.set_title("share of each emotion")
    axis.legend(fontsize=8, loc="lower right")
