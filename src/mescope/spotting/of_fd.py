"""OF-FD: waves in how far single regions are from where a stretch of seven seconds began.

Paper   "Research on Micro-Expression Spotting Method Based on Optical Flow Features", He
        Yuhong, ACM MM 2021 (MEGC2021); spotter of "A Micro-expression spotting and recognition
        method based on optical flow", MEGC2024
Code    hitheyuhong/MEGC2024-CODE, read only: it has no licence, nothing is copied
Input   region flow, px of the face crop, as every spotter gets it
Output  Spotting; no emotions

The rule, for each of the 16 regions of brows, mouth and nose and each stretch of 200 frames at
30 a second:

1. f(t): length of the region's motion since the first frame of the stretch, px, without what is
   faster than 5 Hz.
2. Of frames with f - min(f) of at least 1.4 px, those count that stand out of the frames within
   a second of them: by 1.925 px (brows), 1.85 (mouth) or 2.1 (nose), and by 0.8 px once the
   trend of the stretch is off.  Frames less than 0.1 s apart are one wave.
3. A wave is widened on both sides until f falls to a third of its height or rises again; one of
   0.67 s or more with a deep valley (0.7 px and a third of either side) is cut in two there.
4. Waves of all regions that share more than a tenth of the shorter one are one movement; it is
   kept if it lasts from 0.4 to 6.7 s.

The next stretch begins half of one later, but before or behind a movement that lies there.

Differences from the published one:
* Motion is that of our regions, chained over windows, the head's motion taken out of all of
  them together; published is flow from the first frame of the stretch itself, less the nose's.
  Regions, crop and px are the same, so its constants are kept.
* The trend that is taken off is a straight line; published is the last residue of an empirical
  mode decomposition.
* The low pass is a cosine transform, whose ends are mirrored: with a Fourier transform the end
  of a stretch ran over into its beginning.
* Where the lowest point lies within a wave already, the code moves its ends inwards; here they
  stay.
All frames here are decimated frames; constants are in seconds, so that other rates can be had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection, Interval
from mescope.spotting.displacement import displacement
from mescope.spotting.over_threshold import (
    FAINT,
    as_score,
    detection_in,
    stretches,
    with_fainter,
)
from mescope.spotting.spotters import SPOTTERS, Spotter, Spotting
from mescope.spotting.traces import Floats, valid_runs

if TYPE_CHECKING:
    from mescope.motion.roi_flow import RoiFlow


@dataclass(frozen=True, kw_only=True)
class OfFdRule:
    """The constants, those of the published code for CAS(ME)^2; px of the 320-px face crop."""

    stretch_s: float = 200 / 30
    pass_hz: float = 5.0  # faster motion is noise
    rise_px: float = 1.4  # over the lowest point of the stretch
    brow_px: float = 1.925  # over the lowest point within around_s
    mouth_px: float = 1.85
    nose_px: float = 2.1
    untrended_px: float = 0.8  # the same once the trend is off
    around_s: float = 1.0
    gap_s: float = 0.1  # frames nearer than this are one wave
    level: float = 0.33  # of its height, where a wave ends
    valley_px: float = 0.7
    valley_s: float = 20 / 30  # shortest wave that is cut in two
    overlap: float = 0.1  # of the shorter of two waves that are one movement
    shortest_s: float = 0.4
    longest_s: float = 200 / 30

    def __post_init__(self) -> None:
        if min(asdict(self).values()) <= 0.0:
            raise ValueError("the constants of OF-FD must be above 0")
        if not (self.level < 1.0 and self.overlap <= 1.0 and self.shortest_s < self.longest_s):
            raise ValueError("expected level below 1, overlap up to 1, shortest_s < longest_s")

    def threshold(self, region: str) -> float | None:
        """Return the height that counts in a region, px; None where none is looked for."""
        heights = {"BROW": self.brow_px, "MOUTH": self.mouth_px, "NOSE": self.nose_px}
        return heights.get(region.split("_")[0])


SAMM_LV = OfFdRule(
    brow_px=1.65, mouth_px=1.5, nose_px=1.5, overlap=0.34, shortest_s=0.35,
)  # fmt: skip
"""The constants of the published code for SAMM Long Videos, which it takes at 28.6 a second."""


@SPOTTERS.register("of-fd")
class OfFd(Spotter):
    """OF-FD (He Yuhong, winner of MEGC2021): waves in the motion of single regions."""

    rule = OfFdRule()

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The constants."""
        return asdict(self.rule)

    def spot(self, flow: RoiFlow) -> Spotting:
        """Return every movement down to a low floor; the threshold is a score of 0.5."""
        motion = displacement(flow.windows, flow.timing.hop, flow.valid)
        rate, regions = flow.timing.rate, flow.regions
        found, ratio = movements(motion, rate, regions, self.rule)
        faint, _ = movements(motion, rate, regions, self.rule, least=FAINT)
        return Spotting(
            detections=with_fainter(
                [detection_in(one, ratio, rate) for one in found],
                [_below(one, ratio, rate) for one in faint],
            ),
            score=as_score(ratio),
            floor=0.5,
        )


