"""MDMD: motion that has come after k frames and is gone after as many more.

Paper   "A main directional maximal difference analysis for spotting facial movements from
        long-term videos", Wang, Wu, Qian, Li, Fu, Neurocomputing 230 (2017); as the baseline of
        MEGC2020: "Spotting Macro- and Micro-expression Intervals in Long Video Sequences", He,
        Wang, Li, Yap, arXiv 1912.11985
Code    HeyingGithub/Baseline-project-for-MEGC2020_spotting, read only: it has no licence,
        nothing is copied
Input   region flow, px of the face crop, as every spotter gets it
Output  Spotting; no emotions

The rule, for every frame i:

1. The motion of every region from i - k to i, less that from i - k to i + k (lengths, px): much
   where something came and went again.  F(i) is the mean over the third of the regions with
   the largest differences.
2. C(i) = F(i) - (F(i - k + 1) + F(i + k - 1)) / 2: how far it stands out of its surroundings.
3. Frames above T = mean + p (max - mean) over the recording are part of a movement; runs of
   them are intervals.  It is done twice: with k = 0.4 s, whose runs of 0.2 to 0.5 s are
   micro-expressions, and with k = 1.3 s, whose longer runs are macro-expressions.

k, p = 0.01 and the lengths are those of the baseline (k = 12 and 39 at 30 frames a second, 80
and 260 at 200; runs of 7 to 16 and of 47 to 105 frames).  A recording, or a stretch between two
gaps, of less than 6 k is looked at with k halved until it fits; runs are hardly longer than k,
so that below 2.4 s nothing is left of 0.2 s.  The first and the last 2 k - 1 frames are never
above: nothing is found there.

Differences from the published one:
* Motion is that of our 18 regions, the head's taken out, chained over windows; published are 36
  equal blocks of the whole face and robust local flow, measured anew for both pairs of frames.
* Within a block, MDMD averages the third of the vectors in its main direction that differ
  most.  A region is measured as the mean of its strongest vectors, which is its main direction
  already.  (The published code tells two directions apart where it means four: it takes the
  arc tangent of a quotient.)
* T is never below ``floor_px``: T of the paper is relative to the recording's own maximum and
  finds something on every face, still ones too.  0 is the published rule (:data:`PUBLISHED`);
  0.25 is the least of a few at which a rendered face that only sways shows nothing.
* Of two intervals that mean the same movement (IoU above 0.5) the stronger stays.
All frames here are decimated frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection
from mescope.spotting.displacement import displacement
from mescope.spotting.over_threshold import (
    FAINT,
    as_score,
    detection_in,
    stretches,
    strongest,
    with_fainter,
)
from mescope.spotting.proposals import moilanen
from mescope.spotting.spotters import SPOTTERS, Spotter, Spotting
from mescope.spotting.traces import Floats, valid_runs

if TYPE_CHECKING:
    from mescope.motion.roi_flow import RoiFlow


@dataclass(frozen=True, kw_only=True)
class MdmdRule:
    """The constants; px are those of the 320-px face crop."""

    micro_s: float = 0.4  # k of micro-expressions
    macro_s: float = 1.3  # k of macro-expressions
    share: float = 0.01  # p of the threshold
    part: float = 1 / 3  # of the regions, those that differ most
    floor_px: float = 0.25  # smallest contrast that counts
    shortest_s: float = 0.2

    def __post_init__(self) -> None:
        if not 0.0 < self.micro_s < self.macro_s:
            raise ValueError("expected 0 < micro_s < macro_s")
        if not (0.0 <= self.share <= 1.0 and 0.0 < self.part <= 1.0):
            raise ValueError("expected share in 0..1 and part above 0, at most 1")
        if min(self.floor_px, self.shortest_s) < 0.0:
            raise ValueError("floor_px and shortest_s must not be negative")


PUBLISHED = MdmdRule(floor_px=0.0)
"""The threshold of the paper, which finds something in every recording."""


@SPOTTERS.register("mdmd")
class Mdmd(Spotter):
    """MDMD (He et al., MEGC2020): what has come after k frames and is gone after 2 k."""

    rule = MdmdRule()

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The constants."""
        return asdict(self.rule)

    def spot(self, flow: RoiFlow) -> Spotting:
        """Return every movement down to a low floor; the threshold is a score of 0.5."""
        motion = displacement(flow.windows, flow.timing.hop, flow.valid)
        ratios = contrasts(motion, flow.timing.rate, self.rule)
        found = intervals(ratios, flow.timing.rate, self.rule)
        faint = intervals(ratios, flow.timing.rate, self.rule, least=FAINT)
        return Spotting(
            detections=with_fainter(found, faint),
            score=as_score(np.max(ratios, axis=0)),
            floor=0.5,
        )


