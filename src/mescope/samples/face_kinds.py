"""Samples of faces out of long recordings, as VideoMamba is shown them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from mescope.errors import RecipeError, VideoError
from mescope.face.detector import default_finder
from mescope.face.nasal_crop import Extent, Smoothing, crop_clip
from mescope.facs import Table
from mescope.ranges import Within
from mescope.samples.base import SAMPLES, Expected, Prepared, SampleKind
from mescope.samples.checks import Channels, Factor, Side, positive
from mescope.samples.expected import expected_faces
from mescope.samples.face_clips import face_examples
from mescope.samples.face_pixels import FaceClips
from mescope.samples.one_clip import OneClip
from mescope.samples.preparation import (
    GREY_MEAN,
    GREY_SPREAD,
    IMAGENET_MEAN,
    IMAGENET_SPREAD,
    FacePreparation,
    Preparation,
)
from mescope.samples.rsmix.neutral import GUARD
from mescope.samples.rsmix.paste import MaskRule
from mescope.samples.rsmix.plan import FaceMarks, Settings
from mescope.samples.sparse_frames import views


@SAMPLES.register("faces")
@dataclass(frozen=True, kw_only=True)
class Faces(SampleKind):
    """Crops of a few frames of every expression (:mod:`mescope.samples.face_clips`)."""

    kind: ClassVar[str] = "faces"
    preparation: ClassVar[type[Preparation]] = FacePreparation

    size: Side = 28  # side of the crops, px
    frames: Annotated[int, Within(2, 1024)] = 16  # what the model is shown of an expression
    draws: Annotated[int, Within(0, 1000)] = 4  # kept for training; 0: the middles only
    views: Annotated[int, Within(1, 64)] = 1  # of a clip in a test, whose shares are averaged
    channels: Channels = 3  # 1 for grey
    difference: bool = False  # what changed since the first frame shown
    scale: Factor = 1.0  # samples are multiplied by it
    macro: bool = False  # also learn from macro-expressions
    macro_others: bool = True  # also from those of the class others
    macro_weight: Factor = 1.0  # of a macro-expression in the loss, a micro-expression having 1
    rsmix: bool = False  # also learn from RSMix copies
    control: bool = False  # also ask about control clips of test people, see samples.rsmix.plan
    au_table: Table = "clean"  # action units to landmarks, for copies: or as_published
    smoothing: Smoothing = "median5"  # of the landmarks that place crops: clip, or none
    mask: MaskRule = "frame"  # cells of each frame that a copy pastes, or the union of a clip
    extent: Extent = "square"  # how much of the head a crop shows, or tight
    guard: Annotated[int, Within(0, 10_000)] = GUARD  # frames around expressions, not neutral
    keep_long: bool = False  # also micro-expressions of more than 3 s

    def __post_init__(self) -> None:
        positive(self, "size", "scale", "macro_weight")
        if self.frames < 2 or self.draws < 0 or self.channels not in (1, 3):
            raise RecipeError(
                "expected frames of 2 or more, draws of 0 or more and 1 or 3 channels, got "
                f"{self.frames}, {self.draws} and {self.channels}"
            )

    @property
    def wanted(self) -> FaceClips:
        """What is cut out of recordings."""
        return FaceClips(
            frames=self.frames, size=self.size, channels=self.channels, draws=self.draws,
            views=self.views, macro=self.macro, mixes=self.rsmix, controls=self.control,
            macro_others=self.macro_others,
            settings=Settings(
                table=self.au_table, smoothing=self.smoothing, mask=self.mask,
                extent=self.extent, guard=self.guard, keep_long=self.keep_long,
            ),
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, ...]:
        """See :class:`SampleKind`."""
        return self.channels, (1 + self.draws) * self.frames, self.size, self.size

    def expected(self, dataset: Any, labels: str) -> Expected:
        """See :class:`SampleKind`."""
        return expected_faces(dataset, self.wanted, labels)

    def examples(
        self, dataset: Any, *, labels: str, cache: Path | None = None,
        jobs: int | None = None, progress: Any = None,
    ) -> Prepared:  # fmt: skip
        """See :class:`SampleKind`."""
        return face_examples(
            dataset, self.wanted, labels=labels, cache=cache, jobs=jobs, progress=progress
        )

    def measure(self, inputs: NDArray[Any]) -> Preparation:
        """Return colours 0..255 as ImageNet's; a difference loses the mean, not the spread."""
        grey = self.channels == 1
        mean = (GREY_MEAN,) if grey else IMAGENET_MEAN
        spread = (GREY_SPREAD,) if grey else IMAGENET_SPREAD
        shifts = [0.0 if self.difference else -m / s for m, s in zip(mean, spread, strict=True)]
        return self.preparation(
            data=self.kind, size=self.size, channels=self.channels,
            slope=tuple(self.scale / (255 * s) for s in spread),
            shift=tuple(self.scale * shift for shift in shifts),
            frames=self.frames, views=self.views, difference=self.difference,
            smoothing=self.smoothing, extent=self.extent,
        )  # fmt: skip

    @classmethod
    def of_one(
        cls, preparation: Preparation, clip: OneClip
    ) -> tuple[NDArray[Any], tuple[str, ...]]:
        """Return the crops (1, c, views * frames, size, size) of the frames that a test shows.

        One picture is in memory at a time.
        """
        video, span = clip.video, clip.whole
        crops = crop_clip(
            FaceMarks(video, default_finder()).of(span),
            size=preparation.size,
            smoothing=cast(Smoothing, preparation.smoothing),
            extent=cast(Extent, preparation.extent),
        ).crops
        chosen = views(len(span), preparation.frames, preparation.views).ravel().tolist()
        grey, wanted = preparation.channels == 1, {span[j]: j for j in chosen}
        seen = {
            wanted[frame]: crops[wanted[frame]].cut(picture)
            for frame, picture in video.each(wanted, grey=grey)
        }
        if missing := [span[j] for j in chosen if j not in seen]:
            raise VideoError(f"{video.name}: frame {missing[0]} is missing or damaged")
        cut = np.stack([seen[j] for j in chosen])
        return (cut[None, None] if grey else cut.transpose(3, 0, 1, 2)[None]), ()
