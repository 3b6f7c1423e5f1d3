"""SLSTT: a vision transformer on each flow map since the onset, and an LSTM over the maps.

Paper   "Short and Long Range Relation Based Spatio-Temporal Transformer for Micro-Expression
        Recognition", Zhang et al., TAFFC 2022, arXiv 2112.05851; its abstract only
Code    Vision-Intelligence-and-Robots-Group/SLSTT (MIT), read; nothing is copied
Input   (b, 3, t, size, size): horizontal flow, vertical flow and strain from the onset to each
        of t frames (``flow-sequence``)
Output  EmotionOutput: logits of the classes

ViT-B/16 on 384 px, its class token after the last norm; an LSTM of three layers of 512; 256;
the classes.

Where this file leaves the published code:
* Its transformer begins from ImageNet-21k, learns alone first and is then frozen, the LSTM
  learning in batches of one.  Here both learn together, from a fresh start.
* Its maps are pictures of flow in colours; here they are u, v and strain.  It takes 11 frames
  around the apex; ours are at equal steps from onset to offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Blocks, Channels, Classes, Dim, Heads, Side
from mescope.models.vision_layers import Dropout
from mescope.ranges import Share, check_fields


@dataclass(frozen=True)
class SlsttConfig:
    """Sizes of SLSTT; the defaults are the published ones."""

    channels: Channels = 3
    classes: Classes = 3
    size: Side = 384
    patch: Side = 16
    dim: Dim = 768
    depth: Blocks = 12
    heads: Heads = 12
    memory: Dim = 512  # of the LSTM
    memories: Blocks = 3  # its layers
    width: Dim = 256  # between LSTM and classes
    dropout: Share = 0.1

    def __post_init__(self) -> None:
        check_fields(self)
        if self.size % self.patch:
            raise ValueError(
                f"size must be a multiple of patch, got {self.size} for patches of {self.patch}"
            )
        if self.dim % self.heads:
            raise ValueError(
                f"dim must be a multiple of heads, got {self.dim} for {self.heads} heads"
            )


class Slstt(nn.Module):
    """Each map alone by a transformer, then all of them in their order by an LSTM."""

    def __init__(self, config: SlsttConfig = SlsttConfig()) -> None:
        super().__init__()
        self.config = c = config
        self.embed = nn.Conv2d(c.channels, c.dim, c.patch, c.patch)
        self.token = nn.Parameter(torch.zeros(1, 1, c.dim))
        places = (c.size // c.patch) ** 2 + 1
        self.positions = nn.Parameter(0.02 * torch.randn(1, places, c.dim))
        self.blocks = nn.Sequential(
            *(_Block(c.dim, c.heads, c.dropout) for _ in range(c.depth))
        )
        self.norm = nn.LayerNorm(c.dim, eps=1e-6)
        self.memory = nn.LSTM(c.dim, c.memory, c.memories, batch_first=True)
        self.wide = nn.Linear(c.memory, c.width)
        self.head = nn.Linear(c.width, c.classes)

    def forward(self, flow: Tensor) -> EmotionOutput:
        """Return logits for sequences of maps (b, channels, t, size, size)."""
        b, _, t = flow.shape[:3]
        patches = self.embed(flow.transpose(1, 2).flatten(0, 1)).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(b * t, -1, -1), patches], 1) + self.positions
        seen = self.norm(self.blocks(x)[:, 0]).view(b, t, -1)  # (b, t, dim)
        with torch.autocast(seen.device.type, enabled=False):  # oneDNN has no LSTM of float16
            last = self.memory(seen.to(self.token.dtype))[0][:, -1]
        return EmotionOutput(emotion=self.head(F.relu(self.wide(last))))


class _Block(nn.Module):
    """Attention between all patches and an MLP, each after a norm and around a shortcut."""

    recomputable = True

    def __init__(self, dim: int, heads: int, drop: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_mix = nn.LayerNorm(dim, eps=1e-6)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.norm_mlp = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
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


PRESETS = {"slstt": SlsttConfig()}
