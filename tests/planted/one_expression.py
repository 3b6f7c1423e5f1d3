"""A face that shows one expression, from its first frame on, and nothing else."""

from __future__ import annotations

from mescope.synthesis.dynamics import PlantedExpression, Script, Waves
from mescope.synthesis.render import SyntheticVideo

RATE = 50
APEX = 8
_STILL = Waves(amplitudes=(), frequencies=(), phases=())


def one_expression(portrait, units, *, peak=0.9, noise=1.0, rate=RATE):
    """Four tenths of a second; at 50 frames a second onset 0, apex 8, offset 19."""
    planted = PlantedExpression(
        onset_s=0.0, apex_s=APEX / RATE, offset_s=0.38, kind="micro", emotion="positive",
        action_units=units, peak=peak,
    )  # fmt: skip
    script = Script(
        duration=0.4, expressions=(planted,), disturbances=(), sway=(_STILL,) * 4, nods=(),
        flicker=_STILL, noise=noise, quality=None, seed=3, level="calm",
    )  # fmt: skip
    return SyntheticVideo(portrait, script, rate=rate)
