"""Samples for networks that see the flow from one frame to a later one: SOFTNet and MEAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mescope.errors import RecipeError
from mescope.events import Kind
from mescope.samples.base import SAMPLES
from mescope.samples.checks import Ratio, Seconds, one_of, positive
from mescope.samples.spotting_kinds import AnnotatedRecordings


@dataclass(frozen=True, kw_only=True)
class FramePairs:
    """How maps of pairs of frames i, i + k are made, and what they are to find."""

    style: str = "softnet"  # or mean: how maps are made
    flow: str = "farneback"  # or tvl1, as published
    expressions: str = "micro"  # or macro: what is learned
    half_s: Seconds = 0.2  # from the first to the second frame of a pair

    def __post_init__(self) -> None:
        one_of("style", self.style, ("softnet", "mean"))
        one_of("flow", self.flow, ("farneback", "tvl1"))
        one_of("expressions", self.expressions, ("micro", "macro"))
        positive(self, "half_s")

    def distance(self, rate: float) -> int:
        """Return k, the frames from the first to the second of a pair, at a rate."""
        return max(1, round(self.half_s * rate))


@SAMPLES.register("recording-frames")
@dataclass(frozen=True, kw_only=True)
class AnnotatedFrames(FramePairs, AnnotatedRecordings):
    """Flow maps of the frames of recordings that people annotated, split by person.

    The 18 regions are measured beside them, for the spotters that need no network.
    """

    kind: ClassVar[str] = "recording-frames"

    negative_ratio: Ratio = 5.0  # pairs without an expression per pair with one

    def __post_init__(self) -> None:
        AnnotatedRecordings.__post_init__(self)
        FramePairs.__post_init__(self)
        if self.macro:
            raise RecipeError(
                "networks that score frames learn one kind of expression; leave macro out and "
                'set expressions = "macro"'
            )
        if (self.regions, self.mode) != ("18", "clean"):
            raise RecipeError(
                "maps of frames are cut by the crops of the clean region flow; leave regions "
                "and mode out"
            )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return which expressions are targets: those of one kind."""
        return ("micro",) if self.expressions == "micro" else ("macro",)
