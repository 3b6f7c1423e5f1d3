"""What was learned: a network, and what it does to its inputs before it sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mescope.models.merba import Merba, MerbaOutput
from mescope.models.outputs import EmotionOutput
from mescope.training.augment import flip_flow
from mescope.training.losses import full_classes
from mescope.training.recipe import ClipRecipe

_AT_ONCE = 256  # inputs scored together


class Learned:
    """A network with what it does to its inputs: flow = scale * raw, then standardised."""

    def __init__(
        self, model: nn.Module, recipe: ClipRecipe, inputs: NDArray[np.float32],
        classes: Sequence[str],
    ) -> None:  # fmt: skip
        self.model, self.classes = model, tuple(classes)
        two_heads = isinstance(model, Merba) and model.config.dgcm
        self.full = full_classes(classes) if two_heads else []  # of each class, in FULL
        self._grey = recipe.data == "flow28"
        self._flow = recipe.channels if recipe.data in ("flow28", "flow") else None
        inputs = self._chosen(inputs)
        axes = (0, *range(2, inputs.ndim))
        centre, spread = np.zeros(inputs.shape[1]), np.ones(inputs.shape[1])
        if recipe.standardise:
            centre = inputs.mean(axes, dtype=np.float64)
            spread = np.maximum(inputs.std(axes, dtype=np.float64), 1e-12)
        shape = (1, -1, *(1 for _ in axes[1:]))
        self._slope = torch.as_tensor(recipe.scale / spread, dtype=torch.float32).view(shape)
        shift = -recipe.scale * centre / spread
        self._shift = torch.as_tensor(shift, dtype=torch.float32).view(shape)

    def prepare(self, inputs: NDArray[np.float32]) -> Tensor:
        """Return inputs as the network sees them."""
        return torch.from_numpy(self._chosen(inputs)) * self._slope + self._shift

    def _chosen(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the channels that the recipe names."""
        return inputs if self._flow is None else inputs[:, : self._flow]

    def mirror(self, prepared: Tensor) -> Tensor:
        """Flip prepared flow maps; a grey map of u turns into 255 - u, its own negative."""
        raw = (prepared - self._shift) / self._slope
        turned = flip_flow(raw)
        if self._grey:
            turned[:, 0] += 255.0
        return turned * self._slope + self._shift

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return shares of the classes, (n, classes); the network's mode is left as it was."""
        device = next(self.model.parameters()).device
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            parts = [
                self._shares(self.model(part.to(device))).cpu().numpy()
                for part in torch.split(self.prepare(inputs), _AT_ONCE)
            ]
        self.model.train(training)
        return np.concatenate(parts)

    def _shares(self, output: EmotionOutput | MerbaOutput) -> Tensor:
        if isinstance(output, MerbaOutput):
            return output.scores().double()[:, self.full]
        return output.emotion.double().softmax(-1)
