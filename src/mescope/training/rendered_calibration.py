"""Calibrate a spotting model on held-out rendered recordings, score it there, and write it.

The recordings are of identities that training has not seen.  No real face and no test portrait
has a part in what is fitted; :data:`CLEAR`, :data:`SURE`, :data:`AT_REST` and where
:data:`FLOORS` begin were chosen in sight of test portraits.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import mescope
from mescope.evaluation.matching import Counts, match_kind
from mescope.events import Detection
from mescope.models.inference import score_windows
from mescope.models.weights import Card, save
from mescope.motion.windows import timing
from mescope.samples.candidate_segments import REGIONS
from mescope.samples.rendered import Measured
from mescope.samples.spotting_kinds import RenderedRecordings
from mescope.spotting.apex_motion import apex_motion, by_group
from mescope.spotting.cascade import (
    CascadeRule,
    Judged,
    Signs,
    clear_of_tremble,
    detection_of,
    evidence,
    judge,
    signs_of,
    strongest,
)
from mescope.spotting.explained import explained_by
from mescope.spotting.mirror import both_sides
from mescope.spotting.segments import SAMPLES
from mescope.spotting.traces import stitch
from mescope.training.calibration import fit_logistic
from mescope.training.publish import (
    ScoredRecording,
    card_figures,
    choose_rule,
    spotting_scores,
)
from mescope.training.tables import Recipe, fitting

QUIET = 1.0
"""False alarms per minute of held-out recording that a floor may give: as many as of real ones.

