"""Layers that several models are built from: the Mamba mixer and its residual layer.

Letters for shapes: b batch, t frames, d width of the layer, e = expand * d, n states, r rank
of the step size.  Everything is causal: output t sees inputs 0..t only.

Source: Gu & Dao 2023, arXiv:2312.00752, and the code of ME-TST for the two norms.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mescope.ops.choice import choose
from mescope.ops.depthwise_conv import depthwise_conv
from mescope.ops.selective_scan import selective_scan

STEP_MIN, STEP_MAX = 0.001, 0.1  # range of the initial step size, log-uniform


class DropPath(nn.Module):
    """Drop a residual branch per sample with probability ``rate`` while training."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` (b, t, d), some samples zeroed and the others scaled by 1/(1-rate)."""
        if not self.training or self.rate == 0.0:
            return x
        keep = 1.0 - self.rate
        mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        return x * mask / keep


def drop_path_rates(depth: int, maximum: float) -> list[float]:
    """Return the rate of every layer: linspace(0, maximum, depth) shifted right by one.

    As the code of ME-TST does; the last value of the linspace is therefore never used.

    >>> [round(rate, 5) for rate in drop_path_rates(12, 0.2)][:4]
    [0.0, 0.0, 0.01818, 0.03636]
    """
    if depth == 1:
        return [0.0]
    return [0.0] + [maximum * i / (depth - 1) for i in range(depth - 1)]


class MambaMixer(nn.Module):
    """Selective state-space mixer over time, (b, t, d) to (b, t, d), one direction.

    Parameter names and shapes are those of the public ``mamba-ssm`` class of 2024, so that
    its checkpoints can be mapped without a table.
    """

    def __init__(self, dim: int, states: int, *, conv: int = 4, expand: int = 2) -> None:
        super().__init__()
        self.inner = expand * dim
        self.states = states
        self.rank = math.ceil(dim / 16)
        self.in_proj = nn.Linear(dim, 2 * self.inner, bias=False)
        self.conv1d = nn.Conv1d(self.inner, self.inner, conv, groups=self.inner)
        self.x_proj = nn.Linear(self.inner, self.rank + 2 * states, bias=False)
        self.dt_proj = nn.Linear(self.rank, self.inner)
        # On the CPU first: without storage, as before loading, torch imports its compiler.
        counted = torch.arange(1, states + 1, dtype=torch.float32, device="cpu")
        rates = counted.log().repeat(self.inner, 1)
        self.A_log = nn.Parameter(rates.to(self.conv1d.weight.device))
        self.D = nn.Parameter(torch.ones(self.inner))
        self.out_proj = nn.Linear(self.inner, dim, bias=False)
        self.reset_step()

    @torch.no_grad()
    def reset_step(self) -> None:
        """Draw the step-size projection: bias so that softplus(bias) is in 0.001 .. 0.1."""
        if self.dt_proj.weight.is_meta:
            return  # nothing to draw into; trying makes torch import its compiler
        bound = self.rank**-0.5
        self.dt_proj.weight.uniform_(-bound, bound)
        log_step = torch.rand_like(self.dt_proj.bias) * math.log(STEP_MAX / STEP_MIN)
        step = torch.exp(log_step + math.log(STEP_MIN))
        self.dt_proj.bias.copy_(step + torch.log(-torch.expm1(-step)))  # inverse softplus

    def forward(self, u: Tensor) -> Tensor:
        """Mix ``u`` (b, t, d) along time."""
        x, z = self.in_proj(u).split(self.inner, dim=-1)  # (b, t, e) each
        x = F.silu(self._convolve(x))
        step, B, C = self.x_proj(x).split([self.rank, self.states, self.states], dim=-1)
        delta = F.softplus(self.dt_proj(step))  # (b, t, e)
        A = -torch.exp(self.A_log)  # (e, n)
        y = selective_scan(x, delta, A, B, C, self.D)
        out: Tensor = self.out_proj(y * F.silu(z))
        return out

    def _convolve(self, x: Tensor) -> Tensor:
        """Causal depthwise convolution of (b, t, e).

        A sum of shifted copies: the library's depthwise backward is several times slower on
        a CPU and needs two transposes.  ``MESCOPE_DEPTHWISE_CONV=library`` takes the library's,
        whose order of sums is the published code's.
        """
        if choose("depthwise-conv", x.device.type, x.dtype, "auto") == "library":
            taps_first = self.conv1d.weight[:, 0].t()[None]
            bias = self.conv1d.bias
            return depthwise_conv(x[None], taps_first, None if bias is None else bias[None])[0]
        frames, taps = x.shape[1], self.conv1d.kernel_size[0]
        padded = F.pad(x, (0, 0, taps - 1, 0))
        weight = self.conv1d.weight[:, 0]  # (e, taps)
        out = padded[:, :frames] * weight[:, 0]
        if self.conv1d.bias is not None:
            out = out + self.conv1d.bias
        for tap in range(1, taps):
            out = torch.addcmul(out, padded[:, tap : tap + frames], weight[:, tap])
        return out


class MambaLayer(nn.Module):
    """``y = x + DropPath(LN2(Mamba(LN1(x))))`` on (b, t, d).

    The second norm after the mixer is the published code's; there is no MLP.
    ``unused_norm`` declares the further norm that the published layer never calls, so that
    parameter counts and checkpoints agree.
    """

    recomputable = True

    def __init__(
        self, dim: int, states: int, drop_path: float = 0.0, *, unused_norm: bool = False
    ) -> None:
        super().__init__()
        self.norm_in = nn.LayerNorm(dim, eps=1e-5)
        self.mixer = MambaMixer(dim, states)
        self.norm_out = nn.LayerNorm(dim, eps=1e-5)
        self.drop_path = DropPath(drop_path)
        if unused_norm:
            self.norm_unused = nn.LayerNorm(dim, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output, (b, t, d)."""
        y: Tensor = x + self.drop_path(self.norm_out(self.mixer(self.norm_in(x))))
        return y


def conv_stem(channels: int, dim: int) -> nn.Sequential:
    """Return Conv3-BN-ReLU-Conv3-BN-ReLU, (b, channels, t) to (b, dim, t).

    As in the code of ME-TST.  Looks two frames ahead, the only part that does.
    """
    return nn.Sequential(
        nn.Conv1d(channels, dim, 3, padding=1),
        nn.BatchNorm1d(dim),
        nn.ReLU(),
        nn.Conv1d(dim, dim, 3, padding=1),
        nn.BatchNorm1d(dim),
        nn.ReLU(),
    )


@torch.no_grad()
def initialise(model: nn.Module, *, depth: int, keep_step: bool) -> None:
    """Initialise as the published ME-TST does, in its order.

    Every Linear, also those inside the mixers: truncated normal 0.02, bias 0; every LayerNorm
    1 and 0; then every mixer's out-projection kaiming-uniform divided by sqrt(depth).

    Args:
        model: any module made of the layers of this file.
        depth: the constant of the out-projection; the published code passes 4.
        keep_step: redraw the step-size projections as Mamba intends.  False keeps the
            published slip, where they too become N(0, 0.02) with bias 0.
    """
    if any(parameter.is_meta for parameter in model.parameters()):
        return  # before loading there is nothing to draw into, see :meth:`reset_step`
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    for module in model.modules():
        if isinstance(module, MambaMixer):
            nn.init.kaiming_uniform_(module.out_proj.weight, a=math.sqrt(5))
            module.out_proj.weight.div_(math.sqrt(depth))
            if keep_step:
                module.reset_step()
