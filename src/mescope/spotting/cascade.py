"""The cascade: movements are proposed without training, and a network says what they were.

1. :func:`mescope.spotting.flow_peaks.candidates` proposes every movement that comes and goes.
2. The network is shown each of them with its surroundings (:mod:`mescope.spotting.segments`),
   once as it is and once in the mirror, and scores every sample: is an expression going on, and
   of which emotion?
3. The network's own edges replace the proposer's where both mean the same movement.
4. The mean score between them is calibrated: a logistic curve, fitted on rendered recordings of
   identities that training has not seen, turns it and what was measured of the movement
   (strength, duration, how much of the face comes and goes) into the share of such candidates
   that are expressions.
5. Of candidates that share frames the one that the network finds best stays.
6. What may be the recording's own tremble gets less of a score.

No strength is ever too strong: amplitude is compressed, not thresholded, and micro or macro
follows from the duration alone.  NumPy only; the network comes as a function.  All frames here
are decimated frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.moved import renamed
from mescope.ranges import Share, Whole, Within, check_fields
from mescope.spotting.flow_peaks import Candidate, FlowPeaksRule, candidates
from mescope.spotting.proposals import emotion_scores, kind_of
from mescope.spotting.segments import CORE, back_to_frames, segments
from mescope.spotting.spotters import Score, Spotting, StandingOut
from mescope.spotting.traces import Floats
from mescope.spotting.tremble import tremble

CLEAR_STRENGTH, SAME_CLEAR = 5.0, 0.3
"""A movement of so many thresholds stands out of the recording: its own edges are taken where
the network's share so much of it (IoU).  The network was shown few movements as strong, and
takes parts of them for the whole; on rendered recordings it makes no difference (micro F1 0.47
and 0.46)."""

FAINT_PX = 0.05
"""Smaller motion counts as none."""

LEAST_AGREED = 0.2
"""IoU of the network's own interval with the proposed one: below, it means something else."""

PROPOSER = FlowPeaksRule(trends_s=(0.8, 1.2, 3.0, 9.0), floor=0.6, each_group=True, alike=0.6)
"""Proposes generously: faint movements, and those of one part of a face on which others move.

On rendered recordings it covers 93 % of micro-expressions above 3 px and 81 % of fainter ones
with an IoU of at least 0.5; the training-free spotter's own rule covers 67 % and 38 %.
"""


Slope = Annotated[float, Within(-1e6, 1e6)]
Clear = Annotated[float, Within(0.0, 1e6)]


@dataclass(frozen=True, kw_only=True)
class CascadeRule:
    """The constants behind the network; they travel in the weights' card."""

    floor: Whole = 0.5  # least calibrated score of a detection
    slope: Slope = 1.0  # of the logistic calibration over the logit of the raw score
    strength: Slope = 0.0  # and over the other signs, see :func:`evidence`
    brevity: Slope = 0.0
    breadth: Slope = 0.0
    evenness: Slope = 0.0
    offset: Slope = 0.0
    edge: Share = 0.5  # an interval ends where the network's score falls to this share
    refine: bool = True  # take the network's edges
    clear: Clear = 0.0  # trembles of the recording by which a third region must come and go,
    sure: Whole = 1.0  # unless the score is so high; see :func:`clear_of_tremble`

    def __post_init__(self) -> None:
        check_fields(self)
        if not (self.edge > 0.0 and self.slope > 0 and self.sure > 0.0):
            raise ValueError("expected floor and edge in 0..1, and sure and slope above 0")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values; ``CascadeRule(**rule.to_dict()) == rule``."""
        return asdict(self)

    def calibrated(self, signs: Signs) -> NDArray[np.float64]:
        """Return the share of candidates with such signs that are right, (m,)."""
        slopes = [self.slope, self.strength, self.brevity, self.breadth, self.evenness]
        logit = evidence(signs) @ slopes + self.offset
        return np.asarray(1 / (1 + np.exp(-logit)), np.float64)


class Signs(NamedTuple):
    """What the calibration sees of m candidates, each (m,) or one value for all.

    ``raw`` score, 0 to 1; ``strength`` in thresholds of the proposer; ``seconds``; ``breadth``
    (px) how far the region that comes and goes third most does so, for one muscle moves several
    regions and flow mostly fails in one; ``evenness`` (0 to 1) the same as a share of the
    region that does so most.
    """

    raw: Floats
    strength: Floats
    seconds: Floats | float = 1.0
    breadth: Floats | float = 1.0
    evenness: Floats | float = 1.0


def evidence(signs: Signs) -> NDArray[np.float64]:
    """Return the signs as the calibration weighs them, (m, 5): more of each speaks for it."""
    safe = np.clip(signs.raw, 1e-6, 1 - 1e-6)
    columns = [
        np.log(safe / (1 - safe)),
        np.log(np.maximum(signs.strength, 1e-3)),
        -np.log2(signs.seconds),
        np.log((np.asarray(signs.breadth) + FAINT_PX) / (1 + FAINT_PX)),
        np.log(np.maximum(signs.evenness, 1e-3)),
    ]
    return np.stack(np.broadcast_arrays(*columns), axis=-1).astype(np.float64)


def signs_of(judged: Sequence[Judged], rate: float) -> Signs:
    """Return the signs of candidates of one recording of ``rate`` frames per second."""
    most, third = np.array([one.moved for one in judged]).reshape(-1, 2).T
    return Signs(
        np.array([one.raw for one in judged]),
        np.array([one.candidate.strength for one in judged]),
        np.array([len(one.interval) / rate for one in judged]),
        third,
        (third + FAINT_PX) / (most + FAINT_PX),
    )


@dataclass(frozen=True)
class Judged:
    """A candidate as the network sees it."""

    candidate: Candidate
    interval: Interval
    raw: float  # mean score in the interval
    moved: tuple[float, float]  # px by which one region, and a third one, come and go
    samples: NDArray[np.float64]  # (48,)
    logits: NDArray[np.float64]  # (16, classes) of the core


def judge(
    motion: Floats, shape: Floats, rate: float, regions: Sequence[str], score: Score,
    rule: CascadeRule = CascadeRule(),
) -> tuple[list[Judged], NDArray[np.float64]]:  # fmt: skip
    """Propose and score, without calibration; also returns the proposer's trace (n,)."""
    found, movement = candidates(motion, rate, regions, PROPOSER)
    cut = segments(motion, shape, [one.interval for one in found], rate, regions)
    if not found:
        return [], movement
    samples, logits = score(cut)
    clear = [
        one.interval
        for one in candidates(motion, rate, regions, FlowPeaksRule(floor=CLEAR_STRENGTH))[0]
    ]
    judged = [
        _judged(one, np.asarray(s, float), np.asarray(e[CORE], float), motion, clear, rule)
        for one, s, e in zip(found, samples, logits, strict=True)
    ]
    return judged, movement


