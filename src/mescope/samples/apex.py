"""The apex of a clip that nobody annotated (SMIC has none).

Source: our reconstruction from the abstract of ME-PLAN (Zhao et
al., Neural Networks 2022): an expression rises to one apex and falls again, so the measured
strength of the motion is replaced by the nearest curve that does.  The published method itself
is not known to us.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from mescope.motion.flow import tvl1

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Apex:
    """A found apex.

    ``frame`` is the position in the frames given (0 is the onset); ``curve`` (n,) float64 the
    mean length of the flow from the onset to each, px of the frames; ``fit`` (n,) the unimodal
    curve nearest to it.
    """

    frame: int
    curve: Curve
    fit: Curve


def find_apex(frames: NDArray[np.uint8]) -> Apex:
    """Return the apex of a clip of aligned grey faces (n, h, w) that starts at the onset.

    The strength of a frame is the mean length of the TV-L1 flow from the onset.  The apex is
    the top of the least-squares unimodal curve; where that is a plateau, its strongest frame.

    Raises:
        ValueError: fewer than two frames.
    """
    if len(frames) < 2:
        raise ValueError(f"an apex needs at least two frames, got {len(frames)}")
    onset = frames[0]
    lengths = [np.linalg.norm(tvl1(onset, frame), axis=-1).mean() for frame in frames[1:]]
    curve = np.array([0.0, *lengths])
    fit = unimodal(curve)
    top = np.flatnonzero(fit[1:] == fit[1:].max()) + 1  # the onset is never its own apex
    return Apex(int(top[np.argmax(curve[top])]), curve, fit)


def unimodal(values: Curve) -> Curve:
    """Return the curve nearest to ``values`` (n,) in least squares that rises, then falls.

    For every split the left part gets its isotonic rising fit, the right part its falling one;
    the split with the least error wins, the earliest of equals.

    >>> unimodal(np.array([0.0, 2.0, 1.0, 3.0, 1.0])).tolist()
    [0.0, 1.5, 1.5, 3.0, 1.0]
    """
    values = np.asarray(values, np.float64)
    fits = [
        np.concatenate([_fitted(values[:split], True), _fitted(values[split:], False)])
        for split in range(len(values) + 1)
    ]
    errors = np.array([float(((fit - values) ** 2).sum()) for fit in fits])
    slack = 1e-12 * (1 + float(values @ values))  # equals differ by rounding
    return fits[int(np.argmax(errors <= errors.min() + slack))]


def _fitted(values: Curve, increasing: bool) -> Curve:
    """Return the isotonic fit of values, of which there may be none."""
    if not len(values):
        return values
    return np.asarray(isotonic_regression(values, increasing=increasing).x)
