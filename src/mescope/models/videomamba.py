"""VideoMamba: patches of all frames as one sequence, scanned in both directions.

Paper   "VideoMamba: State Space Model for Efficient Video Understanding", Li et al., ECCV
        2024, arXiv 2403.06977; for micro-expressions, the RSMix paper
        (``docs/models/videomamba.md``)
Code    OpenGVLab/VideoMamba, read only; nothing is copied.  Its weights can be read
        (:mod:`mescope.models.videomamba_import`)
Input   (b, 3, frames, side, side): aligned faces, colours standardised as ImageNet's
Output  EmotionOutput: logits of the classes

The class token stands first, as published: the forward scan never shows it a patch, it sees
them through the backward one only.  So the rates ``A_log`` of the last block's forward scan get
no gradient.

Where this file leaves the published code:
* Weights of the two directions are stacked, both directions are one call of the scan, and the
  gate is applied to their sum; block and numbers are the same.
* Patches are a matrix product, the same as the convolution with kernel = stride.
* Orders other than spatial-first, which the paper draws and the code does not have, are here
  (:data:`mescope.models.videomamba_layers.Order`).
* ``step_init="mamba"`` keeps Mamba's own start of the step size, which the published
  initialiser overwrites.
* ``videomamba-xs`` is ours, for a CPU, and has ``step_init="mamba"``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from mescope.models.layers import DropPath, drop_path_rates
from mescope.models.outputs import EmotionOutput
from mescope.models.sizes import Blocks, Classes, Side, SomeBlocks, States
from mescope.models.videomamba_layers import (
    BiMixer,
    Block,
    Order,
    stretch_space,
    stretch_time,
)
from mescope.models.vision_layers import Dropout, StepInit
from mescope.ranges import Share, Within, check_fields


@dataclass(frozen=True)
class VideoMambaConfig:
    """Sizes of VideoMamba; the defaults are the published -Ti and the RSMix paper's classes."""

    channels: Annotated[int, Within(1, 64)] = 3
    classes: Classes = 4  # negative, positive, surprise, others
    frames: Annotated[int, Within(1, 1024)] = 8
    side: Side = 224
    patch: Annotated[int, Within(1, 64)] = 16  # side of a patch
    tubelet: Annotated[int, Within(1, 64)] = 1  # frames of a patch
    dim: Annotated[int, Within(1, 2048)] = 192
    depth: Blocks = 24
    states: States = 16
    order: Order = "spatial"
    step_init: StepInit = "released"
    head_drop: Share = 0.0
    drop_path: Share = 0.1
    recompute: SomeBlocks = 0  # first blocks computed again in backward, to save memory

    def __post_init__(self) -> None:
        check_fields(self)
        if self.recompute > self.depth:
            raise ValueError(
                f"recompute must be a whole number in 0..{self.depth}, got {self.recompute}"
            )
        if self.side % self.patch or self.frames % self.tubelet:
            raise ValueError(
                f"patch must divide side and tubelet frames, got patch {self.patch} of side "
                f"{self.side} and tubelet {self.tubelet} of {self.frames} frames"
            )

    @property
    def steps(self) -> int:
        """Steps in time: tubelets of a clip."""
        return self.frames // self.tubelet

    @property
    def grid(self) -> int:
        """Patches along one side."""
        return self.side // self.patch

    @property
    def tokens(self) -> int:
        """Length of the sequence, the class token included."""
        return self.steps * self.grid**2 + 1


PRESETS = {
    "videomamba-ti": VideoMambaConfig(),
    "videomamba-s": VideoMambaConfig(dim=384, drop_path=0.35),
    "videomamba-m": VideoMambaConfig(dim=576, depth=32, drop_path=0.8),
    "videomamba-xs": VideoMambaConfig(
        side=56, patch=14, dim=48, depth=2, states=4, step_init="mamba", drop_path=0.0
    ),
}
"""The published sizes with the drop path of their Kinetics recipes, and ours for a CPU.

Ours starts from Mamba's own step sizes: with the published start a state forgets half of what
it saw within one token, so that the class token of two blocks hears of the first frame only
(docs/models/videomamba.md has the runs)."""


