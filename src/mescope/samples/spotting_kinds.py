"""Samples for spotting: windows of simulated flow, of rendered or of annotated recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from mescope.errors import RecipeError
from mescope.events import Kind
from mescope.motion.regions import REGIONS_5, REGIONS_18, Region
from mescope.ranges import Share, Within
from mescope.samples.base import SAMPLES, SampleKind
from mescope.samples.checks import (
    Hours,
    PerMinute,
    Ratio,
    Seconds,
    not_negative,
    one_of,
    positive,
    shares,
)


@SAMPLES.register("synthetic")
@dataclass(frozen=True, kw_only=True)
class SimulatedWindows(SampleKind):
    """Windows of simulated region flow, drawn anew for every epoch."""

    kind: ClassVar[str] = "synthetic"
    simulated: ClassVar[bool] = True

    recordings: Annotated[int, Within(1, 100_000)] = 200  # drawn anew for every epoch
    seconds: Seconds = 30.0  # of every recording
    micro_per_minute: PerMinute = 16.0
    macro_per_minute: PerMinute = 5.0
    negative_ratio: Ratio = 4.0  # windows without an expression per window with one

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

    look: Literal["candidates", "windows"] = "candidates"  # what is shown
    hours: Hours = 10.0  # of rendered recordings, natural and staged together
    staged: Share = 0.5  # share of them that is staged (samples.rendered.Manner)
    seconds: Seconds = 60.0  # of every recording
    held_out: Share = 0.15
    negative_ratio: Ratio = 3.0  # windows without an expression per window with one
    copies: Annotated[int, Within(0, 20)] = 0  # of every candidate, moved and stretched
    disturbed: bool = (
        False  # candidates are drawn stronger or fainter, with other motion on top
    )

    def __post_init__(self) -> None:
        one_of("look", self.look, ("candidates", "windows"))
        if self.look == "windows" and (self.copies or self.disturbed):
            raise RecipeError("'copies' and 'disturbed' are for look = \"candidates\" only")
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


REGION_SETS: dict[str, tuple[Region, ...]] = {"18": REGIONS_18, "5": REGIONS_5}
"""Which regions are measured, by the name that ``[data] regions`` gives them: 18 of ME-TST+
and BoostingVRME, 5 of ME-TST."""


@SAMPLES.register("recordings")
@dataclass(frozen=True, kw_only=True)
class AnnotatedRecordings(SampleKind):
    """Recordings that people annotated, split by person."""

    kind: ClassVar[str] = "recordings"
    annotated: ClassVar[bool] = True

    regions: str = "18"  # or "5"
    mode: Literal["clean", "as_published"] = "clean"  # how motion is measured
    videos: str = "all"  # or "with-micro": only those with a micro-expression, as published
    macro: bool = False  # macro-expressions are targets too, and not neutral
    negative_ratio: Ratio = 4.0  # windows without an expression per window with one

    def __post_init__(self) -> None:
        one_of("regions", self.regions, tuple(REGION_SETS))
        one_of("mode", self.mode, ("clean", "as_published"))
        one_of("videos", self.videos, ("all", "with-micro"))
        not_negative(self, "negative_ratio")

    @property
    def region_names(self) -> tuple[str, ...]:
        """Return the names of the regions, in the order of the channels."""
        return tuple(region.name for region in REGION_SETS[self.regions])

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return which expressions are targets."""
        return ("micro", "macro") if self.macro else ("micro",)

    def extraction(self) -> dict[str, Any]:
        """Return the options of :func:`mescope.motion.roi_flow.extract`.

        As published, 18 regions have the shares and the late reference of ME-TST+, and 5 those
        of ME-TST.
        """
        late = self.mode == "as_published" and self.regions == "18"
        more = {"roi_percent": "me-tst-plus", "reference": "late"} if late else {}
        return {"regions": REGION_SETS[self.regions], "mode": self.mode, **more}
