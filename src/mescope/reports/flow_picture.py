"""Motion and magnified motion of a face as a picture and as a short video."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mescope.io.atomic import write_atomically
from mescope.motion.flow_colours import colour_wheel, flow_colours
from mescope.reports.clip_picture import ARROWS, FULL, draw_flow
from mescope.results import MagnifiedMotion

FRAMES, RATE = 50, 25  # of the video: two seconds, there and back
_WHEEL = 129  # px


def save_flow_picture(motion: MagnifiedMotion, path: str | Path) -> None:
    """Write a PNG: the onset, the motion as measured and magnified, the wheel of colours.

    Both maps are coloured on one scale; hue is direction, strength of colour how far.

    Raises:
        OutputError: the file cannot be written.
    """
    figure = Figure(figsize=(12.0, 3.8), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 0.6))
    axes[0].imshow(motion.pictures[0], cmap="gray", vmin=0, vmax=255)
    axes[0].set_title(f"onset, frame {motion.onset}")
    full = _full(motion)
    _draw(axes[1], _shown(motion.flow), full, f"motion to frame {motion.apex}")
    _draw(axes[2], _shown(motion.magnified), full, f"x {motion.factor:g}, {motion.by}")
    axes[3].imshow(colour_wheel(_WHEEL))
    axes[3].set_title(f"direction; rim: {full:.1f} px")
    for axis in axes:
        axis.set_axis_off()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(Path(path), buffer.getvalue())


def flow_frames(motion: MagnifiedMotion) -> NDArray[np.uint8]:
    """Return a clip (50, S, 2 S, 3): the onset moved there and back, and the motion over it.

    The left half shows the onset frame displaced by the magnified motion.
    """
    onset, flow = motion.pictures[0], _shown(motion.magnified)
    full = _full(motion)
    rows, columns = np.mgrid[: onset.shape[0], : onset.shape[1]].astype(np.float32)
    frames = []
    for share in 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAMES) / FRAMES):
        now = (share * flow).astype(np.float32)
        moved = cv2.remap(
            onset, columns - now[0], rows - now[1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        over = 0.5 * onset[..., None] + 0.5 * flow_colours(now, full)
        coloured = _with_arrows(np.asarray(np.rint(over), np.uint8), now)
        frames.append(np.hstack([np.repeat(moved[..., None], 3, -1), coloured]))
    return np.stack(frames)


def _with_arrows(picture: NDArray[np.uint8], flow: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the picture with an arrow of three times its length wherever a pixel moves."""
    drawn = picture.copy()
    for y in range(ARROWS // 2, flow.shape[1], ARROWS):
        for x in range(ARROWS // 2, flow.shape[2], ARROWS):
            u, v = 3 * flow[:, y, x]
            if np.hypot(u, v) >= 3:
                cv2.arrowedLine(drawn, (x, y), (round(x + u), round(y + v)), (0, 0, 0), 1)
    return drawn


def _shown(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return flow at the side of the pictures, without the median, which is the head's own."""
    side = 224
    planes = [cv2.resize(plane, (side, side), interpolation=cv2.INTER_LINEAR) for plane in flow]
    still = np.stack(planes) - np.median(flow, (1, 2))[:, None, None]
    return still.astype(np.float32)


def _full(motion: MagnifiedMotion) -> float:
    return max(FULL, float(np.percentile(np.hypot(*_shown(motion.magnified)), 99)))


def _draw(axis: Axes, flow: NDArray[np.float32], full: float, title: str) -> None:
    draw_flow(axis, flow, full)
    axis.set_title(title)
