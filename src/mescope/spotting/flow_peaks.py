"""Find expressions without any training: peaks of facial motion over its slow trend.

A baseline that a trained model has to beat, and a second opinion beside one.  It works on the
same region flow as the models:

1. The flow of overlapping windows, each measured from its own first frame, is chained into one
   displacement of every region over the whole recording.
2. A running median of ``trend_s`` seconds is the resting position; what is left is motion that
   comes and goes.  Drift, posture and the chain's small steps vanish with the median.
3. Neighbouring regions are averaged into groups (brows, mouth corners, lips, nose).  A group's
   motion counts in units of its threshold: ``mads`` robust standard deviations over its
   median, but never less than ``floor_px``, so that a still face yields nothing.
4. The largest of the groups is the trace; its peaks above 1 become intervals by the rule of
   :mod:`mescope.spotting.proposals`, which end where the motion falls to ``level`` of its peak.
5. The emotion is a guess from the direction of motion at the peak (see :func:`_guess`).

Related to MDMD (Li et al. 2020), which compares frames a fixed distance apart instead.
All frames here are decimated frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from mescope.events import Detection, Interval
from mescope.spotting.proposals import ProposalRule, kind_of, peak_intervals
from mescope.spotting.traces import Floats, stitch, valid_runs

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "brow_l": ("BROW_L", "BROW_L_20", "BROW_L_19", "BROW_L_18"),
        "brow_r": ("BROW_R", "BROW_R_23", "BROW_R_24", "BROW_R_25"),
        "corner_l": ("MOUTH_48",),
        "corner_r": ("MOUTH_54",),
        "lips": ("MOUTH", "MOUTH_51", "MOUTH_57", "MOUTH_62"),
        "nose": ("NOSE_31", "NOSE_35"),
    }
)
"""Regions that are averaged; the strips below the eyes are left out: every blink moves them."""


class Timing(Protocol):
    """What is needed of :class:`mescope.video.roi_flow.Timing`."""

    @property
    def hop(self) -> int:
        """Frames from one window to the next."""

    @property
    def rate(self) -> float:
        """Frames per second after decimation."""


@dataclass(frozen=True, kw_only=True)
class FlowPeaksRule:
    """The constants, set once on simulated faces; px are those of the 320-px face crop."""

    trend_s: float = 1.2  # running median; motion that lasts over half as long fades into it
    mads: float = 4.0  # robust standard deviations above the median
    floor_px: float = 0.5  # smallest motion that counts
    level: float = 0.5  # an interval ends where motion falls to this share of its peak
    smooth: int = 3  # frames of the centred average


def spot(
    windows: Floats,
    timing: Timing,
    regions: Sequence[str],
    valid: NDArray[np.bool_] | None = None,
    rule: FlowPeaksRule = FlowPeaksRule(),
) -> tuple[list[Detection], NDArray[np.float64]]:
    """Find expressions in the region flow of one recording.

    Args:
        windows: (W, 2R, k), region-major, x then y, px since the window's first frame.
        timing: hop and rate of the windows.
        regions: the names of the R regions.
        valid: (W, k), False where there is no face.
        rule: the constants.

    Returns:
        Detections in decimated frames, in order; and the trace (n,), 0 to 1, 0.5 at the
        threshold, nan where there is no face.

    Raises:
        ValueError: the regions do not fit the windows, or none of them is known.
    """
    if windows.ndim != 3 or windows.shape[1] != 2 * len(regions):
        raise ValueError(f"{len(regions)} regions do not fit windows of shape {windows.shape}")
    motion = _over_trend(displacement(windows, timing.hop, valid), timing.rate, rule.trend_s)
    groups = _groups(motion, regions)
    ratio = np.max([_in_thresholds(vectors, rule) for vectors in groups.values()], axis=0)
    shape = ProposalRule(level=rule.level, smooth=rule.smooth)
    found = []
    for first, last in valid_runs(ratio):
        for part, height in peak_intervals(ratio[first : last + 1], 1.0, timing.rate, shape):
            interval = Interval(part.first + first, part.last + first)
            found.append(_detection(interval, height, ratio, groups, timing.rate))
    return found, ratio / (1.0 + ratio)


def displacement(
    windows: Floats, hop: int, valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Chain windows (W, 2R, k) into displacement from the first frame, (n, 2R), px.

    Window j's own first frame is frame ``hop`` of window j - 1, so the displacement there is
    what window j adds to.  Where it was not seen, the chain goes on as if nothing had moved.
    """
    steps = np.zeros((len(windows), windows.shape[1]))
    steps[1:] = windows[:-1, :, hop]
    if valid is not None:
        steps[1:][~valid[:-1, hop]] = 0.0
    chained = windows.transpose(0, 2, 1) + np.cumsum(steps, axis=0)[:, None]  # (W, k, 2R)
    return stitch(chained, hop, valid=valid)


