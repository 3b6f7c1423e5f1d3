"""From a recipe on rendered recordings to weights with a card, in one call.

Recordings are rendered and measured (or read back), the network learns from all but the last
share of them, and that share, of identities it has not seen, calibrates the scores, chooses the
floor and gives the figures of the card.  No real face and no test portrait has a part in it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import mescope
from mescope.evaluation.matching import Counts, match_kind
from mescope.events import Detection
from mescope.labels import SPOTTING_CLASSES
from mescope.models.inference import score_windows
from mescope.models.weights import Card, save
from mescope.motion.windows import timing
from mescope.samples.candidate_segments import REGIONS, candidate_windows
from mescope.samples.rendered import Manner, Measured, measured_recordings
from mescope.samples.synthetic import Epoch, Windows, joined
from mescope.samples.window_labels import frame_labels, sample_windows, window_labels
from mescope.spotting.cascade import (
    CascadeRule,
    Judged,
    Signs,
    detection_of,
    evidence,
    judge,
    signs_of,
    strongest,
)
from mescope.spotting.mirror import both_sides
from mescope.spotting.segments import SAMPLES
from mescope.spotting.traces import stitch
from mescope.training.calibration import fit_logistic
from mescope.training.logs import Log
from mescope.training.publish import Heard, card_figures, choose_rule, spotting_scores
from mescope.training.recipe import RenderedRecipe
from mescope.training.train import Report, train

QUIET = 1.0
"""False alarms per minute of held-out recording that a floor may give: as many as of real ones.

