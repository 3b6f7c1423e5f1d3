"""OFF-ApexNet: one stream for horizontal and one for vertical onset-apex flow.

Paper   "OFF-ApexNet on Micro-expression Recognition System", Gan, Liong et al., Signal
        Processing: Image Communication 2019, arXiv 1805.08699
Code    none was read
Input   (b, 2 or more, 28, 28): horizontal and vertical flow; further channels are not used
Output  EmotionOutput: logits of the classes

What the paper leaves open, and our reading: convolutions keep the size of the map, ReLU follows
every layer but the last, and there is no dropout (``dropout`` adds it before both wide layers).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Channels, Classes, Dim
from mescope.ops.dropout import dropout
from mescope.ranges import Share, Within, check_fields


@dataclass(frozen=True)
class OffApexNetConfig:
    """Sizes of OFF-ApexNet; the defaults are the published ones."""

    channels_least: ClassVar[int] = 2  # u and v; further ones are not used

    classes: Classes = 3
    filters: tuple[Channels, Channels] = (6, 16)
    width: Dim = 1024  # of both linear layers
    size: Annotated[int, Within(4, 1024)] = 28
    dropout: Share = 0.0

    def __post_init__(self) -> None:
        check_fields(self)


class OffApexNet(nn.Module):
    """Two convolutions with pooling for each of u and v, then three linear layers."""

    def __init__(self, config: OffApexNetConfig = OffApexNetConfig()) -> None:
        super().__init__()
        self.config = config
        first, second = config.filters
        # groups=2: u and v have filters of their own and meet in the linear layers
        self.conv = nn.Conv2d(2, 2 * first, 5, padding=2, groups=2)
        self.conv_2 = nn.Conv2d(2 * first, 2 * second, 5, padding=2, groups=2)
        side = config.size // 2 // 2
        self.wide = nn.Linear(2 * second * side * side, config.width)
        self.wide_2 = nn.Linear(config.width, config.width)
        self.head = nn.Linear(config.width, config.classes)

    def forward(self, flow: Tensor) -> EmotionOutput:
        """Return logits for maps (b, 2 or more, size, size), u and v first."""
        x = F.max_pool2d(F.relu(self.conv(flow[:, :2])), 2)
        x = F.max_pool2d(F.relu(self.conv_2(x)), 2).flatten(1)
        for layer in (self.wide, self.wide_2):
            x = torch.relu(layer(dropout(x, self.config.dropout, self.training)))
        return EmotionOutput(emotion=self.head(x))


PRESETS = {"off-apexnet": OffApexNetConfig()}
