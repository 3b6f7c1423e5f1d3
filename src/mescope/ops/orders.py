"""Orders in which the tokens of a square window are read, as lists of flat indices; reading.

A window of side m has tokens ``row * m + column``; every order starts at the upper left one.
Source: MERba, arXiv 2506.14468.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

ASYMMETRIC = ("hr", "vr", "hz", "vz")
"""Horizontal and vertical raster, horizontal and vertical zigzag: no one of them is another
read backwards, or mirrored."""


@functools.cache
def order(name: str, side: int) -> tuple[int, ...]:
    """Return the tokens of a window in the order of reading.

    Args:
        name: one of :data:`ASYMMETRIC`; with ``reversed-`` in front, read backwards; with
            ``mirrored-`` in front, columns from right to left.
        side: rows and columns of the window.

    Raises:
        ValueError: no such order, or an empty window.

    >>> order("hz", 3)
    (0, 1, 2, 5, 4, 3, 6, 7, 8)
    >>> order("vr", 3), order("mirrored-hr", 2)
    ((0, 3, 6, 1, 4, 7, 2, 5, 8), (1, 0, 3, 2))
    """
    if side < 1:
        raise ValueError(f"expected a window of side 1 or more, found {side}")
    change, _, base = name.rpartition("-")
    if base not in ASYMMETRIC or change not in ("", "reversed", "mirrored"):
        raise ValueError(
            f"expected an order of {', '.join(ASYMMETRIC)}, or one of them after 'reversed-' "
            f"or 'mirrored-', found {name!r}"
        )
    lines = range(side)
    tokens = [
        (line, step if base[1] == "r" or line % 2 == 0 else side - 1 - step)
        for line in lines
        for step in lines
    ]
    if base[0] == "v":
        tokens = [(step, line) for line, step in tokens]
    if change == "mirrored":
        tokens = [(row, side - 1 - column) for row, column in tokens]
    found = tuple(row * side + column for row, column in tokens)
    return found[::-1] if change == "reversed" else found


def inverse(tokens: tuple[int, ...]) -> tuple[int, ...]:
    """Return the order that undoes ``tokens``.

    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    back = [0] * len(tokens)
    for position, token in enumerate(tokens):
        back[token] = position
    return tuple(back)


def read(tokens: Tensor, forth: Tensor, back: Tensor) -> Tensor:
    """Return the tokens in every order, (g, b, l, c).

    Args:
        tokens: (b, l, c).
        forth: g orders, (g, l).
        back: what undoes each of them, (g, l); whole rows are moved by it in backward, where
            indexing would add up one value after the other.
    """
    found: Tensor = _Read.apply(tokens, forth, back)  # type: ignore[no-untyped-call]
    return found


def lay(mixed: Tensor, forth: Tensor, back: Tensor) -> Tensor:
    """Lay tokens (g, b, l, c) that were read in g orders back into place, and add up the g."""
    found: Tensor = _Lay.apply(mixed, forth, back)  # type: ignore[no-untyped-call]
    return found


class _Read(torch.autograd.Function):
    """The transpose of :class:`_Lay`, and the other way round."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, forth: Tensor, back: Tensor) -> Tensor:
        ctx.orders = forth, back
        return torch.stack([tokens.index_select(1, places) for places in forth])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return lay(grad, *ctx.orders), None, None


class _Lay(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mixed: Tensor, forth: Tensor, back: Tensor) -> Tensor:
        ctx.orders = forth, back
        total = mixed[0].index_select(1, back[0])
        for one, places in zip(mixed[1:], back[1:], strict=True):
            total += one.index_select(1, places)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return read(grad, *ctx.orders), None, None
