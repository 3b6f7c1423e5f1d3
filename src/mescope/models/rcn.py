"""RCN-A: one recurrent convolution on a small flow map, and attention without parameters.

Paper   "Revealing the Invisible with Model and Data Shrinking for Composite-database
        Micro-expression Recognition", Xia et al., TIP 2020, arXiv 2006.09674; its abstract only
Code    xiazhaoqiang/ParameterFreeRCNs-MicroExpressionRec, read only: it has no licence, nothing
        is copied.  Sizes are those of its example, 32 filters pooled to 5 x 5
Input   (b, 3, h, w): horizontal flow, vertical flow, optical strain, 8 px or more a side
Output  EmotionOutput: logits of the classes

The attention unit is a class activation map: what each class's row of the linear layer finds in
the map before the recurrent convolution, 0 to 1, averaged over the classes.  It weighs the map
after it and has no parameters of its own.

Where this file leaves the published code:
* Convolutions before a batch norm have no bias, which the norm takes off again: 15,235
  parameters with three classes in place of 15,331.
* A flat activation map weighs 0 everywhere; there it is 0 / 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Channels, Classes
from mescope.ops.dropout import dropout
from mescope.ranges import Share, Within, check_fields


@dataclass(frozen=True)
class RcnConfig:
    """Sizes of RCN-A; the defaults are those of the published example."""

    channels: Channels = 3
    classes: Classes = 3
    filters: Channels = 32
    pool: Annotated[int, Within(1, 64)] = 5  # side of the map that the linear layer sees
    steps: Annotated[int, Within(1, 16)] = 2  # of the recurrent convolution
    dropout: Share = 0.5

    def __post_init__(self) -> None:
        check_fields(self)


class Rcn(nn.Module):
    """A convolution, a recurrent one, and a linear layer that also says where to look."""

    def __init__(self, config: RcnConfig = RcnConfig()) -> None:
        super().__init__()
        self.config = c = config
        self.conv = nn.Conv2d(c.channels, c.filters, 5, bias=False)
        self.norm = nn.BatchNorm2d(c.filters)
        self.forth = nn.Conv2d(c.filters, c.filters, 1, bias=False)
        self.norm_forth = nn.BatchNorm2d(c.filters)
        self.back = nn.Conv2d(c.filters, c.filters, 3, padding=1, bias=False)
        self.norm_back = nn.BatchNorm2d(c.filters)
        self.head = nn.Linear(c.filters * c.pool**2, c.classes)
        for module in (self.conv, self.forth, self.back):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, flow: Tensor) -> EmotionOutput:
        """Return logits for maps (b, channels, h, w)."""
        x = self._halved(F.relu(self.norm(self.conv(flow))))
        where = self._attention(x)
        y = F.relu(self.norm_forth(self.forth(x)))
        for _ in range(self.config.steps):  # the same weights at every step
            y = F.relu(self.norm_back(self.back(x + y)))
        y = F.adaptive_avg_pool2d(self._halved(y), self.config.pool) * where
        return EmotionOutput(emotion=self.head(y.flatten(1)))

    def _halved(self, x: Tensor) -> Tensor:
        return dropout(F.max_pool2d(x, 2), self.config.dropout, self.training)

    def _attention(self, x: Tensor) -> Tensor:
        """Return where the classes find themselves in maps (b, c, h, w): (b, 1, pool, pool)."""
        seen = F.adaptive_avg_pool2d(x, self.config.pool)
        weights = self.head.weight.view(self.config.classes, *seen.shape[1:])
        found = torch.einsum("bchw,kchw->bkhw", seen, weights)
        low = found.amin((2, 3), keepdim=True)
        span = found.amax((2, 3), keepdim=True) - low
        return ((found - low) / span.clamp_min(torch.finfo(span.dtype).tiny)).mean(1, True)


PRESETS = {"rcn-a": RcnConfig()}
