"""Movements of the head: when it turns, nods or tilts quickly.

All frames are decimated frames; the pose is that of :func:`mescope.face.points.pose`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mescope.events import Interval
from mescope.face.points import Floats, smooth
from mescope.spotting.traces import valid_runs

TURN_DEG, WITHIN_S = 6.0, 0.4
"""A movement turns the head by this much in this time (15 degrees a second).  The pose of heads
at rest wanders by up to 3 degrees in it, smiles shift it by 2 to 3; nods and turns that go with
speech reach 8 to 20."""
SMOOTH_S = 0.05
BRIDGE_S = 0.2  # two movements nearer than this are one, as in a nod


@dataclass(frozen=True)
class HeadMove:
    """A quick movement of the head and the angle between its extremes, degrees."""

    interval: Interval
    degrees: float


def steady(
    pose: Floats, blinks: Sequence[Interval], rate: float, cuts: Sequence[int] = ()
) -> NDArray[np.float64]:
    """Return the pose (n, 3), smooth, and bridged over blinks.

    The corners of the eyes go down a little with the lids, which looks like a nod of 4 degrees.
    Nothing is smoothed or bridged across ``cuts``, the first frames of other scenes.
    """
    out = np.array(pose, np.float64)
    for blink in blinks:
        a, b = blink.first - 1, blink.last + 1
        inside = a >= 0 and b < len(out) and not any(a < cut <= b for cut in cuts)
        if inside and not np.isnan(out[[a, b]]).any():
            part = (np.arange(a + 1, b) - a)[:, None] / (b - a)
            out[a + 1 : b] = out[a] + part * (out[b] - out[a])
    scenes = np.split(out, list(cuts))
    return np.concatenate([smooth(scene, SMOOTH_S * rate) for scene in scenes])


def head_moves(pose: Floats, rate: float, cuts: Sequence[int] = ()) -> list[HeadMove]:
    """Return quick movements in order of time.

    What the head did while it was not seen, and from one scene to the next, is no movement.

    Args:
        pose: (n, 3) yaw, pitch, roll in degrees, as :func:`steady` returns them; nan where
            there is no face.
        rate: frames per second.
        cuts: first frames of other scenes, in order.
    """
    found = []
    for start, stop in pairwise([0, *cuts, len(pose)]):
        for first, last in valid_runs(pose[start:stop, 0]):
            a, b = start + first, start + last + 1
            found += [
                HeadMove(Interval(a + i.first, a + i.last), degrees)
                for i, degrees in _moves(pose[a:b], rate)
            ]
    return found


def _moves(pose: Floats, rate: float) -> list[tuple[Interval, float]]:
    """Return the movements and their degrees in a run of frames that all show the head."""
    half = max(1, round(WITHIN_S * rate / 2))
    if len(pose) <= 2 * half:
        return []
    change = np.zeros(len(pose))
    change[half:-half] = np.sqrt(((pose[2 * half :] - pose[: -2 * half]) ** 2).sum(axis=1))
    found = []
    for first, last in runs(change >= TURN_DEG, max(1, round(BRIDGE_S * rate))):
        a, b = max(0, first - half // 2), min(len(pose) - 1, last + half // 2)
        part = pose[a : b + 1]
        reach = np.ptp(part, axis=0)
        found.append((Interval(a, b), float(np.sqrt((reach**2).sum()))))
    return found


def runs(mask: NDArray[np.bool_], bridge: int = 0) -> list[tuple[int, int]]:
    """Return (first, last) of the runs of True; gaps of up to ``bridge`` frames are closed.

    >>> runs(np.array([True, False, True, False, False, True]), 1)
    [(0, 2), (5, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    out: list[tuple[int, int]] = []
    for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if out and a - out[-1][1] - 1 <= bridge:
            out[-1] = (out[-1][0], b - 1)
        else:
            out.append((a, b - 1))
    return out
