"""Which windows of a map a sparse layer computes: scores, the best ones, and their tokens.

A map (b, c, h, w) has windows of ``side`` tokens, counted row by row; where the side does not
divide the map its last windows are partial, as if the map had zeros at its right and bottom.

Source: AMMSM (arXiv 2503.24057), equations 3 to 5, after SparseViT
(Chen et al., CVPR 2023).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Score = Literal["norm", "rms", "absmean"]
"""``norm``: of all values of a window, as AMMSM prints it, by which partial windows lose;
``rms``: that norm divided by the root of the number of real tokens; ``absmean``: the norm over
the tokens of their mean absolute value, as SparseViT's code has it."""

RATIO_MAX = 0.9


def grid(height: int, width: int, side: int) -> tuple[int, int]:
    """Return rows and columns of windows, the partial ones too.

    >>> grid(14, 8, 4)
    (4, 2)
    """
    if min(height, width, side) < 1:
        raise ValueError(
            f"expected a map and windows of 1 or more, found {height} x {width} and {side}"
        )
    return -(-height // side), -(-width // side)


def kept_windows(windows: int, ratio: float) -> int:
    """Return how many of ``windows`` stay when the share ``ratio`` of them is dropped.

    Rounded down, though never to none.

    Raises:
        ValueError: the ratio is not in 0..0.9, or there is no window.

    >>> kept_windows(20, 0.8), kept_windows(4, 0.8)
    (4, 1)
    """
    if windows < 1:
        raise ValueError(f"expected 1 window or more, found {windows}")
    if not 0.0 <= ratio <= RATIO_MAX:
        raise ValueError(
            f"expected a sparsity ratio in 0..{RATIO_MAX}, found {ratio!r}; it is the share of "
            "windows to drop"
        )
    # 20 * (1 - 0.8) is 3.9999999999999996 in floating point.
    return max(1, math.floor(windows * (1.0 - ratio) + 1e-6))


@torch.no_grad()
def window_scores(x: Tensor, side: int, score: Score = "norm") -> Tensor:
    """Return how much there is in every window of x (b, c, h, w): (b, windows), no gradient.

    Raises:
        ValueError: x is not a map, or there is no such score.
    """
    if x.dim() != 4:
        raise ValueError(f"expected a map (b, c, h, w), found {tuple(x.shape)}")
    if score not in ("norm", "rms", "absmean"):
        raise ValueError(f"expected a score norm, rms or absmean, found {score!r}")
    values = x.detach().to(torch.float64 if x.dtype == torch.float64 else torch.float32)
    mean = score == "absmean"
    tokens = values.abs().mean(1).square() if mean else values.square().sum(1)
    energy = _sums(tokens, side)
    if score == "rms":
        energy = energy / _sums(torch.ones_like(tokens[:1]), side)
    return energy.sqrt()


def _sums(tokens: Tensor, side: int) -> Tensor:
    """Add up the tokens (b, h, w) of every window: (b, windows)."""
    height, width = tokens.shape[1:]
    rows, columns = grid(height, width, side)
    padded = F.pad(tokens, (0, columns * side - width, 0, rows * side - height))
    return padded.reshape(-1, rows, side, columns, side).sum((2, 4)).flatten(1)


@torch.no_grad()
def top_windows(scores: Tensor, count: int) -> Tensor:
    """Mark the ``count`` best windows of every sample: bool (b, windows).

    Of equal scores the window that comes first wins, so masks of fewer windows lie within
    masks of more.

    Raises:
        ValueError: there are not so many windows.
    """
    if scores.dim() != 2 or not 1 <= count <= scores.shape[1]:
        raise ValueError(
            f"expected scores (b, windows) and a count of 1 up to the windows, found "
            f"{tuple(scores.shape)} and {count}"
        )
    best = scores.argsort(dim=1, descending=True, stable=True)[:, :count]
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(1, best, True)


def window_tokens(mask: Tensor, height: int, width: int, side: int) -> Tensor:
    """Spread a mask of windows (b, windows) to the map's tokens: (b, height * width).

    Raises:
        ValueError: the mask has another number of windows than the map.
    """
    rows, columns = grid(height, width, side)
    if mask.dim() != 2 or mask.shape[1] != rows * columns:
        raise ValueError(
            f"expected a mask (b, {rows * columns}) for a map of {height} x {width} in windows "
            f"of {side}, found {tuple(mask.shape)}"
        )
    spread = mask.reshape(-1, rows, 1, columns, 1).expand(-1, -1, side, -1, side)
    spread = spread.reshape(-1, rows * side, columns * side)
    return spread[:, :height, :width].flatten(1)
