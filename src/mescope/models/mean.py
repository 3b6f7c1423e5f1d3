"""MEAN: three shallow streams over the flow of a frame, a head that spots and one that names.

Paper   "Spot-then-recognize: A Micro-Expression Analysis Network for seamless evaluation of
        long videos", Liong, See, Chan, Signal Processing: Image Communication 2022
Code    genbing99/MEAN_Spot-then-recognize, read only: it has no licence, nothing is copied
Input   (b, 3, 42, 42): u, v and strain of the flow from frame i to i + k_p (to spot) or from
        onset to apex (to name), 0 to 1 (:mod:`mescope.motion.frame_maps`)
Output  FrameEmotionOutput: a score, linear, trained towards 0 or 1; logits of the emotions

The streams are trained with the spotting head, then held still while the naming head learns
(:meth:`Mean.hold_streams`).  3,593 parameters spot and, of three classes, 3,987 name.

Where this file leaves the published code:
* Dropout and the penalty on weights (0.001 of the streams, 0.1 of the two later convolutions)
  are here as options and in :meth:`Mean.penalty`; batches are normalised as PyTorch does it
  (running averages move by a tenth, Keras' by a hundredth).
* Logits instead of shares: the softmax belongs to the loss.
* Flattened maps come channels first, and weights begin as PyTorch draws them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.models.outputs import FrameEmotionOutput
from mescope.models.sizes import Channels, Named
from mescope.models.softnet import FrameSide, Streams
from mescope.ops.dropout import dropout
from mescope.ranges import Share, check_fields

PENALTY_STREAMS, PENALTY_HEADS = 0.001, 0.1


@dataclass(frozen=True)
class MeanConfig:
    """Sizes of MEAN; the defaults are the published ones."""

    classes: Named = 3
    streams: Streams = (3, 3, 8)  # filters over u, over v and over strain
    filters: Channels = 8  # of the convolution of each head
    size: FrameSide = 42  # side of the input
    dropout: Share = 0.3  # behind the streams
    dropout_head: Share = 0.2

    def __post_init__(self) -> None:
        check_fields(self)


class Mean(nn.Module):
    """Three streams that two heads share: one scores the frame, one names the emotion."""

    def __init__(self, config: MeanConfig = MeanConfig()) -> None:
        super().__init__()
        self.config = config
        self.streams = nn.ModuleList(nn.Conv2d(1, n, 5, padding=2) for n in config.streams)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in config.streams)
        total, third = sum(config.streams), (config.size + 2) // 3
        side = (third + 1) // 2
        flat = config.filters * side * side
        self.spot_conv = nn.Conv2d(total, config.filters, 5, padding=2)
        self.spot_head = nn.Linear(flat, 1)
        self.name_conv = nn.Conv2d(total, config.filters, 5, padding=2)
        self.name_head = nn.Linear(flat, config.classes)

    def forward(self, maps: Tensor) -> FrameEmotionOutput:
        """Return scores (b,) and logits (b, classes) of maps (b, 3, size, size)."""
        shared = self._shared(maps)
        return FrameEmotionOutput(
            spotting=self._head(shared, self.spot_conv, self.spot_head).squeeze(1),
            emotion=self._head(shared, self.name_conv, self.name_head),
        )

    def _shared(self, maps: Tensor) -> Tensor:
        """Return what both heads see, (b, filters of all streams, side, side)."""
        parts = [
            F.max_pool2d(norm(torch.relu(conv(maps[:, i : i + 1]))), 3, ceil_mode=True)
            for i, (conv, norm) in enumerate(zip(self.streams, self.norms, strict=True))
        ]
        return dropout(torch.cat(parts, dim=1), self.config.dropout, self.training)

    def _head(self, shared: Tensor, conv: nn.Module, head: nn.Module) -> Tensor:
        x = F.max_pool2d(torch.relu(conv(shared)), 2, ceil_mode=True).flatten(1)
        out: Tensor = head(dropout(x, self.config.dropout_head, self.training))
        return out

    def hold_streams(self) -> None:
        """Hold streams and spotting head still, as when the naming head is trained."""
        for module in (self.streams, self.norms, self.spot_conv, self.spot_head):
            module.requires_grad_(False)

    def penalty(self) -> Tensor:
        """Return the published penalty on the weights of the convolutions, a scalar."""
        streams = [p.square().sum() for n, p in self.streams.named_parameters() if "w" in n]
        heads = self.spot_conv.weight.square().sum() + self.name_conv.weight.square().sum()
        return PENALTY_STREAMS * torch.stack(streams).sum() + PENALTY_HEADS * heads


PRESETS = {"mean": MeanConfig()}
