"""MERba: windows read in four asymmetric orders, then attention over the whole map.

Paper   "MERba: Multi-Receptive Field MambaVision for Micro-Expression Recognition",
        arXiv 2506.14468, first version
Code    none is public; written from the paper, on the layers of MambaVision
Input   (b, 2 or 3, side, side): horizontal and vertical flow (and strain) from onset to apex;
        the side must be what ``MerbaConfig.side`` says, 224 for the paper's
Output  EmotionOutput with one head, or MerbaOutput with the coarse and the fine head (DGCM)

What the paper leaves open, and our reading (``docs/models/merba.md``): windows of 7 for a side
of 224; local depths 1, 8 and 3, with two attention blocks after them out of MambaVision-B's
depth; four mixers with weights of their own (``share_mixer`` is the other reading), their
outputs summed; layer scale 1e-5 and drop path 0.3 as in MambaVision-B; dropout after the
linears of the MLPs, the attention's projection, and the extractor's.

Ours beside the paper: ``keeps_place``, for maps of 28 px, where averaging over the last map
throws away what a linear model on raw pixels lives on: where the motion was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor, nn

from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import (
    Blocks,
    Channels,
    Classes,
    Dim,
    Heads,
    SomeBlocks,
    Stages,
    Stride,
)
from mescope.models.vision_layers import (
    Attention,
    ConvBlock,
    Dropout,
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
from mescope.ops.dropout import dropout
from mescope.ops.orders import ASYMMETRIC, inverse, lay, order, read
from mescope.ranges import Share, Within, check_fields

Scope = Literal["local", "global"]

COARSE = ("negative", "positive", "surprise", "others")
FINE = ("anger", "disgust", "fear", "sadness")
FULL = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
"""Classes of the two heads, and what they say together."""

COARSE_OF_FULL = (0, 3, 0, 0, 1, 0, 2)
FINE_OF_FULL = (0, -1, 1, 2, -1, 3, -1)
"""Targets of the two heads by the class of FULL; -1 where the fine head has none."""

_FULL_OF_COARSE = {1: 4, 2: 6, 3: 1}
_FULL_OF_FINE = (0, 2, 3, 5)


class MerbaOutput(NamedTuple):
    """What MERba returns with its two heads."""

    coarse: Tensor  # (b, 4) logits, classes of COARSE
    fine: Tensor  # (b, 4) logits, classes of FINE

    def predict(self) -> Tensor:
        """Return the class of FULL, (b,): the fine head decides among negatives only."""
        coarse, fine = self.coarse.argmax(-1), self.fine.argmax(-1)
        of_coarse = coarse.new_tensor([_FULL_OF_COARSE.get(i, 0) for i in range(len(COARSE))])
        of_fine = fine.new_tensor(_FULL_OF_FINE)
        return torch.where(coarse == 0, of_fine[fine], of_coarse[coarse])

    def scores(self) -> Tensor:
        """Return shares of the classes of FULL, (b, 7), the largest where predict() says.

        The likeliest negative class stands for all negatives of the coarse head, the others
        below it in proportion.
        """
        coarse, fine = self.coarse.softmax(-1), self.fine.softmax(-1)
        found = coarse.new_zeros(len(coarse), len(FULL))
        for one, full in _FULL_OF_COARSE.items():
            found[:, full] = coarse[:, one]
        share = fine / fine.amax(-1, keepdim=True)
        found[:, _FULL_OF_FINE] = coarse[:, :1] * share
        return found / found.sum(-1, keepdim=True)


@dataclass(frozen=True)
class MerbaConfig:
    """Sizes of MERba; the defaults are our reading of the paper."""

    channels: Channels = 2
    classes: Classes = 7  # of the one head; with dgcm there are two heads of four
    dgcm: bool = True
    dim: Dim = 128  # of the first stage; doubled at every later one
    stem: Dim = 64
    strides: tuple[Stride, Stride] = (2, 2)
    conv_blocks: SomeBlocks = 3
    local: Annotated[tuple[Blocks, ...], Stages] = (1, 8, 3)  # extractors of each later stage
    attention: Annotated[tuple[SomeBlocks, ...], Stages] = (2, 2, 2)  # blocks of each of them
    heads: Annotated[tuple[Heads, ...], Stages] = (4, 8, 16)
    window: Annotated[int, Within(1, 64)] = 7
    directions: Annotated[tuple[str, ...], Within(1, 16)] = ASYMMETRIC
    share_mixer: bool = False
    extractor_scope: Scope = "local"
    attention_scope: Scope = "global"
    layer_scale: Annotated[float, Within(0.0, 10.0)] | None = 1e-5
    drop: Share = 0.1
    drop_path: Share = 0.3
    step_init: StepInit = "released"
    keeps_place: bool = False  # heads see the last map place by place; the paper averages it

    def __post_init__(self) -> None:
        check_fields(self)
        if not len(self.local) == len(self.attention) == len(self.heads) >= 1:
            raise ValueError(
                f"local, attention and heads must have one number for each stage, got "
                f"{self.local}, {self.attention} and {self.heads}"
            )
        for i, heads in enumerate(self.heads, 1):
            if (self.dim << i) % heads:
                raise ValueError(f"heads must divide the channels of their stage, got {heads}")
        for name in self.directions:
            order(name, self.window)  # refuses what is not an order

    @property
    def side(self) -> int:
        """The side of the input, at which one window is the whole map of the last stage."""
        return self.window * self.strides[0] * self.strides[1] << len(self.local)


_TINY = MerbaConfig(
    classes=3, dgcm=False, dim=16, stem=8, strides=(1, 1), conv_blocks=1, local=(1, 1),
    attention=(2, 2), heads=(2, 4), layer_scale=1e-2, drop_path=0.0,
)  # fmt: skip

PRESETS = {
    "merba": MerbaConfig(),
    "merba-shared": MerbaConfig(share_mixer=True),
    "merba-s28": _TINY,
    "merba-s56": replace(_TINY, strides=(2, 1)),
    "merba-s56-full": replace(
        _TINY, dim=8, local=(1, 1, 1), attention=(1, 1, 1), heads=(1, 2, 4)
    ),
    "merba-s64": replace(
        _TINY, strides=(2, 1), local=(1, 2, 1), attention=(2, 2, 2), heads=(2, 4, 8), window=4
    ),
}
"""The paper's size in both readings, and small ones for a CPU, ours."""