class VideoMamba(nn.Module):
    """Patches with positions, bidirectional blocks, and a head on the class token."""

    def __init__(self, config: VideoMambaConfig = VideoMambaConfig()) -> None:
        super().__init__()
        self.config = c = config
        self.patches = Patches(c)
        self.class_token = nn.Parameter(torch.zeros(1, 1, c.dim))
        self.space = nn.Parameter(torch.empty(1, c.grid**2 + 1, c.dim))  # class token's first
        self.time = nn.Parameter(torch.zeros(1, c.steps, c.dim))
        rates = drop_path_rates(c.depth, c.drop_path)
        self.blocks = nn.ModuleList(
            Block(c.dim, _mixer(c), rate, recompute=i < c.recompute)
            for i, rate in enumerate(rates)
        )
        self.drop_path = DropPath(c.drop_path)
        self.norm = nn.RMSNorm(c.dim, eps=1e-5)
        self.drop = Dropout(c.head_drop)
        self.head = nn.Linear(c.dim, c.classes)
        nn.init.trunc_normal_(self.space, std=0.02)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def embed(self, clips: Tensor) -> Tensor:
        """Return the sequence (b, tokens, dim): the class token, then frame by frame."""
        patches = self.patches(clips) + self.space[:, None, 1:] + self.time[:, :, None]
        first = (self.class_token + self.space[:, :1]).expand(len(clips), -1, -1)
        return torch.cat([first, patches.flatten(1, 2)], 1)

    def features(self, clips: Tensor) -> Tensor:
        """Return the class token's vector, (b, dim), for clips (b, channels, frames, h, w).

        Raises:
            ValueError: another shape than the config's, no floating numbers, NaN or infinite.
        """
        self._check(clips)
        h = residual = self.embed(clips)
        for i, block in enumerate(self.blocks):
            h, residual = block(h, residual if i else None, self.config.steps)
        last: Tensor = self.norm(residual[:, 0] + self.drop_path(h[:, 0]))
        return last

    def forward(self, clips: Tensor) -> EmotionOutput:
        """Return logits for clips (b, channels, frames, side, side)."""
        return EmotionOutput(emotion=self.head(self.drop(self.features(clips))))

    @torch.no_grad()
    def resized(self, *, frames: int | None = None, side: int | None = None) -> VideoMamba:
        """Return a model with these weights for clips of other length or side.

        Positions in time are interpolated linearly, in space bicubically, as the published
        fine-tuning does; everything else is copied.

        Raises:
            ValueError: patch or tubelet do not divide side or frames.
        """
        c = self.config
        config = dataclasses.replace(c, frames=frames or c.frames, side=side or c.side)
        state = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        state["time"] = stretch_time(state["time"], config.steps)
        state["space"] = stretch_space(state["space"], config.grid)
        with torch.device("meta"):
            made = VideoMamba(config)
        made.load_state_dict(state, assign=True)
        return made.train(self.training)

    def _check(self, clips: Tensor) -> None:
        c = self.config
        wanted = (c.channels, c.frames, c.side, c.side)
        words = f"expected floating clips (b, {', '.join(map(str, wanted))})"
        found = f"found {clips.dtype} {tuple(clips.shape)}".replace("torch.", "")
        if clips.dim() != 5 or tuple(clips.shape[1:]) != wanted or not len(clips):
            raise ValueError(
                f"{words} of channels, frames, height and width, {found}; sample and scale "
                "them so, or give the model other frames= and side="
            )
        if not clips.is_floating_point():
            raise ValueError(f"{words}, {found}; scale the pixels to floats")
        if clips.device.type != "meta" and not bool(clips.isfinite().all()):
            broken = (~clips.isfinite()).flatten(1).any(1).nonzero()[0].item()
            raise ValueError(
                f"{words} of finite numbers, {found} with NaN or infinity in clip {broken}; "
                "leave it out"
            )


class Patches(nn.Module):
    """Cut clips into patches of tubelet x patch x patch and project each to the width.

    The weight has the shape of the published Conv3d; as a matrix product it is faster on a CPU.
    """

    def __init__(self, c: VideoMambaConfig) -> None:
        super().__init__()
        self.size = (c.tubelet, c.patch, c.patch)
        fan_in = c.channels * c.tubelet * c.patch**2
        self.weight = nn.Parameter(torch.empty(c.dim, c.channels, *self.size))
        self.bias = nn.Parameter(torch.empty(c.dim))
        bound = fan_in**-0.5  # PyTorch's own for a convolution
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, clips: Tensor) -> Tensor:
        """Return (b, t, p, d) for (b, c, frames, h, w), row by row inside a frame."""
        b, c, frames, height, width = clips.shape
        tube, high, wide = self.size
        x = clips.reshape(b, c, frames // tube, tube, height // high, high, width // wide, wide)
        x = x.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4).flatten(2, 3).to(self.weight.dtype)
        return nn.functional.linear(x, self.weight.flatten(1), self.bias)


def _mixer(c: VideoMambaConfig) -> BiMixer:
    made = BiMixer(c.dim, states=c.states, order=c.order, step_init=c.step_init)
    made.reset_parameters(c.depth)
    return made
