"""Find movements without any training: peaks of facial motion over its slow trend.

A spotter of its own, a baseline that a trained model has to beat, and the proposer of the
cascade (:mod:`mescope.spotting.cascade`).  It works on the same region flow as the models:

1. The flow of overlapping windows, each measured from its own first frame, is chained into one
   displacement of every region over the whole recording.
2. A running median is the resting position; what is left is motion that comes and goes.
   Drift, posture and the chain's small steps vanish with the median.  There are two trends:
   the short one leaves brief movements alone with a slowly moving face, the long one keeps
   movements of up to four seconds, which the short one would follow.
3. Neighbouring regions are averaged into groups (brows, mouth corners, lips, nose).  A group's
   motion counts in units of its threshold: ``mads`` robust standard deviations over its
   median, but never less than ``floor_px``, so that a still face yields nothing.
4. Peaks of the largest group are candidates.  A candidate ends on either side where the motion
   of all groups together falls to ``level`` of that at the peak, or where it begins to rise
   again (another movement begins).  Of two candidates for the same frames the stronger stays.
5. The emotion is a guess from the direction of motion at the peak (see :func:`_guess`).

Related to MDMD (Li et al. 2020), which compares frames a fixed distance apart instead.
All frames here are decimated frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection, Interval
from mescope.spotting.displacement import displacement
from mescope.spotting.peaks import find_peaks
from mescope.spotting.proposals import kind_of
from mescope.spotting.spotters import SPOTTERS, Spotter, Spotting
from mescope.spotting.traces import Floats, centred_smooth, valid_runs

if TYPE_CHECKING:
    from mescope.motion.roi_flow import RoiFlow
    from mescope.motion.windows import Timing

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

LOW_STRENGTH = 0.8
"""Candidates below (in thresholds) are not kept for the sensitivity control."""


@dataclass(frozen=True, kw_only=True)
class FlowPeaksRule:
    """The constants; px are those of the 320-px face crop."""

    trends_s: tuple[float, ...] = (1.2, 9.0)  # running medians; each loses what lasts over half
    mads: float = 4.0  # robust standard deviations above the median
    floor_px: float = 0.5  # smallest motion that counts
    floor: float = 1.0  # least strength of a candidate, in thresholds
    level: float = 0.25  # a candidate ends where motion falls to this share of its peak
    rise: float = 0.15  # or where it rises by this share again, having fallen well
    smooth: int = 3  # frames of the centred average
    shortest_s: float = 0.1
    longest_s: float = 4.5
    each_group: bool = False  # also peaks of single groups, which larger ones may hide
    alike: float = 0.5  # of two candidates with a higher IoU the stronger stays


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A movement that came and went, in decimated frames."""

    interval: Interval
    apex: int
    strength: float  # motion at the peak in thresholds
    motion: tuple[tuple[str, float, float], ...]  # group, x, y at the apex over the trend, px


@SPOTTERS.register("flow-peaks")
class FlowPeaks(Spotter):
    """Peaks of motion, without any training: a second opinion."""

    def spot(self, flow: RoiFlow) -> Spotting:
        """Return every movement down to a low floor; the threshold is a score of 0.5."""
        rule = FlowPeaksRule(floor=LOW_STRENGTH)
        found, trace = spot(flow.windows, flow.timing, flow.regions, flow.valid, rule)
        return Spotting(detections=tuple(found), score=trace, floor=0.5, movement=trace)


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
    found, trace = candidates(
        displacement(windows, timing.hop, valid), timing.rate, regions, rule
    )
    return [detection_of(one, timing.rate) for one in found], trace


def candidates(
    motion: Floats, rate: float, regions: Sequence[str], rule: FlowPeaksRule = FlowPeaksRule()
) -> tuple[list[Candidate], NDArray[np.float64]]:
    """Find movements that come and go.

    Args:
        motion: (n, 2R) displacement as of :func:`displacement`, px; nan without a face.
        rate: frames per second.
        regions: the R names.
        rule: the constants.

    Returns:
        Candidates in order of time, no two of which are alike; and the trace (n,) of the
        shortest trend, 0 to 1, 0.5 at the threshold.

    Raises:
        ValueError: none of the regions is known.
    """
    found: list[Candidate] = []
    traces = []
    for trend_s in rule.trends_s:
        groups = _groups(over_trend(motion, rate, trend_s), regions)
        ratios = {name: _in_thresholds(vectors, rule) for name, vectors in groups.items()}
        ratio = np.max(list(ratios.values()), axis=0)
        traces.append(ratio)
        looks = [(ratio, tuple(groups))]
        if rule.each_group:
            looks += [(own, (name,)) for name, own in ratios.items()]
        for own, moving in looks:
            for run in valid_runs(own):
                found += _run(own, groups, moving, run, rate, rule)
    return _strongest(found, rule.alike), traces[0] / (1.0 + traces[0])


