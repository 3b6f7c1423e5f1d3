"""Tensors of one precision, where torch.autocast has made some of them shorter than others."""

from __future__ import annotations

import functools

import torch
from torch import Tensor


def together(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return tensors in the widest of their floating types, if torch.autocast is on for them.

    Autocast gives halves where a product was, and float32 elsewhere; operations of PyTorch
    widen by themselves.  Without autocast nothing is changed: there, mixed types are a mistake.
    """
    if not torch.is_autocast_enabled(tensors[0].device.type):
        return tensors
    types = {t.dtype for t in tensors if t.is_floating_point()}
    wide = functools.reduce(torch.promote_types, types, next(iter(types), torch.float32))
    return tuple(t.to(wide) if t.is_floating_point() else t for t in tensors)
