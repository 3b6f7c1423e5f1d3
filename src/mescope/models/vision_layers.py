"""Layers of MambaVision and MERba: conv stem and blocks, windows, scan mixers, attention.

Letters for shapes: b batch (or windows), c channels, h and w the map, m side of a window,
l tokens of a sequence, g mixers side by side, n states, r rank of the step size.

Written from the MambaVision paper (Hatamizadeh and
Kautz, arXiv 2407.08083) and the layout of its released weights; nothing of its code is copied.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.layers import STEP_MAX, STEP_MIN, DropPath
from mescope.ops.depthwise_conv import depthwise_conv
from mescope.ops.dropout import dropout
from mescope.ops.selective_scan import selective_scans

StepInit = Literal["released", "mamba"]
"""``released``: the bias of the step size starts at 0, as MambaVision's released initialiser
leaves it; ``mamba``: so that steps start between 0.001 and 0.1, as its authors meant."""


class Dropout(nn.Module):
    """Dropout with share ``p``; quick on a CPU."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return x, some values zeroed while training."""
        return dropout(x, self.p, self.training)


def conv_stem(channels: int, middle: int, dim: int, strides: tuple[int, int]) -> nn.Sequential:
    """Return two 3 x 3 convolutions with norm and ReLU, channels to ``dim``."""
    layers: list[nn.Module] = []
    for before, after, stride in ((channels, middle, strides[0]), (middle, dim, strides[1])):
        layers += [
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after, eps=1e-4),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


def down(dim: int) -> nn.Conv2d:
    """Return the convolution that halves the map and doubles the channels."""
    return nn.Conv2d(dim, 2 * dim, 3, 2, 1, bias=False)


