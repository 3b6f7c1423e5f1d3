"""Convolution 3 x 3, ReLU, batch norm, and max pooling 3 x 3 by 3: the stem of small flow CNNs.

The four steps are one function because only one in nine of the normalised values survives the
pooling.  A fused kernel never writes the others to memory: batch norm is a line per
filter, so the largest normalised value is the largest (or, under a negative slope, smallest)
plain one, and what normalisation sends back to all places is a line in their values.  With
PyTorch's four steps a training step takes 1.3 to 1.5 times as long of STSTNet, 1.1 to 1.45 of
the small CNN (32 and 256 maps, one thread).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.ops.choice import choose
from mescope.ops.conv_pool_cpu import conv_pool_cpu
from mescope.ops.conv_pool_triton import conv_pool_triton

Backend = Literal["auto", "numba", "triton", "reference"]

_POOL = 3


def conv_pool_reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running: tuple[Tensor, Tensor],
    *,
    padding: int,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """The definition, in PyTorch's own functions; arguments as :func:`conv_pool`."""
    a = F.relu(F.conv2d(x, weight, bias, padding=padding))
    y = F.batch_norm(a, *running, gamma, beta, training, momentum, eps)
    return F.max_pool2d(y, _POOL, _POOL, padding=1)


def stem(x: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d, *, training: bool) -> Tensor:
    """Return :func:`conv_pool` of the modules that hold its numbers.

    A norm that is not PyTorch's own is asked itself: one over several processes
    (:mod:`mescope.training.batch_norm`) needs more than this batch.

    Args:
        x: images, (b, c, h, w).
        conv: 3 x 3, with a bias, and padding of its own.
        norm: its parameters and running values.
        training: of the network.
    """
    if training and type(norm) is not nn.BatchNorm2d:
        return F.max_pool2d(norm(F.relu(conv(x))), _POOL, _POOL, padding=1)
    running = torch.as_tensor(norm.running_mean), torch.as_tensor(norm.running_var)
    return conv_pool(
        x, conv.weight, torch.as_tensor(conv.bias), norm.weight, norm.bias, running,
        padding=int(conv.padding[0]), training=training, eps=norm.eps,
    )  # fmt: skip


def conv_pool(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running: tuple[Tensor, Tensor],
    *,
    padding: int,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
    backend: Backend = "auto",
) -> Tensor:
    """Return max_pool(batch_norm(relu(conv(x)))).

    Args:
        x: images, (b, c, h, w).
        weight: of the convolution, (filters, c, 3, 3).
        bias: of the convolution, (filters,).
        gamma: slope of the norm, (filters,).
        beta: offset of the norm, (filters,).
        running: running mean and variance, (filters,); moved in place while training.
        padding: rows and columns of zeros around the image, 0 to 2.
        training: normalise by the batch (and move ``running``), else by ``running``.
        momentum: share of the batch in the new running values.
        eps: added to the variance.
        backend: one of :mod:`mescope.ops.choice`; ``auto`` takes the definition, too, where a
            kernel is of no use: outside of training, where a gradient of x is asked for, and
            without two values a filter.

    Returns:
        (b, filters, h', w') with h' = (h + 2 padding - 3) // 3 + 1, and w' likewise.

    Raises:
        ValueError: a kernel is forced where it cannot be used, or ``weight`` is not of the
            images' channels, which kernels would read and write past the end.
    """
    wanted = (x.shape[1], 3, 3)
    if weight.shape[1:] != wanted:
        raise ValueError(
            f"expected filters of {wanted} for images {tuple(x.shape)}, found "
            f"{tuple(weight.shape[1:])}; give the model as many channels as the images have"
        )
    count = len(x) * (x.shape[2] + 2 * padding - 2) * (x.shape[3] + 2 * padding - 2)
    # Of less than two values there is no variance: the definition says what to do then.
    several = min(x.shape[2:]) + 2 * padding > 2 and count > 1
    possible = training and not x.requires_grad and x.dtype == weight.dtype and several
    chosen = choose("conv-pool", x.device.type, x.dtype, backend)
    if chosen == "reference" or (backend == "auto" and not possible):
        return conv_pool_reference(
            x, weight, bias, gamma, beta, running,
            padding=padding, training=training, momentum=momentum, eps=eps,
        )  # fmt: skip
    if not possible:
        raise ValueError(
            "expected training, images and weights of one type, two values or more a filter, "
            f"and no gradient of the images, found training={training}, {tuple(x.shape)}, "
            f"{x.dtype} and {weight.dtype}; use backend='auto'"
        )
    fused = conv_pool_triton if chosen == "triton" else conv_pool_cpu
    pooled, mean, variance, *_ = fused(x, weight, bias, gamma, beta, padding, eps)
    with torch.no_grad():
        for old, new in zip(running, (mean, variance * (count / (count - 1))), strict=True):
            old.lerp_(new.to(old.dtype), momentum)
    return torch.as_tensor(pooled)
