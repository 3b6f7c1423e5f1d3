"""What became of every detection and every expression: hit, false alarm, miss, or dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mescope.evaluation.interval_table import Row, VideoKey
from mescope.evaluation.predictions import CLEAN
from mescope.evaluation.scores import matched
from mescope.evaluation.spotted import Spotted, SpottedRun
from mescope.events import Kind

Word = Literal["hit", "false alarm", "miss", "dropped"]
"""``dropped``: called neutral, and therefore taken out after matching, as published."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A detection, an expression, or both if one hit the other; rows in native frames."""

    word: Word
    kind: Kind
    found: Row | None
    truth: Row | None


def verdicts(report: Spotted, run: SpottedRun) -> dict[VideoKey, tuple[Verdict, ...]]:
    """Return what became of everything, for every video of a report that its mode counts.

    Detections are matched in the frames that the report counts, the way it counts them, so
    these are the very hits and misses behind its figures; what is returned is in native frames
    for people to look at, by onset.
    """
    native = {id(a): b for a, b in _twins(report, run)}
    out: dict[VideoKey, list[Verdict]] = {video.key: [] for video in report.videos}
    for (video, kind), part in matched(
        report.found(run), report.truth(), mode=report.counting(run)
    ).items():
        hit = dict(part.matches.pairs)
        for i, row in enumerate(part.found):
            theirs = native[id(part.truth[hit[i]])] if i in hit else None
            word: Word = "hit" if i in hit else "false alarm"
            word = "dropped" if i in part.discarded else word
            out[video].append(Verdict(word, kind, native[id(row)], theirs))
        seen = set(hit.values())
        out[video] += [
            Verdict("miss", kind, None, native[id(row)])
            for j, row in enumerate(part.truth)
            if j not in seen
        ]
    return {video: tuple(sorted(some, key=_order)) for video, some in out.items()}


def _twins(report: Spotted, run: SpottedRun) -> list[tuple[Row, Row]]:
    """Return every row as it is counted, with the same one in native frames."""
    if report.mode == CLEAN:
        rows = (*run.native, *report.truth_native)
        return [(row, row) for row in rows]
    return [
        *zip(run.decimated, run.native, strict=True),
        *zip(report.truth_decimated, report.truth_native, strict=True),
    ]


def _order(verdict: Verdict) -> int:
    row = verdict.found or verdict.truth
    return 0 if row is None else row.interval.first