class ConvBlock(nn.Module):
    """``y = x + DropPath(BN(Conv(GELU(BN(Conv(x))))))``, optionally scaled."""

    def __init__(self, dim: int, drop_path: float, layer_scale: float | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(dim, dim, 3, padding=1),
            nn.BatchNorm2d(dim),
            nn.GELU(approximate="tanh"),
            nn.Conv2d(dim, dim, 3, padding=1),
            nn.BatchNorm2d(dim),
        )
        self.scale = LayerScale((dim, 1, 1), layer_scale)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, c, h, w)."""
        y: Tensor = x + self.drop_path(self.scale(self.body(x)))
        return y


class LayerScale(nn.Module):
    """Multiply by a learned number per channel; without ``start`` it does nothing."""

    def __init__(self, shape: tuple[int, ...], start: float | None) -> None:
        super().__init__()
        self.gamma = None if start is None else nn.Parameter(torch.full(shape, start))

    def forward(self, x: Tensor) -> Tensor:
        """Return x scaled."""
        return x if self.gamma is None else x * self.gamma


def partition(x: Tensor, side: int) -> Tensor:
    """Cut a map (b, c, h, w) into windows (b * windows, side * side, c), row by row.

    A map whose side is not a multiple of ``side`` gets zeros at its right and bottom.
    """
    b, c, h, w = x.shape
    x = F.pad(x, (0, -w % side, 0, -h % side))
    x = x.reshape(b, c, x.shape[2] // side, side, x.shape[3] // side, side)
    x = x.permute(0, 2, 4, 3, 5, 1).reshape(-1, side * side, c)
    return x.contiguous()  # one window is a view, over which all that follows would stride


def merge(windows: Tensor, side: int, height: int, width: int) -> Tensor:
    """Undo :func:`partition`: the map (b, c, height, width)."""
    rows, columns = -(-height // side), -(-width // side)
    x = windows.reshape(-1, rows, columns, side, side, windows.shape[-1])
    x = x.permute(0, 5, 1, 3, 2, 4).reshape(-1, x.shape[-1], rows * side, columns * side)
    return x[:, :, :height, :width]


class ScanMixers(nn.Module):
    """``sets`` mixers of MambaVision without their output projection, in one call.

    One half of the channels goes through a selective scan, the other through a gate-free path;
    both are convolved along the sequence before, and concatenated after.  The convolution looks
    one token ahead, the scan is causal.
    """

    def __init__(
        self, dim: int, sets: int = 1, *, states: int = 8, taps: int = 3,
        step_init: StepInit = "released",
    ) -> None:  # fmt: skip
        super().__init__()
        half, self.rank, self.states = dim // 2, math.ceil(dim / 16), states
        self.step_init = step_init
        self.in_weight = nn.Parameter(torch.empty(sets, dim, dim))
        self.conv_weight = nn.Parameter(torch.empty(sets, taps, 2 * half))  # scan half first
        self.x_weight = nn.Parameter(torch.empty(sets, half, self.rank + 2 * states))
        self.step_weight = nn.Parameter(torch.empty(sets, self.rank, half))
        self.step_bias = nn.Parameter(torch.empty(sets, half))
        self.A_log = nn.Parameter(torch.empty(sets, half, states))
        self.D = nn.Parameter(torch.empty(sets, half))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw fresh weights, as MambaVision's are drawn."""
        for weight in (self.in_weight, self.x_weight, self.step_weight):
            nn.init.trunc_normal_(weight, std=0.02)
        bound = self.conv_weight.shape[1] ** -0.5  # PyTorch's own for a depth-wise convolution
        self.conv_weight.uniform_(-bound, bound)
        states = torch.arange(1, self.states + 1, dtype=self.A_log.dtype)
        self.A_log.copy_(states.log().expand_as(self.A_log))
        self.D.fill_(1.0)
        self.step_bias.zero_()
        if self.step_init == "mamba":
            self.step_weight.uniform_(-(self.rank**-0.5), self.rank**-0.5)
            drawn = torch.rand_like(self.step_bias) * math.log(STEP_MAX / STEP_MIN)
            step = torch.exp(drawn + math.log(STEP_MIN))
            self.step_bias.copy_(step + torch.log(-torch.expm1(-step)))  # inverse softplus

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix sequences (g, b, l, c), each of the g by its own mixer or all by the one."""
        g, b, length, c = tokens.shape
        sets = len(self.in_weight)
        x = tokens.reshape(sets, g * b // sets, length, c)
        projected = torch.bmm(x.flatten(1, 2), self.in_weight).reshape(x.shape)
        ahead = self.conv_weight.shape[1] // 2  # as many taps before as after
        both = F.silu(depthwise_conv(projected, self.conv_weight, ahead=ahead))
        u, z = both.chunk(2, dim=-1)
        mixed = torch.bmm(u.flatten(1, 2), self.x_weight)
        step, B, C = torch.split(mixed, [self.rank, self.states, self.states], dim=-1)
        delta = F.softplus(torch.baddbmm(self.step_bias[:, None], step, self.step_weight))
        shape = u.shape[:3]
        y = selective_scans(
            u.contiguous(), delta.reshape(u.shape), -torch.exp(self.A_log),
            B.reshape(*shape, -1), C.reshape(*shape, -1), self.D,
        )  # fmt: skip
        return torch.cat([y, z], dim=-1).reshape(g, b, length, c)


class Mlp(nn.Sequential):
    """Linear to four times the width, GELU, and back."""

    def __init__(self, dim: int, drop: float) -> None:
        super().__init__(
            nn.Linear(dim, 4 * dim), nn.GELU(), Dropout(drop), nn.Linear(4 * dim, dim),
            Dropout(drop),
        )  # fmt: skip


class Attention(nn.Module):
    """Multi-head self-attention over (b, l, c), without positions."""

    def __init__(
        self, dim: int, heads: int, drop: float = 0.0, *, qkv_bias: bool = True
    ) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)
        self.drop = Dropout(drop)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Return (b, l, c); only tokens of ``keep`` (b, l), all without it, are looked at."""
        b, length, c = x.shape
        qkv = self.qkv(x).reshape(b, length, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mask = None if keep is None else keep[:, None, None]  # for all heads and queries
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out: Tensor = self.drop(self.proj(mixed.transpose(1, 2).reshape(b, length, c)))
        return out


class TokenBlock(nn.Module):
    """``t + mix(LN(t))``, then ``t + MLP(LN(t))``, both with layer scale and drop path."""

    recomputable = True

    def __init__(
        self, dim: int, mixer: nn.Module, *, drop: float, drop_path: float,
        layer_scale: float | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.norm_mix = nn.LayerNorm(dim)
        self.mixer = mixer
        self.scale_mix = LayerScale((dim,), layer_scale)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, drop)
        self.scale_mlp = LayerScale((dim,), layer_scale)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (b, l, c)."""
        mixed = self.scale_mix(self.mixer(self.norm_mix(tokens)))
        tokens = tokens + self.drop_path(mixed)
        grown = self.scale_mlp(self.mlp(self.norm_mlp(tokens)))
        out: Tensor = tokens + self.drop_path(grown)
        return out


def initialise(model: nn.Module) -> None:
    """Draw every Linear from N(0, 0.02) cut at 2, its bias 0, as MambaVision does."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def linear_rates(blocks: int, last: float) -> list[float]:
    """Return the drop-path rate of every block: 0 for the first, ``last`` for the last.

    >>> linear_rates(3, 0.2)
    [0.0, 0.1, 0.2]
    """
    return [last * i / max(1, blocks - 1) for i in range(blocks)]
