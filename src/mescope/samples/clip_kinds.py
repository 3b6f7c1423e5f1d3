"""Samples of short clips: published flow maps, flow, flow with the onset frame, whole clips.

And simulated maps like the published ones, which are drawn and come from no clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mescope.datasets.base import Dataset
from mescope.datasets.flow28 import FlowMaps as PublishedMaps
from mescope.errors import RecipeError
from mescope.face.detector import default_finder
from mescope.samples.base import SAMPLES, Expected, Prepared, SampleKind, channel_statistics
from mescope.samples.checks import Channels, Factor, Number, Side, positive
from mescope.samples.clip_features import (
    Choice,
    Feature,
    FlowFeature,
    FramesFeature,
    MapFeature,
    OnsetFlowFeature,
)
from mescope.samples.clip_samples import (
    FRAMES,
    clip_examples,
    flow_examples,
    grey_map_examples,
    onset_flow_examples,
)
from mescope.samples.examples import Examples
from mescope.samples.expected import expected_clips
from mescope.samples.mapped_rows import in_file
from mescope.samples.one_clip import OneClip
from mescope.samples.preparation import (
    GREY_MEAN,
    GREY_SPREAD,
    FlowPreparation,
    GreyMapPreparation,
    Preparation,
    finite,
)
from mescope.samples.published_maps import map_examples
from mescope.synthesis.flow_maps import CLASSES, draw_flow_maps

SIDE = 224
"""Side of the aligned faces that flow is measured in, px."""

_PART = 64  # samples that are looked at together where they lie in a file

Values = tuple[NDArray[Any], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class ClipKind(SampleKind):
    """What all samples of clips have in common."""

    scale: Factor = 1.0  # samples are multiplied by it
    standardise: bool = False  # each channel to mean 0 and deviation 1
    both_sides: bool = False  # a model is also asked about the mirrored face; flow maps only
    canonical: bool = False  # of flow maps: each to median 0, root mean square 1

    def __post_init__(self) -> None:
        positive(self, "scale")
        for name in ("both_sides", "canonical"):
            if getattr(self, name) and not self.flow_maps:
                raise RecipeError(
                    f"{name} is for flow maps, found kind = {self.kind!r}; leave it out"
                )
        scaled = [n for n in ("standardise", "unit_flow") if getattr(self, n, False)]
        if self.canonical and (scaled or self.scale != 1):
            raise RecipeError(
                f"canonical maps have one size, {' or '.join(scaled) or 'scale'} would be "
                "lost; leave one out"
            )

    def expected(self, dataset: Any, labels: str) -> Expected:
        """See :class:`SampleKind`."""
        return expected_clips(dataset, labels)

    def _channels(self, inputs: NDArray[Any]) -> int:
        """Return how many channels the model is shown."""
        return int(inputs.shape[1])

    def shown(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return the channels of raw samples (n, c, ...) that a model is shown.

        Raises:
            RecipeError: there are fewer than the recipe asks for.
        """
        return inputs[:, : self._channels(inputs)]

    def measure(self, inputs: NDArray[Any]) -> Preparation:
        """See :class:`SampleKind`."""
        channels = self._channels(inputs)
        if in_file(inputs) and not self._looks_at_all():
            for start in range(0, len(inputs), _PART):
                used = finite(inputs[start : start + _PART, :channels])
        else:
            used = finite(inputs[:, :channels])
        centre, spread = np.zeros(used.shape[1]), np.ones(used.shape[1])
        if self.standardise:
            centre, spread = channel_statistics(used)
        slope, centre = self._line(used, self.scale / self._spread(used, spread), centre)
        return self.preparation(
            data=self.kind,
            size=int(inputs.shape[-1]),
            channels=channels,
            slope=tuple(float(v) for v in slope),
            shift=tuple(float(v) for v in -slope * centre),
            both_sides=self.both_sides,
            canonical=self.canonical,
        )

    def _looks_at_all(self) -> bool:
        """Say whether the scale depends on all samples together."""
        kind = type(self)
        own = kind._spread is not ClipKind._spread or kind._line is not ClipKind._line
        return self.standardise or own

    def _spread(self, used: NDArray[Any], spread: NDArray[np.float64]) -> NDArray[np.float64]:
        return spread

    def _line(
        self, used: NDArray[Any], slope: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return slope, centre

    @classmethod
    def _computed(cls, feature: Feature, clip: OneClip) -> Values:
        """Return one feature of the frames from onset to apex."""
        choice = Choice((clip.onset, clip.apex))
        made = feature.compute(clip.pair, choice, default_finder())
        return np.asarray(made.values[None], np.float32), made.notes


@dataclass(frozen=True, kw_only=True)
class _MapKind(ClipKind):
    """Maps of u, v and strain."""

    flow_maps: ClassVar[bool] = True

    channels: Channels = 3  # u, v and strain; 2 without strain

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "channels")

    def _channels(self, inputs: NDArray[Any]) -> int:
        if inputs.shape[1] < self.channels:
            raise RecipeError(
                f"[data] channels is {self.channels}, expected at most the {inputs.shape[1]} "
                "that the samples have; change it"
            )
        return self.channels


