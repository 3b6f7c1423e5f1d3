"""How much every region moved, frame by frame, as a strip of transparencies."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.results import VISIBLE
from mescope.spotting.displacement import displacement
from mescope.spotting.flow_peaks import over_trend

if TYPE_CHECKING:
    from mescope.samples.recording_windows import RecordingWindows

TREND_S = 2.0
"""Motion is measured from where a region is in the middle of this long (running median)."""

LEAST_PX = 1.0
"""What is shown darkest is at least so much motion, however still a recording is."""

_COLOUR = (150, 140, 46)  # blue, green, red: seen on light and on dark paper


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStrip:
    """Motion (n, R) in px of the face crop at ``times`` in seconds; ``most`` is darkest."""

    times: NDArray[np.float64]
    motion: NDArray[np.float64]
    regions: tuple[str, ...]
    most: float


def flow_strip(one: RecordingWindows) -> FlowStrip:
    """Return how far every region is from where it usually is, for the whole recording."""
    moved = displacement(one.windows, one.timing.hop, one.valid)
    vectors = over_trend(moved, one.timing.rate, TREND_S).reshape(len(moved), -1, 2)
    motion = np.hypot(vectors[..., 0], vectors[..., 1])
    seen = motion[np.isfinite(motion)]
    most = float(np.percentile(seen, 99.5)) if len(seen) else LEAST_PX
    return FlowStrip(
        times=one.frames[: len(motion)] / one.recording.rate, motion=motion,
        regions=one.regions, most=max(most, LEAST_PX),
    )  # fmt: skip


def strip(flow: FlowStrip, start: float, end: float, *, columns: int) -> str:
    """Return a picture of ``start`` to ``end`` seconds as a data address; regions downwards.

    A column shows the largest motion of its time.  What is too little to be believed
    (:data:`mescope.results.VISIBLE`) is empty, and so are frames without a face.
    """
    places = np.linspace(start, end, columns + 1)
    edges = np.searchsorted(flow.times, places)
    last = len(flow.times) - 1
    until = min(max(int(edges[-1]), 1), last + 1)
    motion = np.nan_to_num(flow.motion[:until])
    shown = np.maximum.reduceat(motion, np.minimum(edges[:-1], until - 1), axis=0).T
    shown[:, places[:-1] > flow.times[last]] = 0.0
    alpha = np.clip((shown - VISIBLE) / (flow.most - VISIBLE), 0.0, 1.0) ** 1.2 * 255
    picture = np.empty((*shown.shape, 4), np.uint8)
    picture[..., :3] = _COLOUR
    picture[..., 3] = alpha.round().astype(np.uint8)
    _, png = cv2.imencode(".png", picture)
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()
