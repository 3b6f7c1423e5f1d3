"""Training segments of the cascade's network, from measured rendered recordings.

Every candidate of the training-free spotter becomes one segment, and a second one mirrored: a
face has no better side.  Micro- and macro-expressions are targets alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mescope.events import Expression, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.motion.regions import REGIONS_18
from mescope.samples.rendered import Measured
from mescope.samples.synthetic import Windows, joined
from mescope.spotting.cascade import PROPOSER
from mescope.spotting.flow_peaks import candidates
from mescope.spotting.mirror import segment_mirror
from mescope.spotting.segments import SAMPLES, channels, sample_positions, segments

MEANT = 0.25
"""Least IoU of a candidate with the expression that it is taken to be."""

REGIONS = tuple(region.name for region in REGIONS_18)


def candidate_windows(measured: Iterable[Measured]) -> Windows:
    """Return the segments of recordings with their labels, m of :data:`SAMPLES` samples."""
    parts = []
    mirror = segment_mirror(REGIONS)
    for one in measured:
        if np.isnan(one.motion[:, 0]).all():
            continue
        found = [c.interval for c in candidates(one.motion, one.rate, REGIONS, PROPOSER)[0]]
        cut = segments(one.motion, one.shape, found, one.rate, REGIONS)
        labelled = labels(one.expressions, found)
        parts += [Windows(cut, *labelled), Windows(mirror.of_segments(cut), *labelled)]
    empty = Windows(
        np.zeros((0, channels(len(REGIONS)), SAMPLES), np.float32),
        np.zeros((0, SAMPLES), np.float32),
        np.zeros((0, SAMPLES), np.int64),
    )
    return joined([empty, *parts])


def labels(
    expressions: Sequence[Expression], proposed: Sequence[Interval]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Label the samples of candidates, (m, SAMPLES) each: score 0 or 1, and class.

    Positive is what lies strictly inside an expression that the candidate means, by an IoU of
    :data:`MEANT`.  A tremor within a long smile is not an expression: it would look like any
    tremor, because the segment shows nothing of the smile.
    """
    spotting = np.zeros((len(proposed), SAMPLES), np.float32)
    classes = np.full((len(proposed), SAMPLES), len(SPOTTING_CLASSES) - 1, np.int64)
    for row, interval in enumerate(proposed):
        at = sample_positions(interval)
        for e in expressions:
            if e.interval.iou(interval) < MEANT:
                continue
            inside = (at > e.interval.first) & (at < e.interval.last)
            spotting[row, inside] = 1.0
            classes[row, inside] = SPOTTING_CLASSES.index(str(e.emotion))
    return spotting, classes
