"""Less memory for more time: blocks of a network forget what they computed, and do it again.

What a block keeps for its gradient is most of the memory of a training.  A class of blocks that
gives the same answer twice (no batch norm, whose running values would move twice) says so by
``recomputable = True``; random draws within it are repeated, too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute(model: nn.Module) -> int:
    """Let all recomputable blocks of a network forget; returns how many there are.

    Names and values of parameters stay as they are; outputs and gradients, too.
    """
    blocks = [block for block in model.modules() if getattr(block, "recomputable", False)]
    for block in blocks:
        if "forward" in vars(block):
            continue  # was told before
        block.forward = functools.partial(_again, block.forward)
    return len(blocks)


def _again(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, **kwargs)
