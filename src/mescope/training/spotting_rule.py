"""The spotting rule of a fold, made from its training people alone, and what it finds.

k_p is half the mean (or median) length of the training people's expressions; the level below
which no peak counts is given or chosen on training people who were not learned from.  As
published, k_p comes from everyone, test people too (``k_p_people = "everyone"``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from mescope.errors import DatasetError, WeightsError
from mescope.events import Detection, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.models.card import Card
from mescope.models.inference import score_windows
from mescope.samples.recording_windows import RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.spotting.proposals import ProposalRule, half_length, kind_of, propose
from mescope.spotting.traces import stitch
from mescope.training.tables import Recipe, fitting
from mescope.training.tasks.recordings import RecordingTable

NEUTRAL = SPOTTING_CLASSES[-1]

LEAST_HALF = 2
"""Shortest k_p: the published vote needs intervals of five frames."""

LEVELS = tuple(round(0.2 + 0.05 * i, 2) for i in range(15))
"""What a level is chosen from."""


class Trace(NamedTuple):
    """What a network says of the n decimated frames of a recording.

    ``score`` (n,), 0 to 1, and ``emotion`` (n, 5) logits; in mode ``clean`` the score is nan
    where no face was measured, and the logits are those of neutral.
    """

    score: NDArray[np.float64]
    emotion: NDArray[np.float64]


def trace_of(model: torch.nn.Module, one: RecordingWindows, *, device: str = "cpu") -> Trace:
    """Return the stitched scores of a recording."""
    spotting, emotion = score_windows(model, one.windows, device=device)
    valid = None if one.mode == "as_published" else one.valid
    score = stitch(spotting, one.timing.hop, valid=valid)
    logits = stitch(emotion, one.timing.hop, valid=valid)
    logits[np.isnan(score)] = np.eye(len(SPOTTING_CLASSES))[-1]
    return Trace(score, logits)


def first_rule(recipe: Recipe, people: Sequence[RecordingWindows]) -> ProposalRule:
    """Return the rule of a recipe with k_p from the expressions of ``people``.

    Raises:
        DatasetError: they show no expression.
    """
    table = fitting(recipe.task, RecordingTable, "[task]")
    data = fitting(recipe.data, AnnotatedRecordings, "[data]")
    strategy = table.strategies[0]
    if table.rule == "trace":
        return ProposalRule(share=0.0, floor=table.level, smooth=1, strategy=strategy)
    lengths = [
        e.interval.last - e.interval.first
        for one in people
        for e in one.expressions(data.kinds)
    ]
    if not lengths:
        raise DatasetError(
            f"expected {' or '.join(data.kinds)}-expressions of training people to take k_p "
            f"from, found none in {len(people)} recordings"
        )
    half = max(LEAST_HALF, half_length(lengths, "median" if table.k_p == "median" else "mean"))
    family = "boosting-vrme" if recipe.model.name.startswith("boosting") else "me-tst-plus"
    rule = ProposalRule.as_published(half, strategy, of=family)  # type: ignore[arg-type]
    return replace(rule, share=table.level)


def with_level(rule: ProposalRule, level: float) -> ProposalRule:
    """Return the rule with another level below which no peak counts."""
    if rule.mode == "clean":
        return replace(rule, floor=level)
    return replace(rule, share=level)


def with_level_of(rule: ProposalRule, card: Card) -> ProposalRule:
    """Return the rule with the level that was chosen together with weights, if one was.

    Raises:
        WeightsError: the card's rule is of another version.
    """
    if not card.proposals:
        return rule
    try:
        chosen = ProposalRule(**card.proposals)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"expected weights with the spotting rule of {card.model}, found another in their "
            f"card: {error}; train them again"
        ) from error
    if chosen.mode != rule.mode:
        return rule
    return with_level(rule, chosen.floor if chosen.mode == "clean" else chosen.share)


def found_by(
    one: RecordingWindows, trace: Trace, rule: ProposalRule, wanted: AnnotatedRecordings
) -> list[Detection]:
    """Return the detections of a recording in decimated frames.

    A network that learned micro-expressions alone finds micro-expressions, however long.  With
    strategy 1 neutral detections are gone, but for ``as_published``, whose mode of counting
    takes them out after matching.
    """
    found = propose(trace.score, trace.emotion, one.timing.rate, rule)
    if rule.strategy == 1 and wanted.mode != "as_published":
        found = [d for d in found if d.emotion != NEUTRAL]
    return list(_typed(found, one, wanted))


def _typed(
    found: Iterable[Detection], one: RecordingWindows, wanted: AnnotatedRecordings
) -> Iterable[Detection]:
    for d in found:
        last = one.used - 1
        if wanted.mode != "as_published" and d.interval.last > last:  # published ones stick out
            first = min(d.interval.first, last)
            d = replace(d, interval=Interval(first, last), apex=min(d.apex, last))
        kind = kind_of(d.interval, one.timing.rate) if wanted.macro else "micro"
        yield replace(d, kind=cast("str", kind))  # type: ignore[arg-type]
