"""AlexNet on flow: the baseline that CAS(ME)^3 was first reported with.

Paper   "One weird trick for parallelizing convolutional neural networks", Krizhevsky 2014,
        arXiv 1404.5997: the one-column AlexNet whose ImageNet weights are in common use
Code    none was read; layers and parameters are those of the weights, 61,100,840 with 1,000
        classes
Input   (b, 3, h, w): horizontal flow, vertical flow, optical strain, 63 px or more a side
Output  EmotionOutput: logits of the classes

What the comparisons leave open that print a row "AlexNet": its input and whether it began from
ImageNet.  Our reading is onset-apex flow of 224 px, what the other rows see, and a fresh start.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Channels, Classes, Dim
from mescope.ops.dropout import dropout
from mescope.ranges import Share, check_fields

FILTERS = (64, 192, 384, 256, 256)
POOL = 6  # side of the map that the linear layers see


@dataclass(frozen=True)
class AlexNetConfig:
    """Sizes of AlexNet; the defaults are the published ones."""

    channels: Channels = 3
    classes: Classes = 3
    width: Dim = 4096  # of both wide linear layers
    dropout: Share = 0.5

    def __post_init__(self) -> None:
        check_fields(self)


class AlexNet(nn.Module):
    """Five convolutions, three of them pooled, and three linear layers."""

    def __init__(self, config: AlexNetConfig = AlexNetConfig()) -> None:
        super().__init__()
        self.config = c = config
        before = (c.channels, *FILTERS[:-1])
        shapes = ((11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1))
        self.convs = nn.ModuleList(
            nn.Conv2d(b, a, *shape) for b, a, shape in zip(before, FILTERS, shapes, strict=True)
        )
        self.wide = nn.Linear(FILTERS[-1] * POOL**2, c.width)
        self.wide_2 = nn.Linear(c.width, c.width)
        self.head = nn.Linear(c.width, c.classes)

    def forward(self, flow: Tensor) -> EmotionOutput:
        """Return logits for maps (b, channels, h, w)."""
        x = flow
        for i, conv in enumerate(self.convs):
            x = F.relu(conv(x))
            if i in (0, 1, 4):
                x = F.max_pool2d(x, 3, 2)
        x = F.adaptive_avg_pool2d(x, POOL).flatten(1)
        for layer in (self.wide, self.wide_2):
            x = F.relu(layer(dropout(x, self.config.dropout, self.training)))
        return EmotionOutput(emotion=self.head(x))


PRESETS = {"alexnet": AlexNetConfig()}
