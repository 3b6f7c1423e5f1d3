"""AMMSM: a learned magnifier of flow, then blocks that compute the moving windows only.

Paper   "AMMSM: Adaptive Motion Magnification and Sparse Mamba for Micro-Expression
        Recognition", arXiv 2503.24057, first version; backbone VSSD, arXiv 2407.18559
Code    none is public; VSSD's has no licence.  Written from the papers
Input   flow (b, 2, side, side) from onset to apex and, with ``spatial``, the onset frame
        (b, 3, side, side); the side must be the config's ``size``, 224 for the paper's
Output  AmmsmOutput: logits of the classes and the flow as magnified

What the paper leaves open, and our reading (``docs/models/ammsm.md``): sides of 224 with
partial windows at the borders; flowmag's U-Net; the onset's features are added after stage 2;
dropped windows come in as zeros and keep the values they had (``dropped`` has two other
readings, of which ``gather`` saves the time that sparsity promises); ratios of a stage ascend,
equal for two blocks at a time.

One run of training draws ``ratios`` and ``alpha`` anew for every batch, a search chooses them:
pass them to :meth:`Ammsm.forward`, or put them into the config, which weight files keep.
For the ablations: ``magnify=False``, ``sparse=False``, ``spatial=False``, and ``attention`` for
how many blocks at the end of each stage attend (all of them in ``ammsm-transformer``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mescope.models.ammsm_config import PRESETS, STAGES, AmmsmConfig, Ratios, check_ratios
from mescope.models.magnifier import Magnifier
from mescope.models.sparse_layers import (
    AttentionMixer,
    SparseBlock,
    SparseStage,
    SsdMixer,
    Stem,
    merging,
)
from mescope.models.spatial_stream import SpatialStream
from mescope.models.vision_layers import initialise, linear_rates

__all__ = ["PRESETS", "Ammsm", "AmmsmConfig", "AmmsmOutput", "TemporalStream"]

FUSED = 1  # the stage, from 0, after which the onset's features come in


class AmmsmOutput(NamedTuple):
    """What AMMSM returns."""

    emotion: Tensor  # (b, classes), logits
    magnified: Tensor  # (b, channels, h, w), as the stem read it; the flow without magnifier


class Ammsm(nn.Module):
    """Magnifier, four stages of sparse blocks, the onset's features, and a head."""

    def __init__(self, config: AmmsmConfig = PRESETS["ammsm"]) -> None:
        super().__init__()
        self.config = c = config
        self.magnifier = None
        if c.magnify:
            self.magnifier = Magnifier(
                c.channels, c.magnifier_width, c.magnifier_levels, c.alpha_map
            )
        self.temporal = TemporalStream(c)
        self.spatial = None
        if c.spatial:
            self.spatial = SpatialStream(
                (c.dim, 2 * c.dim), kernel=c.spatial_kernel, stride=c.spatial_stride,
                pool=c.spatial_pool,
            )  # fmt: skip

    def forward(
        self, flow: Tensor, onset: Tensor | None = None, *,
        ratios: Sequence[Sequence[float]] | None = None, alpha: float | Tensor | None = None,
    ) -> AmmsmOutput:  # fmt: skip
        """Return the logits and the magnified flow.

        Args:
            flow: (b, channels, size, size).
            onset: pictures (b, 3, size, size), needed with ``spatial`` and refused without.
            ratios: see :func:`check_ratios`; the config's without.
            alpha: factor of the magnification, one or (b,); the config's without.

        Raises:
            ValueError: a shape, a ratio or a factor is not as above, or one is given to a
                model that is built without its part.
        """
        c = self.config
        if not c.sparse:
            _refuse("ratios", ratios, "sparse")
        chosen = c.default_ratios if ratios is None else check_ratios(ratios, c.depths)
        self._check(flow, onset)
        magnified = self.magnify(flow, alpha)
        features = None if self.spatial is None else self.spatial(onset)
        return AmmsmOutput(self.temporal(magnified, features, chosen), magnified)

    def magnify(self, flow: Tensor, alpha: float | Tensor | None = None) -> Tensor:
        """Return the magnified flow, or the flow itself in a model without magnifier.

        Raises:
            ValueError: alpha is not above 0, or not one number nor (b,).
        """
        if self.magnifier is None:
            _refuse("alpha", alpha, "magnify")
            return flow
        factor = torch.as_tensor(self.config.alpha if alpha is None else alpha).to(flow)
        if factor.shape not in ((), flow.shape[:1]):
            raise ValueError(
                f"expected alpha as one number or ({len(flow)},), found {tuple(factor.shape)}"
            )
        if not bool(((factor > 0) & factor.isfinite()).all()):
            raise ValueError(f"expected alpha above 0, found {factor.tolist()}")
        magnified: Tensor = self.magnifier(flow, factor.expand(len(flow)))
        return magnified

    def _check(self, flow: Tensor, onset: Tensor | None) -> None:
        c = self.config
        if flow.dim() != 4 or tuple(flow.shape[1:]) != (c.channels, c.size, c.size):
            raise ValueError(
                f"expected flow (b, {c.channels}, {c.size}, {c.size}), found "
                f"{tuple(flow.shape)}; scale the flow to that side, or set size"
            )
        if not c.spatial:
            _refuse("onset", onset, "spatial")
            return
        wanted = (len(flow), 3, c.size, c.size)
        if onset is None or tuple(onset.shape) != wanted:
            found = "none" if onset is None else tuple(onset.shape)
            raise ValueError(
                f"expected onset {wanted} beside flow {tuple(flow.shape)}, found {found}; give "
                "the onset frame, or build with spatial=False"
            )


