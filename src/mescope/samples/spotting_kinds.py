"""Samples for spotting: windows of simulated region flow, or of rendered recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mescope.samples.base import SAMPLES, SampleKind
from mescope.samples.checks import one_of, positive, shares


@SAMPLES.register("synthetic")
@dataclass(frozen=True, kw_only=True)
class SimulatedWindows(SampleKind):
    """Windows of simulated region flow, drawn anew for every epoch."""

    kind: ClassVar[str] = "synthetic"
    simulated: ClassVar[bool] = True

    recordings: int = 200  # drawn anew for every epoch
    seconds: float = 30.0  # of every recording
    micro_per_minute: float = 16.0
    macro_per_minute: float = 5.0
    negative_ratio: float = 4.0  # windows without an expression per window with one

    def __post_init__(self) -> None:
        positive(self, "recordings", "seconds")


@SAMPLES.register("rendered")
@dataclass(frozen=True, kw_only=True)
class RenderedRecordings(SampleKind):
    """Rendered, really measured recordings, shown as candidates or as plain windows.

    The last ``held_out`` share of the recordings, of other identities, is not trained on: it
    calibrates the scores and chooses the floor.
    """

    kind: ClassVar[str] = "rendered"
    simulated: ClassVar[bool] = True

    look: str = "candidates"  # or "windows": what the network is shown
    hours: float = 10.0  # of rendered recordings, natural and staged together
    staged: float = 0.5  # share of them that is staged (samples.rendered.Manner)
    seconds: float = 60.0  # of every recording
    held_out: float = 0.15
    negative_ratio: float = 3.0  # windows without an expression per window with one

    def __post_init__(self) -> None:
        one_of("look", self.look, ("candidates", "windows"))
        shares(self, "held_out", "staged")
        positive(self, "hours", "seconds")

    @property
    def recordings(self) -> int:
        """Return how many recordings are rendered."""
        return max(2, round(self.hours * 3600 / self.seconds))

    @property
    def natural(self) -> int:
        """Return how many of them are natural; the others are staged."""
        return max(1, round(self.recordings * (1 - self.staged)))