def _run(
    ratio: Floats,
    groups: Mapping[str, Floats],
    moving: Sequence[str],
    run: tuple[int, int],
    rate: float,
    rule: FlowPeaksRule,
) -> list[Candidate]:
    """Return the candidates of one trend in one run of frames with a face.

    Edges are those of the motion of the groups ``moving`` together.
    """
    first, last = run
    smooth = centred_smooth(ratio[first : last + 1], rule.smooth)
    together = np.concatenate([groups[name][first : last + 1] for name in moving], axis=1)
    length = centred_smooth(np.linalg.norm(together, axis=1), rule.smooth)
    padded = np.concatenate([[0.0], smooth, [0.0]])  # a movement may be cut off by the end
    peaks, _ = find_peaks(padded, height=rule.floor, prominence=0.25 * rule.floor)
    found = []
    for peak in peaks - 1:
        begin, end = _edges(length, int(peak), rule)
        if not rule.shortest_s <= (end - begin) / rate + 1e-9 or (
            (end - begin) / rate > rule.longest_s
        ):
            continue
        found.append(
            Candidate(
                interval=Interval(begin + first, end + first),
                apex=int(peak) + first,
                strength=float(smooth[peak]),
                motion=tuple(
                    (name, float(v[peak + first, 0]), float(v[peak + first, 1]))
                    for name, v in groups.items()
                ),
            )
        )
    return found


def _edges(length: Floats, peak: int, rule: FlowPeaksRule) -> tuple[int, int]:
    """Return the first and the last frame of the movement that peaks at ``peak``.

    Outwards from the peak until the motion falls to ``level`` of it, or rises again by
    ``rise`` after having fallen below 0.7: the valley between is the end.
    """
    share = length / max(float(length[peak]), 1e-9)
    ends = []
    for step, stop in ((-1, -1), (1, len(share))):
        lowest, at = 1.0, peak
        for i in range(peak + step, stop, step):
            if share[i] < lowest:
                lowest, at = float(share[i]), i
            if share[i] < rule.level:
                at = i - step
                break
            if lowest < 0.7 and share[i] > lowest + rule.rise:
                break
        ends.append(at)
    return ends[0], ends[1]


def _strongest(found: list[Candidate], alike: float) -> list[Candidate]:
    """Keep the stronger of candidates whose IoU is above ``alike``."""
    ranked = sorted(found, key=lambda c: (-c.strength, c.interval))
    first = np.array([c.interval.first for c in ranked])
    last = np.array([c.interval.last for c in ranked])
    kept: list[int] = []
    for i in range(len(ranked)):
        shared = np.minimum(last[kept], last[i]) - np.maximum(first[kept], first[i]) + 1
        both = np.maximum(last[kept], last[i]) - np.minimum(first[kept], first[i]) + 1
        if not (np.maximum(shared, 0) / both > alike).any():  # `both` is the union if shared
            kept.append(i)
    return sorted((ranked[i] for i in kept), key=lambda c: c.interval)


def over_trend(trace: Floats, rate: float, trend_s: float) -> NDArray[np.float64]:
    """Subtract the running median of ``trend_s`` seconds from (n, c), run by run of frames.

    The median of a long stretch is taken of every few frames: a slow trend needs no more.
    """
    from scipy.ndimage import median_filter  # a quarter of a second that most commands need not

    skip = max(1, round(trend_s * rate / 60))
    half = max(1, int(trend_s * rate / skip / 2))
    out = np.full(trace.shape, np.nan)
    for first, last in valid_runs(trace[:, 0]):
        run = trace[first : last + 1]
        frames = np.arange(len(run))
        wide = np.ascontiguousarray(_continued(run[::skip], half).T)
        slow = [  # column by column: SciPy's filter is ten times as fast in one dimension
            np.interp(frames, frames[::skip], median_filter(column, 2 * half + 1)[half:-half])
            for column in wide
        ]
        out[first : last + 1] = run - np.stack(slow, axis=1)
    return out


def _continued(run: Floats, half: int) -> NDArray[np.float64]:
    """Return (n, c) with ``half`` more frames at both ends, on robust lines through the ends.

    Repeating the last frame instead would make a movement that is still going on when the
    recording ends a part of its own trend.
    """
    outside = np.arange(1, half + 1)[:, None]
    span = min(len(run), 2 * half + 1)
    parts = []
    for end in (run[:span][::-1], run[-span:]):
        lag = max(1, span // 2)
        slope = np.median(end[lag:] - end[:-lag], axis=0) / lag if span > lag else 0.0
        past = np.arange(1 - span, 1)[:, None]
        parts.append(np.median(end - slope * past, axis=0) + slope * outside)
    return np.concatenate([parts[0][::-1], run, parts[1]])


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


def detection_of(one: Candidate, rate: float) -> Detection:
    """Return the detection of a candidate, with an emotion guessed from its direction."""
    return Detection(
        interval=one.interval,
        kind=kind_of(one.interval, rate),
        score=one.strength / (1.0 + one.strength),
        apex=one.apex,
        emotion=_guess({name: (x, y) for name, x, y in one.motion}),
    )


def _guess(motion: Mapping[str, tuple[float, float]]) -> str:
    """Guess an emotion from the vectors (x, y) of the groups at the peak; y grows downwards.

    Brows up: surprise.  Mouth corners up: positive.  Brows down or nose up: negative.
    Whichever of them is the largest wins, if it is half of the largest motion or more; the
    rest is others.  A rule of thumb after the action units AU1+2, AU12, AU4 and AU9.
    """
    down = {name: vector[1] for name, vector in motion.items()}
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