def _refuse(name: str, value: object, part: str) -> None:
    if value is not None:
        raise ValueError(
            f"expected no {name} in a model with {part}=False, found some; leave it out"
        )


class TemporalStream(nn.Module):
    """Stem, four stages with merging between, and the head: flow to logits."""

    def __init__(self, c: AmmsmConfig) -> None:
        super().__init__()
        rates = iter(linear_rates(sum(c.depths), c.drop_path))
        self.stem = Stem(c.channels, c.dim, c.strides)
        self.stages = nn.ModuleList(_stage(c, i, rates) for i in range(STAGES))
        self.merges = nn.ModuleList(merging(c.dim << i) for i in range(STAGES - 1))
        self.join = None
        if c.spatial and c.fusion == "concat":
            width = c.dim << FUSED
            self.join = nn.Sequential(
                nn.Conv2d(2 * width, width, 1, bias=False), nn.BatchNorm2d(width)
            )
        last = c.dim << (STAGES - 1)
        self.norm = nn.LayerNorm(last)
        self.head = nn.Linear(last, c.classes)
        initialise(self)

    def forward(
        self, flow: Tensor, features: Tensor | None = None, ratios: Ratios | None = None
    ) -> Tensor:
        """Return logits.

        Args:
            flow: (b, channels, h, w).
            features: of the onset, in the shape of the map after stage 2.
            ratios: of every block of every stage; nothing is dropped without.

        Raises:
            ValueError: the features have another shape.
        """
        x = self.stem(flow)
        for i, stage in enumerate(self.stages):
            if i:
                x = self.merges[i - 1](x)
            x = stage(x, None if ratios is None else ratios[i])
            if i == FUSED and features is not None:
                x = self._fuse(x, features)
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        logits: Tensor = self.head(tokens.mean(1))
        return logits

    def _fuse(self, x: Tensor, features: Tensor) -> Tensor:
        if x.shape != features.shape:
            raise ValueError(
                f"expected features of the onset of shape {tuple(x.shape)} after stage "
                f"{FUSED + 1}, found {tuple(features.shape)}"
            )
        fused: Tensor = (
            x + features if self.join is None else self.join(torch.cat([x, features], 1))
        )
        return fused


def _stage(c: AmmsmConfig, number: int, rates: Iterator[float]) -> SparseStage:
    """Return stage ``number``, from 0; ``rates`` yields the drop path of every block."""
    dim, heads, depth = c.dim << number, c.heads[number], c.depths[number]
    blocks = []
    for j in range(depth):
        attends = j >= depth - c.attention[number]
        mixer = AttentionMixer(dim, heads) if attends else SsdMixer(dim, heads, c.states)
        blocks.append(SparseBlock(dim, mixer, drop=c.drop, drop_path=next(rates)))
    return SparseStage(blocks, c.windows[number], score=c.score, dropped=c.dropped)
