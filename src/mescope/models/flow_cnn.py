"""A small network of our own for flow maps of 28 px: the least that a new model should beat.

Input   (b, 3, 28, 28): horizontal flow, vertical flow, optical strain, of about unit size
Output  EmotionOutput: logits of the classes

Two convolutions with pooling and one linear layer; nothing in it is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Channels, Classes
from mescope.ops.conv_pool import stem
from mescope.ops.dropout import dropout
from mescope.ranges import Share, Within, check_fields


@dataclass(frozen=True)
class FlowCnnConfig:
    """Sizes of the network; about 28,000 parameters."""

    channels: Channels = 3
    classes: Classes = 3
    filters: tuple[Channels, Channels] = (24, 48)
    size: Annotated[int, Within(8, 1024)] = 28
    dropout: Share = 0.5

    def __post_init__(self) -> None:
        check_fields(self)


class FlowCnn(nn.Module):
    """Convolution and pooling by 3, convolution and pooling by 2, dropout, linear."""

    def __init__(self, config: FlowCnnConfig = FlowCnnConfig()) -> None:
        super().__init__()
        self.config = config
        first, second = config.filters
        self.conv = nn.Conv2d(config.channels, first, 3, padding=1)
        self.norm = nn.BatchNorm2d(first)
        self.conv_2 = nn.Conv2d(first, second, 3, padding=1)
        self.norm_2 = nn.BatchNorm2d(second)
        side = ((config.size - 1) // 3 + 1) // 2
        self.head = nn.Linear(second * side * side, config.classes)

    def forward(self, flow: Tensor) -> EmotionOutput:
        """Return logits for maps (b, channels, size, size)."""
        x = stem(flow, self.conv, self.norm, training=self.training)
        x = F.max_pool2d(F.relu(self.norm_2(self.conv_2(x))), 2)
        x = dropout(x.flatten(1), self.config.dropout, self.training)
        return EmotionOutput(emotion=self.head(x))


PRESETS = {"flow-cnn": FlowCnnConfig()}
