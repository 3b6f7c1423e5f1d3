"""SOFTNet: three shallow streams over the flow of a frame score whether an expression goes on.

Paper   "Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting from
        Long Videos", Liong, See, Wong, ICIP 2021, arXiv 2106.06489
Code    genbing99/SoftNet-SpotME, read only: it has no licence, nothing is copied
Input   (b, 3, 42, 42): u, v and strain of the flow from frame i to i + k_p, brows above, mouth
        below, each channel of each map 0 to 1 (:mod:`mescope.motion.frame_maps`)
Output  FrameOutput: a score, linear, trained towards 0 or 1 by the squared error

314,817 parameters, as the published sizes give.  Where this file leaves the published code:
* Flattened maps come channels first, which only reorders the weights of the wide layer.
* Weights begin as PyTorch draws them, not as Keras does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import FrameOutput

CHANNELS = 3


@dataclass(frozen=True)
class SoftNetConfig:
    """Sizes of SOFTNet; the defaults are the published ones."""

    streams: tuple[int, ...] = (3, 5, 8)  # filters over u, over v and over strain
    width: int = 400  # of the linear layer
    size: int = 42  # side of the input

    def __post_init__(self) -> None:
        object.__setattr__(self, "streams", tuple(self.streams))  # a list, from JSON
        check_streams(self.streams, self.size)
        if isinstance(self.width, bool) or not isinstance(self.width, int) or self.width < 1:
            raise ValueError(f"width must be a whole number above 0, got {self.width!r}")


def check_streams(streams: tuple[int, ...], size: int) -> None:
    """Refuse sizes that three streams cannot have.

    Raises:
        ValueError: with the field's name.
    """
    if len(streams) != CHANNELS or not all(isinstance(n, int) and n > 0 for n in streams):
        raise ValueError(f"streams must be three whole numbers above 0, got {streams!r}")
    if isinstance(size, bool) or not isinstance(size, int) or not 6 <= size <= 512:
        raise ValueError(f"size must be a whole number in 6..512, got {size!r}")


class SoftNet(nn.Module):
    """One convolution for each of u, v and strain, pooling, and two linear layers."""

    def __init__(self, config: SoftNetConfig = SoftNetConfig()) -> None:
        super().__init__()
        self.config = config
        self.streams = nn.ModuleList(nn.Conv2d(1, n, 5, padding=2) for n in config.streams)
        side = config.size // 3 // 2
        self.wide = nn.Linear(sum(config.streams) * side * side, config.width)
        self.head = nn.Linear(config.width, 1)

    def forward(self, maps: Tensor) -> FrameOutput:
        """Return the scores (b,) of maps (b, 3, size, size)."""
        parts = [
            F.max_pool2d(torch.relu(conv(maps[:, i : i + 1])), 3)
            for i, conv in enumerate(self.streams)
        ]
        x = F.max_pool2d(torch.cat(parts, dim=1), 2).flatten(1)
        return FrameOutput(spotting=self.head(torch.relu(self.wide(x))).squeeze(1))


PRESETS = {"softnet": SoftNetConfig()}
