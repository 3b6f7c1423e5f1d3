"""MambaVision: convolutions, then scan mixers and attention inside windows.

Paper   "MambaVision: A Hybrid Mamba-Transformer Vision Backbone", Hatamizadeh and Kautz,
        CVPR 2025, arXiv 2407.08083
Code    NVlabs/MambaVision has a non-commercial licence: written from the paper,
        nothing is copied, and its weights cannot be loaded
Input   (b, 3, 28 * k, 28 * k): pictures, or u, v and strain; any size, windows are padded
Output  EmotionOutput: logits of the classes

The baseline that MERba grows from.  Where this file leaves the released code:
* the bias of the step size is added once; the code adds it in the projection and in the scan;
* it starts at 0, as the released initialiser leaves it (``step_init="mamba"`` is the other).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from torch import Tensor, nn

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Blocks, Channels, Classes, Dim, Heads, Side, Stages, Stride
from mescope.models.vision_layers import (
    Attention,
    ConvBlock,
    ScanMixers,
    StepInit,
    TokenBlock,
    conv_stem,
    down,
    initialise,
    linear_rates,
    merge,
    partition,
)
from mescope.ranges import Share, Within, check_fields


@dataclass(frozen=True)
class MambaVisionConfig:
    """Sizes of MambaVision; the defaults are the published -B on flow maps."""

    channels: Channels = 3
    classes: Classes = 3
    dim: Dim = 128  # of the first stage; doubled at every later one
    stem: Dim = 64  # channels between the two convolutions of the stem
    strides: tuple[Stride, Stride] = (2, 2)  # of the stem
    depths: Annotated[tuple[Blocks, ...], Stages] = (3, 3, 10, 5)  # convolutions, then tokens
    heads: Annotated[tuple[Heads, ...], Stages] = (8, 16)  # of the token stages
    windows: Annotated[tuple[Side, ...], Stages] = (14, 7)
    conv_stages: Annotated[int, Within(0, 8)] = 2
    layer_scale: Annotated[float, Within(0.0, 10.0)] | None = 1e-5
    drop: Share = 0.0
    drop_path: Share = 0.3
    step_init: StepInit = "released"

    def __post_init__(self) -> None:
        check_fields(self)
        stages = len(self.depths) - self.conv_stages
        if not len(self.heads) == len(self.windows) == stages or stages < 1:
            raise ValueError(
                f"depths, heads and windows must fit: {len(self.depths)} stages, of which "
                f"{self.conv_stages} are convolutions, {len(self.heads)} heads and "
                f"{len(self.windows)} windows"
            )
        for i, heads in enumerate(self.heads):
            if (self.dim << (self.conv_stages + i)) % heads:
                raise ValueError(f"heads must divide the channels of their stage, got {heads}")


_PLAIN = MambaVisionConfig(layer_scale=None, drop_path=0.2)

PRESETS = {
    "mambavision-t": replace(_PLAIN, dim=80, stem=32, depths=(1, 3, 8, 4)),
    "mambavision-t2": replace(_PLAIN, dim=80, stem=32, depths=(1, 3, 11, 4)),
    "mambavision-s": replace(_PLAIN, dim=96, depths=(3, 3, 7, 5)),
    "mambavision-b": MambaVisionConfig(),
    "mambavision-l": MambaVisionConfig(dim=196, heads=(16, 32)),
    "mambavision-s28": MambaVisionConfig(
        dim=16, stem=8, strides=(1, 1), depths=(1, 2, 2), conv_stages=1, heads=(2, 4),
        windows=(7, 7), layer_scale=1e-2, drop=0.1, drop_path=0.0,
    ),
}  # fmt: skip
"""The published sizes, and ours for maps of 28 px."""


class MambaVision(nn.Module):
    """Two stages of convolutions, and stages of mixers followed by as many attention blocks."""

    def __init__(self, config: MambaVisionConfig = MambaVisionConfig()) -> None:
        super().__init__()
        self.config = c = config
        rates = iter(linear_rates(sum(c.depths), c.drop_path))
        self.stem = conv_stem(c.channels, c.stem, c.dim, c.strides)
        self.conv_stages = nn.ModuleList(
            nn.Sequential(*(ConvBlock(c.dim << i, next(rates)) for _ in range(c.depths[i])))
            for i in range(c.conv_stages)
        )
        self.token_stages = nn.ModuleList(
            nn.Sequential(*(_block(c, i, j, next(rates)) for j in range(c.depths[i])))
            for i in range(c.conv_stages, len(c.depths))
        )
        self.downs = nn.ModuleList(down(c.dim << i) for i in range(len(c.depths) - 1))
        last = c.dim << (len(c.depths) - 1)
        self.norm = nn.BatchNorm2d(last)
        self.head = nn.Linear(last, c.classes)
        initialise(self)

    def forward(self, flow: Tensor) -> EmotionOutput:
        """Return logits for (b, channels, h, w).

        Raises:
            ValueError: the channels are not those of the config.
        """
        if flow.dim() != 4 or flow.shape[1] != self.config.channels:
            raise ValueError(
                f"expected maps (b, {self.config.channels}, h, w), found {tuple(flow.shape)}; "
                "give as many channels, or set the option channels"
            )
        x = self.stem(flow)
        for i, stage in enumerate([*self.conv_stages, *self.token_stages]):
            if i:
                x = self.downs[i - 1](x)
            if i < self.config.conv_stages:
                x = stage(x)
            else:
                side = self.config.windows[i - self.config.conv_stages]
                tokens = stage(partition(x, side))
                x = merge(tokens, side, x.shape[2], x.shape[3])
        return EmotionOutput(emotion=self.head(self.norm(x).mean((2, 3))))


class _Mixer(nn.Module):
    """One mixer in the order of the tokens, and its output projection."""

    def __init__(self, dim: int, step_init: StepInit) -> None:
        super().__init__()
        self.scan = ScanMixers(dim, step_init=step_init)
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        mixed: Tensor = self.out(self.scan(tokens[None])[0])
        return mixed


def _block(c: MambaVisionConfig, stage: int, number: int, drop_path: float) -> nn.Module:
    """Return block ``number`` of a token stage: the first half mixes by scan."""
    dim, heads = c.dim << stage, c.heads[stage - c.conv_stages]
    scans = number < (c.depths[stage] + 1) // 2
    mixer = _Mixer(dim, c.step_init) if scans else Attention(dim, heads, c.drop)
    return TokenBlock(dim, mixer, drop=c.drop, drop_path=drop_path, layer_scale=c.layer_scale)
