"""A U-Net that magnifies a flow map by a given factor.

Paper   "AMMSM: Adaptive Motion Magnification and Sparse Mamba for Micro-Expression
        Recognition", arXiv 2503.24057, section III-A; "a standard UNet" is all it says
Sizes   those of flowmag (Pan, Geng and Owens, "Self-supervised motion magnification by
        backpropagating through optical flow", NeurIPS 2023), with flow instead of frames and
        without the last sigmoid, since flow has a sign; AMMSM, section III-A

Letters for shapes: b batch, c channels of the flow, h and w the map.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

AlphaMap = Literal["plane", "sines"]
"""How the factor reaches the network: as one plane that holds it, or as 32 planes of
``sin(2 pi alpha / wavelength)``, wavelengths from 1/8 to 128 in equal steps of their logarithm,
as flowmag's code has it."""

SINES = 32


class Magnifier(nn.Module):
    """U-Net from a flow map and a factor to the magnified map, with bilinear up-sampling.

    Args:
        channels: of the flow, in and out.
        width: channels at full resolution, doubled at every level but the last.
        levels: resolutions, each half of the one before.
        alpha_map: see :data:`AlphaMap`.
    """

    def __init__(
        self, channels: int = 2, width: int = 64, levels: int = 5,
        alpha_map: AlphaMap = "plane",
    ) -> None:  # fmt: skip
        super().__init__()
        if min(channels, width) < 1 or levels < 2:
            raise ValueError(
                f"expected channels and width of 1 or more and 2 levels or more, found "
                f"{channels}, {width} and {levels}"
            )
        if alpha_map not in ("plane", "sines"):
            raise ValueError(f"expected an alpha_map plane or sines, found {alpha_map!r}")
        self.channels, self.alpha_map = channels, alpha_map
        self.least = 1 << (levels - 1)  # of a side, so that the deepest map has a pixel
        widths = [width << i for i in range(levels - 1)]
        widths.append(widths[-1])  # halved there, because up-sampling does not change channels
        planes = 1 if alpha_map == "plane" else SINES
        before = [channels + planes, *widths[:-1]]
        self.encoder = nn.ModuleList(
            _double(i, o, o) for i, o in zip(before, widths, strict=True)
        )
        skips = widths[-2::-1]
        ups = [*skips[1:], width]
        self.decoder = nn.ModuleList(
            _double(2 * skip, skip, up) for skip, up in zip(skips, ups, strict=True)
        )
        self.out = nn.Conv2d(width, channels, 1)

    def forward(self, flow: Tensor, alpha: Tensor) -> Tensor:
        """Return the magnified flow (b, c, h, w) for flow (b, c, h, w) and alpha (b,).

        Raises:
            ValueError: the shapes do not fit, or the map is too small for the levels.
        """
        if flow.dim() != 4 or flow.shape[1] != self.channels or alpha.shape != flow.shape[:1]:
            raise ValueError(
                f"expected flow (b, {self.channels}, h, w) and alpha (b,), found "
                f"{tuple(flow.shape)} and {tuple(alpha.shape)}"
            )
        if min(flow.shape[2:]) < self.least:
            raise ValueError(
                f"expected sides of {self.least} or more, found {tuple(flow.shape)}; scale the "
                "flow up, or take fewer levels"
            )
        x = torch.cat([flow, self._planes(flow, alpha.to(flow))], 1)
        passed = []
        for i, layer in enumerate(self.encoder):
            x = layer(F.max_pool2d(x, 2) if i else x)
            passed.append(x)
        for layer, skip in zip(self.decoder, passed[-2::-1], strict=True):
            x = layer(torch.cat([skip, _enlarged(x, skip)], 1))
        out: Tensor = self.out(x)
        return out

    def _planes(self, flow: Tensor, alpha: Tensor) -> Tensor:
        """Return the factor (b,) as planes (b, 1 or 32, h, w)."""
        planes = alpha[:, None]
        if self.alpha_map == "sines":
            wavelengths = torch.logspace(
                -3, 7, SINES, base=2, dtype=flow.dtype, device=flow.device
            )
            planes = torch.sin(2.0 * math.pi * planes / wavelengths)
        return planes[:, :, None, None].expand(-1, -1, *flow.shape[2:])


def _double(before: int, middle: int, after: int) -> nn.Sequential:
    """Return two 3 x 3 convolutions, each with norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, middle, 3, padding=1),
        nn.BatchNorm2d(middle),
        nn.ReLU(),
        nn.Conv2d(middle, after, 3, padding=1),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Return x at twice its size, zeros around it where ``like`` is larger by an odd pixel."""
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
    high, wide = like.shape[2] - x.shape[2], like.shape[3] - x.shape[3]
    return F.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
