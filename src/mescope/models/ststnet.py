"""STSTNet: three shallow streams over the onset-apex flow of a clip.

Paper   "Shallow Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression
        Recognition", Liong et al., FG 2019, arXiv 1902.03634
Code    christy1206/STSTNet, read only: it has no licence, nothing is copied.  Its 68 published
        checkpoints give UF1 0.7209 and UAR 0.7250 here too, as a test shows
Input   (b, 3, 28, 28): horizontal flow, vertical flow, optical strain
Output  EmotionOutput: logits of the classes

Where this file leaves the published code:
* Channels come in the order u, v, strain.  The published network reads its pictures reversed
  (strain, v, u); :func:`from_published` turns its filters round.
* The three streams read the same input through the same kind of layer and are concatenated, so
  here they are one convolution with 3 + 5 + 8 filters: the same function, a third of the calls.
* Convolution, ReLU, norm and pooling are one op (:mod:`mescope.ops.conv_pool`).
* The paper's own picture has 5, 8 and 3 filters in another order; the code's order is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.errors import WeightsError
from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Channels, Named
from mescope.ops.conv_pool import stem
from mescope.ops.dropout import dropout
from mescope.ranges import Share, Within, check_fields

_PADDING = 2


@dataclass(frozen=True)
class StstNetConfig:
    """Sizes of STSTNet; the defaults are the published ones."""

    channels: ClassVar[int] = 3  # of the input; no option

    classes: Named = 3
    streams: Annotated[tuple[Channels, ...], Within(1, 64)] = (3, 5, 8)  # filters of each
    size: Annotated[int, Within(4, 512)] = 28  # side of the input
    dropout: Share = 0.5

    def __post_init__(self) -> None:
        check_fields(self)


class StstNet(nn.Module):
    """One convolution that is three streams, pooling, and a linear layer."""

    def __init__(self, config: StstNetConfig = StstNetConfig()) -> None:
        super().__init__()
        self.config = config
        filters = sum(config.streams)
        self.conv = nn.Conv2d(config.channels, filters, 3, padding=_PADDING)
        self.norm = nn.BatchNorm2d(filters)
        side = ((config.size + 2 * _PADDING - 3) // 3 + 1) // 2
        self.head = nn.Linear(filters * side * side, config.classes)

    def forward(self, flow: Tensor) -> EmotionOutput:
        """Return logits for maps (b, 3, size, size) in the order u, v, strain."""
        x = stem(flow, self.conv, self.norm, training=self.training)
        x = F.avg_pool2d(dropout(x, self.config.dropout, self.training), 2)
        return EmotionOutput(emotion=self.head(x.flatten(1)))


def from_published(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return our weights from one published checkpoint.

    Args:
        tensors: conv1 to conv3, bn1 to bn3 and fc with their parameters.

    Raises:
        WeightsError: a tensor is missing.
    """

    def joined(layer: str, name: str) -> Tensor:
        return torch.cat([tensors[f"{layer}{i}.{name}"] for i in (1, 2, 3)])

    try:
        state = {f"norm.{n}": joined("bn", n) for n in ("weight", "bias")}
        state |= {f"norm.{n}": joined("bn", n) for n in ("running_mean", "running_var")}
        state["norm.num_batches_tracked"] = tensors["bn1.num_batches_tracked"]
        state["conv.weight"] = joined("conv", "weight").flip(1)  # strain, v, u -> u, v, strain
        state["conv.bias"] = joined("conv", "bias")
        state |= {f"head.{n}": tensors[f"fc.{n}"] for n in ("weight", "bias")}
    except KeyError as error:
        raise WeightsError(
            f"expected a published STSTNet checkpoint, found no {error} in it; it holds conv1 "
            "to conv3, bn1 to bn3 and fc"
        ) from None
    return state
