"""From traces to detections: peaks, intervals and their emotion.

Two modes that are never mixed.  ``as_published`` finds at least one peak in practically every
recording, because its threshold is relative to the recording's own maximum.  It gives every
peak the same interval (ME-TST, ME-TST+) or one that grows with the trace (BoostingVRME,
:mod:`mescope.spotting.extensible`).  ``clean`` adds an absolute floor, so that nothing is found
where nothing happens, and reads the length of an interval from the trace.

All frames here are decimated frames.  Source: the papers and the published code of ME-TST,
ME-TST+ and BoostingVRME; the differences stand in docs/protocols.md and docs/models/me-tst.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mescope.events import MICRO_MAX_S, Detection, Interval, Kind
from mescope.labels import SPOTTING_CLASSES
from mescope.ranges import Whole, Within, check_fields
from mescope.spotting.extensible import Extent, extend, suppress
from mescope.spotting.peaks import find_peaks
from mescope.spotting.traces import Floats, box_smooth, centred_smooth, valid_runs

Duration = Annotated[float, Within(0.0, 86_400.0)]
Frames = Annotated[int, Within(1, 10_000)]
Widening = Annotated[int, Within(0, 1000)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProposalRule:
    """Every constant between a trace and its detections; they travel in the weights' card.

    ``strategy`` switches the two levels of synergy: 0, neutral takes no part in training and
    nothing is discarded; 1, an interval whose majority class is neutral is discarded (as
    published: after matching, by the mode of :func:`mescope.evaluation.scores.score`); 2,
    neutral is suppressed before the vote and nothing is discarded.
    """

    mode: Literal["clean", "as_published"] = "clean"
    half_length: Frames = 17  # k_p: as_published smoothing, peak distance and interval
    share: Whole = 0.55  # threshold: mean + share * (max - mean)
    floor: Whole = 0.35  # clean: no peak below this score
    smooth: Annotated[int, Within(1, 9999)] = 3  # clean: frames of the centred average, odd
    level: Whole = 0.5  # clean: an interval ends where the trace falls to level * peak
    widen: Widening = 1  # clean: frames added at both ends, which training labels leave out
    shortest_s: Duration = 0.1  # clean: shorter intervals are dropped
    longest_s: Duration = 4.0  # clean: intervals are cut to this length around their peak
    strategy: Annotated[int, Within(0, 2)] = 1
    intervals: Literal["fixed", "extensible"] = "fixed"  # as_published: 2 k_p + 1 or growing
    neutral: Literal["voted", "zeroed"] = "voted"  # as_published, 1: its logit before the vote

    def __post_init__(self) -> None:
        check_fields(self)
        if self.mode == "clean" and (self.intervals, self.neutral) != ("fixed", "voted"):
            raise ValueError("extensible intervals and a zeroed neutral are as_published only")
        if self.smooth % 2 == 0:
            raise ValueError(f"smooth must be odd, got {self.smooth}")
        if self.shortest_s > self.longest_s:
            raise ValueError("need 0 <= shortest_s <= longest_s")

    @classmethod
    def as_published(
        cls,
        half_length: int,
        strategy: Annotated[int, Within(0, 2)] = 2,
        *,
        of: Literal["me-tst-plus", "boosting-vrme"] = "me-tst-plus",
    ) -> ProposalRule:
        """Return the rule of a published code; 2 is the strategy both run by default.

        Args:
            half_length: k_p in frames; see :func:`half_length`.
            strategy: 0, 1 or 2.
            of: whose code.  BoostingVRME has extensible intervals, and its strategy 1 sets the
                logit of neutral to 0 before the vote over all five classes.

        Raises:
            ValueError: no such code or strategy.
        """
        if of not in ("me-tst-plus", "boosting-vrme"):
            raise ValueError(f"of must be me-tst-plus or boosting-vrme, got {of!r}")
        boosting = of == "boosting-vrme"
        return cls(
            mode="as_published",
            half_length=half_length,
            strategy=strategy,
            intervals="extensible" if boosting else "fixed",
            neutral="zeroed" if boosting else "voted",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values; ``ProposalRule(**rule.to_dict()) == rule``."""
        return dataclasses.asdict(self)


def half_length(
    durations: Sequence[float] | NDArray[Any], statistic: Literal["mean", "median"] = "mean"
) -> int:
    """Return k_p = int((N + 1) / 2), N the mean or median of offset - onset in frames.

    Clean: hand in the durations of training people only; the published code takes all.

    >>> half_length([34.71]), half_length([10.45])
    (17, 5)
    """
    if len(durations) == 0:
        raise ValueError("k_p needs the duration of at least one expression")
    middle = np.mean(durations) if statistic == "mean" else np.median(durations)
    return max(1, int((float(middle) + 1) / 2))


