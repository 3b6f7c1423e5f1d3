"""Mirrored motion, which the published clip models share; moved, turned and mixed inputs.

A mirrored face moves the other way
horizontally, so a flip of the picture's columns alone would teach motion that no face makes.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Batch = TypeVar("Batch", NDArray[np.float32], NDArray[np.float64], Tensor)


def flip_flow(batch: Batch) -> Batch:
    """Return the flow of mirrored faces: columns reversed and u negated.

    Args:
        batch: (..., channels, h, w) with u (to the right) as channel 0; the others, v and
            strain, keep their sign.  No motion must be 0: maps that were scaled to 0..255
            clip by clip have lost their zero, and a negation means nothing there.

    Returns:
        A new array or tensor of the same type; twice gives the batch back, bit by bit.

    >>> flip_flow(np.array([[[1.0, 2.0]], [[3.0, 4.0]]], np.float32)).tolist()
    [[[-2.0, -1.0]], [[4.0, 3.0]]]
    """
    if isinstance(batch, Tensor):
        flipped = batch.flip(-1)
        flipped[..., 0, :, :].neg_()
        return flipped
    turned = batch[..., ::-1].copy()
    np.negative(turned[..., 0, :, :], out=turned[..., 0, :, :])
    return turned


def moved(maps: Tensor, places: Tensor) -> Tensor:
    """Return flow maps moved by whole pixels, their edges drawn out.

    No face is cropped twice alike: an annotator's box, or a detector's, is off by a little.

    Args:
        maps: (b, channels, h, w).
        places: how far down and to the right, px, (b, 2), integers.
    """
    rows, columns = (torch.arange(size) for size in maps.shape[-2:])
    down, right = places[:, :1], places[:, 1:]
    of_rows = (rows - down).clamp(0, len(rows) - 1)  # (b, h)
    of_columns = (columns - right).clamp(0, len(columns) - 1)
    batch = torch.arange(len(maps))[:, None, None]
    found = maps.permute(0, 2, 3, 1)[batch, of_rows[:, :, None], of_columns[:, None]]
    return found.permute(0, 3, 1, 2).contiguous()


def turned(maps: Tensor, turns: Tensor, zooms: Tensor) -> Tensor:
    """Return flow maps whose picture is turned and enlarged about its middle, edges drawn out.

    Heads are held at an angle and crops are of more or less than the face.  Vectors stay as
    they are: maps that were scaled clip by clip have lost how long u is beside v, so that they
    cannot be turned; at 10 degrees a vector would change by a sixth of its length.

    Args:
        maps: (b, channels, h, w), float.
        turns: clockwise in the picture, radians, (b,).
        zooms: how many times as large as before, above 0, (b,).
    """
    rows, columns = maps.shape[-2:]
    # Of a place in the new picture, where it was; places are -1 to 1 along either side.
    across = torch.stack([turns.cos(), turns.sin() * rows / columns], 1)
    down = torch.stack([-turns.sin() * columns / rows, turns.cos()], 1)
    matrix = torch.stack([across, down], 1) / zooms[:, None, None]
    where = F.pad(matrix, (0, 1)).to(maps)
    grid = F.affine_grid(where, list(maps.shape), align_corners=False)
    return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)


def mixup(
    inputs: Tensor, labels: Tensor, classes: int, share: float, partners: Tensor
) -> tuple[Tensor, Tensor]:
    """Return inputs mixed with those of their partners, and shares of the classes.

    Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, with one share for a
    batch.

    Args:
        inputs: (b, ...), float.
        labels: classes (b,).
        classes: how many there are.
        share: of the input itself, 0 to 1.
        partners: places in the batch, (b,).

    Returns:
        Inputs as before and targets (b, classes), rows of sum 1.
    """
    one_hot = F.one_hot(labels, classes).to(inputs)
    mixed = share * inputs + (1.0 - share) * inputs[partners]
    return mixed, share * one_hot + (1.0 - share) * one_hot[partners]
