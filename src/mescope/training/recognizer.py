"""What was learned: a network, and what is done to its inputs before it sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mescope.errors import WeightsError
from mescope.models.ammsm import Ammsm, AmmsmOutput
from mescope.models.merba import Merba, MerbaOutput
from mescope.models.outputs import EmotionOutput
from mescope.models.weights import Card, load
from mescope.training.augment import flip_flow
from mescope.training.losses import full_classes
from mescope.training.recipe import CLIP_DATA, FACES, ONSET_FLOW, ClipRecipe

_AT_ONCE = 256  # inputs scored together
_CLIPS_AT_ONCE = 16  # of them, where they are whole clips

IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB 0..1, which VideoMamba's published weights expect."""

GREY_MEAN, GREY_SPREAD = 0.449, 0.226
"""Of grey onset frames 0..1 before they are given to a network: the means of what ImageNet's
three channels have.  SAMM's pictures are grey, so all are (spec_ammsm 1.2)."""


def arguments(model: nn.Module, inputs: Tensor) -> tuple[Tensor, ...]:
    """Return what a network is called with for prepared inputs (n, ...), which are one tensor.

    AMMSM with its spatial stream gets flow, and the onset frame that follows it, in three
    equal channels.
    """
    if isinstance(model, Ammsm) and model.config.spatial:
        channels = model.config.channels
        return inputs[:, :channels], inputs[:, channels:].expand(-1, 3, -1, -1)
    return (inputs,)


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What turns raw inputs of a kind into what a network sees: slope * raw + shift.

    Travels in the card of weights (``Card.inputs``), so that whoever names a clip years later
    does to it what training did.
    """

    data: str  # one of recipe.CLIP_DATA
    size: int  # side of the maps or frames, px
    channels: int
    slope: tuple[float, ...]  # of each channel
    shift: tuple[float, ...]
    frames: int = 0  # of faces: the first ones of those given
    difference: bool = False  # of faces: minus the first frame
    smoothing: str = "median5"  # of the landmarks that place their crops

    @classmethod
    def measure(cls, recipe: ClipRecipe, inputs: NDArray[np.float32]) -> Preparation:
        """Return what a recipe asks for, its statistics those of ``inputs`` (n, c, ...)."""
        if recipe.data == FACES:
            return cls._of_faces(recipe)
        plain = recipe.is_flow and recipe.data != ONSET_FLOW
        channels = recipe.channels if plain else inputs.shape[1]
        used = _numbers(inputs[:, :channels])
        axes = (0, *range(2, inputs.ndim))
        centre, spread = np.zeros(used.shape[1]), np.ones(used.shape[1])
        if recipe.standardise:
            centre = used.mean(axes, dtype=np.float64)
            spread = np.maximum(used.std(axes, dtype=np.float64), 1e-12)
        if recipe.unit_flow:
            spread[:] = max(float(used[:, : recipe.channels].std(dtype=np.float64)), 1e-12)
        slope = recipe.scale / spread
        if recipe.data == ONSET_FLOW:
            slope[-1], centre[-1] = 1.0 / GREY_SPREAD, GREY_MEAN
        return cls(
            data=recipe.data,
            size=int(inputs.shape[-1]),
            channels=channels,
            slope=tuple(float(v) for v in slope),
            shift=tuple(float(v) for v in -slope * centre),
        )

    @classmethod
    def _of_faces(cls, recipe: ClipRecipe) -> Preparation:
        """Colours 0..255 as ImageNet's; a difference loses the mean, not the spread."""
        grey = recipe.channels == 1
        mean = (GREY_MEAN,) if grey else IMAGENET_MEAN
        spread = (GREY_SPREAD,) if grey else IMAGENET_SPREAD
        shifts = [
            0.0 if recipe.difference else -m / s for m, s in zip(mean, spread, strict=True)
        ]
        return cls(
            data=FACES, size=recipe.size, channels=recipe.channels,
            slope=tuple(recipe.scale / (255 * s) for s in spread),
            shift=tuple(recipe.scale * shift for shift in shifts),
            frames=recipe.frames, difference=recipe.difference, smoothing=recipe.smoothing,
        )  # fmt: skip

    @classmethod
    def of_card(cls, card: Card) -> Preparation:
        """Return what a card tells.

        Raises:
            WeightsError: the card is not that of a model that names clips, or damaged.
        """
        try:
            entries: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in card.inputs.items()
            }
            found = cls(**entries)
            sound = found.data in CLIP_DATA and len(found.slope) == len(found.shift) > 0
            np.array([found.size, found.channels, *found.slope, *found.shift], np.float64)
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise WeightsError(
                f"expected weights that name clips, found {card.model} with inputs "
                f"{card.inputs or 'of windows'}; `mescope models` tells them apart"
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for a card."""
        return dataclasses.asdict(self)

    def __call__(self, inputs: NDArray[Any]) -> Tensor:
        """Return inputs (n, c, ...) as the network sees them; channels past ours are left out.

        Of faces (n, c, f, side, side), the first frames are taken.

        Raises:
            ValueError: there are fewer channels, or a value is no number.
        """
        if inputs.ndim < 3 or inputs.shape[1] < self.channels:
            raise ValueError(
                f"expected inputs (n, {self.channels}, ...), found {inputs.shape}; give "
                f"{self.data} with {self.channels} channels"
            )
        used = inputs[:, : self.channels]
        if self.data == FACES:
            return self._faces(torch.from_numpy(used))
        used = _numbers(used)
        slope, shift = self._line(inputs.ndim)
        return torch.from_numpy(used) * slope + shift

    def _faces(self, pixels: Tensor) -> Tensor:
        slope, shift = self._line(pixels.ndim)
        clips = pixels[:, :, : self.frames].float()
        if self.difference:
            clips = clips - clips[:, :, :1]
        return clips * slope + shift

    def mirror(self, prepared: Tensor) -> Tensor:
        """Flip prepared flow maps; a grey map of u turns into 255 - u, its own negative."""
        slope, shift = self._line(prepared.ndim)
        turned = flip_flow((prepared - shift) / slope)
        if self.data in ("flow28", "synthetic-maps"):
            turned[:, 0] += 255.0
        return turned * slope + shift

    def _line(self, dimensions: int) -> tuple[Tensor, Tensor]:
        shape = (1, -1, *(1 for _ in range(dimensions - 2)))
        return torch.tensor(self.slope).view(shape), torch.tensor(self.shift).view(shape)


def _numbers(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(inputs).all():
        raise ValueError(
            f"expected numbers in inputs {inputs.shape}, found NaN or infinity; leave those "
            "clips out"
        )
    return inputs


class Learned:
    """A network with the preparation of its inputs and the names of its classes."""

    def __init__(
        self, model: nn.Module, preparation: Preparation, classes: Sequence[str]
    ) -> None:
        self.model, self.prepare, self.classes = model, preparation, tuple(classes)
        two_heads = isinstance(model, Merba) and model.config.dgcm
        self.full = full_classes(classes) if two_heads else []  # of each class, in FULL

    def scores(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return shares of the classes, (n, classes); the network's mode is left as it was."""
        device = next(self.model.parameters()).device
        training = self.model.training
        self.model.eval()
        at_once = _CLIPS_AT_ONCE if self.prepare.data == FACES else _AT_ONCE
        with torch.no_grad():
            parts = []
            for start in range(0, len(inputs), at_once):
                part = self.prepare(inputs[start : start + at_once]).to(device)
                output = self.model(*arguments(self.model, part))
                parts.append(self._shares(output).cpu().numpy())
        self.model.train(training)
        return np.concatenate(parts)

    def _shares(self, output: EmotionOutput | MerbaOutput | AmmsmOutput) -> Tensor:
        if isinstance(output, MerbaOutput):
            return output.scores().double()[:, self.full]
        return output.emotion.double().softmax(-1)


def load_learned(name_or_path: str | Path) -> tuple[Learned, Card]:
    """Return the recogniser of shipped weights or of a file, and its card.

    Raises:
        WeightsError: no such weights, damaged, or of a model that does not name clips.
    """
    model, card = load(name_or_path)
    return Learned(model, Preparation.of_card(card), card.labels), card