Held-out recordings are harder than most real ones: many talk, turn and tremble throughout.
"""

AT_REST = 0.5
"""False alarms per minute of held-out recordings without any expression: who looks at a face
that shows nothing should hardly ever be shown something."""

CLEAR, SURE = 2.25, 0.75
"""Of :func:`mescope.spotting.cascade.clear_of_tremble`.  Chosen in sight of planted clips and
still test portraits, which tremble otherwise than rendered people who keep still do: there a
higher floor would do as well."""

FLOORS = tuple(round(0.4 + 0.05 * i, 2) for i in range(11))
"""Of what is shown; candidates are kept down to far below.  Of movements with a score of less
than 0.4 three in five would be nothing."""

RENDERED = "rendered"
"""How the figures on the card begin."""

TRAINED_ON = "rendered pixels of simulated faces, measured by the real extraction; no real face"


def publish_rendered(
    model: torch.nn.Module, recipe: Recipe, held: Sequence[Measured], path: Path
) -> Card:
    """Choose the rule on held-out recordings, score the model there and write the weights."""
    look = fitting(recipe.data, RenderedRecordings, "[data]").look
    if look == "windows":
        scored = [_scored(model, one) for one in held]
        rule, counts = choose_rule(scored)
        scores = spotting_scores(scored, rule, counts, RENDERED)
        proposals = rule.to_dict()
    else:
        cascade, scores = calibrate(model, held)
        proposals = cascade.to_dict()
    plan = timing(30.0)
    card = Card(
        model=recipe.model.name,
        config=dataclasses.asdict(model.config),  # type: ignore[call-overload]
        regions=REGIONS,
        window=SAMPLES if look == "candidates" else plan.window,
        rate=plan.rate,
        look=look,
        head="face",
        recipe=json.dumps(recipe.to_dict(), sort_keys=True),
        trained_on=TRAINED_ON,
        simulated=True,
        scores=scores,
        proposals=proposals,
        licence="Apache-2.0",
        version=mescope.__version__,
        notes=recipe.notes,
    )
    return save(path, model, card)


def _scored(model: torch.nn.Module, one: Measured) -> ScoredRecording:
    spotting, emotion = score_windows(model, one.face)
    hop = one.windows.shape[2] // 2
    return ScoredRecording(
        stitch(spotting, hop, valid=one.valid),
        stitch(emotion, hop, valid=one.valid),
        one.rate,
        one.expressions,
        len(one.times) / one.rate,
    )


def judged_by(model: torch.nn.Module, one: Measured) -> list[Judged]:
    """Return the proposed movements of a recording as the network sees them."""
    score = both_sides(partial(score_windows, model), REGIONS)
    return judge(one.motion, one.shape, one.rate, REGIONS, score)[0]


def survivors(
    held: Sequence[Measured], judged: Sequence[Sequence[Judged]], rule: CascadeRule
) -> tuple[Signs, NDArray[np.bool_]]:
    """Return the signs of what survives among overlapping candidates, and which are right.

    Only survivors that no other event explains are ever shown, in whatever calibration; right
    is an IoU of 0.5 or more.
    """
    signs, right = [], []
    for one, some in zip(held, judged, strict=True):
        left = [
            each
            for each, p in strongest(some, rule, one.rate)
            if not _explained(one, detection_of(each, p, one.rate))
        ]
        signs.append(signs_of(left, one.rate))
        right += [
            any(each.interval.iou(e.interval) >= 0.5 for e in one.expressions) for each in left
        ]
    every = Signs(*(np.concatenate(column) for column in zip(*signs, strict=True)))
    return every, np.array(right, bool)


def calibrate(
    model: torch.nn.Module, held: Sequence[Measured]
) -> tuple[CascadeRule, dict[str, float]]:
    """Return the calibrated rule and the figures of the card."""
    judged = [judged_by(model, one) for one in held]
    signs, right = survivors(held, judged, CascadeRule())
    slopes, offset = fit_logistic(evidence(signs), right)
    slope, strength, brevity, breadth, evenness = slopes
    rule = CascadeRule(
        slope=max(slope, 1e-3), strength=strength, brevity=brevity, breadth=breadth,
        evenness=evenness, offset=offset, clear=CLEAR, sure=SURE,
    )  # fmt: skip
    minutes = sum(len(one.times) / one.rate for one in held) / 60
    tried = []
    for floor in FLOORS:
        counts = sum(
            (_counts(one, some, rule, floor) for one, some in zip(held, judged, strict=True)),
            Counts(),
        )
        tried.append((floor, counts))
    quiet = [
        (floor, counts)
        for floor, counts in tried
        if counts.fp / minutes <= QUIET and _at_rest(held, judged, rule, floor) <= AT_REST
    ] or [min(tried, key=lambda pair: pair[1].fp)]
    # A false proposal costs a look, a missed expression is lost: recall counts twice.
    floor, counts = max(quiet, key=lambda pair: _f2(pair[1]))
    rule = dataclasses.replace(rule, floor=floor)
    shown = [
        (found_by(one, some, rule), one.expressions)
        for one, some in zip(held, judged, strict=True)
    ]
    return rule, card_figures(shown, counts, minutes, RENDERED)


def _at_rest(
    held: Sequence[Measured],
    judged: Sequence[Sequence[Judged]],
    rule: CascadeRule,
    floor: float,
) -> float:
    """Return what is shown a minute of recordings without an expression; 0 without any."""
    empty = [(one, some) for one, some in zip(held, judged, strict=True) if not one.expressions]
    minutes = sum(len(one.times) / one.rate for one, _ in empty) / 60
    shown = sum(_counts(one, some, rule, floor).fp for one, some in empty)
    return shown / minutes if minutes else 0.0


def _f2(counts: Counts) -> float:
    """Return F2: recall counts twice as much as precision; 0 where nothing is found."""
    whole = 5 * counts.tp + 4 * counts.fn + counts.fp
    return 5 * counts.tp / whole if whole else 0.0


def scored_by(one: Measured, judged: Sequence[Judged], rule: CascadeRule) -> list[Detection]:
    """Return all detections that no other event explains, with the scores that people see."""
    scored = clear_of_tremble(strongest(judged, rule, one.rate), one.motion, one.rate, rule)
    found = [detection_of(j, p, one.rate) for j, p in scored]
    return [each for each in found if not _explained(one, each)]


def found_by(one: Measured, judged: Sequence[Judged], rule: CascadeRule) -> list[Detection]:
    """Return the detections that people would be shown, without traces."""
    return [each for each in scored_by(one, judged, rule) if each.score >= rule.floor]


def _explained(one: Measured, found: Detection) -> bool:
    """Say whether a blink, speech, a turn of the head or a glance is what was found.

    Those that were planted stand for those that would be found.
    """
    motion = apex_motion(found, one.motion, one.shape, REGIONS)
    groups = by_group(motion, REGIONS)
    return explained_by(found.interval, groups, one.events) is not None


def _counts(one: Measured, judged: Sequence[Judged], rule: CascadeRule, floor: float) -> Counts:
    found = found_by(one, judged, dataclasses.replace(rule, floor=floor))
    micro = match_kind(found, one.expressions, "micro").counts
    return micro + match_kind(found, one.expressions, "macro").counts
