"""What a report on recordings has to say besides its figures.

Data that could not be used, counts that are not the published ones, weights that learned from
other windows, networks that say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.recording_targets import without_class
from mescope.samples.recording_windows import MeasuredRecordings
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.training.fold_weights import other_windows
from mescope.training.results import Results
from mescope.training.spotting_fold import SpottedFold
from mescope.training.tables import Recipe, fitting

PUBLISHED_COUNTS = {
    "casme3a": ((858, 462, 94), (859, 463, 94)),
    "samm-lv": ((159, 79, 29),),
}
"""Micro-expressions, recordings with one, and people: as printed and in the published features
first, then what the published code keeps of the sheets.

The sheets of CAS(ME)^3 name one more recording with a micro-expression, which has no folder,
and a micro-expression whose onset is 0, which the published code drops (860).
"""

SILENT = 0.001
"""The highest score of a network that says nothing: a sigmoid that has died."""


def remarks(
    recipe: Recipe,
    data: MeasuredRecordings,
    results: Results[SpottedFold],
    files: Mapping[str, Path],
) -> list[str]:
    """Return what a report says of its data and networks, a sentence each.

    Args:
        recipe: of a network on annotated recordings.
        data: that it was evaluated on.
        results: of all folds.
        files: of weights that were tested, by fold; none where networks were trained.
    """
    wanted, labels = fitting(recipe.data, AnnotatedRecordings, "[data]"), recipe.labels
    said = []
    errors = sum(problem.level == "error" for problem in data.problems)
    if errors:
        said.append(f"{errors} recordings could not be measured")
    if data.unmeasured:
        said.append(
            f"{len(data.unmeasured)} are too short for one window or pair of frames: what they "
            "show is missed"
        )
    said += counts_that_differ(data, wanted)
    unnamed = without_class(data.measured, wanted, labels)
    if unnamed:
        which = ", ".join(f"{name} {count}" for name, count in sorted(unnamed.items()))
        said.append(
            f"{sum(unnamed.values())} expressions have no class in the label set {labels} "
            f"({which}): they are spotted, but their emotion is neither learned nor scored"
        )
    if files and not isinstance(wanted, AnnotatedFrames):  # whose pairs are checked before
        said += other_windows(files.values(), data.measured)
    return said + _silent(results)


def _silent(results: Results[SpottedFold]) -> list[str]:
    """Say of how many folds the network scores no frame of anybody."""
    jobs = [results[s, n] for s, folds in results.splits.items() for n in range(len(folds))]
    died = sum(one.highest is not None and one.highest < SILENT for one in jobs)
    if not died:
        return []
    return [
        f"{died} of {len(jobs)} trained networks score no frame of the people tested above "
        f"{SILENT:g}: they learned to say nothing; train longer, at a lower learning rate, or "
        'with [task] spotting_loss = "cross-entropy"'
    ]


def counts_that_differ(data: MeasuredRecordings, wanted: AnnotatedRecordings) -> list[str]:
    """Say, as published, if a data set is not the one whose figures papers print."""
    records = [record for record, _ in data.looked_at()]
    names = {record.dataset for record in records}
    expected = PUBLISHED_COUNTS.get(min(names), ()) if len(names) == 1 else ()
    if wanted.mode != "as_published" or not expected:
        return []
    micro = sum(e.kind == "micro" for record in records for e in record.expressions)
    found = (micro, len(records), len({record.subject for record in records}))
    if found in expected:
        return []
    said = (
        "{} micro-expressions in {} recordings of {} people".format(*c)
        for c in (expected[0], found)
    )
    return ["published figures are of {}, these of {}".format(*said)]