def _over_trend(trace: Floats, rate: float, trend_s: float) -> NDArray[np.float64]:
    """Subtract the running median of every channel from (n, c), run by run."""
    length = 2 * int(trend_s * rate / 2) + 1
    out = np.full(trace.shape, np.nan)
    for first, last in valid_runs(trace[:, 0]):
        run = trace[first : last + 1]
        out[first : last + 1] = run - median_filter(run, size=(length, 1), mode="nearest")
    return out


def _groups(motion: Floats, regions: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the mean vector of every group that has regions here, (n, 2) each."""
    vectors = motion.reshape(len(motion), len(regions), 2)
    index = {name: i for i, name in enumerate(regions)}
    groups = {}
    for group, members in GROUPS.items():
        present = [index[name] for name in members if name in index]
        if present:
            groups[group] = vectors[:, present].mean(axis=1)
    if not groups:
        raise ValueError(f"none of the regions {', '.join(regions)} is known")
    return groups


def _in_thresholds(vectors: Floats, rule: FlowPeaksRule) -> NDArray[np.float64]:
    """Return the length of vectors (n, 2) over their threshold."""
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    seen = length[~np.isnan(length)]
    if len(seen) == 0:
        return length
    median = float(np.median(seen))
    deviation = 1.4826 * float(np.median(np.abs(seen - median)))
    return np.asarray(length / max(rule.floor_px, median + rule.mads * deviation))


def _detection(
    interval: Interval,
    height: float,
    ratio: Floats,
    groups: Mapping[str, Floats],
    rate: float,
) -> Detection:
    apex = interval.first + int(np.argmax(ratio[interval.first : interval.last + 1]))
    return Detection(
        interval=interval,
        kind=kind_of(interval, rate),
        score=height / (1.0 + height),
        apex=apex,
        emotion=_guess({name: vectors[apex] for name, vectors in groups.items()}),
    )


def _guess(motion: Mapping[str, Floats]) -> str:
    """Guess an emotion from the vectors (x, y) of the groups at the peak; y grows downwards.

    Brows up: surprise.  Mouth corners up: positive.  Brows down or nose up: negative.
    Whichever of them is the largest wins, if it is half of the largest motion or more; the
    rest is others.  A rule of thumb after the action units AU1+2, AU12, AU4 and AU9.
    """
    down = {name: float(vector[1]) for name, vector in motion.items()}
    brows = [down[name] for name in ("brow_l", "brow_r") if name in down]
    corners = [down[name] for name in ("corner_l", "corner_r") if name in down]
    brow = float(np.mean(brows)) if brows else 0.0
    evidence = {
        "surprise": -brow,
        "positive": -float(np.mean(corners)) if corners else 0.0,
        "negative": max(brow, -down.get("nose", 0.0)),
    }
    best = max(evidence, key=evidence.__getitem__)
    largest = max(float(np.hypot(*vector)) for vector in motion.values())
    return best if evidence[best] >= 0.5 * largest else "others"