def _judged(
    one: Candidate,
    samples: NDArray[np.float64],
    logits: NDArray[np.float64],
    motion: Floats,
    clear: Sequence[Interval],
    rule: CascadeRule,
) -> Judged:
    frames = len(motion)
    interval = _refined(one.interval, samples, frames, rule)
    scores = back_to_frames(samples, one.interval, frames)
    raw = float(np.nanmean(scores[interval.first : interval.last + 1]))
    best = max(clear, key=interval.iou, default=None)
    if best is not None and best.iou(interval) >= SAME_CLEAR:
        interval = best
    return Judged(one, interval, raw, _moved(motion, interval, one.apex), samples, logits)


def _moved(motion: Floats, interval: Interval, apex: int) -> tuple[float, float]:
    """Return how far the regions that move most, and third most, come and go, px."""
    last = len(motion) - 1
    onset, peak, offset = (
        motion[min(frame, last)].reshape(-1, 2)
        for frame in (interval.first, _within(apex, interval), interval.last)
    )
    rise, fall = np.hypot(*(peak - onset).T), np.hypot(*(peak - offset).T)
    lengths = np.sort(np.nan_to_num(np.minimum(rise, fall)))[::-1]
    return float(lengths[0]), float(lengths[min(2, len(lengths) - 1)])


def _within(frame: int, interval: Interval) -> int:
    return min(max(frame, interval.first), interval.last)


def spot(
    motion: Floats, shape: Floats, rate: float, regions: Sequence[str], score: Score,
    rule: CascadeRule = CascadeRule(),
) -> Spotting:  # fmt: skip
    """Find the expressions of one recording.

    Args:
        motion: (n, 2R) chained displacement, px (:func:`displacement.displacement`); nan gaps.
        shape: (n, columns) px (:func:`face_shape.shape_traces`); nan gaps.
        rate: frames per second.
        regions: the R names.
        score: the network.
        rule: the constants.
    """
    judged, movement = judge(motion, shape, rate, regions, score, rule)
    seen = ~np.isnan(movement)
    trace = np.where(seen, 0.0, np.nan)
    emotion = np.full((len(movement), len(SPOTTING_CLASSES)), np.nan)
    emotion[seen] = np.eye(len(SPOTTING_CLASSES))[-1]
    found: list[Detection] = []
    standing: dict[Interval, StandingOut] = {}
    scored = strongest(judged, rule, rate)
    needed = _clear_px(scored, motion, rate, rule)
    clear = clear_of_tremble(scored, motion, rate, rule)
    for (one, p), (_, before) in zip(clear, scored, strict=True):
        detection = detection_of(one, p, rate)
        found.append(detection)
        if needed is not None:
            standing[one.interval] = StandingOut(one.moved[1], needed, p < before)
        _draw(trace, emotion, one, detection)
    found.sort(key=lambda d: d.interval)
    return Spotting(
        detections=tuple(found), score=trace, floor=rule.floor, emotion=emotion,
        movement=movement, standing_out=standing,
    )  # fmt: skip


