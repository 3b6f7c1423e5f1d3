"""The card of weights that were trained on annotated recordings, from the data's own facts."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch

import mescope
from mescope.evaluation.folds import Person
from mescope.labels import RENDERED
from mescope.models.weights import Card
from mescope.motion.windows import Timing
from mescope.samples.frame_epochs import EMOTIONS
from mescope.samples.recording_windows import HOME, RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.spotting.frame_scores import FrameRule
from mescope.training.looks import Rule
from mescope.training.tables import Recipe, fitting

LICENCE = "as the data set they were trained on allows; not stated by mescope"


def card_of(
    recipe: Recipe,
    model: torch.nn.Module,
    rule: Rule,
    some: Sequence[RecordingWindows],
    *,
    without: Person | None = None,
    scores: Mapping[str, float] | None = None,
) -> Card:
    """Return the card of weights.

    Args:
        recipe: that made them.
        model: trained; its config is written down.
        rule: made from the training people.
        some: what was learned from.
        without: the one person of the data set who was left out.
        scores: figures by name.
    """
    wanted = fitting(recipe.data, AnnotatedRecordings, "[data]")
    timing = Counter(one.timing for one in some).most_common(1)[0][0]
    names = sorted({one.recording.dataset for one in some})
    people = {one.person for one in some}
    homes = {HOME.get(name, name) for name in names}  # without is one of the data set
    config: Any = model.config
    left_out = f", without {'/'.join(without)}" if without else ""
    return Card(
        **_shown(recipe, wanted, rule, timing),
        model=recipe.model.name,
        config=dataclasses.asdict(config),
        recipe=json.dumps(recipe.to_dict(), sort_keys=True),
        trained_on=(
            f"{len(some)} recordings of {len(people)} people of {', '.join(names)}{left_out}"
        ),
        simulated=names == [RENDERED],
        without=without[1] if without and without[0] in homes else "",
        dataset=names[0] if len(names) == 1 else "",
        scores=dict(scores or {}),
        proposals=dataclasses.asdict(rule),
        licence=LICENCE,
        version=mescope.__version__,
        notes=recipe.notes,
    )


def _shown(
    recipe: Recipe, wanted: AnnotatedRecordings, rule: Rule, timing: Timing
) -> dict[str, Any]:
    """Return what the card says of what the network is shown."""
    if isinstance(rule, FrameRule):
        return {
            "regions": (), "window": rule.distance(timing.rate), "rate": timing.rate,
            "labels": EMOTIONS if recipe.model.name == "mean" else (),
            "look": "frames", "head": "face",
        }  # fmt: skip
    extraction = wanted.extraction()
    return {
        "regions": wanted.region_names,
        "window": timing.window,
        "rate": timing.rate,
        "mode": wanted.mode,
        "shares": extraction.get("roi_percent", "default"),
        "reference": extraction.get("reference", "walk"),
        "head": "face" if wanted.mode == "clean" else "nose",
        "look": "windows",
    }
