"""ME-TST and ME-TST+: spot and recognise micro-expressions with time-series Mamba branches.

Paper   "ME-TST+: Micro-expression Analysis via Temporal State Transition with ROI
        Relationship Awareness" and its predecessor ME-TST
        BoostingVRME (arXiv 2508.18834): the same with one SlowFast trunk and two heads
Code    zizheng-guo/ME-TST (ME-TST and ME-TST+, no licence) and zizheng-guo/BoostingVRME (MIT),
        described to us in words; nothing is copied
Input   (b, 2R, k): mean optical flow of R facial regions since the first frame of the window,
        region-major, x then y, pixels of the 320 x 320 face crop, nose motion removed
Output  MeTstOutput: a spotting score in 0..1 and five emotion logits for every frame, in the
        order negative, positive, surprise, others, neutral

Where this file leaves the published code and paper:
* ME-TST, ``mode="clean"``: each task has its own branch, as the paper says.  The published
  forward sends both tasks through the spotting blocks, so its recognition blocks get no
  gradient; ``mode="as_published"`` does the same, with the norm per layer that is never used.
* ``clean`` keeps Mamba's step-size initialisation and scales out-projections by the true
  depth; ``as_published`` overwrites the former and uses the constant 4.
* ME-TST+, ``mode="clean"``, was written before its code was public, from the paper: a lateral
  after every block, without norms; the slow path made by one strided convolution; linear
  interpolation back to k frames; fast channels first; one list of DropPath rates over all
  layers.  ``as_published``: laterals after all blocks but the last; BatchNorm and ReLU after
  laterals and after the convolution that makes the slow path; every slow frame twice (so k is
  even); slow channels first; the rates begin anew in every block; initialised as ME-TST.
* ``trunks=1``: both heads on one SlowFast trunk, which as published is BoostingVRME.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.errors import MescopeError
from mescope.models.layers import MambaLayer, conv_stem, drop_path_rates, initialise
from mescope.models.sizes import Channels, Named, States
from mescope.ranges import Share, Within, check_fields

Mode = Literal["clean", "as_published"]

PUBLISHED_DEPTH = 4  # the published initialisation divides by its square root, not by 12's


class MeTstOutput(NamedTuple):
    """What both models return for windows of k frames."""

    spotting: Tensor  # (b, k), 0..1
    emotion: Tensor  # (b, k, classes), logits


@dataclass(frozen=True)
class MeTstConfig:
    """Sizes of ME-TST; the defaults are the published ones."""

    channels: Channels = 10  # 5 regions x (horizontal, vertical)
    dim: Annotated[int, Within(1, 1024)] = 64
    depth: Annotated[int, Within(1, 64)] = 12  # layers of each branch
    states: States = 64
    classes: Named = 5  # four emotions and neutral
    drop_path: Share = 0.2
    mode: Mode = "clean"

    def __post_init__(self) -> None:
        check_fields(self)


class MeTst(nn.Module):
    """ME-TST: one stem, a spotting and a recognition branch of Mamba layers."""

    def __init__(self, config: MeTstConfig = MeTstConfig()) -> None:
        super().__init__()
        self.config = config
        published = config.mode == "as_published"
        self.stem = conv_stem(config.channels, config.dim)
        self.spotting_branch = self._branch(config, unused_norm=published)
        self.emotion_branch = self._branch(config, unused_norm=published)
        self.spotting_head = nn.Linear(config.dim, 1)
        self.emotion_head = nn.Linear(config.dim, config.classes)
        initialise(
            self, depth=PUBLISHED_DEPTH if published else config.depth, keep_step=not published
        )

    @staticmethod
    def _branch(config: MeTstConfig, *, unused_norm: bool) -> nn.Sequential:
        rates = drop_path_rates(config.depth, config.drop_path)
        return nn.Sequential(
            *(
                MambaLayer(config.dim, config.states, rate, unused_norm=unused_norm)
                for rate in rates
            )
        )

    def forward(self, flow: Tensor) -> MeTstOutput:
        """Score windows of flow, (b, channels, k), in pixels."""
        x = self.stem(flow).transpose(1, 2)  # (b, k, dim)
        shared = self.config.mode == "as_published"
        recognised = self.spotting_branch(x) if shared else self.emotion_branch(x)
        return MeTstOutput(
            spotting=self.spotting_head(self.spotting_branch(x)).squeeze(-1).sigmoid(),
            emotion=self.emotion_head(recognised),
        )


@dataclass(frozen=True)
class MeTstPlusConfig:
    """Sizes of ME-TST+; the defaults are the paper's where it gives them."""

    channels: Channels = 36  # 18 regions x (horizontal, vertical)
    dim: Annotated[int, Within(1, 1024)] = 128  # of the fast path; the slow one has double
    blocks: Annotated[int, Within(1, 16)] = 3
    layers: Annotated[int, Within(1, 16)] = 4  # Mamba layers of one block, in each path
    states: States = 64
    classes: Named = 5
    drop_path: Share = 0.2
    trunks: Annotated[int, Within(1, 2)] = 2  # 2: one per task; 1: both heads on one trunk
    lateral_norm: bool = False  # clean: BN and ReLU after lateral convolutions
    mode: Mode = "clean"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.lateral_norm and self.mode == "as_published":
            raise ValueError("lateral_norm is a choice of clean; as_published has its norms")


