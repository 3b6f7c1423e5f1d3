"""What a spotting network looks at in recordings, and all of a fold that depends on it.

``windows`` of regional motion (:mod:`mescope.training.spotting_rule`) or ``frames``, the flow
maps of single frames (:mod:`mescope.training.frame_rule`).  How people are split, jobs kept,
detections matched and reported is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.evaluation.matching import Counts, match_kind
from mescope.events import Detection
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.recording_targets import RecordingEpochs
from mescope.samples.recording_windows import RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.spotting.frame_scores import FrameRule
from mescope.spotting.proposals import ProposalRule
from mescope.training import frame_rule, spotting_rule
from mescope.training.tables import Recipe, fitting
from mescope.training.tasks.me_tst import Source
from mescope.training.tasks.recordings import RecordingTable

Rule = ProposalRule | FrameRule
"""How the scores of a network become detections."""


@dataclass(frozen=True, kw_only=True)
class SpottingLook:
    """What networks of one look have of their own; ``Any`` is their rule, or their trace.

    Attributes:
        source: gives the epochs of a recipe on the recordings of some people.
        first_rule: the rule of a recipe, what it takes from people from these.
        levels: what a level is chosen from, on people held out.
        with_level: the rule with another level.
        with_level_of: the rule with the level that a card of weights brings.
        trace_of: what a network says of a recording.
        found_by: the detections of a recording by its trace and a rule.
        kept: what is kept of a trace for pages, by name.
        methods: the rules that are read from the same traces, that of the recipe first.
        about: a rule as plain values.
    """

    source: Callable[[Recipe, Sequence[RecordingWindows]], Source]
    first_rule: Callable[[Recipe, Sequence[RecordingWindows]], Any]
    levels: tuple[float, ...]
    with_level: Callable[[Any, float], Any]
    with_level_of: Callable[[Any, Any], Any]
    trace_of: Callable[..., Any]
    found_by: Callable[[RecordingWindows, Any, Any, AnnotatedRecordings], list[Detection]]
    kept: Callable[[RecordingWindows, Any, Any], dict[str, NDArray[Any]]]
    methods: Callable[[Recipe, Any], dict[str, Any]]
    about: Callable[[Any], dict[str, Any]]

    def with_chosen_level(
        self,
        rule: Any,
        held: Sequence[tuple[RecordingWindows, Any]],
        wanted: AnnotatedRecordings,
    ) -> Any:
        """Return the rule with the level of the best pooled F1 on people held out of training.

        Of equals the highest level wins, which gives fewer false alarms.
        """

        def f1(level: float) -> float:
            some = self.with_level(rule, level)
            return self.counts(held, some, wanted).f1

        return self.with_level(rule, max((f1(level), level) for level in self.levels)[1])

    def counts(
        self,
        heard: Sequence[tuple[RecordingWindows, Any]],
        rule: Any,
        wanted: AnnotatedRecordings,
    ) -> Counts:
        """Return hits, false alarms and misses of all targets, by traces of recordings."""
        counts = (
            match_kind(self.found_by(one, trace, rule, wanted), truth, kind).counts
            for one, trace in heard
            for truth in [one.expressions(wanted.kinds)]
            for kind in wanted.kinds
        )
        return sum(counts, Counts())


def look_of(recipe: Recipe) -> SpottingLook:
    """Return the look of a recipe on annotated recordings."""
    return FRAMES if isinstance(recipe.data, AnnotatedFrames) else WINDOWS


def _windows(recipe: Recipe, people: Sequence[RecordingWindows]) -> RecordingEpochs:
    data = fitting(recipe.data, AnnotatedRecordings, "[data]")
    return RecordingEpochs(data, recipe.labels, recipe.seed, people)


def _kept(
    one: RecordingWindows, trace: spotting_rule.Trace, rule: ProposalRule
) -> dict[str, NDArray[Any]]:
    return {
        "score": trace.score.astype(np.float32),
        "emotion": trace.emotion.astype(np.float32),
    }


def _strategies(recipe: Recipe, rule: ProposalRule) -> dict[str, ProposalRule]:
    table = fitting(recipe.task, RecordingTable, "[task]")
    return {f"strategy-{s}": replace(rule, strategy=s) for s in table.strategies}


WINDOWS = SpottingLook(
    source=_windows,
    first_rule=spotting_rule.first_rule,
    levels=spotting_rule.LEVELS,
    with_level=spotting_rule.with_level,
    with_level_of=spotting_rule.with_level_of,
    trace_of=spotting_rule.trace_of,
    found_by=spotting_rule.found_by,
    kept=_kept,
    methods=_strategies,
    about=ProposalRule.to_dict,
)

FRAMES = SpottingLook(
    source=frame_rule.epochs_of,
    first_rule=frame_rule.first_rule,
    levels=frame_rule.FLOORS,
    with_level=frame_rule.with_floor,
    with_level_of=frame_rule.with_floor_of,
    trace_of=frame_rule.trace_of,
    found_by=frame_rule.found_by,
    kept=frame_rule.kept_trace,
    methods=lambda recipe, rule: {recipe.model.name: rule},
    about=frame_rule.about,
)