def _below(interval: Interval, ratio: Floats, rate: float) -> Detection:
    """Return a detection that is never shown: it reaches only the lower thresholds."""
    return detection_in(interval, np.minimum(ratio, 0.99), rate)


def movements(
    motion: Floats,
    rate: float,
    regions: Sequence[str],
    rule: OfFdRule = OfFdRule(),
    *,
    least: float = 1.0,
) -> tuple[list[Interval], NDArray[np.float64]]:
    """Find the waves of a recording.

    Args:
        motion: (n, 2R) displacement as of :func:`displacement`, px; nan without a face.
        rate: frames per second.
        regions: the R names; those of other parts than brows, mouth and nose are not used.
        rule: the constants.
        least: factor on all px.

    Returns:
        Movements in order of time, no two of which overlap much; and the trace (n,): height of
        the highest wave over its threshold, nan without a face.

    Raises:
        ValueError: none of the regions is known.
    """
    used = [(i, rule.threshold(name)) for i, name in enumerate(regions)]
    known = [(i, least * px) for i, px in used if px is not None]
    if not known:
        raise ValueError(f"none of the regions {', '.join(regions)} is known")
    vectors = motion.reshape(len(motion), -1, 2)[:, [i for i, _ in known]]
    heights = np.array([px for _, px in known])
    ratio = np.where(np.isnan(motion[:, 0]), np.nan, 0.0)
    found: list[Interval] = []
    for first, last in valid_runs(motion[:, 0]):
        start = first
        while start < last:
            end = min(start + round(rule.stretch_s * rate) - 1, last)
            own, high = _stretch(vectors[start : end + 1], heights, rate, rule, least)
            own = [Interval(one.first + start, one.last + start) for one in own]
            ratio[start : end + 1] = np.fmax(ratio[start : end + 1], high)
            found += own
            start = last if end == last else _next(start, end, own, rate)
    return _lasting(joined(found, rule.overlap), rate, rule), ratio


def _next(start: int, end: int, found: Sequence[Interval], rate: float) -> int:
    """Return where the next stretch begins: half of one later, but not within a movement."""
    middle, margin = (start + end + 1) // 2, max(1, round(rate * 20 / 30))
    quarter = (end + 1 - start) // 4
    for one in found:
        if one.first < middle < one.last:
            if one.last < middle + quarter:
                return min(one.last + margin, end)
            if one.first > start + quarter:
                return max(one.first - margin, start + 1)
    return middle


