"""Spotting with a network, which comes as a function: torch and weights stay outside.

What the network is shown decides how: windows of flow one after the other, as published, or the
candidates of the training-free proposer (:mod:`mescope.spotting.cascade`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mescope import defaults
from mescope.errors import MescopeError, WeightsError
from mescope.events import Detection
from mescope.labels import SPOTTING_CLASSES
from mescope.spotting import cascade
from mescope.spotting.cascade import CascadeRule
from mescope.spotting.displacement import displacement
from mescope.spotting.face_shape import shape_traces
from mescope.spotting.flow_peaks import candidates
from mescope.spotting.mirror import both_sides
from mescope.spotting.proposals import ProposalRule, propose
from mescope.spotting.spotters import SPOTTERS, Network, Spotter, Spotting, given
from mescope.spotting.traces import stitch

if TYPE_CHECKING:
    from mescope.motion.roi_flow import RoiFlow

LOW_FLOOR = 0.05
"""Least score of a candidate that is kept for the sensitivity control."""


def rule_of(network: Network) -> ProposalRule | CascadeRule:
    """Return the rule that was chosen together with the weights.

    Raises:
        WeightsError: the constants in the card are not those of this version.
    """
    kind: Any = CascadeRule if network.look == "candidates" else ProposalRule
    try:
        rule: ProposalRule | CascadeRule = kind(**network.rule)
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"the spotting rule in the card of {network.name} does not fit: {error}; "
            "the weights were written by another version of mescope"
        ) from error
    return rule


@SPOTTERS.register(defaults.SPOTTER)
class NetworkSpotter(Spotter):
    """The network of the chosen weights, by the rule in their card.

    Raises:
        WeightsError: no network was given, or its rule is of another version.
    """

    needs_network = True

    def __init__(self, network: Network | None = None) -> None:
        super().__init__(network)
        network = given(network, defaults.SPOTTER)
        self.score, self.rule = network.score, rule_of(network)
        self.constants = network.rule
        self.head = network.head
        self.overlap = "full" if network.look == "windows" else "thin"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The rule as it stands in the card."""
        return self.constants

    def spot(self, flow: RoiFlow) -> Spotting:
        """Return every movement down to a low floor."""
        if isinstance(self.rule, CascadeRule):
            return self._of_candidates(flow, self.rule)
        return self._of_windows(flow, self.rule)

    def _of_candidates(self, flow: RoiFlow, rule: CascadeRule) -> Spotting:
        rate = flow.timing.rate
        return cascade.spot(
            displacement(flow.windows, flow.timing.hop, flow.valid),
            shape_traces(flow.points, rate),
            rate,
            flow.regions,
            both_sides(self.score, flow.regions),
            rule,
        )

    def _of_windows(self, flow: RoiFlow, rule: ProposalRule) -> Spotting:
        spotting, logits = self.score(flow.windows)
        hop, rate = flow.timing.hop, flow.timing.rate
        score = stitch(spotting, hop, valid=flow.valid)
        emotion = stitch(logits, hop, valid=flow.valid)
        found = propose(score, emotion, rate, rule)
        if rule.mode == "clean":
            low = propose(score, emotion, rate, replace(rule, floor=min(rule.floor, LOW_FLOOR)))
            found += [d for d in low if not any(_meet(d, other) for other in found)]
        motion = displacement(flow.windows, hop, flow.valid)
        return Spotting(
            detections=tuple(found),
            score=score,
            floor=rule.floor,
            emotion=softmax(emotion),
            movement=candidates(motion, rate, flow.regions)[1],
        )


def _meet(a: Detection, b: Detection) -> bool:
    return a.interval.shared(b.interval) > 0


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return class probabilities, (n, 5) → (n, 5).

    Raises:
        MescopeError: the model names other classes.
    """
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=-1, keepdims=True)
    if probabilities.shape[-1] != len(SPOTTING_CLASSES):
        raise MescopeError(
            f"the model names {probabilities.shape[-1]} classes, expected {SPOTTING_CLASSES}"
        )
    return probabilities
