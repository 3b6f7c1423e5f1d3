"""What a run on recordings can hand in to the MEGC challenges, of its first method and seed.

All frames are native ones and count from 1; which year asks for which file stands in
``docs/protocols.md``.
"""

from __future__ import annotations

from mescope.datasets import casmesq, samm_long
from mescope.evaluation.interval_table import Table, VideoKey
from mescope.evaluation.megc import SUBMITTED, UNSUBMITTED, write_spotting, write_submission
from mescope.evaluation.megc_log import write_log
from mescope.evaluation.scores import MODES, NEUTRAL, matched
from mescope.evaluation.spotted import Spotted
from mescope.events import Interval

SPOT_THEN_RECOGNISE = "submission-2025.csv"
SPOTTING = "submission-2023.csv"
LOG = "megc-log.txt"

NUMBERS = {samm_long.PEOPLE: "1", casmesq.NAME: "2"}
"""The number of a data set in a log, by the name that people of a report have."""


def submissions(report: Spotted) -> dict[str, str]:
    """Return the files of challenges by name, as text.

    The spot-then-recognise file is there only where every micro-expression that was found has
    a class of that track; the log only where all videos are of one of its two data sets.
    Neutral detections are in none of them.
    """
    found = report.found(report.runs[0], "native")
    found = Table(tuple(r for r in found.rows if r.emotion != NEUTRAL), found.videos)
    micro = Table(tuple(r for r in found.rows if r.kind != "macro"), found.videos)
    files = {SPOTTING: write_spotting(found)}
    if all(row.emotion in (*SUBMITTED, *UNSUBMITTED) for row in micro.rows):
        files[SPOT_THEN_RECOGNISE] = write_submission(micro)
    if len(report.datasets) == 1 and report.datasets[0] in NUMBERS:
        files[LOG] = _log(NUMBERS[report.datasets[0]], found, report.truth("native"))
    return files


def _log(number: str, found: Table, truth: Table) -> str:
    """Return the log; hits are those of mode ``clean``, each kind by itself."""
    mine: dict[VideoKey, list[Interval]] = {}
    theirs: dict[VideoKey, list[Interval]] = {}
    pairs: dict[VideoKey, list[tuple[int, int]]] = {}
    for (video, _), part in matched(found, truth, mode=MODES["clean"].name).items():
        a, b = mine.setdefault(video, []), theirs.setdefault(video, [])
        hits = [(i + len(a), j + len(b)) for i, j in part.matches.pairs]
        pairs.setdefault(video, []).extend(hits)
        a += [_from_1(row.interval) for row in part.found]
        b += [_from_1(row.interval) for row in part.truth]
    return write_log(number, mine, theirs, pairs)


def _from_1(interval: Interval) -> Interval:
    return Interval(interval.first + 1, interval.last + 1)
