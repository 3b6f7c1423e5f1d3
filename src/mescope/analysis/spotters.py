"""The three ways in which a recording's region flow becomes movements with scores.

All return the same :class:`~mescope.spotting.cascade.Spotted`: what was found down to a low
floor, in decimated frames, and the traces.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mescope.errors import MescopeError, WeightsError
from mescope.events import Detection
from mescope.labels import SPOTTING_CLASSES
from mescope.models.inference import score_windows
from mescope.models.weights import Card
from mescope.motion.roi_flow import RoiFlow
from mescope.spotting import cascade, flow_peaks
from mescope.spotting.cascade import CascadeRule, Spotted
from mescope.spotting.face_shape import shape_traces
from mescope.spotting.flow_peaks import FlowPeaksRule
from mescope.spotting.mirror import both_sides
from mescope.spotting.proposals import ProposalRule, propose
from mescope.spotting.traces import stitch

LOW_FLOOR = 0.05
"""Least score of a candidate that is kept for the sensitivity control."""

LOW_STRENGTH = 0.8
"""Of the training-free spotter: candidates below (in thresholds) are not kept."""


def rule_of(card: Card, name: str) -> ProposalRule | CascadeRule:
    """Return the rule that was chosen together with the weights ``name``."""
    kind: Any = CascadeRule if card.look == "candidates" else ProposalRule
    try:
        rule: ProposalRule | CascadeRule = kind(**card.proposals)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"the spotting rule in the card of {name} does not fit: {error}; "
            "the weights were written by another version of mescope"
        ) from error
    return rule


def by_movement(flow: RoiFlow) -> tuple[Spotted, float]:
    """Spot without training; also returns the floor from which detections are shown."""
    motion = flow_peaks.displacement(flow.windows, flow.timing.hop, flow.valid)
    rule = FlowPeaksRule(floor=LOW_STRENGTH)
    found, trace = flow_peaks.candidates(motion, flow.timing.rate, flow.regions, rule)
    detections = tuple(flow_peaks.detection_of(one, flow.timing.rate) for one in found)
    emotion = np.full((len(trace), len(SPOTTING_CLASSES)), np.nan)
    return Spotted(detections, trace, emotion, trace), 0.5


def by_network(
    flow: RoiFlow, model: torch.nn.Module, card: Card, name: str, device: str
) -> tuple[Spotted, float]:
    """Spot with weights; also returns the floor from which detections are shown."""
    rule = rule_of(card, name)
    if isinstance(rule, CascadeRule):
        return _cascade(flow, model, rule, device), rule.floor
    return _windows(flow, model, rule, device), rule.floor


def _cascade(flow: RoiFlow, model: torch.nn.Module, rule: CascadeRule, device: str) -> Spotted:
    rate = flow.timing.rate
    return cascade.spot(
        flow_peaks.displacement(flow.windows, flow.timing.hop, flow.valid),
        shape_traces(flow.points, rate),
        rate,
        flow.regions,
        both_sides(partial(score_windows, model, device=device), flow.regions),
        rule,
    )


def _windows(flow: RoiFlow, model: torch.nn.Module, rule: ProposalRule, device: str) -> Spotted:
    """Score windows one after the other, as published, and propose from the stitched trace."""
    spotting, logits = score_windows(model, flow.windows, device=device)
    hop, rate = flow.timing.hop, flow.timing.rate
    score = stitch(spotting, hop, valid=flow.valid)
    emotion = stitch(logits, hop, valid=flow.valid)
    found = propose(score, emotion, rate, rule)
    if rule.mode == "clean":
        low = propose(score, emotion, rate, replace(rule, floor=min(rule.floor, LOW_FLOOR)))
        found += [d for d in low if not any(_meet(d, other) for other in found)]
    motion = flow_peaks.displacement(flow.windows, hop, flow.valid)
    movement = flow_peaks.candidates(motion, rate, flow.regions)[1]
    return Spotted(tuple(found), score, softmax(emotion), movement)


def _meet(a: Detection, b: Detection) -> bool:
    return a.interval.shared(b.interval) > 0


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return class probabilities, (n, 5) → (n, 5)."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=-1, keepdims=True)
    if probabilities.shape[-1] != len(SPOTTING_CLASSES):
        raise MescopeError(
            f"the model names {probabilities.shape[-1]} classes, expected {SPOTTING_CLASSES}"
        )
    return probabilities
