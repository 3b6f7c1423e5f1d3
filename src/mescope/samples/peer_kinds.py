"""Samples of clips for published networks: the apex face, and flow from onset to each frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mescope.errors import RecipeError
from mescope.face.detector import default_finder
from mescope.ranges import Within
from mescope.samples.base import SAMPLES, Prepared
from mescope.samples.checks import Side, positive
from mescope.samples.clip_features import Choice, FlowFeature
from mescope.samples.clip_kinds import SIDE, ClipKind, Values
from mescope.samples.clip_samples import feature_examples
from mescope.samples.one_clip import OneClip
from mescope.samples.peer_features import ApexFeature, FlowSequenceFeature
from mescope.samples.preparation import GREY_MEAN, GREY_SPREAD, Preparation


@SAMPLES.register("apex")
@dataclass(frozen=True, kw_only=True)
class ApexFaces(ClipKind):
    """The aligned grey face of the apex frame."""

    kind: ClassVar[str] = "apex"

    size: Side = 224  # side, px

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "size")
        if self.standardise:
            raise RecipeError(
                f"standardise is not for kind = {self.kind!r}, whose grey is scaled as "
                "ImageNet's; leave it out"
            )

    def _line(
        self, used: NDArray[Any], slope: NDArray[np.float64], centre: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return slope / GREY_SPREAD, np.full_like(centre, GREY_MEAN)

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`SampleKind`."""
        return 1, self.size, self.size

    def examples(
        self, dataset: Any, *, labels: str, cache: Path | None = None,
        jobs: int | None = None, progress: Any = None,
    ) -> Prepared:  # fmt: skip
        """See :class:`SampleKind`."""
        return feature_examples(
            dataset, ApexFeature(self.size), labels=labels, cache=cache, jobs=jobs,
            progress=progress,
        )  # fmt: skip

    @classmethod
    def of_one(cls, preparation: Preparation, clip: OneClip) -> Values:
        """See :class:`SampleKind`."""
        return cls._computed(ApexFeature(preparation.size), clip)


@SAMPLES.register("flow-sequence")
@dataclass(frozen=True, kw_only=True)
class FlowSequences(ClipKind):
    """Flow from the onset to frames at equal steps up to the offset, in px of the face."""

    kind: ClassVar[str] = "flow-sequence"
    channels: ClassVar[int] = 3  # u, v and strain

    size: Side = 224  # side, px
    frames: Annotated[int, Within(2, 256)] = 11  # of which flow is measured

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "size", "frames")

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`SampleKind`."""
        return self.channels, self.frames, self.size, self.size

    def examples(
        self, dataset: Any, *, labels: str, cache: Path | None = None,
        jobs: int | None = None, progress: Any = None,
    ) -> Prepared:  # fmt: skip
        """See :class:`SampleKind`."""
        feature = FlowSequenceFeature(self.frames, _flow(self.size))
        return feature_examples(
            dataset, feature, labels=labels, cache=cache, jobs=jobs, progress=progress
        )

    def measure(self, inputs: NDArray[Any]) -> Preparation:
        """See :class:`SampleKind`; the card keeps the number of frames."""
        return replace(super().measure(inputs), frames=int(inputs.shape[2]))

    @classmethod
    def of_one(cls, preparation: Preparation, clip: OneClip) -> Values:
        """See :class:`SampleKind`."""
        span, count = clip.whole, preparation.frames + 1
        frames = tuple(int(f) for f in np.rint(np.linspace(span[0], span[-1], count)))
        feature = FlowSequenceFeature(preparation.frames, _flow(preparation.size))
        made = feature.compute(clip.greys(frames), Choice(frames), default_finder())
        return np.asarray(made.values[None], np.float32), made.notes


def _flow(size: int) -> FlowFeature:
    return FlowFeature(size, max(SIDE, size), "tvl1")
