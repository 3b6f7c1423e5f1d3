"""Spotting with networks that score one frame at a time: SOFTNet and MEAN.

Papers  those of :mod:`mescope.models.softnet` and :mod:`mescope.models.mean`; their codes were
        read and not copied
Input   flow maps from frame i to i + k_p (:mod:`mescope.motion.frame_maps`), for which the
        spotter looks at the recording itself; region flow for its frames and crops
Output  Spotting; emotions with MEAN

1. The network scores every frame i; MEAN also names it.
2. The scores are smoothed by a box of 2 k_p frames.
3. Peaks above T = mean + p (max - mean) of the recording, k_p apart, are expressions from k_p
   frames before the peak to k_p behind it (p = 0.55, Moilanen's threshold).
4. MEAN's emotion is that of most frames in the k_p before the peak.

Differences from the published codes:
* A score stands at the middle of its pair, i + k_p // 2, and not at its first frame, which puts
  every interval k_p / 2 too early.
* The distance of a pair may be another than k_p (``pair_s``): weights of one fold after the
  other then look at the same maps, while k_p comes from each fold's training people.
* T is never below ``floor``: that of the papers finds something in every recording.  0 is the
  published rule.
* Stretches between gaps are smoothed apart, intervals stay within them.
* k_p is kept in seconds, so that weights serve recordings of other rates, and the ``kind`` of
  what is found is that of the expressions that the weights were trained for: the published code
  trains one network for micro- and one for macro-expressions.
* Without a peak nothing is found; the published code then answers with frame 0.
The network comes as a function.  All frames here are decimated frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mescope.errors import MescopeError, WeightsError
from mescope.events import Detection, Interval, Kind
from mescope.ranges import Whole, Within, check_fields
from mescope.spotting.over_threshold import FAINT
from mescope.spotting.peaks import find_peaks
from mescope.spotting.proposals import kind_of, moilanen, vote
from mescope.spotting.spotters import SPOTTERS, Network, Score, Spotter, Spotting, given
from mescope.spotting.traces import Floats, box_smooth, stitch, valid_runs

if TYPE_CHECKING:
    from mescope.motion.frame_maps import Style
    from mescope.motion.roi_flow import RoiFlow
    from mescope.video.source import Video


@dataclass(frozen=True, kw_only=True)
class FrameRule:
    """The constants behind the network; they travel in the weights' card."""

    half_s: Annotated[float, Within(0.001, 60.0)] = 0.2  # k_p: half the mean length
    pair_s: Annotated[float, Within(0.0, 60.0)] = 0.0  # distance of a pair; 0: k_p
    share: Whole = 0.55  # p of the threshold
    floor: Whole = 0.3  # no peak of the smoothed scores below it; 0 as published
    kind: Literal["duration", "micro", "macro"] = "duration"
    flow: Literal["farneback", "tvl1"] = "farneback"  # tvl1 as published

    def __post_init__(self) -> None:
        check_fields(self)

    def frames(self, rate: float) -> int:
        """Return k_p at ``rate`` frames per second."""
        return max(1, round(self.half_s * rate))

    def distance(self, rate: float) -> int:
        """Return the frames from the first to the second of a pair."""
        return max(1, round((self.pair_s or self.half_s) * rate))


