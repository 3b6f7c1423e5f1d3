"""The trunk of ResNet-18, or the first stages of it, at any width.

Paper   "Deep Residual Learning for Image Recognition", He et al., CVPR 2016, arXiv 1512.03385
Reading AMMSM (arXiv 2503.24057, section III-B) reads the onset frame by the first two stages

Letters for shapes: b batch, c channels, h and w the map.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class SpatialStream(nn.Module):
    """A convolution, a pooling if wanted, and stages of two basic blocks each.

    Args:
        widths: channels of every stage; each stage but the first halves the map.
        kernel: side of the first convolution, 7 in the paper.
        stride: of the first convolution, 2 in the paper.
        pool: follow it by a 3 x 3 maximum with stride 2, as the paper does.
    """

    def __init__(
        self, widths: Sequence[int] = (64, 128), *, kernel: int = 7, stride: int = 2,
        pool: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.conv = nn.Conv2d(3, widths[0], kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        self.pool = pool
        before = [widths[0], *widths[:-1]]
        self.stages = nn.ModuleList(
            nn.Sequential(BasicBlock(b, a, 2 if i else 1), BasicBlock(a, a))
            for i, (b, a) in enumerate(zip(before, widths, strict=True))
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, onset: Tensor) -> Tensor:
        """Return the map of the last stage for pictures (b, 3, h, w).

        Raises:
            ValueError: these are not pictures of three channels.
        """
        if onset.dim() != 4 or onset.shape[1] != 3:
            raise ValueError(
                f"expected onset pictures (b, 3, h, w), found {tuple(onset.shape)}; repeat a "
                "grey one three times"
            )
        x = F.relu(self.norm(self.conv(onset)))
        if self.pool:
            x = F.max_pool2d(x, 3, 2, padding=1)
        for stage in self.stages:
            x = stage(x)
        return x


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut, which is projected where the shape changes."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.conv_2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm_2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, after, h / stride, w / stride)."""
        y = self.norm_2(self.conv_2(F.relu(self.norm(self.conv(x)))))
        return F.relu(y + self.shortcut(x))
