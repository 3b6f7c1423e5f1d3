"""What published networks are shown that ours are not: the apex face, and flow over a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mescope.errors import RecipeError
from mescope.face.aligned import MARGIN, align
from mescope.face.detector import FaceFinder, Grey
from mescope.samples.apex import find_apex
from mescope.samples.clip_features import (
    APEX_SIDE,
    SMALLEST,
    Choice,
    Computed,
    FlowFeature,
    FramesFeature,
)
from mescope.samples.clip_pictures import ClipPictures


@dataclass(frozen=True)
class ApexFeature:
    """The aligned grey face of the apex frame: (1, size, size) float32, 0 to 1.

    It lies where the face of the onset frame says.
    """

    size: int
    name: str = "apex"

    def __post_init__(self) -> None:
        if self.size < SMALLEST:
            raise RecipeError(f"expected faces of {SMALLEST} px or more, found {self.size}")

    @property
    def parameters(self) -> dict[str, Any]:
        """See :class:`mescope.samples.clip_features.Feature`."""
        return {"size": self.size, "margin": MARGIN, "apex_side": APEX_SIDE}

    def choose(self, pictures: ClipPictures) -> Choice:
        """See :meth:`FlowFeature.choose`."""
        return FlowFeature(self.size, self.size, "tvl1").choose(pictures)

    def compute(self, greys: list[Grey], choice: Choice, finder: FaceFinder) -> Computed:
        """See :class:`mescope.samples.clip_features.Feature`."""
        apex = 1
        if choice.seek:
            small, _ = align(greys, min(APEX_SIDE, self.size), finder=finder)
            apex = find_apex(small).frame
        faces, notes = align([greys[0], greys[apex]], self.size, finder=finder)
        values = faces[1:].astype(np.float32) / np.float32(255)
        return Computed(values, notes, apex if choice.seek else None)


@dataclass(frozen=True)
class FlowSequenceFeature:
    """Flow from the onset to each of some frames: (3, frames, size, size) float32.

    Frame i of ``frames`` is that nearest to ``onset + (i + 1) * (offset - onset) / frames``:
    the offset is the last one.  Each map is one of ``flow``.
    """

    frames: int
    flow: FlowFeature
    name: str = "flow-sequence"

    @property
    def parameters(self) -> dict[str, Any]:
        """See :class:`mescope.samples.clip_features.Feature`."""
        return {"frames": self.frames, **self.flow.parameters}

    def choose(self, pictures: ClipPictures) -> Choice:
        """Return the onset and the frames at equal steps behind it."""
        return FramesFeature(self.frames + 1, SMALLEST).choose(pictures)

    def compute(self, greys: list[Grey], choice: Choice, finder: FaceFinder) -> Computed:
        """See :class:`mescope.samples.clip_features.Feature`."""
        onset, *others = greys
        maps, notes = [], list[str]()
        for grey in others:
            made = self.flow.compute([onset, grey], Choice(choice.frames[:2]), finder)
            maps.append(made.values)
            notes += made.notes
        return Computed(np.stack(maps, axis=1), tuple(dict.fromkeys(notes)))
