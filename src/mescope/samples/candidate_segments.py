"""Training segments of the cascade's network, from measured rendered recordings.

Every candidate of the training-free spotter becomes one segment, and a second one mirrored: a
face has no better side.  Copies of it that begin earlier or later and last longer or shorter
teach that a movement is the same wherever the proposer happens to cut it.  Micro- and
macro-expressions are targets alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from mescope.events import Expression, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.motion.regions import REGIONS_18
from mescope.samples.rendered import Measured
from mescope.samples.synthetic import Windows
from mescope.spotting.cascade import PROPOSER
from mescope.spotting.flow_peaks import candidates
from mescope.spotting.mirror import segment_mirror
from mescope.spotting.segments import SAMPLES, Cutter, channels, sample_positions

MEANT = 0.25
"""Least IoU of a candidate with the expression that it is taken to be."""

REGIONS = tuple(region.name for region in REGIONS_18)

SHIFT, STRETCH = 0.12, 0.2
"""Standard deviations of a copy's shift, in lengths of its candidate, and of the logarithm of
its length: about as far as proposed intervals lie from planted ones."""


class Candidates:
    """The candidates of recordings, cut into labelled windows when they are asked for.

    All of them at once do not fit in memory: an hour has some forty thousand, twice 12 kB each,
    and as much again for every copy.

    Args:
        measured: the recordings.
        copies: of every candidate, each at a place and of a length of its own; always the same
            for one recording.
        jobs: processes that propose.

    Rows are the m candidates and mirrored candidates of all recordings, then the first copies
    of all of them in the same order, and so on: (1 + copies) m.
    """

    def __init__(self, measured: Iterable[Measured], *, copies: int = 0, jobs: int = 1) -> None:
        work = Parallel(n_jobs=jobs)(delayed(_proposed)(one, copies) for one in measured)
        self._parts: list[_Part] = [part for part in work if part is not None]
        self._mirror = segment_mirror(REGIONS)
        sizes = [2 * len(part.versions[0]) for part in self._parts]
        self._starts = np.cumsum([0, *sizes])
        none = np.zeros(0, bool)
        self.positive = np.concatenate(
            [none]
            + [np.tile(part.positive[v], 2) for v in range(1 + copies) for part in self._parts]
        )
        """(rows,) whether a row shows an expression."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.positive)

    def cut(self, rows: NDArray[np.integer]) -> Windows:
        """Return the windows of some rows, in the order asked for."""
        out = Windows(
            np.zeros((len(rows), channels(len(REGIONS)), SAMPLES), np.float32),
            np.zeros((len(rows), SAMPLES), np.float32),
            np.zeros((len(rows), SAMPLES), np.int64),
        )
        version, within = np.divmod(rows, max(1, self._starts[-1]))
        belongs = np.searchsorted(self._starts, within, side="right") - 1
        order = np.argsort(belongs, kind="stable")
        ends = np.searchsorted(belongs[order], np.arange(len(self._parts) + 1))
        for part, start, chosen in zip(
            self._parts, self._starts, np.split(order, ends[1:-1]), strict=False
        ):
            if not len(chosen):
                continue
            mirrored, which = np.divmod(within[chosen] - start, len(part.versions[0]))
            intervals = [
                part.versions[v][i] for v, i in zip(version[chosen], which, strict=True)
            ]
            flow = part.cutter(intervals)
            flow[mirrored == 1] = self._mirror.of_segments(flow[mirrored == 1])
            out.flow[chosen] = flow
            out.spotting[chosen], out.classes[chosen] = labels(part.expressions, intervals)
        return out


@dataclass(frozen=True)
class _Part:
    """The candidates of one recording."""

    cutter: Cutter
    versions: list[list[Interval]]  # as proposed, then every copy
    positive: list[NDArray[np.bool_]]  # of every version
    expressions: tuple[Expression, ...]


def _proposed(one: Measured, copies: int) -> _Part | None:
    """Propose the candidates of a recording; none without a face or a movement."""
    if np.isnan(one.motion[:, 0]).all():
        return None
    found = [c.interval for c in candidates(one.motion, one.rate, REGIONS, PROPOSER)[0]]
    if not found:
        return None
    rng = np.random.default_rng(one.number)
    versions = [found, *_moved(found, copies, len(one.motion), rng)]
    return _Part(
        Cutter(one.motion, one.shape, one.rate, REGIONS),
        versions,
        [np.asarray(labels(one.expressions, some)[0].any(axis=1)) for some in versions],
        one.expressions,
    )


def _moved(
    found: Sequence[Interval], copies: int, frames: int, rng: np.random.Generator
) -> list[list[Interval]]:
    """Return copies of all candidates, moved and stretched, within the recording."""
    out: list[list[Interval]] = []
    lengths = np.array([len(interval) for interval in found])
    middle = np.array([interval.first + interval.last for interval in found]) / 2
    for _ in range(copies):
        centre = middle + lengths * rng.normal(0, SHIFT, len(found))
        half = (lengths * np.exp(rng.normal(0, STRETCH, len(found))) - 1) / 2
        ends = np.clip(np.rint([centre - half, centre + half]), 0, frames - 1).astype(int)
        out.append([Interval(first, last) for first, last in np.sort(ends, axis=0).T.tolist()])
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
