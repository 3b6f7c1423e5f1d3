"""The published kernel of the selective scan, of the package ``mamba-ssm``."""

from __future__ import annotations

from torch import Tensor


def mamba_ssm_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
) -> tuple[Tensor, Tensor]:
    """Run it: y (b, l, d) and the final state, which has no gradient."""
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    u, delta, B, C = (t.transpose(1, 2).contiguous() for t in (u, delta, B, C))
    y, state = selective_scan_fn(u, delta, A.float(), B, C, D.float(), return_last_state=True)
    return y.transpose(1, 2), state