def _halving(dim: int, *, norm: bool) -> nn.Module:
    """Halve the frames and double the channels of the fast path, (b, d, t) to (b, 2d, t/2)."""
    conv = nn.Conv1d(dim, 2 * dim, 3, stride=2, padding=1)
    if not norm:
        return conv
    return nn.Sequential(conv, nn.BatchNorm1d(2 * dim), nn.ReLU())


class SlowFast(nn.Module):
    """Two paths of Mamba blocks at full and half frame rate, joined: (b, d, k) to (b, k, 3d).

    After every block (``as_published``: but the last) the slow path takes in a strided
    convolution of the fast one.
    """

    def __init__(self, config: MeTstPlusConfig) -> None:
        super().__init__()
        dim, blocks = config.dim, config.blocks
        self.published = published = config.mode == "as_published"
        norm = published or config.lateral_norm
        rates = _block_rates(config)

        def block(width: int, group: list[float]) -> nn.Sequential:
            return nn.Sequential(
                *(
                    MambaLayer(width, config.states, rate, unused_norm=published)
                    for rate in group
                )
            )

        self.to_slow = _halving(dim, norm=published)
        self.fast = nn.ModuleList(block(dim, group) for group in rates)
        self.slow = nn.ModuleList(block(2 * dim, group) for group in rates)
        self.laterals = nn.ModuleList(
            _halving(dim, norm=norm) for _ in range(blocks - 1 if published else blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the joined paths of (b, d, k), (b, k, 3d).

        ``clean``: fast channels first; ``as_published``: slow channels first.

        Raises:
            MescopeError: an odd k, which as published fits no slow path.
        """
        frames = x.shape[-1]
        if self.published and frames % 2:
            raise MescopeError(
                f"expected windows of an even number of frames, found {frames}: as published, "
                "every frame of the slow path stands for two; use an even window or mode clean"
            )
        fast = x.transpose(1, 2)  # (b, k, d)
        slow = self.to_slow(x).transpose(1, 2)  # (b, ceil(k / 2), 2d)
        for i, (fast_block, slow_block) in enumerate(zip(self.fast, self.slow, strict=True)):
            fast, slow = fast_block(fast), slow_block(slow)
            if i < len(self.laterals):
                slow = slow + self.laterals[i](fast.transpose(1, 2)).transpose(1, 2)
        if self.published:
            return torch.cat([slow.repeat_interleave(2, dim=1), fast], dim=-1)
        return torch.cat([fast, _upsample(slow, frames)], dim=-1)


def _block_rates(config: MeTstPlusConfig) -> list[list[float]]:
    """Return the DropPath rates of the layers of every block."""
    blocks, layers = config.blocks, config.layers
    if config.mode == "as_published":
        return [drop_path_rates(layers, config.drop_path)] * blocks
    rates = drop_path_rates(blocks * layers, config.drop_path)
    return [rates[i * layers : (i + 1) * layers] for i in range(blocks)]


def _upsample(slow: Tensor, frames: int) -> Tensor:
    """Interpolate (b, t, c) linearly to twice its frames and keep the first ``frames``."""
    doubled = F.interpolate(
        slow.transpose(1, 2), size=2 * slow.shape[1], mode="linear", align_corners=False
    )
    return doubled.transpose(1, 2)[:, :frames]


class MeTstPlus(nn.Module):
    """ME-TST+ and BoostingVRME: a stem, a SlowFast trunk of Mamba for each task or for both."""

    def __init__(self, config: MeTstPlusConfig = MeTstPlusConfig()) -> None:
        super().__init__()
        self.config = config
        self.stem = conv_stem(config.channels, config.dim)
        self.trunks = nn.ModuleList(SlowFast(config) for _ in range(config.trunks))
        self.spotting_head = nn.Linear(3 * config.dim, 1)
        self.emotion_head = nn.Linear(3 * config.dim, config.classes)
        published = config.mode == "as_published"
        depth = PUBLISHED_DEPTH if published else config.blocks * config.layers
        initialise(self, depth=depth, keep_step=not published)

    def forward(self, flow: Tensor) -> MeTstOutput:
        """Score windows of flow, (b, channels, k), in pixels."""
        x = self.stem(flow)  # (b, dim, k)
        trunks = [trunk(x) for trunk in self.trunks]
        return MeTstOutput(
            spotting=self.spotting_head(trunks[0]).squeeze(-1).sigmoid(),
            emotion=self.emotion_head(trunks[-1]),
        )
