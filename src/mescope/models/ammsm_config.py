"""Sizes and sparsity ratios of AMMSM; the model is in :mod:`mescope.models.ammsm`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from mescope.models.magnifier import AlphaMap
from mescope.models.sizes import (
    Blocks,
    Channels,
    Classes,
    Dim,
    Heads,
    Side,
    SomeBlocks,
    Stages,
    States,
    Stride,
)
from mescope.models.sparse_layers import Dropped
from mescope.ops.windows import RATIO_MAX, Score
from mescope.ranges import Share, Within, check_fields

_Ratio = Annotated[float, Within(0.0, RATIO_MAX)]
Ratios = Annotated[tuple[Annotated[tuple[_Ratio, ...], Within(0, 128)], ...], Stages]
Fusion = Literal["add", "concat"]

STAGES = 4

FALLBACK = ((0.6,), (0.4, 0.5), (0.1, 0.2, 0.3, 0.4), (0.2, 0.4))
"""Ratios of each stage, one for two blocks, to use where no search was run:
ours, from the paper's words about what its search found."""


def block_ratios(pairs: Sequence[Sequence[float]], depths: Sequence[int]) -> Ratios:
    """Spread ratios of two blocks each, as a search varies them, to one for every block.

    Raises:
        ValueError: not one ratio for every two blocks of every stage.

    >>> block_ratios([(0.6,), (0.4, 0.5)], (2, 3))
    ((0.6, 0.6), (0.4, 0.4, 0.5))
    """
    wanted = [-(-depth // 2) for depth in depths]
    if [len(stage) for stage in pairs] != wanted:
        raise ValueError(
            f"expected {wanted} ratios, one for every two blocks of the stages, found "
            f"{[len(stage) for stage in pairs]}"
        )
    return tuple(
        tuple(float(stage[j // 2]) for j in range(depth))
        for stage, depth in zip(pairs, depths, strict=True)
    )


def check_ratios(ratios: Sequence[Sequence[float]], depths: Sequence[int]) -> Ratios:
    """Return sparsity ratios as tuples.

    Args:
        ratios: for every stage one number for each block, the share of windows it drops.
        depths: blocks of every stage.

    Raises:
        ValueError: wrong lengths, a ratio outside 0..0.9, two of a pair that differ, or a
            stage in which ratios descend (a window would come back).
    """
    found = tuple(tuple(float(r) for r in stage) for stage in ratios)
    if [len(stage) for stage in found] != list(depths):
        raise ValueError(
            f"expected ratios for stages of {list(depths)} blocks, found "
            f"{[len(stage) for stage in found]}; give one for each block"
        )
    for number, stage in enumerate(found, 1):
        for ratio in stage:
            if not 0.0 <= ratio <= RATIO_MAX:
                raise ValueError(
                    f"expected ratios in 0..{RATIO_MAX}, found {ratio!r} in stage {number}; it "
                    "is the share of windows to drop"
                )
        if list(stage) != sorted(stage):
            raise ValueError(f"expected ascending ratios in stage {number}, found {stage}")
        if any(a != b for a, b in zip(stage[::2], stage[1::2], strict=False)):
            raise ValueError(
                f"expected one ratio for every two blocks of stage {number}, found {stage}"
            )
    return found


@dataclass(frozen=True)
class AmmsmConfig:
    """Sizes of AMMSM; the defaults are our reading of the paper."""

    size: Side = 224
    channels: Channels = 2
    classes: Classes = 3
    dim: Dim = 64  # of the first stage; doubled at every later one
    strides: tuple[Stride, Stride] = (2, 2)  # of the stem
    depths: Annotated[tuple[Blocks, ...], Stages] = (2, 4, 8, 4)
    heads: Annotated[tuple[Heads, ...], Stages] = (2, 4, 8, 16)
    attention: Annotated[tuple[SomeBlocks, ...], Stages] = (0, 0, 1, 1)  # at a stage's end
    states: States = 64
    sparse: bool = True
    windows: Annotated[tuple[Side, ...], Stages] = (4, 4, 4, 4)  # sides, in tokens
    pad_windows: bool = True  # else refuse sizes that windows do not divide
    score: Score = "norm"
    dropped: Dropped = "zero"
    ratios: Ratios | None = None  # for every block; FALLBACK, cut to the depths, without
    magnify: bool = True
    alpha: Annotated[float, Within(1e-6, 1000.0)] = 3.0
    alpha_map: AlphaMap = "plane"
    magnifier_width: Annotated[int, Within(1, 1024)] = 64
    magnifier_levels: Annotated[int, Within(0, 10)] = 5
    spatial: bool = True
    spatial_kernel: Annotated[int, Within(1, 64)] = 7
    spatial_stride: Stride = 2
    spatial_pool: bool = True
    fusion: Fusion = "add"
    drop: Share = 0.0
    drop_path: Share = 0.2

    def __post_init__(self) -> None:
        check_fields(self)
        self._check_stages()
        self._check_parts()
        if self.sparse and not self.pad_windows:
            self._check_windows()
        if self.ratios is not None:
            if not self.sparse:
                raise ValueError("ratios need sparse=True, found sparse=False; leave one out")
            object.__setattr__(self, "ratios", check_ratios(self.ratios, self.depths))

    def _check_stages(self) -> None:
        for name in ("depths", "heads", "attention", "windows"):
            if len(getattr(self, name)) != STAGES:
                raise ValueError(
                    f"{name} must have one number for each of {STAGES} stages, got "
                    f"{getattr(self, name)}"
                )
        if self.dim % 2:
            raise ValueError(f"dim must be even, got {self.dim}")
        for i, heads in enumerate(self.heads):
            if (self.dim << i) % heads:
                raise ValueError(f"heads must divide the channels of their stage, got {heads}")
        if any(not 0 <= a <= d for a, d in zip(self.attention, self.depths, strict=True)):
            raise ValueError(
                f"attention must be 0 up to the depths {self.depths}, got {self.attention}"
            )

    def _check_parts(self) -> None:
        least = 1 << max(0, self.magnifier_levels - 1)
        if self.magnify and (self.magnifier_levels < 2 or self.size < least):
            raise ValueError(
                f"magnifier_levels must be 2 or more, and {self.magnifier_levels} of them need "
                f"a size of {least} or more, got {self.size}"
            )
        halved = self.spatial_stride * (2 if self.spatial_pool else 1)
        if self.spatial and halved != math.prod(self.strides):
            raise ValueError(
                f"the spatial stream must narrow its picture as the stem does, by "
                f"{math.prod(self.strides)}, got {halved}"
            )

    def _check_windows(self) -> None:
        for number, (side, window) in enumerate(zip(self.sides, self.windows, strict=True), 1):
            if side % window:
                raise ValueError(
                    f"size {self.size} gives stage {number} a map of {side}, which windows of "
                    f"{window} do not divide; choose another size, or pad_windows=True"
                )

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the maps of the stages."""
        strides = [*self.strides, *(2,) * (STAGES - 1)]
        sides = itertools.accumulate(strides, lambda side, s: -(-side // s), initial=self.size)
        return tuple(sides)[len(self.strides) :]

    @property
    def default_ratios(self) -> Ratios | None:
        """Ratios that a call without any takes; None where nothing is dropped."""
        if not self.sparse or self.ratios is not None:
            return self.ratios
        pairs = [
            [stage[min(j, len(stage) - 1)] for j in range(-(-depth // 2))]
            for stage, depth in zip(FALLBACK, self.depths, strict=True)
        ]
        return block_ratios(pairs, self.depths)


_SMALL = AmmsmConfig(
    size=28, dim=16, strides=(1, 1), depths=(2, 2, 2, 2), heads=(1, 2, 4, 8), states=16,
    windows=(4, 4, 2, 2), magnifier_width=8, magnifier_levels=3, spatial_kernel=3,
    spatial_stride=1, spatial_pool=False, drop_path=0.0,
)  # fmt: skip

PRESETS = {
    "ammsm": AmmsmConfig(),
    "ammsm-256": AmmsmConfig(size=256, pad_windows=False),
    "ammsm-transformer": AmmsmConfig(attention=(2, 4, 8, 4)),
    "ammsm-s28": _SMALL,
    "ammsm-s56": replace(_SMALL, size=56, strides=(2, 1), spatial_stride=2),
    "vssd-tiny": AmmsmConfig(
        channels=3, attention=(0, 0, 0, 4), sparse=False, magnify=False, spatial=False
    ),
}
"""The paper's size in both readings of the side, its model with attention for SSD, small ones
for a CPU, ours, and the backbone alone."""