class FrameSpotter(Spotter):
    """What SOFTNet and MEAN have in common."""

    needs_network = True
    style: ClassVar[Style]

    def __init__(self, network: Network | None = None) -> None:
        super().__init__(network)
        network = given(network, self.style)
        if network.look != "frames" or network.model != self.style:
            raise WeightsError(
                f"the spotter {self.style!r} needs weights of the model {self.style!r} that "
                f"score frames, found {network.name}, of {network.model or 'another model'}; "
                "name the weights by --model; `mescope train "
                f"{self.style}-rendered` makes some"
            )
        self.score: Score = network.score
        self.labels = network.labels
        self.rule = frame_rule_of(network)
        self.seen: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The constants."""
        return asdict(self.rule)

    def look(self, video: Video, flow: RoiFlow, *, jobs: int | None = None) -> None:
        """Measure and score every frame of the recording."""
        from mescope.motion.frame_maps import frame_maps

        n = (len(flow.windows) + 1) * flow.timing.hop
        k = self.rule.distance(flow.timing.rate)
        scores, logits = np.full(n, np.nan), np.full((n, len(self.labels)), np.nan)
        for maps in frame_maps(
            video, flow, k, style=self.style, method=self.rule.flow, jobs=jobs
        ):
            at = maps.first + np.flatnonzero(maps.valid)
            if len(at):
                score, named = self.score(maps.values[maps.valid])
                scores[at] = score
                if self.labels:
                    logits[at] = named
        self.seen = scores, logits

    def spot(self, flow: RoiFlow) -> Spotting:
        """Return every movement down to a low floor.

        Raises:
            MescopeError: the recording was not looked at.
        """
        if self.seen is None or len(self.seen[0]) != (len(flow.windows) + 1) * flow.timing.hop:
            raise MescopeError(
                f"the spotter {self.style!r} needs the pictures of the recording, not its "
                "region flow alone; use Analyzer.analyze, or call look(video, flow) first"
            )
        scores, logits = self.seen
        rate = flow.timing.rate
        found, floor = frame_intervals(scores, rate, self.rule, logits, self.labels)
        there = stitch(np.ones(flow.valid.shape), flow.timing.hop, valid=flow.valid)
        trace = np.where(np.isnan(there), np.nan, 0.0)
        middle = at_middle(scores, self.rule.distance(rate))
        known = ~np.isnan(middle) & ~np.isnan(trace)
        trace[known] = np.clip(middle[known], 0.0, 1.0)
        return Spotting(detections=tuple(found), score=trace, floor=floor)


@SPOTTERS.register("softnet")
class SoftNetSpotter(FrameSpotter):
    """SOFTNet (Liong et al., ICIP 2021), by weights trained for it."""

    style = "softnet"


@SPOTTERS.register("mean")
class MeanSpotter(FrameSpotter):
    """MEAN (Liong et al., 2022), which also names the emotion, by weights trained for it."""

    style = "mean"


def frame_rule_of(network: Network) -> FrameRule:
    """Return the rule that was chosen together with the weights.

    Raises:
        WeightsError: the constants in the card are not those of this version.
    """
    try:
        return FrameRule(**network.rule)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"the spotting rule in the card of {network.name} does not fit: {error}; "
            "the weights were written by another version of mescope"
        ) from error


def at_middle(scores: Floats, k: int) -> NDArray[np.float64]:
    """Return scores (n,) of pairs that begin at their index, put at the pairs' middle.

    >>> at_middle(np.array([1.0, 2.0, 3.0, np.nan, np.nan]), 2).tolist()
    [nan, 1.0, 2.0, 3.0, nan]
    """
    out = np.full(len(scores), np.nan)
    shift = k // 2
    out[shift:] = scores[: len(scores) - shift]
    return out


def frame_intervals(
    scores: Floats,
    rate: float,
    rule: FrameRule,
    logits: Floats | None = None,
    labels: Sequence[str] = (),
) -> tuple[list[Detection], float]:
    """Find expressions in the scores of frames.

    Args:
        scores: (n,) of the pair that begins at i; nan where it is not valid.
        rate: frames per second.
        rule: the constants.
        logits: (n, classes) likewise; None for a network that names nothing.
        labels: of the classes.

    Returns:
        Detections in order of time, those below the threshold too, and the threshold.
    """
    k, pair = rule.frames(rate), rule.distance(rate)
    middle = at_middle(scores, pair)
    runs = valid_runs(middle)
    smooth = np.full(len(middle), np.nan)
    for first, last in runs:
        smooth[first : last + 1] = box_smooth(middle[first : last + 1], k)
    seen = smooth[~np.isnan(smooth)]
    if len(seen) == 0:
        return [], rule.floor
    threshold = float(np.clip(max(moilanen(seen, rule.share), rule.floor), 1e-6, 1.0))
    found = []
    for first, last in runs:
        padded = np.pad(smooth[first : last + 1], 1, constant_values=-np.inf)
        peaks, _ = find_peaks(padded, height=FAINT * threshold, distance=k)
        for peak in (int(p) - 1 + first for p in peaks):
            span = Interval(max(peak - k, first), min(peak + k, last))
            kind: Kind = kind_of(span, rate) if rule.kind == "duration" else rule.kind
            emotion, shares = _named(logits, labels, peak - pair // 2, k)
            found.append(
                Detection(
                    interval=span, kind=kind, apex=peak, emotion=emotion,
                    emotion_scores=shares, score=float(np.clip(smooth[peak], 0.0, 1.0)),
                )
            )  # fmt: skip
    return sorted(found, key=lambda d: d.interval), threshold


def _named(
    logits: Floats | None, labels: Sequence[str], peak: int, k: int
) -> tuple[str | None, dict[str, float] | None]:
    """Return the emotion of the k pairs before that of the peak, and the classes' shares."""
    if logits is None or not labels:
        return None, None
    rows = np.asarray(logits[max(0, peak - k) : max(1, peak)], np.float64)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if len(rows) == 0:
        return None, None
    shares = np.exp(rows - rows.max(axis=1, keepdims=True))
    shares = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    by_name = {name: float(value) for name, value in zip(labels, shares, strict=True)}
    return labels[vote(rows, suppress_neutral=False)], by_name
