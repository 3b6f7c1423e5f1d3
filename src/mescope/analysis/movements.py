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
from mescope.spotting.apex_motion import apex_motion, by_group
from mescope.spotting.displacement import displacement
from mescope.spotting.explained import explained_by
from mescope.spotting.face_shape import shape_traces
from mescope.spotting.spotters import Spotting, StandingOut
from mescope.spotting.tremble import tremble


@dataclass(frozen=True)
class Movement:
    """A movement with what was measured of it."""

    detection: Detection
    shown: bool  # an expression whose score reaches the floor
    explained_by: EventKind | None
    motion: NDArray[np.float64]  # (R, 2) from onset to apex; nan where it is not known
    evidence: Evidence
    standing_out: StandingOut | None = None  # where the spotter asks for it


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
        motion = apex_motion(found, chained, shape, flow.regions)
        why = explained_by(found.interval, by_group(motion, flow.regions), events)
        evidence = explain(motion, flow.regions, noise, expression=why is None)
        shown = why is None and found.score >= spotting.floor
        named = vote_on_emotion(found, evidence.action_units)
        standing = spotting.standing_out.get(found.interval)
        out.append(Movement(named, shown, why, motion, evidence, standing))
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

    See :func:`mescope.spotting.tremble.tremble`.
    """
    chained = displacement(flow.windows, flow.timing.hop, flow.valid)
    return tremble(chained, flow.timing.rate, [one.interval for one in found])