def strongest(
    judged: Sequence[Judged], rule: CascadeRule, rate: float
) -> list[tuple[Judged, float]]:
    """Return candidates with calibrated scores, none of which shares frames, the best of them.

    The network and the strength decide which is best.  The other signs distinguish movements,
    not the parts of one: a brief part of a long smile is not better than the smile.
    """
    signs = signs_of(judged, rate)
    scores = rule.calibrated(signs)
    better = evidence(signs)[:, :2] @ [rule.slope, rule.strength]
    taken = np.zeros(1 + max((one.interval.last for one in judged), default=-1), bool)
    kept: list[tuple[Judged, float]] = []
    for i in np.argsort(-better, kind="stable"):
        one = judged[i]
        at = slice(one.interval.first, one.interval.last + 1)
        if not taken[at].any():
            taken[at] = True
            kept.append((one, float(scores[i])))
    return kept


def clear_of_tremble(
    scored: Sequence[tuple[Judged, float]], motion: Floats, rate: float, rule: CascadeRule
) -> list[tuple[Judged, float]]:
    """Return what :func:`strongest` left, what the recording's own tremble may be with less.

    Muscles move several regions; a face at rest, filmed with noise, moves one region here and
    another there.  Where fewer than three regions come and go by ``clear`` times what this
    recording shows outside all movements, a score below ``sure`` is brought below the floor, in
    proportion, so that whoever lowers the floor still sees it.

    Args:
        scored: movements that share no frames, with calibrated scores; in decimated frames.
        motion: (n, 2R) chained displacement, px; nan gaps.
        rate: frames per second.
        rule: its ``clear``, ``sure`` and ``floor``.
    """
    needed = _clear_px(scored, motion, rate, rule)
    if needed is None:
        return list(scored)
    left = min(1.0, rule.floor / rule.sure)
    return [
        (one, p * left) if p < rule.sure and one.moved[1] < needed else (one, p)
        for one, p in scored
    ]


def _clear_px(
    scored: Sequence[tuple[Judged, float]], motion: Floats, rate: float, rule: CascadeRule
) -> float | None:
    """Return by how many px a third region must come and go; None if nobody asks for it."""
    noise = tremble(motion, rate, [one.interval for one, _ in scored]) if rule.clear else None
    return None if noise is None else rule.clear * noise


def _refined(
    interval: Interval, samples: NDArray[np.float64], frames: int, rule: CascadeRule
) -> Interval:
    """Return the frames around the candidate where the network's score is high."""
    if not rule.refine:
        return interval
    scores = back_to_frames(samples, interval, frames)
    inside = scores[interval.first : interval.last + 1]
    if not len(inside) or np.isnan(inside).all():
        return interval
    peak = interval.first + int(np.nanargmax(inside))
    low = np.flatnonzero(~(scores > rule.edge * scores[peak]))
    before, after = low[low < peak], low[low > peak]
    first = int(before[-1]) + 1 if len(before) else 0
    last = int(after[0]) - 1 if len(after) else frames - 1
    # Training labels leave the onset and the offset themselves out.
    own = Interval(max(0, first - 1), min(frames - 1, last + 1))
    return own if own.iou(interval) >= LEAST_AGREED else interval


def detection_of(one: Judged, p: float, rate: float) -> Detection:
    """Return the detection of a judged candidate with calibrated score ``p``."""
    scores = emotion_scores(one.logits, SPOTTING_CLASSES)
    apex = _within(one.candidate.apex, one.interval)
    return Detection(
        interval=one.interval,
        kind=kind_of(one.interval, rate),
        score=p,
        apex=apex,
        emotion=max(scores, key=scores.__getitem__),
        emotion_scores=scores,
    )


def _draw(
    trace: NDArray[np.float64],
    emotion: NDArray[np.float64],
    one: Judged,
    detection: Detection,
) -> None:
    """Enter a detection into the traces: its score, shaped by the samples' scores."""
    frames = back_to_frames(one.samples, one.candidate.interval, len(trace))
    at = slice(detection.interval.first, detection.interval.last + 1)
    form = np.nan_to_num(frames[at])
    share = detection.score * form / max(float(form.max(initial=0.0)), 1e-9)
    trace[at] = np.where(np.isnan(trace[at]), np.nan, share)
    for i, name in enumerate(SPOTTING_CLASSES[:-1]):
        emotion[at, i] = (detection.emotion_scores or {}).get(name, 0.0) * share
    emotion[at, -1] = 1.0 - share
    emotion[at][np.isnan(trace[at])] = np.nan


__getattr__ = renamed(__name__, {"Spotted": "mescope.spotting.spotters.Spotting"})