def _stretch(
    vectors: Floats, heights: Floats, rate: float, rule: OfFdRule, least: float
) -> tuple[list[Interval], NDArray[np.float64]]:
    """Return the waves of all regions in one stretch (t, R, 2), and their height (t,)."""
    from scipy.ndimage import minimum_filter1d
    from scipy.signal import detrend  # half a second that other spotters need not

    lengths = np.linalg.norm(vectors - vectors[0], axis=-1)
    smooth = np.abs(low_pass(lengths, rate, rule.pass_hz))
    around = 2 * max(1, round(rule.around_s * rate)) + 1

    def over_lowest(trace: Floats) -> NDArray[np.float64]:
        return np.asarray(trace - minimum_filter1d(trace, around, axis=0, mode="nearest"))

    high = over_lowest(smooth)
    untrended = over_lowest(detrend(smooth, axis=0)) if len(smooth) > 2 else high
    counts = (smooth - smooth.min(axis=0) >= least * rule.rise_px) & (high > heights)
    counts &= untrended > least * rule.untrended_px
    found = []
    for region in range(counts.shape[1]):
        for wave in _waves(counts[:, region], max(1, round(rule.gap_s * rate))):
            wide = _widened(smooth[:, region], wave, around // 2, rule.level)
            found += _cut(smooth[:, region], wide, rate, rule)
    # a wave is as high as it is where it counts; its feet and other motion do not reach 1
    whole = high / heights * np.where(counts, 1.0, np.minimum(1.0, 0.99 * heights / np.maximum(
        high, 1e-9)))  # fmt: skip
    return found, np.asarray(whole.max(axis=1), np.float64)


def low_pass(traces: Floats, rate: float, hertz: float) -> NDArray[np.float64]:
    """Return traces (t, c) without what is faster than ``hertz``; their ends are mirrored."""
    from scipy.fft import dct, idct

    parts = np.asarray(dct(traces, axis=0, norm="ortho"))
    parts[np.arange(len(traces)) * rate / (2 * len(traces)) > hertz] = 0.0
    return np.asarray(idct(parts, axis=0, norm="ortho"), np.float64)


def _waves(counts: NDArray[np.bool_], gap: int) -> list[Interval]:
    """Return runs of frames that count; runs less than ``gap`` frames apart are one."""
    out: list[Interval] = []
    for run in stretches(counts):
        if out and run.first - out[-1].last < gap + 1:
            run = Interval(out.pop().first, run.last)
        out.append(run)
    return out


def _widened(trace: Floats, wave: Interval, around: int, level: float) -> Interval:
    """Return a wave out to where the trace falls to ``level`` of its height, or rises again."""
    high = float(trace[wave.first : wave.last + 1].max())
    ends = []
    for begin, step, stop in ((wave.first, -1, -1), (wave.last, 1, len(trace))):
        near = trace[max(0, begin - around) : begin + around + 1]
        foot = float(near.min()) + level * (high - float(near.min()))
        at = begin
        while at + step != stop and trace[at] > foot and trace[at + step] <= trace[at]:
            at += step
        ends.append(at)
    return Interval(ends[0], ends[1])


def _cut(trace: Floats, wave: Interval, rate: float, rule: OfFdRule) -> list[Interval]:
    """Return a long wave in two parts where a deep valley parts it."""
    edge = max(1, round(rate * 8 / 30))
    if (wave.last - wave.first) / rate < rule.valley_s or wave.last - wave.first <= 2 * edge:
        return [wave]
    inner = trace[wave.first + edge : wave.last - edge]
    valley = wave.first + edge + int(np.argmin(inner))
    low = float(trace[valley])
    for side in (trace[wave.first : valley], trace[valley + 1 : wave.last + 1]):
        high = float(side.max())
        if high - low <= max(rule.valley_px, rule.level * high):
            return [wave]
    return [Interval(wave.first, valley - 1), Interval(valley + 1, wave.last)]


def joined(found: Sequence[Interval], overlap: float) -> list[Interval]:
    """Return intervals of which none shares more than ``overlap`` of the shorter with another.

    >>> joined([Interval(0, 9), Interval(5, 30), Interval(40, 41)], 0.1)
    [Interval(first=0, last=30), Interval(first=40, last=41)]
    """
    out: list[Interval] = []
    for one in sorted(found):
        whole = one
        while True:
            touching = [
                other for other in out
                if whole.shared(other) > overlap * min(len(whole), len(other))
            ]  # fmt: skip
            if not touching:
                break
            for other in touching:
                out.remove(other)
                whole = Interval(min(whole.first, other.first), max(whole.last, other.last))
        out.append(whole)
    return sorted(out)


def _lasting(found: Sequence[Interval], rate: float, rule: OfFdRule) -> list[Interval]:
    """Return the movements that are neither too short nor too long."""
    lasted = [(one, (one.last - one.first) / rate) for one in found]
    return [
        one for one, s in lasted if rule.shortest_s - 1e-9 <= s <= rule.longest_s + 1e-9
    ]  # fmt: skip
