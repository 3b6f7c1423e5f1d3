"""FeatRef: features that all expressions share, refined for each expression, and joined again.

Paper   "Feature refinement: An expression-specific feature learning and fusion method for
        micro-expression recognition", Zhou et al., Pattern Recognition 2022, arXiv 2101.04838;
        its abstract only
Code    none is known.  The shared part is Dual-Inception (Zhou, Mao and Xue, FG 2019), whose
        layers were read in xiazhaoqiang/ParameterFreeRCNs-MicroExpressionRec (no licence,
        nothing is copied): 6, then 16 filters in each of four branches, 1,024 features
Input   (b, 2 or more, 28, 28): horizontal and vertical flow; further channels are not used
Output  FeatRefOutput: logits of the classes, and of each class whether it is the one

The abstract names the parts: an inception module on flow, a proposal of each expression by
attention with a loss of its own, a label from the fusion of the specific features.  All that
follows is our reading: attention is a sigmoid of a linear layer on the shared features, a
proposal a linear layer on what it lets through, fusion a linear layer on all of them side by
side.  The weight of the proposal loss is in :mod:`mescope.training.tasks.featref`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Channels, Classes, Dim
from mescope.ops.dropout import dropout
from mescope.ranges import Share, Within, check_fields

BRANCHES = 4


class FeatRefOutput(NamedTuple):
    """Two answers for each clip."""

    emotion: Tensor  # (b, classes), logits
    proposals: Tensor  # (b, classes), logits of "it is this one"


@dataclass(frozen=True)
class FeatRefConfig:
    """Sizes of FeatRef and of Dual-Inception, its shared part alone."""

    channels_least: ClassVar[int] = 2  # u and v; further ones are not used

    classes: Classes = 3
    filters: tuple[Channels, Channels] = (6, 16)  # of each branch
    width: Dim = 1024  # shared features
    size: Annotated[int, Within(4, 1024)] = 28
    dropout: Share = 0.0
    refined: bool = True  # False: Dual-Inception

    def __post_init__(self) -> None:
        check_fields(self)


class FeatRef(nn.Module):
    """Two streams of inception, then features for each expression, or a linear layer."""

    def __init__(self, config: FeatRefConfig = FeatRefConfig()) -> None:
        super().__init__()
        self.config = c = config
        first, second = c.filters
        self.streams = nn.ModuleList(
            nn.Sequential(Inception(1, first), Inception(BRANCHES * first, second))
            for _ in range(2)
        )
        side = c.size // 2 // 2
        self.shared = nn.Linear(2 * BRANCHES * second * side * side, c.width)
        self.attention, self.proposal = nn.ModuleList(), nn.ModuleList()
        if c.refined:
            self.attention.extend(nn.Linear(c.width, c.width) for _ in range(c.classes))
            self.proposal.extend(nn.Linear(c.width, 1) for _ in range(c.classes))
        self.head = nn.Linear(c.width * (c.classes if c.refined else 1), c.classes)

    def forward(self, flow: Tensor) -> FeatRefOutput | EmotionOutput:
        """Return the answers for maps (b, 2 or more, size, size), u and v first."""
        seen = [stream(flow[:, i : i + 1]).flatten(1) for i, stream in enumerate(self.streams)]
        shared = F.relu(self.shared(torch.cat(seen, 1)))
        shared = dropout(shared, self.config.dropout, self.training)
        if not self.config.refined:
            return EmotionOutput(emotion=self.head(shared))
        refined = [shared * torch.sigmoid(layer(shared)) for layer in self.attention]
        asked = [layer(one) for layer, one in zip(self.proposal, refined, strict=True)]
        return FeatRefOutput(self.head(torch.cat(refined, 1)), torch.cat(asked, 1))


class Inception(nn.Module):
    """Four branches side by side: 1 x 1, 3 x 3, 5 x 5 and pooled; then pooling by 2."""

    def __init__(self, before: int, filters: int) -> None:
        super().__init__()
        self.point = nn.Conv2d(before, 3 * filters, 1)  # of the first three branches
        self.small = nn.Conv2d(filters, filters, 3, padding=1)
        self.large = nn.Conv2d(filters, filters, 5, padding=2)
        self.pooled = nn.Conv2d(before, filters, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, 4 filters, h / 2, w / 2)."""
        plain, small, large = F.relu(self.point(x)).chunk(3, 1)
        pooled = F.max_pool2d(x, 3, 1, padding=1)
        found = (
            plain, F.relu(self.small(small)), F.relu(self.large(large)),
            F.relu(self.pooled(pooled)),
        )  # fmt: skip
        return F.max_pool2d(torch.cat(found, 1), 2)


PRESETS = {"featref": FeatRefConfig(), "dual-inception": FeatRefConfig(refined=False)}
