"""A report on recordings made of two tables: anybody's detections, and the truth.

So that a challenge's log, or a peer's output, is shown as our own evaluations are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

from mescope.errors import DatasetError
from mescope.evaluation.chance import LAST_NAMED, last_named
from mescope.evaluation.interval_table import Table, VideoKey
from mescope.evaluation.predictions import CLEAN, environment
from mescope.evaluation.spotted import SpottedRun, SpottedVideo
from mescope.evaluation.spotting_report import SpottingReport
from mescope.spotting.proposals import kind_of

METHOD = "tables"
"""What the one method of such a report is called."""


def report_from_tables(
    found: Table,
    truth: Table,
    *,
    name: str,
    rate: float,
    frames: Mapping[VideoKey, int] | None = None,
) -> SpottingReport:
    """Return the clean report of detections against the truth.

    Args:
        found: detections; one without a kind is micro up to half a second.
        truth: annotations with their kinds.
        name: of whoever made the detections.
        rate: frames per second of all videos, for kinds and false alarms a minute.
        frames: of every video; by default up to the last frame that either table names.

    Raises:
        DatasetError: no videos, detections in unknown ones, or a rate that is not above 0.
    """
    if not rate > 0:
        raise DatasetError(f"expected a rate above 0 frames a second, found {rate}")
    lengths = frames if frames is not None else last_named(found, truth)
    typed = tuple(
        row if row.kind else replace(row, kind=kind_of(row.interval, rate))
        for row in found.rows
    )
    note = (f"Lengths of videos are not known: chance lies {LAST_NAMED}.",)
    return SpottingReport(
        name=name,
        recipe={"found": name, "rate": rate},
        protocol="as given",
        mode=CLEAN,
        videos=tuple(_video(key, lengths, rate) for key in sorted(truth.videos)),
        truth_native=truth.rows,
        truth_decimated=truth.rows,
        runs=(
            SpottedRun(
                method=METHOD, title=PurePath(name).stem, seed=0, strategy=None,
                native=typed, decimated=typed,
            ),
        ),
        folds=(),
        hashes={},
        environment=environment(),
        seconds=0.0,
        warnings=() if frames is not None else note,
    )  # fmt: skip


def _video(key: VideoKey, lengths: Mapping[VideoKey, int], rate: float) -> SpottedVideo:
    count = max(1, lengths.get(key, 1))
    return SpottedVideo(
        key=key, person=("tables", key[0]), native=count, decimated=count,
        minutes=count / rate / 60,
    )  # fmt: skip
