"""What is done to raw samples before a network sees them; it travels in the card of weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mescope.models.canonical_flow import unit_maps
from mescope.ranges import Within
from mescope.samples.augment import flip_flow
from mescope.samples.checks import Channels, Side

IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB 0..1, which VideoMamba's published weights expect."""

GREY_MEAN, GREY_SPREAD = 0.449, 0.226
"""Of grey onset frames 0..1 before they are given to a network: the means of what ImageNet's
three channels have.  SAMM's pictures are grey, so all are."""


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What turns raw samples of a kind into what a network sees: slope * raw + shift.

    Of flow maps, ``canonical`` then brings each map of each clip to median 0 and root mean
    square 1 (:mod:`mescope.models.canonical_flow`).

    Travels in the card of weights (``Card.inputs``), so that whoever names a clip years later
    does to it what training did.
    """

    data: str  # a kind of mescope.samples.kinds.SAMPLES
    size: Side  # of the maps or frames, px
    channels: Channels
    slope: Annotated[tuple[float, ...], Within(1, 1024)]  # of each channel
    shift: Annotated[tuple[float, ...], Within(1, 1024)]
    frames: Annotated[int, Within(0, 1024)] = 0  # of faces: the first ones of those given
    views: Annotated[int, Within(1, 64)] = 1  # of faces: so many frames each, answers averaged
    difference: bool = False  # of faces: minus the first frame
    smoothing: str = "median5"  # of the landmarks that place their crops
    extent: str = "square"  # of the crops
    both_sides: bool = False  # of flow maps: answers are means with those for mirrored faces
    canonical: bool = False  # of flow maps: each one has median 0 and root mean square 1

    in_px: ClassVar[bool] = False  # raw values are motion in px
    at_once: ClassVar[int] = 256  # samples that a network scores together

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for a card."""
        return dataclasses.asdict(self)

    def __call__(self, inputs: NDArray[Any]) -> Tensor:
        """Return inputs (n, c, ...) as the network sees them; channels past ours are left out.

        Raises:
            ValueError: there are fewer channels, or a value is not a number.
        """
        used = finite(self._used(inputs))
        slope, shift = self._line(inputs.ndim)
        prepared = torch.from_numpy(used) * slope + shift
        if self.canonical:
            prepared = torch.from_numpy(unit_maps(prepared.numpy()).astype(np.float32))
        return prepared

    def asked(self, inputs: NDArray[Any]) -> Iterator[Tensor]:
        """Yield all that a network is asked about inputs (n, c, ...), prepared.

        Its answers are averaged as shares, not as logits.
        """
        prepared = self(inputs)
        yield prepared
        if self.both_sides:
            yield self.mirror(prepared)

    def mirror(self, prepared: Tensor) -> Tensor:
        """Return prepared maps of mirrored faces: columns reversed, u negated."""
        if self.canonical:
            return flip_flow(prepared)
        slope, shift = self._line(prepared.ndim)
        return self._turned(flip_flow((prepared - shift) / slope)) * slope + shift

    def _turned(self, flipped: Tensor) -> Tensor:
        return flipped

    def _used(self, inputs: NDArray[Any]) -> NDArray[Any]:
        if inputs.ndim < 3 or inputs.shape[1] < self.channels:
            raise ValueError(
                f"expected inputs (n, {self.channels}, ...), found {inputs.shape}; give "
                f"{self.data} with {self.channels} channels"
            )
        return inputs[:, : self.channels]

    def _line(self, dimensions: int) -> tuple[Tensor, Tensor]:
        shape = (1, -1, *(1 for _ in range(dimensions - 2)))
        return torch.tensor(self.slope).view(shape), torch.tensor(self.shift).view(shape)


class FlowPreparation(Preparation):
    """Of flow in px."""

    in_px = True


class GreyMapPreparation(Preparation):
    """Of flow maps in grey values 0 to 255."""

    def _turned(self, flipped: Tensor) -> Tensor:
        flipped[:, 0] += 255.0  # a grey map of u turns into 255 - u, its own negative
        return flipped


class FacePreparation(Preparation):
    """Of faces (n, c, f, side, side), uint8, of which the first frames are taken.

    In a test the next ones too, for every view as many.
    """

    at_once = 16

    def asked(self, inputs: NDArray[Any]) -> Iterator[Tensor]:
        """See :class:`Preparation`; one view after the other."""
        if inputs.ndim < 3 or inputs.shape[2] < self.views * self.frames:
            raise ValueError(
                f"expected {self.frames} frames for each of {self.views} views, found inputs "
                f"{inputs.shape}; make the samples with views = {self.views}"
            )
        for first in range(0, self.views * self.frames, self.frames):
            yield self(inputs[:, :, first:])

    def __call__(self, inputs: NDArray[Any]) -> Tensor:
        """See :class:`Preparation`."""
        pixels = torch.from_numpy(self._used(inputs))
        slope, shift = self._line(pixels.ndim)
        clips = pixels[:, :, : self.frames].float()
        if self.difference:
            clips = clips - clips[:, :, :1]
        return clips * slope + shift


def finite(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the inputs if all of them are numbers.

    Raises:
        ValueError: NaN or infinity is among them.
    """
    if not np.isfinite(inputs).all():
        raise ValueError(
            f"expected numbers in inputs {inputs.shape}, found NaN or infinity; leave those "
            "clips out"
        )
    return inputs
