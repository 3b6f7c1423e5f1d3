"""What was measured of every movement: is it shown, what explains it, how far did what move.

Between the spotters, which score movements, and the findings, which have pictures and words.
All frames here are decimated frames, px those of the 320-px face crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mescope.analysis.evidence import explain, vote_on_emotion
from mescope.events import Detection, EventKind, FaceEvent
from mescope.labels import SPOTTING_CLASSES
from mescope.motion.roi_flow import RoiFlow
from mescope.results import Evidence
from mescope.spotting.displacement import displacement
from mescope.spotting.explained import explained_by
from mescope.spotting.face_shape import TRACES, shape_traces
from mescope.spotting.flow_peaks import GROUPS, over_trend
from mescope.spotting.spotters import Spotting

LARGE_PX = 4.0
"""Landmarks that move further are believed where flow says something else: they jitter by one
or two px, and flow fails where lips part and skin folds."""

_SHAPES = {
    "MOUTH_48": ("corner_l_x", "corner_l_y"),
    "MOUTH_54": ("corner_r_x", "corner_r_y"),
    "MOUTH_51": ("", "upper_lip"),
    "MOUTH_57": ("", "lower_lip"),
}
"""Landmark traces (x, y) of regions of the mouth; "" where the trace has none.  Brows are left
to flow: they never part, and their landmarks slip under fringes, hats and glasses."""

_TREND_S = 1.2


@dataclass(frozen=True)
class Movement:
    """A movement with what was measured of it."""

    detection: Detection
    shown: bool  # an expression whose score reaches the floor
    explained_by: EventKind | None
    motion: NDArray[np.float64]  # (R, 2) from onset to apex; nan where it is not known
    evidence: Evidence


def measure_movements(
    flow: RoiFlow, spotting: Spotting, events: Sequence[FaceEvent]
) -> list[Movement]:
    """Return every movement in order of time, with the emotion by network and action units."""
    if not spotting.detections:
        return []
    chained = displacement(flow.windows, flow.timing.hop, flow.valid)
    shape = shape_traces(flow.points, flow.timing.rate)
    last = len(chained) - flow.padded - 1  # behind it is padding
    every = [found for found in spotting.detections if found.interval.first <= last]
    noise = noise_level(flow, every)
    out = []
    for found in sorted(every, key=lambda d: d.interval):
        motion = _motion(found, chained, shape, flow.regions)
        why = explained_by(found.interval, _by_group(motion, flow.regions), events)
        evidence = explain(motion, flow.regions, noise, expression=why is None)
        shown = why is None and found.score >= spotting.floor
        named = vote_on_emotion(found, evidence.action_units)
        out.append(Movement(named, shown, why, motion, evidence))
    return out


def emotion_traces(spotting: Spotting, movements: Sequence[Movement]) -> NDArray[np.float64]:
    """Return the classes' traces (n, 5), neutral last, which agree with the movements.

    Within a movement its emotion's scores share the spotting score of the frame.
    """
    if spotting.emotion is None:
        out = np.full((len(spotting.score), len(SPOTTING_CLASSES)), np.nan)
    else:
        out = spotting.emotion.copy()
    for one in movements:
        scores = one.detection.emotion_scores
        if scores is None:
            continue
        at = slice(one.detection.interval.first, one.detection.interval.last + 1)
        score = spotting.score[at]
        for i, name in enumerate(SPOTTING_CLASSES[:-1]):
            out[at, i] = scores.get(name, 0.0) * score
        out[at, -1] = 1.0 - score
    return out


def noise_level(flow: RoiFlow, found: Sequence[Detection]) -> float | None:
    """Return the motion, px, that regions show where nothing was found; None without a face.

    The 90th percentile over frames outside all movements, median over regions: a movement below
    it cannot be distinguished from how this recording trembles.
    """
    chained = displacement(flow.windows, flow.timing.hop, flow.valid)
    trembling = over_trend(chained, flow.timing.rate, _TREND_S)
    quiet = ~np.isnan(trembling[:, 0])
    for one in found:
        quiet[one.interval.first : one.interval.last + 1] = False
    if quiet.sum() < 10:
        quiet = ~np.isnan(trembling[:, 0])
    if not quiet.any():
        return None
    vectors = trembling[quiet].reshape(int(quiet.sum()), -1, 2)
    length = np.hypot(vectors[..., 0], vectors[..., 1])
    return float(np.median(np.percentile(length, 90, axis=0)))


def _motion(
    found: Detection,
    chained: NDArray[np.float64],
    shape: NDArray[np.float64],
    regions: Sequence[str],
) -> NDArray[np.float64]:
    """Return the onset→apex motion of every region, (R, 2)."""
    onset, apex = found.interval.first, found.apex
    motion = (chained[apex] - chained[onset]).reshape(-1, 2)
    moved = _level(shape, apex) - _level(shape, onset)
    mouth = 0.0
    for i, name in enumerate(regions):
        if name not in _SHAPES:
            continue
        seen = np.array(
            [0.0 if not trace else moved[TRACES.index(trace)] for trace in _SHAPES[name]]
        )
        large = float(np.linalg.norm(seen))
        if large > LARGE_PX and float(np.linalg.norm(motion[i] - seen)) > LARGE_PX / 2:
            motion[i] = seen
            mouth = max(mouth, large)
    for brow in ("BROW_L", "BROW_R"):
        _trust_most(motion, [i for i, name in enumerate(regions) if name.startswith(brow)])
    if mouth:  # where the lips part, flow beside them follows teeth and folds, not skin
        for i, name in enumerate(regions):
            if name in ("MOUTH", "MOUTH_62", "NOSE_31", "NOSE_35"):
                motion[i] = np.nan
    return np.asarray(motion, np.float64)


def _trust_most(motion: NDArray[np.float64], part: Sequence[int]) -> None:
    """Forget the regions ``part`` of one brow that flow takes far from the others.

    A brow is one piece of skin.  Where the frame of glasses or the edge of a hat lies across
    it, flow can slip along them and say eight px where four were planted.
    """
    if len(part) > 2:
        apart = motion[part] - np.median(motion[part], axis=0)
        motion[
            [i for i, far in zip(part, np.hypot(*apart.T), strict=True) if far > LARGE_PX]
        ] = np.nan


def _level(shape: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
    """Return the median of three frames around one: landmarks of a single frame may slip."""
    return np.asarray(np.median(shape[max(0, frame - 1) : frame + 2], axis=0), np.float64)


def _by_group(motion: NDArray[np.float64], regions: Sequence[str]) -> dict[str, float]:
    """Return the length of the mean motion of every group, px."""
    index = {name: i for i, name in enumerate(regions)}
    lengths = {}
    for group, members in GROUPS.items():
        known = [motion[index[n]] for n in members if n in index]
        known = [vector for vector in known if not np.isnan(vector).any()]
        if known:
            lengths[group] = float(np.hypot(*np.mean(known, axis=0)))
    return lengths
