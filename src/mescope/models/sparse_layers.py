"""Layers of AMMSM and VSSD: mixers without an order of tokens, and blocks that skip windows.

Letters for shapes: b batch, l tokens, c channels, h and w the map.

Written from the papers of AMMSM (arXiv 2503.24057) and
VSSD (Shi et al., arXiv 2407.18559); nothing of VSSD's code, which has no licence, is copied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.layers import STEP_MAX, STEP_MIN, DropPath
from mescope.models.vision_layers import Attention, Mlp
from mescope.ops.ssd import noncausal_ssd
from mescope.ops.windows import (
    Score,
    grid,
    kept_windows,
    top_windows,
    window_scores,
    window_tokens,
)

Dropped = Literal["zero", "exclude", "gather"]
"""What dropped windows do inside a block.  ``zero``: they come in as zeros and take part, as
the paper is written (its block then computes as much as a dense one); ``exclude``: they are not
there, neither for the convolutions (which read zeros), nor for the state, nor for attention;
``gather``: the same numbers as ``exclude``, from the kept windows alone, so that dropping
saves time.

``exclude`` goes further than silencing dropped tokens in the state and in attention alone: the
ring of values that a convolution writes around kept windows is not read either.  Otherwise kept
windows would depend on a border of two tokens around them, and of windows of 4 nothing would be
saved."""


@dataclass(frozen=True)
class Places:
    """Where tokens lie on their map, and which of them are there."""

    height: int
    width: int
    keep: Tensor | None = None  # (b, l) bool; all without it
    rows: Tensor | None = None  # (b * l,) places in b maps laid end to end; all without it

    def convolve(self, conv: nn.Module, tokens: Tensor) -> Tensor:
        """Apply a convolution that keeps the map's size to tokens (b, l, c).

        Tokens that are not there are read as zeros.
        """
        b, length, c = tokens.shape
        if self.keep is not None:
            tokens = tokens.masked_fill(~self.keep[..., None], 0.0)
        if self.rows is not None:
            full = tokens.new_zeros(b * self.height * self.width, c)
            tokens = full.index_copy(0, self.rows, tokens.flatten(0, 1))
        # A contiguous (b, h, w, c) is the channels-last layout that oneDNN convolves fastest.
        tokens = tokens.contiguous().reshape(b, self.height, self.width, c)
        found: Tensor = conv(tokens.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        if self.rows is not None:
            found = found.reshape(-1, c).index_select(0, self.rows)
        return found.reshape(b, length, c)


class SsdMixer(nn.Module):
    """The non-causal SSD of VSSD: every token reads one state that all tokens wrote.

    Only its 3 x 3 convolution knows where tokens lie.  Source: VSSD, section 3.
    """

    def __init__(self, dim: int, heads: int, states: int) -> None:
        super().__init__()
        inner = 2 * dim
        self.parts = (inner, inner + 2 * states, heads)  # z; x, B and C; dt
        self.inner, self.heads, self.states = inner, heads, states
        self.in_proj = nn.Linear(dim, sum(self.parts), bias=False)
        self.conv = _depthwise(self.parts[1])
        self.dt_bias = nn.Parameter(torch.empty(heads))
        self.A_log = nn.Parameter(torch.empty(heads))
        self.D = nn.Parameter(torch.ones(heads))
        self.norm = nn.LayerNorm(inner)
        self.out_proj = nn.Linear(inner, dim, bias=False)
        self.reset_step()

    @torch.no_grad()
    def reset_step(self) -> None:
        """Draw A in 1..16, and the bias so that steps start in 0.001..0.1."""
        self.A_log.uniform_(1.0, 16.0).log_()
        drawn = torch.rand_like(self.dt_bias) * math.log(STEP_MAX / STEP_MIN)
        step = torch.exp(drawn + math.log(STEP_MIN))
        self.dt_bias.copy_(step + torch.log(-torch.expm1(-step)))  # inverse softplus

    def forward(self, tokens: Tensor, places: Places) -> Tensor:
        """Return (b, l, c)."""
        z, mixed, dt = torch.split(self.in_proj(tokens), list(self.parts), dim=-1)
        dt = F.softplus(dt + self.dt_bias)  # (b, l, heads)
        mixed = F.silu(places.convolve(self.conv, mixed))
        x, B, C = torch.split(mixed, [self.inner, self.states, self.states], dim=-1)
        x = x.reshape(*x.shape[:2], self.heads, -1)
        y = noncausal_ssd(x, dt, -torch.exp(self.A_log), B, C, self.D, keep=places.keep)
        out: Tensor = self.out_proj(self.norm(y.flatten(2)) * z)
        return out


class AttentionMixer(nn.Module):
    """Attention over the tokens of the whole map, as in VSSD's last stage."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(dim, heads, qkv_bias=False)

    def forward(self, tokens: Tensor, places: Places) -> Tensor:
        """Return (b, l, c)."""
        out: Tensor = self.attention(tokens, places.keep)
        return out


