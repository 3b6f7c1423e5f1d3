"""A network beside the mean of what it was after its last steps.

The mean answers more steadily than the network after any one step (Polyak and Juditsky 1992);
it moves towards the network after every step, at first quickly, so that short trainings get
one, too: by 1 - min(decay, (1 + n) / (10 + n)) after n steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Averaged(nn.Module):
    """Holds both; its state is that of both.

    Args:
        model: that is trained; calls go to it.
        decay: share of the mean that a late step keeps, such as 0.999: about the last 1,000
            steps count.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__()

        def nearer(mean: Tensor, now: Tensor, steps: Tensor | int) -> Tensor:
            if not mean.is_floating_point():
                return now  # counts of batches
            return mean.lerp(
                now.to(mean.dtype), 1 - min(decay, (1 + int(steps)) / (10 + int(steps)))
            )

        self.model = model
        self.mean = AveragedModel(model, avg_fn=nearer, use_buffers=True)
        self.mean.requires_grad_(requires_grad=False)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the model does."""
        return self.model(*args, **kwargs)

    @torch.no_grad()
    def follow(self) -> None:
        """Move the mean; after every step."""
        self.mean.update_parameters(self.model)

    def settle(self) -> None:
        """Make the model what its mean is; before the first step nothing is changed."""
        if int(self.mean.n_averaged):
            self.model.load_state_dict(self.mean.module.state_dict())

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Let the model be its mean for a while."""
        now = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.settle()
        try:
            yield
        finally:
            self.model.load_state_dict(now)