@SAMPLES.register("flow28")
@dataclass(frozen=True, kw_only=True)
class GreyMaps(_MapKind):
    """Onset-apex flow in grey values as the published 28 x 28 maps have it, or those maps."""

    kind: ClassVar[str] = "flow28"
    preparation: ClassVar[type[Preparation]] = GreyMapPreparation

    reads: ClassVar[tuple[type, ...]] = (Dataset, PublishedMaps)

    size: Side = 28  # side of maps that are made of clips, px

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "size")

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`SampleKind`."""
        return 3, self.size, self.size

    def examples(
        self, dataset: Any, *, labels: str, cache: Path | None = None,
        jobs: int | None = None, progress: Any = None,
    ) -> Prepared:  # fmt: skip
        """See :class:`SampleKind`; published maps are taken as they are."""
        if isinstance(dataset, PublishedMaps):
            return Prepared(map_examples(dataset), ())
        return grey_map_examples(
            dataset, labels=labels, size=self.size, cache=cache, jobs=jobs, progress=progress
        )

    def expected(self, dataset: Any, labels: str) -> Expected:
        """See :class:`SampleKind`."""
        if isinstance(dataset, PublishedMaps):
            known = map_examples(dataset)
            return Expected(known.labels, known.classes)
        return super().expected(dataset, labels)

    def simulated_like(self, count: int, seed: int) -> Examples | None:
        """See :class:`SampleKind`."""
        kind = SimulatedMaps(maps=count)
        return kind.drawn(seed) if self.size == kind.size else None

    @classmethod
    def of_one(cls, preparation: Preparation, clip: OneClip) -> Values:
        """See :class:`SampleKind`."""
        return cls._computed(MapFeature.of(preparation.size), clip)


@SAMPLES.register("flow")
@dataclass(frozen=True, kw_only=True)
class FlowMaps(_MapKind):
    """Onset-apex flow in px of the aligned face."""

    kind: ClassVar[str] = "flow"
    preparation: ClassVar[type[Preparation]] = FlowPreparation

    size: Side = 28  # side, px
    unit_flow: bool = False  # u and v to deviation 1 together, zero kept

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "size")
        if self.unit_flow and self.standardise:
            raise RecipeError("unit_flow and standardise exclude each other; leave one out")

    def _spread(self, used: NDArray[Any], spread: NDArray[np.float64]) -> NDArray[np.float64]:
        return _unit(used, spread) if self.unit_flow else spread

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`SampleKind`."""
        return 3, self.size, self.size

    def examples(
        self, dataset: Any, *, labels: str, cache: Path | None = None,
        jobs: int | None = None, progress: Any = None,
    ) -> Prepared:  # fmt: skip
        """See :class:`SampleKind`."""
        return flow_examples(
            dataset, labels=labels, size=self.size, crop=max(SIDE, self.size), cache=cache,
            jobs=jobs, progress=progress,
        )  # fmt: skip

    @classmethod
    def of_one(cls, preparation: Preparation, clip: OneClip) -> Values:
        """See :class:`SampleKind`."""
        size = preparation.size
        return cls._computed(FlowFeature(size, max(SIDE, size), "tvl1"), clip)


