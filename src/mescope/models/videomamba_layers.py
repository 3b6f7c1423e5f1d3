"""Layers of VideoMamba: the mixer that scans both ways, its block, orders and positions.

Letters for shapes: b batch, l tokens of a sequence (the class token first), d width, e inner
width = 2 d, n states, r rank of the step size, t steps in time, p patches of a frame.

Written from the VideoMamba paper (Li et al., ECCV
2024, arXiv 2403.06977) and the layout of its released weights; nothing of its code is copied.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from mescope.models.layers import STEP_MAX, STEP_MIN, DropPath
from mescope.models.vision_layers import StepInit
from mescope.ops.depthwise_conv import depthwise_conv
from mescope.ops.selective_scan import selective_scan_reference, selective_scans

Order = Literal["spatial", "temporal", "spatiotemporal", "spatiotemporal-full"]
"""In which order patches are read (the paper's figure 4).  ``spatial``: frame by frame, as
released.  ``temporal``: all frames of a patch, then those of the next.  The hybrids are not
released either; as we read the paper, ``spatiotemporal`` (v1, "half of them") reads forward
spatially and backward temporally, ``spatiotemporal-full`` (v2) does all four readings with the
two sets of weights, for twice the work."""

_SPATIAL, _TEMPORAL = False, True
READINGS: dict[str, tuple[tuple[bool, ...], tuple[bool, ...]]] = {
    "spatial": ((_SPATIAL,), (_SPATIAL,)),
    "temporal": ((_TEMPORAL,), (_TEMPORAL,)),
    "spatiotemporal": ((_SPATIAL,), (_TEMPORAL,)),
    "spatiotemporal-full": ((_SPATIAL, _TEMPORAL), (_SPATIAL, _TEMPORAL)),
}
"""Order -> readings of the forward and of the backward direction; True is temporal-first."""

DIRECTIONS = 2


def temporal_first(x: Tensor, steps: int) -> Tensor:
    """Turn tokens (b, 1 + t * p, c) from frame by frame to patch by patch; the first stays.

    ``steps`` is t.  With p in its place, the same call turns them back.
    """
    b, length, c = x.shape
    patches = x[:, 1:].reshape(b, steps, (length - 1) // steps, c).transpose(1, 2)
    return torch.cat([x[:, :1], patches.reshape(b, length - 1, c)], 1)


class BiMixer(nn.Module):
    """Mamba mixer that reads a sequence forwards and backwards, (b, l, d) to (b, l, d).

    One projection in and one out; convolution, step size, states and skip are the direction's
    own, stacked with the forward one first.  Both directions are one call of the scan; they
    are summed, not averaged.

    Differences from the published computation, equal in exact arithmetic
    (:func:`mixer_reference` is the published one): the gate, which both directions share, is
    applied once to their sum.
    """

    def __init__(
        self, dim: int, *, states: int = 16, taps: int = 4, expand: int = 2,
        order: Order = "spatial", step_init: StepInit = "released",
    ) -> None:  # fmt: skip
        super().__init__()
        inner = expand * dim
        self.states, self.rank, self.order = states, math.ceil(dim / 16), order
        self.step_init = step_init
        self.in_proj = nn.Linear(dim, 2 * inner, bias=False)
        self.conv_weight = nn.Parameter(torch.empty(DIRECTIONS, taps, inner))
        self.conv_bias = nn.Parameter(torch.empty(DIRECTIONS, inner))
        self.x_weight = nn.Parameter(torch.empty(DIRECTIONS, inner, self.rank + 2 * states))
        self.step_weight = nn.Parameter(torch.empty(DIRECTIONS, self.rank, inner))
        self.step_bias = nn.Parameter(torch.empty(DIRECTIONS, inner))
        self.A_log = nn.Parameter(torch.empty(DIRECTIONS, inner, states))
        self.D = nn.Parameter(torch.empty(DIRECTIONS, inner))
        self.out_proj = nn.Linear(inner, dim, bias=False)
        self.reset_parameters(1)

    @torch.no_grad()
    def reset_parameters(self, depth: int) -> None:
        """Draw fresh weights for a network of ``depth`` blocks."""
        for weight in (self.in_proj.weight, self.x_weight, self.step_weight):
            nn.init.trunc_normal_(weight, std=0.02)
        bound = self.conv_weight.shape[1] ** -0.5  # PyTorch's own for a depth-wise convolution
        self.conv_weight.uniform_(-bound, bound)
        self.conv_bias.uniform_(-bound, bound)
        states = torch.arange(1, self.states + 1, dtype=self.A_log.dtype)
        self.A_log.copy_(states.log().expand_as(self.A_log))
        self.D.fill_(1.0)
        nn.init.kaiming_uniform_(self.out_proj.weight, a=math.sqrt(5))
        self.out_proj.weight.div_(math.sqrt(depth))
        self.step_bias.zero_()
        if self.step_init == "mamba":
            self.step_weight.uniform_(-(self.rank**-0.5), self.rank**-0.5)
            drawn = torch.rand_like(self.step_bias) * math.log(STEP_MAX / STEP_MIN)
            step = torch.exp(drawn + math.log(STEP_MIN))
            self.step_bias.copy_(step + torch.log(-torch.expm1(-step)))  # inverse softplus

    def forward(self, tokens: Tensor, steps: int) -> Tensor:
        """Mix (b, 1 + t * p, d), frame by frame; ``steps`` is t."""
        x, z = self.in_proj(tokens).chunk(2, dim=-1)  # (b, l, e) each
        forth, back = (
            [temporal_first(x, steps) if turn else x for turn in turns]
            for turns in READINGS[self.order]
        )
        read = torch.cat([*forth, *(one.flip(1) for one in back)])
        y = self._scan(read.reshape(DIRECTIONS, -1, *x.shape[1:]))
        out: Tensor = self.out_proj(self._lay_back(y, steps) * F.silu(z))
        return out

    def _lay_back(self, y: Tensor, steps: int) -> Tensor:
        """Sum all readings (2, readings * b, l, e), each frame by frame again: (b, l, e)."""
        patches = (y.shape[2] - 1) // steps
        laid = [
            temporal_first(one, patches) if turn else one
            for way, turns in zip((y[0], y[1].flip(1)), READINGS[self.order], strict=True)
            for one, turn in zip(way.chunk(len(turns)), turns, strict=True)
        ]
        return torch.stack(laid).sum(0) if len(laid) > DIRECTIONS else laid[0] + laid[1]

    def _scan(self, x: Tensor) -> Tensor:
        """Convolve and scan (2, b, l, e), each direction with its weights.

        Under autocast the projections come in half precision; convolution and scan do not.
        """
        u = F.silu(depthwise_conv(x.to(self.D.dtype), self.conv_weight, self.conv_bias))
        sizes = [self.rank, self.states, self.states]
        mixed = torch.bmm(u.flatten(1, 2), self.x_weight)
        step, B, C = torch.split(mixed, sizes, dim=-1)
        step = torch.baddbmm(self.step_bias[:, None], step, self.step_weight)
        delta = F.softplus(step.to(u.dtype)).reshape(u.shape)
        B, C = (part.to(u.dtype).reshape(*u.shape[:3], -1) for part in (B, C))
        return selective_scans(u, delta, -torch.exp(self.A_log), B, C, self.D)


def mixer_reference(mixer: BiMixer, tokens: Tensor, steps: int) -> Tensor:
    """The mixer as published, one direction and one token at a time.

    Args:
        mixer: whose weights are used.
        tokens: (b, 1 + t * p, d), frame by frame.
        steps: t.
    """
    x, z = F.linear(tokens, mixer.in_proj.weight).chunk(2, dim=-1)
    patches, total = (tokens.shape[1] - 1) // steps, torch.zeros_like(x)
    for way, turns in enumerate(READINGS[mixer.order]):
        for turn in turns:
            u, gate = (temporal_first(part, steps) if turn else part for part in (x, z))
            if way == 1:
                u, gate = u.flip(1), gate.flip(1)
            y = _direction_reference(mixer, way, u) * F.silu(gate)
            y = y.flip(1) if way == 1 else y
            total = total + (temporal_first(y, patches) if turn else y)
    return F.linear(total, mixer.out_proj.weight)


def _direction_reference(mixer: BiMixer, way: int, x: Tensor) -> Tensor:
    """Convolve and scan (b, l, e) with the weights of direction ``way``, without the gate."""
    taps, inner = mixer.conv_weight.shape[1:]
    weight = mixer.conv_weight[way].t()[:, None]  # (e, 1, taps), as a Conv1d has it
    convolved = F.conv1d(
        F.pad(x.transpose(1, 2), (taps - 1, 0)), weight, mixer.conv_bias[way], groups=inner
    )
    u = F.silu(convolved.transpose(1, 2))
    sizes = [mixer.rank, mixer.states, mixer.states]
    step, B, C = torch.split(u @ mixer.x_weight[way], sizes, dim=-1)
    delta = F.softplus(step @ mixer.step_weight[way] + mixer.step_bias[way])
    A = -torch.exp(mixer.A_log[way])
    start = x.new_zeros(len(x), inner, mixer.states)
    return selective_scan_reference(u, delta, A, B, C, mixer.D[way], start)[0]


class Block(nn.Module):
    """Add, norm, mix: the residual is carried beside what the last mixer gave.

    So ``drop_path`` acts on the output of the block before.
    """

    recomputable = True

    def __init__(self, dim: int, mixer: BiMixer, drop_path: float, *, recompute: bool) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(dim, eps=1e-5)
        self.mixer = mixer
        self.drop_path = DropPath(drop_path)
        self.recompute = recompute

    def forward(self, h: Tensor, residual: Tensor | None, steps: int) -> tuple[Tensor, Tensor]:
        """Return what the mixer gives and the residual, both (b, l, d).

        Args:
            h: what the block before gave; of the first block, the tokens.
            residual: of the block before, None for the first one.  It is in the precision of
                the weights also under autocast.
            steps: t.
        """
        residual = h if residual is None else residual + self.drop_path(h)
        residual = residual.to(self.norm.weight.dtype)
        if self.recompute and torch.is_grad_enabled():
            mixed = checkpoint(
                self._mix, residual, steps, use_reentrant=False, preserve_rng_state=False
            )
            return mixed, residual
        return self._mix(residual, steps), residual

    def _mix(self, residual: Tensor, steps: int) -> Tensor:
        mixed: Tensor = self.mixer(self.norm(residual), steps)
        return mixed


def stretch_time(positions: Tensor, steps: int) -> Tensor:
    """Interpolate positions (1, t, d) linearly to (1, steps, d)."""
    if positions.shape[1] == steps:
        return positions
    return F.interpolate(positions.transpose(1, 2), size=steps, mode="linear").transpose(1, 2)


def stretch_space(positions: Tensor, side: int) -> Tensor:
    """Interpolate positions (1, 1 + m * m, d) bicubically to (1, 1 + side * side, d).

    The first one, the class token's, stays.

    Raises:
        ValueError: the others are not a square grid.
    """
    patches = positions.shape[1] - 1
    old = math.isqrt(max(patches, 0))
    if old * old != patches or old == 0:
        raise ValueError(
            f"expected positions of a class token and a square grid of patches, found "
            f"{tuple(positions.shape)}; use those of a square model"
        )
    if old == side:
        return positions
    grid = positions[:, 1:].transpose(1, 2).reshape(1, -1, old, old)
    grown = F.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False)
    return torch.cat([positions[:, :1], grown.flatten(2).transpose(1, 2)], 1)