def propose(
    spotting: Floats,
    emotion: Floats | None,
    rate: float,
    rule: ProposalRule,
    *,
    classes: Sequence[str] = SPOTTING_CLASSES,
) -> list[Detection]:
    """Find the expressions of one recording.

    Args:
        spotting: score of every frame, (n,), 0 to 1; nan where there is no face.
        emotion: logits of every frame, (n, classes), or None: detections have no emotion then.
        rate: frames per second of the trace.
        rule: the constants.
        classes: names of the logits, neutral last.

    Returns:
        Detections in decimated frames, in order of their onset.  ``clean``: they never overlap
        nor span frames without a face, ``score`` is the height of the smoothed peak and
        ``apex`` the frame of the highest score.  ``as_published``: ``apex`` is the smoothed
        peak (of extensible intervals the highest score), every kind is micro, intervals may
        overlap, and with strategy 1 neutral ones are still there, with emotion "neutral",
        because the published code discards them after matching.  No peak, no detection.
    """
    if rule.mode == "as_published":
        return _as_published(np.nan_to_num(spotting), emotion, rule, classes)
    found = []
    threshold = _threshold(_smoothed(spotting, rule), rule)
    for first, last in valid_runs(spotting):
        for interval, height in peak_intervals(
            spotting[first : last + 1], threshold, rate, rule
        ):
            moved = Interval(interval.first + first, interval.last + first)
            detection = _detection(moved, height, spotting, emotion, rate, rule, classes)
            if detection is not None:
                found.append(detection)
    return found


def _smoothed(spotting: Floats, rule: ProposalRule) -> NDArray[np.float64]:
    """Smooth every run of valid frames on its own."""
    smooth = np.full(len(spotting), np.nan)
    for first, last in valid_runs(spotting):
        run = slice(first, last + 1)
        smooth[run] = centred_smooth(spotting[run], rule.smooth)
    return smooth


def _threshold(smooth: Floats, rule: ProposalRule) -> float:
    """Return the higher of Moilanen's relative threshold and the absolute floor."""
    seen = smooth[~np.isnan(smooth)]
    if len(seen) == 0:
        return 1.0
    return max(moilanen(seen, rule.share), rule.floor)


def threshold_of(spotting: Floats, rule: ProposalRule) -> float:
    """Return the height that a peak of the smoothed trace (n,) needs, to be drawn."""
    if rule.mode == "as_published":
        return moilanen(box_smooth(np.nan_to_num(spotting), rule.half_length), rule.share)
    return _threshold(_smoothed(spotting, rule), rule)


def moilanen(trace: Floats, share: float) -> float:
    """Return ``mean + share * (max - mean)``."""
    mean = float(np.mean(trace))
    return mean + share * (float(np.max(trace)) - mean)


def peak_intervals(
    run: Floats, threshold: float, rate: float, rule: ProposalRule
) -> list[tuple[Interval, float]]:
    """Return the clean intervals of one run of valid frames with the heights of their peaks.

    Works for traces of any scale: of ``rule`` only smoothing, level, widening and lengths
    count.  Higher peaks are served first; one inside an interval already taken is part of it.
    """
    smooth = centred_smooth(run, rule.smooth)
    # zeros around the run, so that a peak at its very edge counts as one
    peaks, heights = find_peaks(np.pad(smooth, 1), height=threshold)
    longest = max(1, int(rule.longest_s * rate) + 1)
    taken: list[tuple[Interval, float]] = []
    for order in np.argsort(-heights, kind="stable"):
        peak, height = int(peaks[order]) - 1, float(heights[order])
        if any(interval.first <= peak <= interval.last for interval, _ in taken):
            continue
        interval = _width(smooth, peak, rule.level * height, longest, rule.widen)
        _merge(taken, interval, height, longest)
    long_enough = [
        (interval, height)
        for interval, height in taken
        if (interval.last - interval.first) / rate >= rule.shortest_s - 1e-9
    ]
    return sorted(long_enough)


def _width(smooth: Floats, peak: int, level: float, longest: int, widen: int) -> Interval:
    """Return the frames around ``peak`` above ``level``, widened, clipped and bounded."""
    below = np.flatnonzero(smooth <= level)
    before, after = below[below < peak], below[below > peak]
    first = int(before[-1]) + 1 if len(before) else 0
    last = int(after[0]) - 1 if len(after) else len(smooth) - 1
    half = (longest - 1) // 2  # of both sides together with the peak no more than longest
    first = max(first - widen, peak - half, 0)
    last = min(last + widen, peak + half, len(smooth) - 1)
    return Interval(first, last)


def _merge(
    taken: list[tuple[Interval, float]], interval: Interval, height: float, longest: int
) -> None:
    """Add an interval to ``taken``, which holds higher peaks; overlaps become one.

    Where the union would be longer than an expression can be, the lower peak is left out.
    """
    touching = [entry for entry in taken if entry[0].shared(interval)]
    union = Interval(
        min([interval.first, *(entry[0].first for entry in touching)]),
        max([interval.last, *(entry[0].last for entry in touching)]),
    )
    if touching and len(union) > longest:
        return
    for entry in touching:
        taken.remove(entry)
    taken.append((union, max([height, *(entry[1] for entry in touching)])))


