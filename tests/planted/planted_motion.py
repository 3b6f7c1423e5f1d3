"""Motion of the regions of a face whose movements are planted: place, length, direction."""

from __future__ import annotations

import numpy as np

from mescope.events import Expression, Interval
from mescope.face.landmark_track import CloseUps
from mescope.motion.regions import REGIONS_18
from mescope.motion.roi_flow import RoiFlow
from mescope.motion.windows import timing
from mescope.samples.rendered import Measured
from mescope.spotting.flow_peaks import GROUPS
from mescope.synthesis.shapes import mean_shape

NAMES = tuple(region.name for region in REGIONS_18)
UP, DOWN = (0.0, -2.0), (0.0, 2.0)


def bump(n, first, last):
    """A raised cosine from frame ``first`` to ``last``, height 1."""
    out = np.zeros(n)
    out[first : last + 1] = 0.5 - 0.5 * np.cos(np.linspace(0, 2 * np.pi, last - first + 1))
    return out


def recording(n=900, noise=0.05, events=(), drift=0.0, seed=0, names=NAMES):
    """Displacement (n, 2R) of a face on which the given groups move.

    ``events`` are ((first, last), groups or regions, (x, y) px at the highest point).
    """
    rng = np.random.default_rng(seed)
    motion = np.zeros((n, len(names), 2))
    motion += np.linspace(0, drift, n)[:, None, None]
    for (first, last), groups, vector in events:
        for i, name in enumerate(names):
            if any(name in GROUPS.get(group, (group,)) for group in groups):
                motion[:, i] += bump(n, first, last)[:, None] * np.array(vector)
    return (motion + rng.normal(scale=noise, size=motion.shape)).reshape(n, -1)


def cut(motion, hop=25):
    """Windows as the extraction makes them: motion since each window's own first frame."""
    starts = np.arange(len(motion) // hop - 1) * hop
    return np.stack([(motion[s : s + 2 * hop] - motion[s]).T for s in starts])


def points_of(n):
    """Landmarks (n, 68, 2) of a face at rest: the mean face, which fills the crop."""
    return np.repeat(mean_shape()[None], n, axis=0)


def region_flow(motion, *, rate=30.0, points=None, valid=None, close=True, padded=0):
    """The :class:`RoiFlow` of displacement (n, 2R) in decimated frames; ``rate`` is native."""
    plan = timing(rate)
    windows = cut(motion, plan.hop).astype(np.float32)
    n = (len(windows) + 1) * plan.hop
    points = points_of(n) if points is None else points[:n]
    eyes = np.full((n, 2, 12, 24), 90, np.uint8)
    light = np.tile(np.array([120.0, 0.45], np.float32), (n, 1))
    ups = CloseUps(points=points.astype(np.float32), eyes=eyes, light=light)
    if valid is None:
        valid = np.ones((len(windows), plan.window), bool)
    return RoiFlow(
        windows=windows * valid[:, None, :],
        timing=plan,
        frames=plan.step * np.arange(n),
        times=np.arange(n) / plan.rate,
        valid=valid,
        boxes=np.tile(np.array([0, 0, 320, 320], np.float32), (len(windows), 1)),
        landmarks=np.repeat(mean_shape()[None].astype(np.float32), len(windows), axis=0),
        regions=NAMES,
        mode="clean",
        parameters={},
        warnings=(),
        padded=padded,
        close=ups if close else None,
    )


def measured(number, motion, expressions, rate=30.0):
    """What :mod:`mescope.samples.rendered` keeps of a recording with such displacement."""
    flow = region_flow(motion, rate=rate)
    nowhere = np.full_like(flow.boxes, np.nan)  # so that no motion is taken for the head's
    return Measured(
        number, flow.timing.rate, flow.windows.astype(np.float16), flow.valid, nowhere,
        flow.landmarks, flow.points, flow.times, tuple(expressions), (),
    )  # fmt: skip


def smiles_and_brows(number, n=900):
    """A measured recording: smiles are expressions, brows that move as far are none."""
    rng = np.random.default_rng(number)
    events, truth = [], []
    for first in range(40, n - 60, 90):
        span = (first, first + int(rng.integers(8, 40)))
        px = float(rng.uniform(1.5, 6))
        if rng.random() < 0.5:
            events.append((span, ["corner_l", "corner_r", "lips"], (0.0, -px)))
            kind = "micro" if span[1] - span[0] <= 15 else "macro"
            smile = Expression(
                interval=Interval(*span), kind=kind, apex=sum(span) // 2, emotion="positive"
            )
            truth.append(smile)
        else:
            events.append((span, ["brow_l", "brow_r"], (0.0, -px)))
    return measured(number, recording(n, 0.03, events, seed=number), truth)
