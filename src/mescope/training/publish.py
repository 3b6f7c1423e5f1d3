"""From a trained model to weights with a card: choose the threshold, score, write.

The floor of the spotting rule and the scores on the card come from simulated development
recordings that no epoch has seen; the test faces of ``benchmarks/planted.py`` have no part in
any choice.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import mescope
from mescope.evaluation.matching import Counts, match_kind
from mescope.evaluation.recognition import count_classes, uar, uf1
from mescope.events import Detection, Expression
from mescope.models.inference import score_windows
from mescope.models.weights import Card, save
from mescope.motion.regions import REGIONS_18
from mescope.motion.windows import timing
from mescope.moved import renamed
from mescope.samples.spotting_kinds import SimulatedWindows
from mescope.spotting.proposals import ProposalRule, propose
from mescope.spotting.traces import stitch
from mescope.synthesis import dynamics
from mescope.synthesis.dynamics import LEVELS, random_script
from mescope.synthesis.flow_windows import draw_errors, flow_windows
from mescope.synthesis.shapes import random_shape
from mescope.training.tables import Recipe, fitting

DEVELOPMENT = 10**6
"""Epoch number whose random stream draws the development recordings."""

FLOORS = tuple(round(0.3 + 0.05 * i, 2) for i in range(14))
QUIET = 0.4
"""False alarms per minute of development recording that a rule may give."""

RATES = (30.0, 200.0)
SCORED = ("negative", "positive", "surprise")


@dataclass(frozen=True)
class ScoredRecording:
    """One development recording as the model scored it."""

    spotting: np.ndarray  # (n,)
    emotion: np.ndarray  # (n, 5)
    rate: float
    truth: tuple[Expression, ...]
    seconds: float


def publish(
    model: torch.nn.Module, recipe: Recipe, path: str | Path, *, recordings: int = 240
) -> Card:
    """Choose the rule, score the model on simulated recordings and write the weights.

    Args:
        model: trained, in eval mode.
        recipe: that made it.
        path: a .safetensors file.
        recordings: simulated development recordings, spread over levels and frame rates.

    Returns:
        The card as written.
    """
    heard = [_hear(model, recipe, i) for i in range(recordings)]
    rule, counts = choose_rule(heard)
    return save(path, model, _card(model, recipe, rule, spotting_scores(heard, rule, counts)))


def choose_rule(heard: list[ScoredRecording]) -> tuple[ProposalRule, Counts]:
    """Return the rule whose absolute floor gives the best pooled F1 on micro-expressions.

    Only floors with at most :data:`QUIET` false alarms a minute are in the running (where there
    are none, the floor with fewest false alarms): F1 is flat over a wide range of floors, and
    whoever looks through what was found pays for false alarms.
    """
    if not heard:
        raise ValueError("no development recordings to choose on")
    minutes = sum(h.seconds for h in heard) / 60
    tried: list[tuple[ProposalRule, Counts]] = []
    for floor in FLOORS:
        rule = ProposalRule(share=0.0, floor=floor, level=0.45, smooth=1, strategy=2)
        parts = (match_kind(_found(h, rule), h.truth, "micro").counts for h in heard)
        tried.append((rule, sum(parts, Counts())))
    quiet = [pair for pair in tried if pair[1].fp / minutes <= QUIET]
    if not quiet:
        return min(tried, key=lambda pair: pair[1].fp)
    return max(quiet, key=lambda pair: pair[1].f1)


def _hear(model: torch.nn.Module, recipe: Recipe, number: int) -> ScoredRecording:
    rng = np.random.default_rng((recipe.seed, DEVELOPMENT, number))
    level = list(LEVELS)[number % len(LEVELS)]
    plan = timing(RATES[number // len(LEVELS) % len(RATES)])
    seconds = fitting(recipe.data, SimulatedWindows, "[data]").seconds
    script = random_script(rng, seconds, level=level)
    flow, times = flow_windows(
        script, random_shape(rng), plan, draw_errors(rng, script.noise), rng
    )
    spotting, emotion = score_windows(model, flow)
    return ScoredRecording(
        stitch(spotting, plan.hop),
        stitch(emotion, plan.hop),
        plan.rate,
        dynamics.truth(script, times),
        seconds,
    )


def _found(heard: ScoredRecording, rule: ProposalRule) -> list[Detection]:
    return propose(heard.spotting, heard.emotion, heard.rate, rule)


def spotting_scores(
    heard: list[ScoredRecording], rule: ProposalRule, counts: Counts, of: str = "simulated"
) -> dict[str, float]:
    """Return the figures of the card."""
    shown = [(_found(h, rule), h.truth) for h in heard]
    return card_figures(shown, counts, sum(h.seconds for h in heard) / 60, of)


def card_figures(
    shown: Sequence[tuple[Sequence[Detection], Sequence[Expression]]],
    counts: Counts,
    minutes: float,
    of: str,
) -> dict[str, float]:
    """Return the figures of a card, rounded, their names beginning with ``of``.

    ``shown`` are detections and truth of every recording, ``counts`` what chose the rule.  UF1
    and UAR are over the micro-expressions that were hit.
    """
    pairs: list[tuple[str, str]] = []
    micro = Counts()
    for found, truth in shown:
        matched = match_kind(found, truth, "micro")
        micro += matched.counts
        pairs += [(str(truth[j].emotion), str(found[i].emotion)) for i, j in matched.pairs]
    classes = count_classes([t for t, _ in pairs], [p for _, p in pairs], SCORED)
    figures = {
        "spotting_f1": counts.f1,
        "micro_f1": micro.f1,
        "precision": counts.precision,
        "recall": counts.recall,
        "false_alarms_per_minute": counts.fp / minutes,
        "uf1": uf1(classes),
        "uar": uar(classes),
    }
    return {f"{of}_{name}": round(value, 4) for name, value in figures.items()}


def _card(
    model: torch.nn.Module, recipe: Recipe, rule: ProposalRule, scores: dict[str, float]
) -> Card:
    plan = timing(RATES[0])
    return Card(
        model=recipe.model.name,
        config=dataclasses.asdict(model.config),  # type: ignore[call-overload]
        regions=tuple(region.name for region in REGIONS_18),
        window=plan.window,
        rate=plan.rate,
        recipe=json.dumps(recipe.to_dict(), sort_keys=True),
        trained_on="simulated action-unit motion of simulated faces; no real face",
        simulated=True,
        scores=scores,
        proposals=rule.to_dict(),
        licence="Apache-2.0",
        version=mescope.__version__,
        notes=recipe.notes,
    )


__getattr__ = renamed(__name__, {"Heard": "mescope.training.publish.ScoredRecording"})