class Merba(nn.Module):
    """Convolutions, then stages of extractors and attention, then one head or two."""

    def __init__(self, config: MerbaConfig = MerbaConfig()) -> None:
        super().__init__()
        self.config = c = config
        blocks = c.conv_blocks + sum(c.local) + sum(c.attention)
        rates = linear_rates(blocks, c.drop_path)
        self.stem = conv_stem(c.channels, c.stem, c.dim, c.strides)
        first = [ConvBlock(c.dim, rate) for rate in rates[: c.conv_blocks]]
        self.conv_stage = nn.Sequential(*first)
        later = iter(rates[c.conv_blocks :])
        self.downs = nn.ModuleList(down(c.dim << i) for i in range(len(c.local)))
        self.stages = nn.ModuleList(
            Stage(c, i, [next(later) for _ in range(c.local[i] + c.attention[i])])
            for i in range(len(c.local))
        )
        last = c.dim << len(c.local)
        self.norm = nn.BatchNorm2d(last)
        last *= c.window**2 if c.keeps_place else 1
        self.head = None if c.dgcm else nn.Linear(last, c.classes)
        self.coarse = nn.Linear(last, len(COARSE)) if c.dgcm else None
        self.fine = nn.Linear(last, len(FINE)) if c.dgcm else None
        initialise(self)

    def features(self, flow: Tensor) -> Tensor:
        """Return (b, last width) for flow (b, channels, side, side).

        With ``keeps_place`` (b, last width * window * window), some of it dropped in training.

        Raises:
            ValueError: the channels or the side are not those of the config.
        """
        c = self.config
        wanted = (c.channels, c.side, c.side)
        if flow.dim() != 4 or tuple(flow.shape[1:]) != wanted:
            raise ValueError(
                f"expected flow (b, {', '.join(map(str, wanted))}), found {tuple(flow.shape)}; "
                "scale the flow to that side, or choose another preset"
            )
        x = self.conv_stage(self.stem(flow))
        for narrow, stage in zip(self.downs, self.stages, strict=True):
            x = stage(narrow(x))
        x = self.norm(x)
        if c.keeps_place:
            return dropout(x.flatten(1), c.drop, self.training)
        pooled: Tensor = x.mean((2, 3))
        return pooled

    def forward(self, flow: Tensor) -> EmotionOutput | MerbaOutput:
        """Return logits for flow (b, channels, side, side)."""
        x = self.features(flow)
        if self.coarse is not None and self.fine is not None:
            return MerbaOutput(coarse=self.coarse(x), fine=self.fine(x))
        if self.head is None:  # cannot be: one head or two
            raise ValueError("expected a head")
        return EmotionOutput(emotion=self.head(x))


class Stage(nn.Module):
    """All extractors on windows, then all attention blocks on the whole map."""

    def __init__(self, c: MerbaConfig, number: int, rates: list[float]) -> None:
        super().__init__()
        dim, side = c.dim << (number + 1), c.window << (len(c.local) - 1 - number)
        extractors = c.local[number]
        self.scan_side = c.window if c.extractor_scope == "local" else side
        self.attention_side = c.window if c.attention_scope == "local" else side
        self.extractors = nn.Sequential(
            *(
                _token_block(c, dim, Extractor(c, dim, self.scan_side), rate)
                for rate in rates[:extractors]
            )
        )
        self.attentions = nn.Sequential(
            *(
                _token_block(c, dim, Attention(dim, c.heads[number], c.drop), rate)
                for rate in rates[extractors:]
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (b, c, h, w)."""
        height, width = x.shape[2:]
        tokens = self.extractors(partition(x, self.scan_side))
        if self.attention_side != self.scan_side:
            x = merge(tokens, self.scan_side, height, width)
            tokens = partition(x, self.attention_side)
        return merge(self.attentions(tokens), self.attention_side, height, width)


class Extractor(nn.Module):
    """Read a window in every direction, mix each reading, lay them back and add them up."""

    forth: Tensor
    back: Tensor

    def __init__(self, c: MerbaConfig, dim: int, side: int) -> None:
        super().__init__()
        orders = [order(name, side) for name in c.directions]
        # On the CPU whatever the default device: they are not weights, so no file brings them.
        forth = torch.tensor(orders, device="cpu")
        back = torch.tensor([inverse(tokens) for tokens in orders], device="cpu")
        self.register_buffer("forth", forth, persistent=False)
        self.register_buffer("back", back, persistent=False)
        sets = 1 if c.share_mixer else len(orders)
        self.mixers = ScanMixers(dim, sets, step_init=c.step_init)
        self.out = nn.Linear(dim, dim, bias=False)
        self.drop = Dropout(c.drop)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return windows (b, l, c)."""
        orders = self.forth, self.back
        mixed = self.mixers(read(tokens, *orders))
        summed: Tensor = self.drop(self.out(lay(mixed, *orders)))
        return summed


def _token_block(c: MerbaConfig, dim: int, mixer: nn.Module, drop_path: float) -> TokenBlock:
    return TokenBlock(dim, mixer, drop=c.drop, drop_path=drop_path, layer_scale=c.layer_scale)