@SAMPLES.register("flow-onset")
@dataclass(frozen=True, kw_only=True)
class OnsetFlow(ClipKind):
    """u and v of onset-apex flow with the grey onset frame."""

    kind: ClassVar[str] = "flow-onset"
    flow_maps: ClassVar[bool] = True
    preparation: ClassVar[type[Preparation]] = FlowPreparation
    channels: ClassVar[int] = 2  # of flow

    size: Side = 28  # side, px
    unit_flow: bool = False  # u and v to deviation 1 together, zero kept

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "size")
        if self.standardise:
            raise RecipeError(
                f"standardise is not for kind = {self.kind!r}, there is unit_flow; leave it out"
            )

    def _spread(self, used: NDArray[Any], spread: NDArray[np.float64]) -> NDArray[np.float64]:
        return _unit(used, spread) if self.unit_flow else spread

    def _line(
        self, used: NDArray[Any], slope: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        slope[-1], centre[-1] = 1.0 / GREY_SPREAD, GREY_MEAN
        return slope, centre

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`SampleKind`."""
        return 3, self.size, self.size

    def examples(
        self, dataset: Any, *, labels: str, cache: Path | None = None,
        jobs: int | None = None, progress: Any = None,
    ) -> Prepared:  # fmt: skip
        """See :class:`SampleKind`."""
        return onset_flow_examples(
            dataset, labels=labels, size=self.size, cache=cache, jobs=jobs, progress=progress
        )

    @classmethod
    def of_one(cls, preparation: Preparation, clip: OneClip) -> Values:
        """See :class:`SampleKind`."""
        size = preparation.size
        flow = FlowFeature(size, max(SIDE, size), "tvl1")
        return cls._computed(OnsetFlowFeature(flow), clip)


@SAMPLES.register("clips")
@dataclass(frozen=True, kw_only=True)
class Clips(ClipKind):
    """Aligned grey frames at equal steps from onset to offset."""

    kind: ClassVar[str] = "clips"

    size: Side = 28  # side of the frames, px

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "size")

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`SampleKind`."""
        return FRAMES, self.size, self.size

    def examples(
        self, dataset: Any, *, labels: str, cache: Path | None = None,
        jobs: int | None = None, progress: Any = None,
    ) -> Prepared:  # fmt: skip
        """See :class:`SampleKind`."""
        return clip_examples(
            dataset, labels=labels, size=self.size, cache=cache, jobs=jobs, progress=progress
        )

    @classmethod
    def of_one(cls, preparation: Preparation, clip: OneClip) -> Values:
        """See :class:`SampleKind`."""
        span, count = clip.whole, preparation.channels
        frames = [int(f) for f in np.rint(np.linspace(span[0], span[-1], count))]
        feature = FramesFeature(count, preparation.size)
        made = feature.compute(clip.greys(frames), Choice(tuple(frames)), default_finder())
        return np.asarray(made.values[None], np.float32) / np.float32(255), made.notes


@SAMPLES.register("synthetic-maps")
@dataclass(frozen=True, kw_only=True)
class SimulatedMaps(_MapKind):
    """Maps of simulated faces like the published ones (:mod:`mescope.synthesis.flow_maps`)."""

    kind: ClassVar[str] = "synthetic-maps"
    simulated: ClassVar[bool] = True
    preparation: ClassVar[type[Preparation]] = GreyMapPreparation
    size: ClassVar[int] = 28

    maps: Number  # to draw

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "maps")

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`SampleKind`."""
        return 3, self.size, self.size

    def expected(self, dataset: Any, labels: str) -> Expected:
        """See :class:`SampleKind`; classes come in turn, as which are drawn is not known."""
        return Expected(np.arange(self.maps) % len(CLASSES), CLASSES)

    def drawn(self, seed: int | tuple[int, ...], count: int = 0) -> Examples:
        """Draw maps; every one counts as a person of its own."""
        drawn = draw_flow_maps(count or self.maps, seed)
        return Examples(
            kind=self.kind,
            inputs=drawn.maps.astype(np.float32),
            labels=drawn.labels,
            classes=CLASSES,
            persons=tuple(("simulated", str(i)) for i in range(count or self.maps)),
            names=("map",) * (count or self.maps),
        )

    def real(self) -> SampleKind:
        """See :class:`SampleKind`."""
        return GreyMaps(
            scale=self.scale, standardise=self.standardise, channels=self.channels,
            both_sides=self.both_sides, canonical=self.canonical,
        )  # fmt: skip

    @classmethod
    def of_one(cls, preparation: Preparation, clip: OneClip) -> Values:
        """See :class:`SampleKind`."""
        return GreyMaps.of_one(preparation, clip)


def _unit(used: NDArray[Any], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one spread for all channels, that of u and v, of which strain has no part."""
    flow = float(used[:, :2].std(dtype=np.float64))
    return np.full_like(spread, max(flow, 1e-12))
