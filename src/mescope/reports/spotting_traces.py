"""The traces of an evaluation on recordings, found again in the folder of its run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.spotting.proposals import ProposalRule, threshold_of

if TYPE_CHECKING:
    from mescope.evaluation.interval_table import VideoKey
    from mescope.evaluation.spotting_report import SpottedBy, SpottingReport


class KeptTrace(NamedTuple):
    """What the network of a fold says of one recording, in decimated frames.

    ``score`` (n,), 0 to 1, nan without a face; ``emotion`` (n, 5) shares that add up to 1,
    neutral last; ``level``: the height that a peak needed.
    """

    score: NDArray[np.float64]
    emotion: NDArray[np.float64]
    level: float


def traces(report: SpottingReport, folder: Path) -> Iterator[tuple[VideoKey, KeptTrace]]:
    """Yield the traces of the first seed that the folder of a run keeps.

    One fold is read at a time.  A recording that was tested without traces (shorter than a
    window, or in a run that kept none) is left out; so is a fold whose file is damaged.
    """
    from mescope.training.evaluate_recordings import traces_of  # takes a while to import

    store = traces_of(folder)
    if not store.folder.is_dir():
        return
    seed = report.runs[0].seed
    for number, fold in enumerate(f for f in report.folds if f.seed == seed):
        arrays = store.load(f"seed-{seed}-{number:03d}")
        if arrays is not None:
            yield from _of_fold(report, fold, arrays)


def _of_fold(
    report: SpottingReport, fold: SpottedBy, arrays: dict[str, NDArray[Any]]
) -> Iterator[tuple[VideoKey, KeptTrace]]:
    """Yield the recordings of a fold: they were tested in the order of the report's videos."""
    tested = [video for video in report.videos if video.person in fold.test]
    for i, video in enumerate(tested):
        score, logits = arrays.get(f"{i}-score"), arrays.get(f"{i}-emotion")
        if score is None or logits is None or len(score) != video.decimated:
            continue  # those that were too short to be tested come last
        known = score.astype(np.float64)
        level = arrays.get(f"{i}-level")  # of a network that scores frames
        height = (
            threshold_of(known, ProposalRule(**fold.rule)) if level is None else float(level)
        )
        yield video.key, KeptTrace(known, shares_of(logits), height)


def shares_of(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return the softmax of logits (n, classes)."""
    wide = logits.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
