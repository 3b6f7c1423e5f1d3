"""The rule of a fold for networks that score frames, and what it finds; see ``spotting_rule``.

k_p is half the mean (or median) length of the training people's expressions, in seconds, of the
kind that is learned; the floor is given or chosen on training people who were not learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from mescope.errors import DatasetError, WeightsError
from mescope.events import Detection
from mescope.labels import SPOTTING_CLASSES
from mescope.models.card import Card
from mescope.models.inference import score_frames
from mescope.samples.frame_epochs import EMOTIONS, FrameEpochs, annotated_epochs
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.pair_labels import half_length
from mescope.samples.recording_windows import RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.spotting.frame_scores import FrameRule, at_middle, frame_intervals
from mescope.training.tables import Recipe, fitting
from mescope.training.tasks.recording_frames import RecordingFrameTable

LEAST_HALF_S = 0.03
"""Shortest k_p: a frame at the usual rates."""

FLOORS = tuple(round(0.05 * i, 2) for i in range(18))
"""What a floor is chosen from; 0 is the published rule."""

_AT_ONCE = 2048  # maps that are read at a time: 22 MB


class FrameTrace(NamedTuple):
    """What a network says of the pairs of a recording that begin at each of its n frames.

    ``score`` (n,), nan without a valid pair; ``logits`` (n, 4) likewise, or None where the
    network names nothing.
    """

    score: NDArray[np.float64]
    logits: NDArray[np.float64] | None


def first_rule(recipe: Recipe, people: Sequence[RecordingWindows]) -> FrameRule:
    """Return the rule of a recipe with k_p from the expressions of ``people``.

    Raises:
        DatasetError: they show no expression of the kind that is learned.
    """
    table = fitting(recipe.task, RecordingFrameTable, "[task]")
    data = fitting(recipe.data, AnnotatedFrames, "[data]")
    lengths = [
        len(e.interval) / one.timing.rate for one in people for e in one.expressions(data.kinds)
    ]
    if not lengths:
        raise DatasetError(
            f"expected {data.expressions}-expressions of training people to take k_p from, "
            f"found none in {len(people)} recordings"
        )
    half = half_length(lengths, "median" if table.k_p == "median" else "mean")
    return FrameRule(
        half_s=max(LEAST_HALF_S, round(half, 4)), pair_s=data.half_s, share=table.share,
        floor=table.floor, kind=cast("Any", data.expressions), flow=cast("Any", data.flow),
    )  # fmt: skip


def with_floor(rule: FrameRule, floor: float) -> FrameRule:
    """Return the rule with another floor."""
    return replace(rule, floor=floor)


def with_floor_of(rule: FrameRule, card: Card) -> FrameRule:
    """Return the rule with the floor that was chosen together with weights.

    Raises:
        WeightsError: the card's rule is of another version.
    """
    try:
        return replace(rule, floor=FrameRule(**card.proposals).floor)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"expected weights with the spotting rule of {card.model}, found another in their "
            f"card: {error}; train them again"
        ) from error


def epochs_of(recipe: Recipe, people: Sequence[RecordingWindows]) -> FrameEpochs:
    """Return what a recipe learns from the recordings of some people.

    Raises:
        DatasetError: there is nothing to learn.
    """
    data = fitting(recipe.data, AnnotatedFrames, "[data]")
    return annotated_epochs(data, recipe.labels, recipe.seed, people)


def trace_of(
    model: torch.nn.Module, one: RecordingWindows, *, device: str = "cpu"
) -> FrameTrace:
    """Return the scores of a recording's pairs."""
    assert one.maps is not None
    score = np.full(one.used, np.nan)
    logits: NDArray[np.float64] | None = None
    seen = np.flatnonzero(one.maps.valid)
    for first in range(0, len(seen), _AT_ONCE):
        at = seen[first : first + _AT_ONCE]
        scores, named = score_frames(model, one.maps.rows(at).astype(np.float32), device=device)
        score[at] = scores
        if named.shape[1]:
            if logits is None:
                logits = np.full((one.used, named.shape[1]), np.nan)
            logits[at] = named
    return FrameTrace(score, logits)


def found_by(
    one: RecordingWindows, trace: FrameTrace, rule: FrameRule, wanted: AnnotatedRecordings
) -> list[Detection]:
    """Return the detections of a recording in decimated frames, of the kind learned."""
    every, level = frame_intervals(trace.score, one.timing.rate, rule, trace.logits, EMOTIONS)
    return [d for d in every if d.score >= level]


def kept_trace(
    one: RecordingWindows, trace: FrameTrace, rule: FrameRule
) -> dict[str, NDArray[Any]]:
    """Return what pages show of a trace: scores at their pairs' middle, and the threshold.

    ``emotion`` (n, 5): logits whose shares are those of the network, neutral where there are
    none.
    """
    shift = rule.distance(one.timing.rate) // 2
    emotion = np.full((one.used, len(SPOTTING_CLASSES)), -np.inf)
    emotion[:, -1] = 0.0
    if trace.logits is not None:
        middle = np.full_like(trace.logits, np.nan)
        middle[shift:] = trace.logits[: one.used - shift]
        known = ~np.isnan(middle[:, 0])
        emotion[known, :-1], emotion[known, -1] = middle[known], -np.inf
    level = frame_intervals(trace.score, one.timing.rate, rule)[1]
    return {
        "score": at_middle(trace.score, rule.distance(one.timing.rate)).astype(np.float32),
        "emotion": emotion.astype(np.float32), "level": np.array(level),
    }  # fmt: skip


def about(rule: FrameRule) -> dict[str, Any]:
    """Return the fields of a rule for reports."""
    return {"mode": "frames", **asdict(rule)}
