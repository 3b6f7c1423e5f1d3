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
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import FrameOutput
from mescope.models.sizes import Channels, Dim
from mescope.ranges import Within, check_fields

CHANNELS = 3

Streams = tuple[Channels, Channels, Channels]
"""Filters over u, over v and over strain."""

FrameSide = Annotated[int, Within(6, 512)]
"""Side of the maps, px."""


@dataclass(frozen=True)
class SoftNetConfig:
    """Sizes of SOFTNet; the defaults are the published ones."""

    streams: Streams = (3, 5, 8)  # filters over u, over v and over strain
    width: Dim = 400  # of the linear layer
    size: FrameSide = 42  # side of the input

    def __post_init__(self) -> None:
        check_fields(self)


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
