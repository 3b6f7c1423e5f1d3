"""The selective scan in plain torch without a launch per time step: for any device.

Time is cut into stretches, a stretch of l steps into about sqrt(l) chunks of sqrt(l) steps.
All chunks of a stretch are walked through at once, step by step: first from a state of zero,
to learn what each of them adds, then, once their true states are known, a second time.  That
is about 3 sqrt(l) rounds of launches instead of l, and twice the arithmetic.

A stretch is computed anew when its gradient is asked for, so that what is kept for backward is
one stretch's states, not all (b, l, d, n) of them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

STRETCH = 1024
"""Steps that are cut together; their states exist at once while gradients are taken."""


def scan_chunked(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, h: Tensor
) -> tuple[Tensor, Tensor]:
    """Return y (b, l, d) and the final state (b, d, n).

    All tensors of one dtype (float32 or float64), shapes as in
    :func:`mescope.ops.selective_scan.selective_scan`.
    """
    inputs = (u, delta, A, B, C, h)
    again = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
    outputs = []
    stretches = (torch.split(t, STRETCH, 1) for t in (u, delta, B, C))
    for x, step, into, out in zip(*stretches, strict=True):
        if again and u.shape[1] > STRETCH:
            y, h = checkpoint(_stretch, x, step, into, out, A, h, use_reentrant=False)
        else:
            y, h = _stretch(x, step, into, out, A, h)
        outputs.append(y)
    return torch.cat(outputs, 1) + D * u, h


def _stretch(
    u: Tensor, delta: Tensor, B: Tensor, C: Tensor, A: Tensor, h: Tensor
) -> tuple[Tensor, Tensor]:
    """Scan one stretch from state ``h``, without D."""
    length = u.shape[1]
    steps = math.isqrt(length - 1) + 1
    walk = _Chunks(u, delta, B, C, A, steps)
    states = _chunk_states(walk.from_nothing(), walk.whole_decay(), h)
    y, last = walk.from_states(torch.stack(states[:-1], 1))
    return y[:, :length], last[:, -1]


def _chunk_states(added: Tensor, decay: Tensor, h: Tensor) -> list[Tensor]:
    """Return the state before every chunk and after the last, each (b, d, n)."""
    states = [h]
    for more, less in zip(added.unbind(1), decay.unbind(1), strict=True):
        states.append(less * states[-1] + more)
    return states


class _Chunks:
    """A stretch as (b, chunks, steps, ...), padded by steps of delta 0: no change."""

    def __init__(
        self, u: Tensor, delta: Tensor, B: Tensor, C: Tensor, A: Tensor, steps: int
    ) -> None:
        missing = -u.shape[1] % steps

        def cut(tensor: Tensor) -> Tensor:
            padded = torch.nn.functional.pad(tensor, (0, 0, 0, missing))
            return padded.reshape(len(padded), -1, steps, padded.shape[2])

        self._delta, self._A = cut(delta), A
        # unbind, not an index for every step: whose gradients are each as large as the whole.
        self._step = self._delta[..., None].unbind(2)
        self._gain = (self._delta * cut(u))[..., None].unbind(2)
        self._into, self._out = cut(B)[..., None, :].unbind(2), cut(C)[..., None].unbind(2)

    def whole_decay(self) -> Tensor:
        """Return by how much a state decays over every chunk, (b, chunks, d, n)."""
        return torch.exp(self._delta.sum(2)[..., None] * self._A)

    def from_nothing(self) -> Tensor:
        """Return what every chunk adds to the state, (b, chunks, d, n)."""
        state = self._gain[0] * self._into[0]
        for t in range(1, len(self._step)):
            state = self._after(t, state)
        return state

    def from_states(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return y (b, l, d) of chunks that begin with such states, and the states after."""
        outputs = []
        for t in range(len(self._step)):
            state = self._after(t, state)
            outputs.append((state @ self._out[t]).squeeze(-1))
        return torch.stack(outputs, 2).flatten(1, 2), state

    def _after(self, t: int, state: Tensor) -> Tensor:
        decay = torch.exp(self._step[t] * self._A)
        return torch.addcmul(self._gain[t] * self._into[t], decay, state)
