"""The mean of several evaluations' answers, clip by clip: an ensemble of finished runs.

Every answer that is averaged comes from a model that had not seen the person, so the mean has
not either, whatever folds the runs had.  Class shares are averaged, not logits and not votes:
shares are what every family gives, and one that is sure of a wrong class cannot outshout all
others.  An evaluation of one seed (nothing in it was drawn) takes part in every seed of the
others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mescope.errors import DatasetError
from mescope.evaluation.paired import check_same
from mescope.evaluation.predictions import DRAWN, Prediction, environment
from mescope.evaluation.report import Report

CAUTION = (
    "An ensemble of finished evaluations: if its members were chosen by these very figures, "
    "they are too high; choose on other people."
)

_WHOLE = 1e-3  # by which shares may miss 1

_Clip = tuple[str, str, str]


def averaged(reports: Sequence[Report], name: str, *, over_seeds: bool = False) -> Report:
    """Return the report of the mean of several evaluations on the same clips.

    Args:
        reports: two or more, each with class shares for every clip.
        name: of the ensemble.
        over_seeds: each member's answer is first the mean of those of its seeds, which makes
            one evaluation of one seed.

    Raises:
        DatasetError: fewer than two reports; they differ in protocol, mode, classes, clips,
            labels or seeds; one holds no shares.
    """
    if len(reports) < 2:
        raise DatasetError(f"expected two evaluations or more to average, found {len(reports)}")
    first = reports[0]
    for other in reports[1:]:
        for what in ("protocol", "mode", "classes"):
            check_same(first, other, what, getattr(first, what), getattr(other, what))
    seeds = (0,) if over_seeds else _seeds(reports)
    members = [
        _over_seeds(report) if over_seeds else _by_seed(report, seeds) for report in reports
    ]
    predictions: list[Prediction] = []
    for seed in seeds:
        tables = [member[seed] for member in members]
        for report, table in zip(reports[1:], tables[1:], strict=True):
            _check_clips(first, report, tables[0], table, seed)
        predictions += (
            _mean([table[clip] for table in tables], first.classes, seed) for clip in tables[0]
        )
    warnings = dict.fromkeys(w for report in reports for w in report.warnings)
    return Report(
        name=name,
        recipe={"name": name, "ensemble": [_member(report) for report in reports]},
        protocol=first.protocol,
        mode=first.mode,
        classes=first.classes,
        predictions=tuple(predictions),
        hashes={k: v for k, v in first.hashes.items() if _everywhere(k, v, reports)},
        environment=environment(),
        seconds=sum(report.seconds for report in reports),
        warnings=(CAUTION, *warnings),
    )


def _member(report: Report) -> dict[str, Any]:
    return {"name": report.name, "seeds": len(report.seeds), "recipe": dict(report.recipe)}


def _everywhere(key: str, value: str, reports: Sequence[Report]) -> bool:
    return all(report.hashes.get(key) == value for report in reports)


def _seeds(reports: Sequence[Report]) -> tuple[int, ...]:
    """Return the seeds of all reports; those of one seed fit any others."""
    most = max(reports, key=lambda report: len(report.seeds))
    for report in reports:
        if report.seeds != most.seeds and (len(report.seeds) > 1 or report.protocol in DRAWN):
            check_same(most, report, "list of seeds", most.seeds, report.seeds)
    return most.seeds


def _by_seed(report: Report, seeds: Sequence[int]) -> dict[int, dict[_Clip, Prediction]]:
    """Return the predictions of a report, by seed and clip."""
    found: dict[int, dict[_Clip, Prediction]] = {}
    for p in report.predictions:
        _check_shares(p, report)
        found.setdefault(p.seed, {})[p.clip] = p
    if len(report.seeds) == 1:
        return dict.fromkeys(seeds, found[report.seeds[0]])
    return found


def _over_seeds(report: Report) -> dict[int, dict[_Clip, Prediction]]:
    """Return the mean of a report's answers to each clip, as those of seed 0.

    Raises:
        DatasetError: its seeds differ in their folds, so that not every one tested all clips.
    """
    if len(report.seeds) > 1 and report.protocol in DRAWN:
        raise DatasetError(
            f"{report.name}: each seed of {report.protocol} tests other people; average the "
            "seeds of evaluations that test everybody"
        )
    answers: dict[_Clip, list[Prediction]] = {}
    for p in report.predictions:
        _check_shares(p, report)
        answers.setdefault(p.clip, []).append(p)
    return {0: {clip: _mean(found, report.classes, 0) for clip, found in answers.items()}}


def _check_shares(p: Prediction, report: Report) -> None:
    if p.scores and min(p.scores) >= 0 and abs(sum(p.scores) - 1) <= _WHOLE:
        return
    found = "none" if not p.scores else str([round(v, 4) for v in p.scores])
    raise DatasetError(
        f"{report.name}: expected shares of the classes that add up to 1 for "
        f"{'/'.join(p.clip)}, found {found}; evaluate it again"
    )


def _check_clips(
    first: Report,
    second: Report,
    a: dict[_Clip, Prediction],
    b: dict[_Clip, Prediction],
    seed: int,
) -> None:
    if len(shared := a.keys() & b.keys()) < max(len(a), len(b)):
        raise DatasetError(
            f"expected the same clips, found {len(a)} in {first.name} and {len(b)} in "
            f"{second.name}, {len(shared)} of them alike (seed {seed})"
        )
    for clip, p in a.items():
        check_same(first, second, f"label of {'/'.join(clip)}", p.truth, b[clip].truth)


def _mean(answers: Sequence[Prediction], classes: Sequence[str], seed: int) -> Prediction:
    """Return the mean answer to one clip; of equal shares the first class is meant."""
    shares = np.mean([p.scores for p in answers], axis=0)
    one = answers[0]
    return Prediction(
        person=one.person,
        name=one.name,
        truth=one.truth,
        predicted=classes[int(np.argmax(shares))],
        fold=one.fold,
        seed=seed,
        scores=tuple(shares.tolist()),
        part=one.part,
    )