Held-out recordings are harder than most real ones: many talk, turn and tremble throughout.
"""

FLOORS = tuple(round(0.2 + 0.05 * i, 2) for i in range(15))

RENDERED = "rendered"
"""How the figures on the card begin."""

TRAINED_ON = "rendered pixels of simulated faces, measured by the real extraction; no real face"


def measured_for(
    recipe: RenderedRecipe,
    out: Path,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Measured]:
    """Render and measure what a recipe asks for, or read it back from ``out/measured``.

    Args:
        recipe: what to render.
        out: folder of the run.
        jobs: processes.
        progress: called with (recordings measured, recordings in all).
    """
    folder, every = out / "measured", recipe.recordings
    both: list[list[Measured]] = []
    parts: tuple[tuple[Manner, int], ...] = (
        ("natural", recipe.natural),
        ("staged", every - recipe.natural),
    )
    for manner, count in parts:
        before = sum(map(len, both))
        some = measured_recordings(
            folder, count, recipe.seed, recipe.seconds, manner=manner, jobs=jobs,
            progress=None if progress is None else _after(progress, before, every),
        )  # fmt: skip
        both.append(list(some))
    return _alternating(*both)


def _after(
    progress: Callable[[int, int], None], before: int, every: int
) -> Callable[[int, int], None]:
    """Return a progress that counts on from ``before`` of ``every``."""
    return lambda done, _: progress(before + done, every)


def _alternating(a: list[Measured], b: list[Measured]) -> list[Measured]:
    """Return both lists as one in which either is spread evenly: any part holds its share."""
    places = [
        ((i + 0.5) / len(part), k, i) for k, part in enumerate((a, b)) for i in range(len(part))
    ]
    return [(a, b)[k][i] for _, k, i in sorted(places)]


def train_rendered(
    recipe: RenderedRecipe,
    measured: Sequence[Measured],
    out: Path,
    *,
    device: str = "cpu",
    log: Log = "none",
    report: Report | None = None,
) -> tuple[Card, list[dict[str, float]]]:
    """Train, calibrate and write ``out/NAME.safetensors``; an interrupted training goes on.

    Args:
        recipe: what to do.
        measured: recordings of :func:`measured_for`.
        out: folder of the run.
        device: a torch device.
        log: as for :func:`mescope.training.train.train`.
        report: called after every batch.

    Returns:
        The card as written, and the history of the training.
    """
    held = held_out(recipe, measured)
    source = Source(recipe, measured[: -len(held)])
    model, state = train(recipe, out, source=source, device=device, log=log, report=report)
    path = out / f"{recipe.name}.safetensors"
    return publish_rendered(model.to("cpu"), recipe, held, path), state.history


def held_out(recipe: RenderedRecipe, measured: Sequence[Measured]) -> Sequence[Measured]:
    """Return the last recordings, which calibrate and are not trained on."""
    return measured[-max(1, round(len(measured) * recipe.held_out)) :]


class Source:
    """Epochs of windows or segments: all that hold an expression, others drawn anew."""

    def __init__(self, recipe: RenderedRecipe, measured: Sequence[Measured]) -> None:
        self.recipe = recipe
        if recipe.look == "candidates":
            self._every = {SAMPLES: candidate_windows(measured)}
        else:
            self._every = _flow_windows(measured)

    def __call__(self, epoch: int) -> Epoch:
        """Return the data of an epoch, a pure function of recipe and number."""
        rng = np.random.default_rng((self.recipe.seed, epoch))
        chosen = {}
        for length, every in self._every.items():
            keep = sample_windows(every.spotting, self.recipe.negative_ratio, rng)
            chosen[length] = every.take(keep)
        return Epoch(chosen)


def _flow_windows(measured: Sequence[Measured]) -> dict[int, Windows]:
    """Return the plain windows of all recordings by their length."""
    parts: dict[int, list[Windows]] = {}
    for one in measured:
        k = one.windows.shape[2]
        spotting, classes = frame_labels(one.expressions, len(one.times), SPOTTING_CLASSES)
        cut = Windows(
            one.face,
            window_labels(spotting, k, k // 2).astype(np.float32),
            window_labels(classes, k, k // 2),
        )
        seen = np.flatnonzero(one.valid.all(axis=1))
        parts.setdefault(k, []).append(cut.take(seen))
    return {k: joined(some) for k, some in sorted(parts.items())}


def publish_rendered(
    model: torch.nn.Module, recipe: RenderedRecipe, held: Sequence[Measured], path: Path
) -> Card:
    """Choose the rule on held-out recordings, score the model there and write the weights."""
    if recipe.look == "windows":
        heard = [_heard(model, one) for one in held]
        rule, counts = choose_rule(heard)
        scores = spotting_scores(heard, rule, counts, RENDERED)
        proposals = rule.to_dict()
    else:
        cascade, scores = calibrate(model, held)
        proposals = cascade.to_dict()
    plan = timing(30.0)
    card = Card(
        model=recipe.model,
        config=dataclasses.asdict(model.config),  # type: ignore[call-overload]
        regions=REGIONS,
        window=SAMPLES if recipe.look == "candidates" else plan.window,
        rate=plan.rate,
        look=recipe.look,
        head="face",
        recipe=json.dumps(dataclasses.asdict(recipe), sort_keys=True),
        trained_on=TRAINED_ON,
        simulated=True,
        scores=scores,
        proposals=proposals,
        licence="Apache-2.0",
        version=mescope.__version__,
        notes=recipe.notes,
    )
    return save(path, model, card)


def _heard(model: torch.nn.Module, one: Measured) -> Heard:
    spotting, emotion = score_windows(model, one.face)
    hop = one.windows.shape[2] // 2
    return Heard(
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

    Only survivors are ever shown, in whatever calibration; right is an IoU of 0.5 or more.
    """
    signs, right = [], []
    for one, some in zip(held, judged, strict=True):
        left = [each for each, _ in strongest(some, rule, one.rate)]
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
        evenness=evenness, offset=offset,
    )  # fmt: skip
    minutes = sum(len(one.times) / one.rate for one in held) / 60
    tried = []
    for floor in FLOORS:
        counts = sum(
            (_counts(one, some, rule, floor) for one, some in zip(held, judged, strict=True)),
            Counts(),
        )
        tried.append((floor, counts))
    quiet = [pair for pair in tried if pair[1].fp / minutes <= QUIET] or [
        min(tried, key=lambda pair: pair[1].fp)
    ]
    # A false proposal costs a look, a missed expression is lost: recall counts twice.
    floor, counts = max(quiet, key=lambda pair: _f2(pair[1]))
    rule = dataclasses.replace(rule, floor=floor)
    shown = [
        (found_by(one, some, rule), one.expressions)
        for one, some in zip(held, judged, strict=True)
    ]
    return rule, card_figures(shown, counts, minutes, RENDERED)


def _f2(counts: Counts) -> float:
    """Return F2: recall counts twice as much as precision; 0 where nothing is found."""
    whole = 5 * counts.tp + 4 * counts.fn + counts.fp
    return 5 * counts.tp / whole if whole else 0.0


def found_by(one: Measured, judged: Sequence[Judged], rule: CascadeRule) -> list[Detection]:
    """Return the detections above the rule's floor, without traces."""
    return [
        detection_of(j, p, one.rate)
        for j, p in strongest(judged, rule, one.rate)
        if p >= rule.floor
    ]


def _counts(one: Measured, judged: Sequence[Judged], rule: CascadeRule, floor: float) -> Counts:
    found = found_by(one, judged, dataclasses.replace(rule, floor=floor))
    micro = match_kind(found, one.expressions, "micro").counts
    return micro + match_kind(found, one.expressions, "macro").counts