class SparseBlock(nn.Module):
    """Convolution, mixer, convolution and MLP, each added to what came in.

    Mixer and MLP come after a norm and have drop path, as in VSSD.
    """

    recomputable = True

    def __init__(
        self, dim: int, mixer: SsdMixer | AttentionMixer, *, drop: float, drop_path: float
    ) -> None:
        super().__init__()
        self.conv_mix = _depthwise(dim)
        self.norm_mix = nn.LayerNorm(dim)
        self.mixer = mixer
        self.conv_mlp = _depthwise(dim)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, drop)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Tensor, places: Places) -> Tensor:
        """Return (b, l, c); what stands at tokens that are not there has no meaning."""
        x = tokens + places.convolve(self.conv_mix, tokens)
        x = x + self.drop_path(self.mixer(self.norm_mix(x), places))
        x = x + places.convolve(self.conv_mlp, x)
        out: Tensor = x + self.drop_path(self.mlp(self.norm_mlp(x)))
        return out


class SparseStage(nn.Module):
    """Blocks of which each computes the windows with most in them, the others waiting.

    Windows are scored once, where they come in; a dropped one keeps the values it had when it
    was dropped.  Source: AMMSM, section III-B.
    """

    def __init__(
        self, blocks: Sequence[SparseBlock], window: int, *, score: Score = "norm",
        dropped: Dropped = "zero",
    ) -> None:  # fmt: skip
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.window, self.score, self.dropped = window, score, dropped

    def forward(self, x: Tensor, ratios: Sequence[float] | None = None) -> Tensor:
        """Return the map (b, c, h, w) after all blocks.

        Args:
            x: the map.
            ratios: share of windows that each block drops, ascending; none without it.

        Raises:
            ValueError: not one ratio for each block, or one outside 0..0.9.
        """
        ratios = [0.0] * len(self.blocks) if ratios is None else ratios
        if len(ratios) != len(self.blocks):
            raise ValueError(f"expected {len(self.blocks)} ratios, found {len(ratios)}")
        height, width = x.shape[2:]
        windows = math.prod(grid(height, width, self.window))
        tokens = x.flatten(2).transpose(1, 2).contiguous()  # (b, l, c)
        scores = None
        for ratio, run in groupby(zip(ratios, self.blocks, strict=True), lambda pair: pair[0]):
            blocks = [block for _, block in run]
            count = kept_windows(windows, ratio)
            if count == windows:
                for block in blocks:
                    tokens = block(tokens, Places(height, width))
                continue
            if scores is None:
                scores = window_scores(x, self.window, self.score)
            mask = top_windows(scores, count)
            keep = window_tokens(mask, height, width, self.window)
            tokens = self._run(blocks, tokens, Places(height, width, keep=keep))
        return tokens.transpose(1, 2).reshape(x.shape)

    def _run(self, blocks: Sequence[nn.Module], tokens: Tensor, places: Places) -> Tensor:
        """Run blocks of one mask over all tokens of the map, (b, l, c)."""
        if self.dropped == "gather":
            return _gathered(blocks, tokens, places)
        kept = torch.as_tensor(places.keep)[..., None]
        if self.dropped == "zero":
            places = Places(places.height, places.width)
        for block in blocks:
            tokens = torch.where(kept, block(tokens.masked_fill(~kept, 0.0), places), tokens)
        return tokens


def _gathered(blocks: Sequence[nn.Module], tokens: Tensor, places: Places) -> Tensor:
    """Run blocks over the kept tokens alone and lay them back among the others."""
    keep = torch.as_tensor(places.keep)
    b, length, c = tokens.shape
    # Samples may keep different numbers of tokens where windows are partial: as many as the one
    # with most, the rest of the places being filled by tokens that are not there.
    most = int(keep.sum(1).max())
    chosen = keep.byte().argsort(dim=1, descending=True, stable=True)[:, :most]
    there = keep.gather(1, chosen)
    rows = (chosen + torch.arange(b, device=keep.device)[:, None] * length).flatten()
    flat = tokens.flatten(0, 1)
    before = flat.index_select(0, rows).reshape(b, most, c)
    full = bool(there.all())
    places = Places(places.height, places.width, keep=None if full else there, rows=rows)
    after = before
    for block in blocks:
        after = block(after, places)
    if not full:
        after = torch.where(there[..., None], after, before)
    return flat.index_copy(0, rows, after.flatten(0, 1)).reshape(tokens.shape)


class Stem(nn.Module):
    """Two steps of convolutions that bring a map to its first width, as VSSD's."""

    def __init__(self, channels: int, dim: int, strides: tuple[int, int]) -> None:
        super().__init__()
        half = dim // 2
        self.enter = nn.Sequential(*_norm_conv(channels, half, 3, strides[0]), nn.ReLU())
        self.refine = nn.Sequential(
            *_norm_conv(half, half, 3), nn.ReLU(), *_norm_conv(half, half, 3)
        )
        self.leave = nn.Sequential(
            *_norm_conv(half, 4 * dim, 3, strides[1]), nn.ReLU(), *_norm_conv(4 * dim, dim, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim, h, w)."""
        x = self.enter(x)
        out: Tensor = self.leave(x + self.refine(x))
        return out


def merging(dim: int) -> nn.Sequential:
    """Return the layers that halve a map and double its channels, as VSSD's."""
    wide = 8 * dim
    return nn.Sequential(
        nn.Conv2d(dim, wide, 1),
        nn.ReLU(),
        nn.Conv2d(wide, wide, 3, 2, 1, groups=wide),
        nn.ReLU(),
        nn.Conv2d(wide, 2 * dim, 1),
        nn.BatchNorm2d(2 * dim),
    )


def _norm_conv(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(after)]


def _depthwise(dim: int) -> nn.Conv2d:
    return nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