def contrasts(
    motion: Floats, rate: float, rule: MdmdRule = MdmdRule()
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return C over its threshold with k of micro- and of macro-expressions, (n,) each.

    Args:
        motion: (n, 2R) displacement as of :func:`displacement`, px; nan without a face.
        rate: frames per second.
        rule: the constants.

    Returns:
        1 at the threshold; 0 near the ends of a stretch, nan without a face.
    """
    micro, macro = (
        _over_threshold(_contrast(motion, max(1, round(seconds * rate)), rule), rule)
        for seconds in (rule.micro_s, rule.macro_s)
    )
    return micro, macro


def _contrast(motion: Floats, k: int, rule: MdmdRule) -> NDArray[np.float64]:
    """Return C (n,), px; -inf where it is not defined, nan without a face."""
    out = np.full(len(motion), np.nan)
    for first, last in valid_runs(motion[:, 0]):
        run = motion[first : last + 1]
        out[first : last + 1] = -np.inf
        near = k
        while near > 1 and len(run) < 6 * near:
            near = round(near / 2)
        if near < 2:
            continue
        differences = maximal_differences(run, near, rule.part)
        m = near - 1
        inner = differences[m:-m] - (differences[: -2 * m] + differences[2 * m :]) / 2
        out[first + near + m : last + 1 - near - m] = inner
    return out


def maximal_differences(motion: Floats, k: int, part: float = 1 / 3) -> NDArray[np.float64]:
    """Return F (n - 2 k,) of displacement (n, 2R) without gaps, px; its first frame is k.

    >>> there = np.array([0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0])
    >>> maximal_differences(np.stack([there, 0 * there], axis=1), 2).tolist()
    [0.0, 3.0, 0.0]
    """
    vectors = motion.reshape(len(motion), -1, 2)
    start, now, later = vectors[: -2 * k], vectors[k:-k], vectors[2 * k :]
    apart = np.linalg.norm(now - start, axis=-1) - np.linalg.norm(later - start, axis=-1)
    count = max(1, round(part * apart.shape[1]))
    largest = np.sort(apart, axis=1)[:, -count:]
    return np.asarray(largest.mean(axis=1), np.float64)


def _over_threshold(contrast: Floats, rule: MdmdRule) -> NDArray[np.float64]:
    """Return a contrast (n,) over its threshold; 0 where it is not defined."""
    seen = contrast[np.isfinite(contrast)]
    out = np.where(np.isnan(contrast), np.nan, 0.0)
    if len(seen) == 0:
        return out
    threshold = max(moilanen(seen, rule.share), rule.floor_px, 1e-9)
    out[np.isfinite(contrast)] = seen / threshold
    return out


def intervals(
    ratios: tuple[Floats, Floats],
    rate: float,
    rule: MdmdRule = MdmdRule(),
    *,
    least: float = 1.0,
) -> list[Detection]:
    """Return what is above ``least`` thresholds, in order of time.

    Args:
        ratios: as of :func:`contrasts`, of micro- and of macro-expressions.
        rate: frames per second.
        rule: the constants.
        least: of a frame, in thresholds.
    """
    found = []
    for kind, ratio in zip(("micro", "macro"), ratios, strict=True):
        for run in stretches(np.nan_to_num(ratio) > least):
            one = detection_in(run, ratio, rate)
            if one.kind == kind and (run.last - run.first) / rate >= rule.shortest_s - 1e-9:
                found.append(one)
    return strongest(found)
