"""HTNet: a hierarchy of transformers over blocks of a flow map, joined two by two.

Paper   "HTNet for micro-expression recognition", Wang et al., Neurocomputing 2024,
        arXiv 2307.14637
Code    wangzhifengharrison/HTNet, read only: it has no licence, nothing is copied
Input   (b, 3, 28, 28): horizontal flow, vertical flow, optical strain
Output  EmotionOutput: logits of the classes

Where this file leaves the published system:
* There the map is put together from four squares of 14 px around the eyes and the corners of
  the mouth, where landmarks of the apex frame, shrunk to 28 px, find them (at the same places
  for all, where no face is found).  Here ``areas="four"`` cuts them where maps of the kind
  ``flow28`` have them, all faces being aligned (:mod:`mescope.motion.grey_maps`), and puts
  them together as there: the left eye beside the left corner of the mouth, the right ones
  below.  In so close a crop they are the quarters of the map but for a column; what is left is
  their order.  ``areas="whole"`` takes the map as it is.
* Layer norms are PyTorch's.  Everything else is the published network.

At the published sizes (28 px, patches of 7, three levels) every block of every level holds a
single token, so its attention has nothing to choose from and only the joins mix patches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Blocks, Channels, Classes, Dim, Heads, Side, Stages
from mescope.models.vision_layers import Dropout, merge, partition
from mescope.ranges import Share, check_fields

AREAS = ((7, 7), (21, 8), (7, 21), (21, 20))
"""Rows and columns of left eye, left corner of the mouth, right eye and right corner, in 28ths
of a map, kept so far from the edge that a square of half its side fits (as the published code
does).  Left is that of the picture."""


@dataclass(frozen=True)
class HtNetConfig:
    """Sizes of HTNet; the defaults are the published ones."""

    channels: Channels = 3
    classes: Classes = 3
    size: Side = 28
    patch: Side = 7
    dim: Dim = 256  # doubled at every join
    heads: Heads = 3  # likewise
    repeats: Annotated[tuple[Blocks, ...], Stages] = (2, 2, 10)  # layers of each level
    dropout: Share = 0.0
    areas: Literal["whole", "four"] = "whole"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.areas == "four" and self.size % 4:
            raise ValueError(f"size must be a multiple of 4 for four areas, got {self.size}")
        if self.size % (self.patch << (len(self.repeats) - 1)):
            raise ValueError(
                f"size must be a multiple of patch times 2 for every join, got {self.size} for "
                f"patches of {self.patch} and {len(self.repeats)} levels"
            )
        if self.heads > self.dim:
            raise ValueError(f"heads must not be more than dim, got {self.heads}")


class HtNet(nn.Module):
    """Patches, levels of transformer blocks with joins between, and a linear head."""

    def __init__(self, config: HtNetConfig = HtNetConfig()) -> None:
        super().__init__()
        self.config = c = config
        self.embed = nn.Conv2d(c.channels, c.dim, c.patch, c.patch)
        levels = len(c.repeats)
        self.side = c.size // c.patch >> (levels - 1)  # tokens along a block, at every level
        self.positions = nn.ParameterList(
            nn.Parameter(torch.randn(self.side**2)) for _ in range(levels)
        )
        self.levels = nn.ModuleList(
            nn.Sequential(
                *(_Layer(c.dim << i, c.heads << i, c.dropout) for _ in range(c.repeats[i]))
            )
            for i in range(levels)
        )
        self.joins = nn.ModuleList(_Join(c.dim << i) for i in range(levels - 1))
        self.norm = nn.LayerNorm(c.dim << (levels - 1))
        self.head = nn.Linear(c.dim << (levels - 1), c.classes)

    def forward(self, flow: Tensor) -> EmotionOutput:
        """Return logits for maps (b, channels, size, size)."""
        x = self.embed(four_areas(flow) if self.config.areas == "four" else flow)
        for i, level in enumerate(self.levels):
            if i:
                x = self.joins[i - 1](x)
            tokens = partition(x, self.side) + self.positions[i][:, None]
            x = merge(level(tokens), self.side, x.shape[2], x.shape[3])
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        return EmotionOutput(emotion=self.head(tokens.mean(1)))


def four_areas(flow: Tensor) -> Tensor:
    """Return maps put together from the areas around eyes and corners of the mouth.

    Args:
        flow: maps as the kind ``flow28`` shows a face, (b, c, h, h); h a multiple of 4.

    Returns:
        (b, c, h, h): eye and corner of the left, below them those of the right.
    """
    side = flow.shape[-1]
    half = side // 4
    cut = []
    for row, column in AREAS:
        top, left = (round(place * side / 28) - half for place in (row, column))
        cut.append(flow[..., top : top + 2 * half, left : left + 2 * half])
    return torch.cat([torch.cat(cut[:2], -1), torch.cat(cut[2:], -1)], -2)


class _Join(nn.Module):
    """Convolution to twice the width, norm, and pooling of two by two."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, 2 * dim, 3, padding=1)
        self.norm = nn.LayerNorm(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, 2 c, h / 2, w / 2)."""
        x = self.norm(self.conv(x).movedim(1, -1)).movedim(-1, 1)
        return F.max_pool2d(x, 3, 2, padding=1)


class _Layer(nn.Module):
    """Attention within a block and an MLP, each after a norm and around a shortcut."""

    recomputable = True

    def __init__(self, dim: int, heads: int, drop: float) -> None:
        super().__init__()
        self.heads, inner = heads, dim // heads * heads
        self.norm_mix = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * inner, bias=False)
        self.out = nn.Linear(inner, dim)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), Dropout(drop), nn.Linear(4 * dim, dim)
        )
        self.drop = Dropout(drop)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (b, l, c)."""
        b, length, _ = tokens.shape
        qkv = self.qkv(self.norm_mix(tokens)).reshape(b, length, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        tokens = tokens + self.drop(self.out(mixed))
        grown: Tensor = tokens + self.drop(self.mlp(self.norm_mlp(tokens)))
        return grown


PRESETS = {
    "htnet": HtNetConfig(),
    "htnet-small": HtNetConfig(dim=48, repeats=(1, 1, 2)),
}
"""The published size, and one that a CPU can train by leaving one person out."""
