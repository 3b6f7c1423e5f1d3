"""Training windows from simulated faces, drawn anew for every epoch.

An epoch is a pure function of (recipe, epoch): a run that is killed and resumed sees the same
data as one that was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.labels import SPOTTING_CLASSES
from mescope.motion.windows import Timing, timing
from mescope.samples.spotting_kinds import SimulatedWindows
from mescope.samples.window_labels import frame_labels, sample_windows, window_labels
from mescope.synthesis.dynamics import LEVELS, random_script, truth
from mescope.synthesis.flow_windows import draw_errors, flow_windows
from mescope.synthesis.shapes import random_shape

RATES = (30.0, 30.0, 30.0, 25.0, 60.0, 100.0, 200.0, 200.0)
"""Native frame rates to draw from: what users film with, 30 and 200 most often."""


class Windows(NamedTuple):
    """Training windows of one length; m windows of k frames."""

    flow: NDArray[np.float32]  # (m, 36, k)
    spotting: NDArray[np.float32]  # (m, k) 0 or 1; -1: not known
    classes: NDArray[np.int64]  # (m, k) index into labels.SPOTTING_CLASSES; -1: not known

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Windows:
        """Return some of the windows."""
        return Windows(self.flow[which], self.spotting[which], self.classes[which])


def joined(parts: Sequence[Windows]) -> Windows:
    """Put windows of one length together."""
    return Windows(
        np.concatenate([part.flow for part in parts]),
        np.concatenate([part.spotting for part in parts]),
        np.concatenate([part.classes for part in parts]),
    )


@dataclass(frozen=True)
class Epoch:
    """The windows of one epoch, by window length."""

    by_length: dict[int, Windows]

    def class_counts(self) -> NDArray[np.int64]:
        """Return the number of frames of every class, (5,); those of no class count not."""
        every = np.concatenate([w.classes.ravel() for w in self.by_length.values()])
        return np.bincount(every[every >= 0], minlength=len(SPOTTING_CLASSES))


def draw_epoch(wanted: SimulatedWindows, seed: int, epoch: int) -> Epoch:
    """Draw the windows of one epoch."""
    rng = np.random.default_rng((seed, epoch))
    parts: dict[int, list[Windows]] = {}
    for _ in range(wanted.recordings):
        plan = timing(float(rng.choice(RATES)))
        windows = _recording(wanted, plan, rng)
        parts.setdefault(plan.window, []).append(windows)
    return Epoch({length: _join(p, wanted, rng) for length, p in sorted(parts.items())})


def _recording(wanted: SimulatedWindows, plan: Timing, rng: np.random.Generator) -> Windows:
    """Draw all windows of one recording of one simulated person."""
    level = list(LEVELS)[int(rng.integers(len(LEVELS)))]
    # a sixth of the recordings hold no expression at all: a still face is worth learning
    busy = float(rng.random() > 1 / 6)
    script = random_script(
        rng,
        wanted.seconds,
        level=level,
        micro_per_minute=wanted.micro_per_minute * busy,
        macro_per_minute=wanted.macro_per_minute * busy,
    )
    errors = draw_errors(rng, script.noise)
    flow, times = flow_windows(script, random_shape(rng), plan, errors, rng)
    expressions = [e for e in truth(script, times) if e.kind == "micro"]
    spotting, classes = frame_labels(expressions, len(times), SPOTTING_CLASSES)
    return Windows(
        flow,
        window_labels(spotting, plan.window, plan.hop).astype(np.float32),
        window_labels(classes, plan.window, plan.hop),
    )


def _join(parts: list[Windows], wanted: SimulatedWindows, rng: np.random.Generator) -> Windows:
    """Put recordings together and keep the windows that are trained on."""
    every = joined(parts)
    return every.take(sample_windows(every.spotting, wanted.negative_ratio, rng))
