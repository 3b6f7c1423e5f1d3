"""CapsuleNet: the apex picture through the first stages of ResNet-18 and layers of capsules.

Paper   "CapsuleNet for Micro-Expression Recognition", Quang, Chun and Tokuyama, FG 2019; its
        text was not at hand.  Capsules: "Dynamic Routing Between Capsules", Sabour et al., NIPS
        2017, arXiv 1710.09829
Code    davidnvq/me_recognition, read only: it has no licence, nothing is copied
Input   (b, 3, size, size): the apex picture; a grey one (b, 1, ...) is repeated
Output  EmotionOutput: the lengths of the classes' capsules, 0 to 1, in place of logits

The trunk is ResNet-18 without its pooling and its last stage, as the code has it: 224 px become
28, then 20 and 6, so that 32 x 6 x 6 capsules are routed to the classes.

Where this file leaves the published code:
* It begins from ResNet-18 of ImageNet, then of faces with emotions.  A fresh start here.
* Its pictures are in colour; our aligned faces are grey.
* Its margins, 0.99 and 0.01, are in :mod:`mescope.training.tasks.capsulenet`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Channels, Classes, Dim, Side, Stages
from mescope.models.spatial_stream import SpatialStream
from mescope.ranges import Within, check_fields


@dataclass(frozen=True)
class CapsuleNetConfig:
    """Sizes of CapsuleNet; the defaults are the published ones."""

    classes: Classes = 3
    size: Side = 224
    widths: Annotated[tuple[Channels, ...], Stages] = (64, 128, 256)  # of the trunk
    kernel: Annotated[int, Within(1, 31)] = 9  # of the two convolutions behind it
    capsules: Channels = 32  # at every place of the map
    dim: Dim = 8  # of those capsules
    class_dim: Dim = 16  # of those of the classes
    routings: Annotated[int, Within(1, 16)] = 3

    def __post_init__(self) -> None:
        check_fields(self)
        if self.map_side < 1:
            raise ValueError(
                f"size must leave a map to {len(self.widths)} stages and two convolutions of "
                f"kernel {self.kernel}, got {self.size}"
            )

    @property
    def map_side(self) -> int:
        """Return the side of the map of capsules."""
        trunk = self.size
        for _ in self.widths:
            trunk = (trunk + 1) // 2
        return (trunk - 2 * self.kernel + 1) // 2 + 1


class CapsuleNet(nn.Module):
    """Trunk, convolution, capsules at every place, and one capsule for each class."""

    def __init__(self, config: CapsuleNetConfig = CapsuleNetConfig()) -> None:
        super().__init__()
        self.config = c = config
        last = c.widths[-1]
        self.trunk = SpatialStream(c.widths, pool=False)
        self.conv = nn.Conv2d(last, last, c.kernel)
        self.first = nn.Conv2d(last, c.capsules * c.dim, c.kernel, 2)
        count = c.capsules * c.map_side**2
        self.votes = nn.Parameter(0.01 * torch.randn(c.classes, count, c.class_dim, c.dim))

    def forward(self, picture: Tensor) -> EmotionOutput:
        """Return a length for each class of pictures (b, 3 or 1, size, size)."""
        x = picture.expand(-1, 3, -1, -1) if picture.shape[1] == 1 else picture
        x = self.first(F.relu(self.conv(self.trunk(x))))
        b, c = len(x), self.config
        capsules = squash(x.flatten(2).transpose(1, 2).reshape(b, -1, c.dim))
        votes = torch.einsum("kiod,bid->bkio", self.votes, capsules)
        return EmotionOutput(emotion=routed(votes, c.routings).norm(dim=-1))


def squash(vectors: Tensor) -> Tensor:
    """Return vectors (..., d) of the same direction and a length below 1 (Sabour, eq. 1)."""
    square = vectors.square().sum(-1, keepdim=True)
    return vectors * square / ((1.0 + square) * (square + 1e-12).sqrt())


def routed(votes: Tensor, rounds: int) -> Tensor:
    """Return one capsule for each class by dynamic routing (Sabour, procedure 1).

    Args:
        votes: what each capsule says of each class, (b, classes, capsules, d).
        rounds: of routing; only the last one passes gradients on.

    Returns:
        (b, classes, d).
    """
    agreement = votes.new_zeros(votes.shape[:3])
    for _ in range(rounds - 1):
        with torch.no_grad():
            found = _weighed(votes, agreement)
            agreement = agreement + (votes * found[:, :, None]).sum(-1)
    return _weighed(votes, agreement)


def _weighed(votes: Tensor, agreement: Tensor) -> Tensor:
    """Return the squashed sum of votes, each capsule's shares over the classes being 1."""
    return squash((agreement.softmax(1)[..., None] * votes).sum(2))


PRESETS = {"capsulenet": CapsuleNetConfig()}
