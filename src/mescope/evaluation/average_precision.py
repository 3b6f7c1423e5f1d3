"""Average precision of spotting: how well scores order right detections before false ones.

Detections of all videos together are taken from the highest score down; each hits the free
expression of its video and kind with which it shares most, if their IoU reaches the threshold.
The area is that under precision over recall, precision being the best at that recall or beyond
(all points, as PASCAL VOC since 2010).  Only detections that are shown are ranked, so a floor
bounds what recall can be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from mescope.evaluation.interval_table import Row
from mescope.evaluation.matching import HALF
from mescope.events import Kind


def average_precision(
    found: Sequence[Row],
    truth: Sequence[Row],
    kind: Kind = "micro",
    *,
    threshold: Fraction = HALF,
) -> float:
    """Return the average precision, 0 to 1; 0 without any expression of the kind.

    Args:
        found: detections; those of another kind are left alone, no score counts as 0.
        truth: annotations with their kinds.
        kind: whose detections and expressions are counted.
        threshold: least IoU of a hit.

    >>> from mescope.events import Interval
    >>> def row(first, last, score=None):
    ...     return Row(
    ...         subject="1", video="a", interval=Interval(first, last), kind="micro",
    ...         score=score,
    ...     )
    >>> found = [row(0, 9, 0.9), row(50, 59, 0.8), row(20, 29, 0.7)]
    >>> round(average_precision(found, [row(0, 9), row(20, 29)]), 4)
    0.8333
    """
    wanted = [row for row in truth if row.kind == kind]
    ranked = sorted(
        (row for row in found if (row.kind or "micro") == kind), key=lambda r: -(r.score or 0.0)
    )
    if not wanted or not ranked:
        return 0.0
    hits = np.array(_hits(ranked, wanted, threshold))
    recall = np.cumsum(hits) / len(wanted)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * best))


def _hits(ranked: Sequence[Row], wanted: Sequence[Row], threshold: Fraction) -> list[bool]:
    free: dict[tuple[str, str], list[Row]] = {}
    for row in wanted:
        free.setdefault(row.where, []).append(row)
    hits = []
    for row in ranked:
        there = free.get(row.where, [])
        best = max(there, key=lambda other: row.interval.iou(other.interval), default=None)
        hit = best is not None and row.interval.iou(best.interval) >= threshold
        if hit and best is not None:
            there.remove(best)
        hits.append(hit)
    return hits
