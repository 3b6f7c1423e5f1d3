"""Training segments of the cascade's network, from measured rendered recordings.

Every candidate of the training-free spotter becomes one segment, and a second one mirrored: a
face has no better side.  Copies of it that begin earlier or later and last longer or shorter
teach that a movement is the same wherever the proposer happens to cut it.  Micro- and
macro-expressions are targets alike.
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

SHIFT, STRETCH = 0.12, 0.2
"""Standard deviations of a copy's shift, in lengths of its candidate, and of the logarithm of
its length: about as far as proposed intervals lie from planted ones."""


def candidate_windows(measured: Iterable[Measured], *, copies: int = 0) -> Windows:
    """Return the segments of recordings with their labels, m of :data:`SAMPLES` samples.

    Args:
        measured: the recordings.
        copies: of every candidate, each at a place and of a length of its own; always the same
            for one recording.

    Returns:
        (1 + copies) m windows: the m candidates and mirrored candidates of all recordings, then
        the first copies of all of them in the same order, and so on.
    """
    versions: list[list[Windows]] = [[_none()] for _ in range(1 + copies)]
    mirror = segment_mirror(REGIONS)
    for one in measured:
        if np.isnan(one.motion[:, 0]).all():
            continue
        found = [c.interval for c in candidates(one.motion, one.rate, REGIONS, PROPOSER)[0]]
        moved = _moved(found, copies, len(one.motion), np.random.default_rng(one.number))
        every = segments(one.motion, one.shape, [*found, *moved], one.rate, REGIONS)
        labelled = labels(one.expressions, [*found, *moved])
        for part, own in zip(
            versions, _split(Windows(every, *labelled), 1 + copies), strict=True
        ):
            part += [own, own._replace(flow=mirror.of_segments(own.flow))]
    return joined([window for part in versions for window in part])


def _none() -> Windows:
    """Return no windows."""
    return Windows(
        np.zeros((0, channels(len(REGIONS)), SAMPLES), np.float32),
        np.zeros((0, SAMPLES), np.float32),
        np.zeros((0, SAMPLES), np.int64),
    )


def _split(windows: Windows, parts: int) -> list[Windows]:
    """Return the windows as so many parts, equally many after each other."""
    rows = np.split(np.arange(len(windows.flow)), parts)
    return [windows.take(part) for part in rows]


def _moved(
    found: Sequence[Interval], copies: int, frames: int, rng: np.random.Generator
) -> list[Interval]:
    """Return a copy of all candidates, moved and stretched, within the recording; and more."""
    out: list[Interval] = []
    lengths = np.array([len(interval) for interval in found])
    middle = np.array([interval.first + interval.last for interval in found]) / 2
    for _ in range(copies):
        centre = middle + lengths * rng.normal(0, SHIFT, len(found))
        half = (lengths * np.exp(rng.normal(0, STRETCH, len(found))) - 1) / 2
        ends = np.clip(np.rint([centre - half, centre + half]), 0, frames - 1).astype(int)
        out += [Interval(first, last) for first, last in np.sort(ends, axis=0).T.tolist()]
    return out


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
