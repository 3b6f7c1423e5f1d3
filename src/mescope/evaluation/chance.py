"""What detections at random places score: the same number and lengths in every video.

Each found interval keeps its length, kind and video and is put anywhere in the video, every
place as likely as another, whatever else lies there.  The counts are those of the same mode,
averaged over many draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mescope.errors import DatasetError
from mescope.evaluation.interval_table import Row, Table, VideoKey
from mescope.evaluation.matching import Counts
from mescope.evaluation.scores import (
    KINDS,
    Places,
    count_place,
    discarded_of,
    places_of,
    videos_of,
)
from mescope.events import Interval, Kind

DRAWS = 100
GIVEN = "anywhere in its video"
LAST_NAMED = (
    "anywhere up to the last frame that either table names in its video; where videos go on "
    "after it, chance does less well than shown"
)


@dataclass(frozen=True, slots=True)
class Chance:
    """Means over draws, by kind and ``overall``: tp, fp, fn, precision, recall, f1.

    ``places`` says in words where intervals could lie.
    """

    draws: int
    seed: int
    places: str
    spotting: dict[str, dict[str, float]]


def last_named(found: Table, truth: Table) -> dict[VideoKey, int]:
    """Return for each video the least number of frames it must have.

    The honest choice where lengths are not known: it can only flatter chance.
    """
    ends: dict[VideoKey, int] = {}
    for row in (*found.rows, *truth.rows):
        ends[row.where] = max(ends.get(row.where, 0), row.interval.last + 1)
    return ends


def at_random(
    found: Table,
    truth: Table,
    *,
    mode: str = "clean",
    frames: Mapping[VideoKey, int] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Chance:
    """Score detections at random places.

    Args:
        found: detections, for their number and lengths.
        truth: annotations.
        mode: of :data:`mescope.evaluation.scores.MODES`.
        frames: of every video with detections; by default as in :func:`last_named`.
        draws: how often the detections are placed.
        seed: equal seeds place equally.

    Raises:
        DatasetError: a detection does not fit into its video.
    """
    lengths = last_named(found, truth) if frames is None else frames
    _check(found.rows, lengths)
    videos = set(videos_of(found, truth, mode))
    mine, theirs = places_of(found, mode), places_of(truth)
    keys = {key for key in (*mine, *theirs) if key[0] in videos}
    # What has no expression to hit, or is not there, counts the same wherever it lies.
    moving = sorted(key for key in keys if key in mine and key in theirs)
    gone = discarded_of(found, mode)
    slots = {key: _Slots.of(mine[key], lengths[key[0]], gone[key]) for key in moving}
    start = dict.fromkeys(KINDS, Counts())
    for key in keys - slots.keys():
        out = gone.get(key, frozenset())
        start[key[1]] += count_place(mine.get(key, ()), theirs.get(key, ()), mode, out)
    rng = np.random.default_rng(seed)
    drawn = [_draw(rng, slots, theirs, start, mode) for _ in range(draws)]
    return Chance(
        draws=draws,
        seed=seed,
        places=LAST_NAMED if frames is None else GIVEN,
        spotting={
            **{kind: _means([totals[kind] for totals in drawn]) for kind in KINDS},
            "overall": _means([sum(totals.values(), Counts()) for totals in drawn]),
        },
    )


def _check(rows: Sequence[Row], lengths: Mapping[VideoKey, int]) -> None:
    for row in rows:
        frames = lengths.get(row.where)
        if frames is None or row.interval.last >= frames:
            said = "no length" if frames is None else f"{frames} frames"
            raise DatasetError(
                f"{'/'.join(row.where)}: expected a video with frame {row.interval.last}, "
                f"found {said}; correct the lengths of the videos"
            )


@dataclass(frozen=True, slots=True)
class _Slots:
    """Lengths of intervals, at how many frames each can begin, and which the mode discards."""

    lengths: NDArray[np.int64]
    rooms: NDArray[np.int64]
    discarded: frozenset[int]

    @classmethod
    def of(
        cls, intervals: Sequence[Interval], frames: int, discarded: frozenset[int]
    ) -> _Slots:
        lengths = np.array([len(interval) for interval in intervals], np.int64)
        return cls(lengths, frames - lengths + 1, discarded)

    def draw(self, rng: np.random.Generator) -> list[Interval]:
        first = rng.integers(0, self.rooms)
        last = first + self.lengths - 1
        return [Interval(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def _draw(
    rng: np.random.Generator,
    slots: Mapping[tuple[VideoKey, Kind], _Slots],
    truth: Places,
    start: Mapping[Kind, Counts],
    mode: str,
) -> dict[Kind, Counts]:
    """Place everything once and count it, on top of what never changes."""
    totals = dict(start)
    for key, slot in slots.items():
        totals[key[1]] += count_place(slot.draw(rng), truth[key], mode, slot.discarded)
    return totals


def _means(drawn: Sequence[Counts]) -> dict[str, float]:
    names = ("tp", "fp", "fn", "precision", "recall", "f1")
    return {name: float(np.mean([getattr(c, name) for c in drawn])) for name in names}