def _detection(
    interval: Interval,
    height: float,
    spotting: Floats,
    emotion: Floats | None,
    rate: float,
    rule: ProposalRule,
    classes: Sequence[str],
) -> Detection | None:
    """Return the detection of a clean interval, or None if it is discarded as neutral."""
    inside = slice(interval.first, interval.last + 1)
    name, scores = None, None
    if emotion is not None:
        logits = np.asarray(emotion[inside], dtype=np.float64)
        voted = vote(logits, suppress_neutral=rule.strategy == 2)
        if voted == len(classes) - 1 and rule.strategy == 1:
            return None
        name, scores = classes[voted], emotion_scores(logits, classes)
    return Detection(
        interval=interval,
        kind=kind_of(interval, rate),
        score=float(np.clip(height, 0.0, 1.0)),
        apex=interval.first + int(np.argmax(spotting[inside])),
        emotion=name,
        emotion_scores=scores,
    )


def kind_of(interval: Interval, rate: float) -> Kind:
    """Return micro if offset - onset is at most half a second, else macro.

    >>> kind_of(Interval(10, 25), 30.0), kind_of(Interval(10, 26), 30.0)
    ('micro', 'macro')
    """
    seconds = (interval.last - interval.first) / rate
    return "micro" if seconds <= MICRO_MAX_S + 1e-9 else "macro"


def vote(logits: Floats, *, suppress_neutral: bool) -> int:
    """Return the majority class of frames (m, classes); ties by the higher mean logit."""
    candidates = logits[:, :-1] if suppress_neutral else logits
    counts = np.bincount(candidates.argmax(axis=1), minlength=candidates.shape[1])
    tied = np.flatnonzero(counts == counts.max())
    return int(tied[np.argmax(candidates.mean(axis=0)[tied])])


def vote_as_published(logits: Floats, interval: Interval, *, suppress_neutral: bool) -> int:
    """Return the published majority class: frames first + 1 to last - 2, ties to the earliest.

    Raises:
        ValueError: the interval leaves no such frame (the published code fails too).
    """
    frames = logits[interval.first + 1 : interval.last - 1]
    if len(frames) == 0:
        raise ValueError(f"no frame to vote in {interval}, five or more are needed")
    candidates = frames[:, :-1] if suppress_neutral else frames
    voted = candidates.argmax(axis=1)
    counts = np.bincount(voted)
    return int(voted[np.argmax(counts[voted] == counts.max())])


def emotion_scores(logits: Floats, classes: Sequence[str]) -> dict[str, float]:
    """Return the mean softmax of frames (m, classes) over the emotions, adding up to 1."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    mean = (shifted / shifted.sum(axis=1, keepdims=True)).mean(axis=0)[:-1]
    share = mean / max(float(mean.sum()), 1e-300)
    return {name: float(value) for name, value in zip(classes, share, strict=False)}


def published_intervals(spotting: Floats, rule: ProposalRule) -> list[Extent]:
    """Return the published intervals by their start.

    The first frame of a fixed interval may lie below 0, its last beyond the trace.
    """
    half = rule.half_length
    smooth = box_smooth(spotting, half)
    threshold = moilanen(smooth, rule.share)
    peaks, heights = find_peaks(smooth, height=threshold, distance=half)
    found = list(zip(peaks.tolist(), heights.tolist(), strict=True))
    if rule.intervals == "extensible":
        return suppress([extend(spotting, peak, half, height) for peak, height in found], half)
    return [Extent(peak - half, peak + half, peak, height) for peak, height in found]


def _as_published(
    spotting: Floats, emotion: Floats | None, rule: ProposalRule, classes: Sequence[str]
) -> list[Detection]:
    """Return the published detections.

    Intervals are clipped at frame 0, which :class:`Interval` demands; the published code keeps
    negative starts, so IoU may differ there.  ME-TST answers a trace without a peak with the
    interval [0, 0], ME-TST+ and BoostingVRME with none, and so does this.
    """
    if len(spotting) == 0:
        return []
    found = []
    for extent in published_intervals(spotting, rule):
        interval = Interval(max(extent.first, 0), extent.last)
        name, scores = None, None
        if emotion is not None:
            name = classes[_voted_as_published(emotion, interval, rule)]
            scores = emotion_scores(emotion[interval.first : interval.last + 1], classes)
        found.append(
            Detection(
                interval=interval,
                kind="micro",
                score=min(extent.height, 1.0),
                apex=extent.apex,
                emotion=name,
                emotion_scores=scores,
            )
        )
    return found


def _voted_as_published(logits: Floats, interval: Interval, rule: ProposalRule) -> int:
    """Return the majority class by the rule's strategy."""
    if rule.strategy == 1 and rule.neutral == "zeroed":
        logits = np.array(logits)
        logits[:, -1] = 0.0
    return vote_as_published(logits, interval, suppress_neutral=rule.strategy == 2)
